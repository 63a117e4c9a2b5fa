"""Every verb of Partner Center over real HTTP, against a rehearsal that shares no code with it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

import cspkit
from cspkit import partner_center as pc
from cspkit.errors import ApiError, ApiRefused, ApiUnclear
from cspkit.partner_center import PartnerCenter, PriceSheets, of_each
from cspkit.rehearsal import relations
from cspkit.rehearsal.records import PARTNER_TENANT, RESELLERS, Customer, Subscription
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.world import World
from cspkit.settings import Service as ServiceSettings
from cspkit.wire import FixedTokens, Wire, dial_price_sheets, sign_in
from tests.rehearsals import Rehearsal

PRODUCT, SKU = "CFQ7TTC0LH18", "0001"


class Office:
    """A partner that speaks through the client alone, and a world to look into."""

    def __init__(self, server: Server) -> None:
        self.server, self.world = server, server.world
        self.wire = Wire(server.url, tokens=FixedTokens())
        self.center = PartnerCenter(self.wire, PARTNER_TENANT)
        self.one = next(
            one
            for one in self.world.customers.values()
            if one.related and relations.has_agreed(self.world, one)
        )

    def held(self, channel: str) -> Subscription:
        """An active subscription of a channel, whose tenant becomes a customer of ours."""
        found = next(
            item
            for tenant in self.world.subscriptions.values()
            for item in tenant.values()
            if item.channel == channel and item.status == "active" and item.product.offer
            if not item.parent_id
        )
        customer = self.world.customers[found.customer_id]
        customer.related_at = customer.related_at or self.world.now
        return found

    def stranger(self) -> Customer:
        return next(one for one in self.world.customers.values() if not one.related)

    def buy(self, seats: int = 5) -> tuple[str, str]:
        """Order and wait for the seats; gives the ids of order and subscription."""
        (offered,) = self.center.availabilities(self.one.id, PRODUCT, SKU)
        body = pc.cart_body(
            offered.catalog_item_id,
            seats=seats,
            term="P1Y",
            billing_cycle="monthly",
            friendly_name="Basic",
        )
        cart = self.center.create_cart(pc.cart_path(self.one.id), body, "c-1")
        made = self.center.check_out(pc.checkout_path(self.one.id, cart.id), "o-1")
        self.wait(minutes=40)
        order = self.center.order(self.one.id, made.orders[0].id)
        assert order is not None
        return order.id, order.subscription_id

    def wait(self, **span: float) -> None:
        self.server.set_clock(self.server.now() + timedelta(**span))

    def bought(self) -> pc.Subscription:
        found = self.center.subscription(self.one.id, self.buy()[1])
        assert found is not None
        return found


@pytest.fixture
def office() -> Iterator[Office]:
    with Rehearsal(World.sample(customers=60)) as server:
        made = Office(server)
        yield made
        made.wire.close()
        assert server.books()["server_errors"] == []


def test_customers_are_listed_found_and_read(office: Office) -> None:
    """All related customers, those of a name, a domain or a reseller, and one with its country."""
    everyone = office.center.customers()
    related = [one.id for one in office.world.customers.values() if one.related]
    one = office.world.customers[everyone[0].id]
    reseller = next(iter(RESELLERS))
    theirs = [c.id for c in office.world.customers.values() if c.related_at and c.related]
    found = office.center.customer(one.id)

    assert sorted(related) == sorted(customer.id for customer in everyone)
    assert one.id in [c.id for c in office.center.customers(name=one.name[:6].upper())]
    assert [one.id] == [c.id for c in office.center.customers(domain=one.domain)]
    of_reseller = {c.id for c in office.center.customers(reseller=reseller)}
    assert of_reseller == {c for c in theirs if office.world.customers[c].reseller_id == reseller}
    assert found is not None
    assert (found.name, len(found.country)) == (everyone[0].name, 2)
    assert office.center.customer("00000000-0000-4000-8000-00000000dead") is None
    with pytest.raises(ValueError, match="expected one wish"):
        office.center.customers(name="x", domain="y")


def test_the_invitation_link_is_the_partners(office: Office) -> None:
    """One link, with the partner's tenant in it."""
    assert PARTNER_TENANT in office.center.relationship_link()


def test_an_agreement_is_attested_once(office: Office) -> None:
    """Template, text, attestation, both checks; the same attestation again is refused."""
    one = office.stranger()
    office.server.accept(one.id)
    one.direct_signed_at = None
    template = office.center.agreement_template()
    assert template is not None
    body = pc.attestation_body(
        template.id,
        first_name="Ana",
        last_name="Ruiz",
        email="it@customer.example",
        agreed_on=date(2026, 11, 20),
    )
    before = office.center.attested(one.id), office.center.direct_signed(one.id)
    made = office.center.attest(pc.attestation_path(one.id), body, "a-1")

    assert before == (False, False)
    assert office.center.attested(one.id)
    assert (made.template_id, made.kind) == (template.id, pc.AGREEMENT)
    assert office.center.agreement_link(template.id, language="es-ES", country="ES")
    with pytest.raises(ApiRefused, match="600061"):
        office.center.attest(pc.attestation_path(one.id), body, "a-2")


def test_the_catalogue_is_read_down_to_the_availability(office: Office) -> None:
    """Country to product to SKU to what this customer can buy."""
    products = office.center.products("ES")
    skus = office.center.skus(PRODUCT, "ES")
    (offered,) = office.center.availabilities(office.one.id, PRODUCT, SKU)

    assert PRODUCT in [one.id for one in products]
    assert (skus[0].id, skus[0].most, skus[0].billing_cycles) == (SKU, 300, ("monthly", "annual"))
    assert "MicrosoftCustomerAgreement" in skus[0].prerequisites
    assert offered.sells("P1Y")
    assert office.center.availabilities(office.one.id, "CFQ7TTC0XXXX", "0001") == []


def test_promotions_are_asked_for_without_buying(office: Office) -> None:
    """A question by POST is a read: it is repeated after an error, and orders nothing."""
    (offered,) = office.center.availabilities(office.one.id, PRODUCT, SKU)
    fault = {"kind": "before", "route": "*promotioneligibilities", "status": 503}
    office.wire.write("POST", "/control/faults", tenant="x", request_id="f", body=fault)
    asked = [
        office.center.promotions(
            office.one.id,
            pc.promotion_body(
                offered.catalog_item_id, seats=seats, term="P1Y", billing_cycle="monthly"
            ),
        )
        for seats in (10, 10_000)
    ]

    few, many = asked
    assert [one.eligible for one in few + many] == [bool(few)] * len(few) + [False] * len(many)
    assert all(one.reasons for one in many)


def test_a_cart_becomes_an_order_and_seats(office: Office) -> None:
    """Cart, checkout, order, its progress, subscription, provisioning: one chain of ids."""
    order_id, subscription_id = office.buy(seats=7)
    center, customer = office.center, office.one.id
    (mine,) = [one for one in center.orders(customer) if one.id == order_id]
    (progress,) = center.order_progress(customer, order_id)
    (sold,) = center.subscriptions(customer, order_id=order_id)
    seats = center.provisioning(customer, subscription_id)

    assert (mine.offer, mine.seats, mine.term) == (f"{PRODUCT}:{SKU}", 7, "P1Y")
    assert (progress.seats, sold.id, sold.seats) == (7, subscription_id, 7)
    assert (sold.term, sold.billing_cycle, sold.is_trial) == ("P1Y", "monthly", False)
    assert seats is not None
    assert (seats.status, seats.seats, len(seats.sku_id)) == ("success", 7, 36)


def test_a_cart_is_read_back(office: Office) -> None:
    """Active before, no longer after its checkout; None where there is none."""
    (offered,) = office.center.availabilities(office.one.id, PRODUCT, SKU)
    body = pc.cart_body(
        offered.catalog_item_id, seats=1, term="P1Y", billing_cycle="monthly", friendly_name="x"
    )
    made = office.center.create_cart(pc.cart_path(office.one.id), body, "c-1")
    before = office.center.cart(office.one.id, made.id)
    office.center.check_out(pc.checkout_path(office.one.id, made.id), "o-1")
    after = office.center.cart(office.one.id, made.id)

    assert before is not None
    assert after is not None
    assert (before.is_open, after.is_open) == (True, False)
    assert office.center.cart(office.one.id, "none") is None


def test_a_change_sends_the_whole_resource(office: Office) -> None:
    """More seats leave auto-renew as it was; a partial body would reset it without a word."""
    sold = office.bought()
    path = pc.change_path(office.one.id, sold.id)
    grown = office.center.change_subscription(path, pc.with_seats(sold, 9), "p-1")
    partial = office.center.change_subscription(path, {"quantity": 10}, "p-2")

    assert grown is not None
    assert partial is not None
    assert (grown.seats, grown.auto_renew) == (9, True)
    assert (partial.seats, partial.auto_renew) == (10, False)


def test_an_end_is_scheduled_and_taken_back(office: Office) -> None:
    """Auto-renew off and a cancel at the end of the term; renewing undoes both."""
    sold = office.bought()
    path = pc.change_path(office.one.id, sold.id)
    ended = office.center.change_subscription(path, pc.ending(sold), "p-1")
    assert ended is not None
    shown = (ended.auto_renew, [(one.action, one.at) for one in ended.scheduled])
    kept = office.center.change_subscription(path, pc.renewing(ended), "p-2")

    assert shown == (False, [("Cancel", "TermEnd")])
    assert kept is not None
    assert (kept.auto_renew, kept.scheduled) == (True, ())


def test_a_cancel_is_possible_only_in_its_window(office: Office) -> None:
    """Seven days to the second, then a refusal in words; the window is in the resource."""
    sold = office.bought()
    assert sold.cancel_until is not None
    path = pc.change_path(office.one.id, sold.id)
    office.wait(days=8)

    with pytest.raises(ApiRefused, match=r"900117.*schedule its end instead"):
        office.center.change_subscription(path, pc.with_status(sold, "deleted"), "p-1")


def test_a_change_that_takes_time_gives_nothing_yet(office: Office) -> None:
    """202 has no body: the caller reads the subscription again later."""
    sold = office.bought()
    fault = {"kind": "accepted", "route": "*/subscriptions/*", "method": "PATCH"}
    office.wire.write("POST", "/control/faults", tenant="x", request_id="f", body=fault)
    path = pc.change_path(office.one.id, sold.id)

    assert office.center.change_subscription(path, pc.with_seats(sold, 8), "p-1") is None
    again = office.center.subscription(office.one.id, sold.id)
    assert again is not None
    assert again.seats == 8


def test_the_audit_tells_who_did_what(office: Office) -> None:
    """An order leaves its record, with what it was about inside."""
    order_id, _ = office.buy()
    today = office.server.now().date()
    found = office.center.audit_records(today, today, customer_id=office.one.id)

    assert {one.customer_id for one in found} == {office.one.id}
    assert order_id in [one.resource.text("OrderId") or one.resource.text("Id") for one in found]
    with pytest.raises(ApiRefused, match="2000"):
        office.center.audit_records(today - timedelta(days=91))


def test_qualifications_of_a_commercial_customer_are_few(office: Office) -> None:
    """A bare array, empty for most."""
    found = office.center.qualifications(office.one.id)

    assert all(one.name for one in found)


def test_resellers_and_what_they_signed(office: Office) -> None:
    """A provider lists its resellers; one of them has not signed."""
    resellers = office.center.resellers()
    with_one = next(c for c in office.world.customers.values() if c.related and c.reseller_id)
    (theirs,) = office.center.resellers_of(with_one.id)
    signed = [office.center.agreement_signed(mpn_id=one.mpn_id) for one in resellers]

    assert sorted(one.id for one in resellers) == sorted(RESELLERS)
    assert theirs.id == with_one.reseller_id
    assert sorted(signed) == [False, True]
    assert office.center.agreement_signed(tenant_id=PARTNER_TENANT)


def test_a_transfer_is_asked_for_and_followed(office: Office) -> None:
    """From another partner to us: created pending, listed, read; and what of ours could go."""
    item = office.held("csp_other")
    office.world.options.transfers_refused = 0
    body = pc.transfer_body(item.owner_tenant, "Other", email="it@customer.example")
    path = pc.transfer_path(item.customer_id)
    made = office.center.create_transfer(path, body, "t-1")
    again = office.center.transfer(item.customer_id, made.id)
    office.one = office.world.customers[item.customer_id]

    assert (made.status, made.from_tenant) == ("pending", item.owner_tenant)
    assert made.expires_at is not None
    assert again == made
    assert [one.id for one in office.center.transfers(item.customer_id)] == [made.id]
    assert all(one.eligible or one.reason for one in office.center.transferable(item.customer_id))


def test_a_legacy_subscription_is_validated_and_migrated(office: Office) -> None:
    """Validate, create, follow to its end with events, and find it by its customer."""
    item = office.held("csp_legacy")
    item.cycle = "monthly"
    center, customer = office.center, item.customer_id
    verdict = center.migratable(customer, pc.migration_body(item.id))
    body = pc.migration_body(item.id, term="P1Y", billing_cycle="monthly", reference="w-1")
    made = center.create_migration(pc.migration_path(customer), body, "m-1")
    office.wait(minutes=30)
    done = center.migration(customer, made.id)

    assert (verdict.eligible, verdict.reasons) == (True, ())
    assert verdict.offer == item.product.offer
    assert (made.status, made.subscription_id) == ("processing", item.id)
    assert done is not None
    assert (done.status, bool(done.new_subscription_id)) == ("completed", True)
    assert center.migration_events(customer, made.id)[0].name == "MigrationStarted"
    assert [one.id for one in center.migrations(customer)] == [made.id]
    refused = center.migratable(customer, pc.migration_body(item.id))
    assert not refused.eligible
    assert refused.reasons


def test_a_price_sheet_is_downloaded(office: Office, tmp_path: Path) -> None:
    """CSV of one market, in a file; a market that is none is refused and leaves no file."""
    sheets = PriceSheets(office.wire, PARTNER_TENANT)
    file = sheets.download("ES", tmp_path / "ES.csv")
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))

    assert {(row["Market"], row["Currency"]) for row in rows} == {("ES", "EUR")}
    with pytest.raises(ApiRefused):
        sheets.download("XX", tmp_path / "XX.csv")
    assert [one.name for one in tmp_path.iterdir()] == ["ES.csv"]


def test_a_downloaded_price_sheet_is_loaded(office: Office, tmp_path: Path) -> None:
    """What comes from the service is an export like any other: every row is a price."""
    service = ServiceSettings(partner_center=office.server.url)
    wire = dial_price_sheets(service, sign_in(service, tmp_path, ask=False))
    file = PriceSheets(wire, service.partner_tenant).download("ES", tmp_path / "prices-ES.csv")
    wire.close()
    exports = cspkit.load(file)

    assert len(exports.prices) > 50
    assert len(exports.rejects) == 0


def test_many_customers_are_read_at_once(office: Office) -> None:
    """In the order given; what could not be read is the error, and costs no other customer."""
    ids = [one.id for one in office.center.customers()]
    wanted = [ids[0], "00000000-0000-4000-8000-00000000dead", *ids[1:]]
    found = list(of_each(office.center.subscriptions, wanted, workers=4))

    assert [customer for customer, _ in found] == wanted
    failed = [customer for customer, answer in found if isinstance(answer, ApiError)]
    assert failed == [wanted[1]]


@pytest.mark.parametrize("kind", ["foreign", "loop"])
def test_pages_that_lead_astray_are_an_error(office: Office, kind: str) -> None:
    """To another host, or back to the start: an error in words, no half list."""
    fault = {"kind": kind, "route": "/v1/customers", "times": None}
    office.wire.write("POST", "/control/faults", tenant="x", request_id="f", body=fault)

    office.center.page = 4
    with pytest.raises(ApiError, match=r"not one of the allowed|round in a circle|answered 400"):
        office.center.customers()


@pytest.mark.parametrize("kind", ["repeat", "empty", "strange", "pascal", "type"])
def test_pages_that_are_odd_are_read_whole(office: Office, kind: str) -> None:
    """A repeated item, an empty page in the middle, new words, other names: the rest is there."""
    expected = sorted(one.id for one in office.center.customers())
    fault = {"kind": kind, "route": "/v1/customers", "skip": 1}
    office.center.page = 4
    office.wire.write("POST", "/control/faults", tenant="x", request_id="f", body=fault)
    found = office.center.customers()

    gone = 4 if kind == "empty" else 0
    assert {one.id for one in found} <= set(expected)
    assert len(found) == len(expected) - gone
    assert (found.bad, found.repeated) == ((), 1 if kind == "repeat" else 0)


@pytest.mark.parametrize("kind", ["after", "lost", "half", "html"])
def test_a_write_that_may_have_happened_is_unclear(office: Office, kind: str) -> None:
    """Sent once, and said to be unclear: the books know of one call."""
    sold = office.bought()
    fault = {"kind": kind, "method": "PATCH"}
    office.wire.write("POST", "/control/faults", tenant="x", request_id="f", body=fault)

    with pytest.raises(ApiUnclear):
        path = pc.change_path(office.one.id, sold.id)
        office.center.change_subscription(path, pc.with_seats(sold, 8), "p-1")
    calls = office.server.books()["calls"]
    assert [count for call, count in calls.items() if call.startswith("PATCH")] == [1]
