"""Ends of originals as reconcile sees them: ended, renewed by accident, slid into a paid month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from cspkit import decisions, reconciling
from cspkit.ledger import EndRow
from cspkit.reconciling import Difference, Kind
from cspkit.rehearsal import endings
from cspkit.rehearsal.records import PARTNER_TENANT, Subscription
from cspkit.tables import EndState, MoveState
from tests import originals
from tests import scene as scenes
from tests.scene import Scene
from tests.test_mailing import mailed

ENDS = date(2026, 12, 10)
TEXT = (
    "Subject: renewed\nGreeting: Dear $contact\nGreeting-without-contact: Hello\n\n$originals $by\n"
)
RULES = {"csp_nce": "csp_nce_paid_month", "direct_mca": "direct_mca_paid_month"}


@dataclass
class Watched:
    """One original whose replacement is verified, and days that go by."""

    scene: Scene
    original: Subscription

    def on(self, day: date, hour: int = 9) -> list[Difference]:
        """Let the days pass and reconcile on the last of them."""
        self.scene.server.set_clock(datetime.combine(day, time(hour, tzinfo=UTC)))
        work = reconciling.begin(self.scene.settings, plan=self.scene.plan_file)
        work.carry_out()
        work.close()
        self.notes = work.notes
        return work.differences

    @property
    def end(self) -> EndRow:
        """What the ledger says of its end."""
        with self.scene.ledger() as ledger:
            found = ledger.end(self.original.customer_id, self.original.id)
        assert found is not None
        return found

    @property
    def letters(self) -> list[str]:
        outbox = self.scene.settings.reports / "outbox"
        return sorted(path.name for path in outbox.glob("*renewed*.eml"))


def watched(
    scene: Scene,
    channel: str,
    *,
    renews: bool,
    access: bool = True,
    verified: bool = True,
    price: bool = True,
) -> Watched:
    """Replace an original of a channel that ends on ENDS; only what is named differs."""
    customer = scene.with_access() if access else scene.ready()
    original = scene.original(customer)
    assert original is not None
    original.channel, original.auto_renew, original.ends_on = channel, renews, ENDS
    original.term, original.cycle, original.status = "P1Y", "monthly", "active"
    original.starts_on = date(2025, 12, 11) if channel != "direct_mca" else date(2026, 2, 11)
    original.price, original.currency = Decimal("12.50"), "EUR"
    original.owner_tenant = PARTNER_TENANT if channel == "csp_nce" else customer.id
    endings.expect(scene.world, original)
    if price:
        _export(scene, original)
    scene.plan(customer, rule=RULES.get(channel, channel), renewal_safe_on=ENDS)
    decisions.fill(scene.settings.decisions, customers={customer.id: {"owner": "Ana"}})
    assert scene.outcome("provision") == "done"
    if verified:
        assert scene.outcome("verify") == "done"
    return Watched(scene, original)


def _export(scene: Scene, original: Subscription) -> None:
    row = originals.original(
        subscription_id=original.id,
        customer_id=original.customer_id,
        channel=original.channel,
        seats=original.seats,
        expires_on=original.ends_on.isoformat(),
        unit_price=str(original.price),
    )
    loaded = originals.exports(
        originals.customer(customer_id=original.customer_id),
        row,
    )
    loaded.save(scene.settings.exports)


def advance(found: Watched, after: EndState, **columns: Any) -> None:
    """Let the ledger know what a runbook did to the end."""
    with found.scene.ledger() as ledger:
        lease = ledger.lease(found.original.customer_id, "test")
        assert ledger.advance_end(found.end, after, run_id="r", lease=lease, **columns)
        ledger.release_lease(lease)


def test_an_original_that_ended_is_written_down_and_watched_for_forty_days(scene: Scene) -> None:
    """Seen ended, nothing differs; afterwards nobody asks for it any more."""
    found = watched(scene, "direct_mosa", renews=False)
    first = found.on(ENDS + timedelta(days=1))
    ended = found.end
    found.on(ENDS + timedelta(days=20))
    with scene.ledger() as ledger:
        (move,) = ledger.move_rows()
        lease = ledger.lease(move.customer_id, "test")
        assert ledger.advance(move.move_id, move.state, MoveState.CLOSED, run_id="r", lease=lease)
        ledger.release_lease(lease)
    order = scene.orders[0]
    scene.world.subscriptions[order["customer_id"]][order["subscription_id"]].seats += 3
    asked = [scene.calls("GET", "/subscriptions")]
    for day in (40, 43):
        assert found.on(ENDS + timedelta(days=day)) == []
        asked.append(scene.calls("GET", "/subscriptions"))

    assert (first, ended.state) == ([], EndState.ENDED)
    assert (asked[1] > asked[0], asked[2]) == (True, asked[1])


def test_our_own_that_renewed_counts_down_to_the_services_own_limit(scene: Scene) -> None:
    """Partner Center says until when; the ledger, the owner and the customer are told once."""
    found = watched(scene, "csp_nce", renews=True)
    before = [one.kind for one in found.on(ENDS)]
    (said,) = found.on(ENDS + timedelta(days=1), hour=12)
    limit = datetime(2026, 12, 18, tzinfo=UTC)

    assert before == []
    assert (said.kind, found.original.cancel_until) == (Kind.RENEWED, limit)
    assert "cancel it by 2026-12-18 00:00 UTC, 6.5 days left; owner Ana" in said.to_do
    assert f"a new term of {Decimal('150') * found.original.seats:.2f} EUR" in said.service
    assert (found.end.state, found.end.cancel_until, found.end.owner) == (
        EndState.RENEWED,
        limit,
        "Ana",
    )
    with scene.ledger() as ledger:
        (waits,) = reconciling.waiting(ledger)
    assert (waits.what, "cancelled until 2026-12-18 00:00 UTC" in waits.why) == ("renewed", True)
    for day in (2, 3, 9):
        (said,) = found.on(ENDS + timedelta(days=day))
    assert "cannot be cancelled since 2026-12-18" in said.to_do
    (letter,) = found.letters
    said_in = (scene.settings.reports / "outbox" / letter).read_bytes()
    text = BytesParser(policy=policy.default).parsebytes(said_in).get_content()
    assert f"{150 * found.original.seats}" in text.replace(".", "").replace(",", "")
    assert "2027" in text and "18" in text


def test_a_renewal_of_another_partner_is_seen_in_the_tenant(scene: Scene) -> None:
    """Graph shows the new end, and the channel's rule how long it can be cancelled."""
    found = watched(scene, "csp_other", renews=True)
    (said,) = found.on(ENDS + timedelta(days=2))

    assert (said.kind, said.subject) == (Kind.RENEWED, found.original.id)
    assert "have the partner who sold it cancel it by 2026-12-18 00:00 UTC" in said.to_do
    assert found.end.seen_expires_on == date(2027, 12, 10)


def test_a_second_renewal_is_seen_with_a_limit_and_a_letter_of_its_own(scene: Scene) -> None:
    """What was not cancelled begins one more term: its end, limit and letter are new ones."""
    found = watched(scene, "csp_other", renews=True)
    found.on(ENDS + timedelta(days=2))
    first, day = found.end, date(2027, 12, 12)
    for _ in range(2):
        (said,) = found.on(day)

    assert "have the partner who sold it cancel it by 2027-12-18 00:00 UTC" in said.to_do
    assert first.cancel_until == datetime(2026, 12, 18, tzinfo=UTC)
    now = found.end
    assert (now.state, now.cancel_until, now.facts["renewed_to"], now.reason) == (
        EndState.RENEWED,
        datetime(2027, 12, 18, tzinfo=UTC),
        "2028-12-10",
        "its end moved from 2027-12-10 to 2028-12-10",
    )
    with scene.ledger() as ledger:
        noted = ledger.events()["kind"].tolist().count("end_noted")
        soon, late = (
            reconciling.waiting(ledger, datetime(2027, 12, day, tzinfo=UTC))[0].why
            for day in (13, 20)
        )
    assert (noted, len(found.letters)) == (1, 2)
    assert "it can be cancelled until 2027-12-18 00:00 UTC" in soon
    assert "it cannot be cancelled since 2027-12-18" in late


def test_renewal_safe_stops_the_renewal_after_this_one(scene: Scene) -> None:
    """The command that reconcile names works: no second year, only the month that retire ends."""
    found = watched(scene, "csp_nce", renews=True)
    found.on(ENDS + timedelta(days=10))
    assert "`cspkit run renewal-safe`" in found.on(ENDS + timedelta(days=11))[0].to_do

    assert scene.outcome("renewal-safe") == "done"
    scene.server.set_clock(datetime(2027, 12, 12, tzinfo=UTC))
    books, name = scene.books["renewals"], found.original.id
    told = [one["how"] for one in books if one["subscription_id"] == name]

    assert (found.end.state, told) == (EndState.SAFE, ["renewed", "extended"])


@pytest.mark.parametrize("slides", [1, 2])
def test_a_customer_is_asked_about_each_renewal(scene: Scene, slides: int) -> None:
    """Where only a letter stops it, every renewal has a letter of its own, with its own end."""
    found = watched(scene, "direct_mosa", renews=True)
    for year in range(slides):
        found.on(date(2026 + year, 12, 20))
        assert "asked by" in scene.reason("renewal-safe")
        assert found.end.state is EndState.ASKED

    asked = list((scene.settings.reports / "outbox").glob("*renewal-off*.eml"))
    assert (len(asked), found.end.facts["letter_for"]) == (slides, f"{2026 + slides}-12-10")


def test_an_unknown_limit_is_unknown(scene: Scene) -> None:
    """Where no rule says how long a renewal can be cancelled, nobody makes one up."""
    found = watched(scene, "direct_mosa", renews=True)
    (said,) = found.on(ENDS + timedelta(days=2))

    assert "ask today how long it can be cancelled" in said.to_do
    assert found.end.cancel_until is None


def test_a_paid_month_shows_its_cost_a_day(scene: Scene) -> None:
    """Auto-renew off and no end scheduled: a month at the price of the books, to the cent."""
    found = watched(scene, "direct_mca", renews=False)
    (said,) = found.on(ENDS + timedelta(days=2))
    price, seats = found.original.price, found.original.seats
    assert price is not None and price > Decimal("12.50")

    daily = (price * seats * 36 / 1095).quantize(Decimal("0.01"))
    assert (said.kind, found.original.extended) == (Kind.PAID_MONTH, True)
    assert f"a paid month at {daily} EUR a day" in said.service
    assert found.end.facts["daily_cost"] == str(daily)
    assert found.letters == []


def test_a_renewal_bought_nobody_knows_where_is_a_persons_to_write_about(scene: Scene) -> None:
    """No letter can say who cancels it: notes and status say who writes, and what is asked."""
    found = watched(scene, "direct_mosa", renews=True)
    scene.plan(scene.world.customers[found.original.customer_id], rule="unknown")
    found.on(ENDS + timedelta(days=2))
    with scene.ledger() as ledger:
        (waits,) = reconciling.waiting(ledger)

    ask = "write to the customer, ask where they bought it and who cancels it there"
    assert [ask in found.notes[0], ask in waits.to_do] == [True, True]
    assert (found.letters, "expected" in found.notes[0]) == ([], False)


def test_an_unknown_price_stays_unknown(scene: Scene) -> None:
    """Without an export that states it there is no figure, and no nought."""
    found = watched(scene, "direct_mca", renews=False, price=False)
    (said,) = found.on(ENDS + timedelta(days=2))

    assert "a paid month at an unknown price" in said.service
    assert "daily_cost" not in found.end.facts


def test_a_cancelled_renewal_is_ended(scene: Scene) -> None:
    """Once it is deleted within its window the alarm is over."""
    found = watched(scene, "csp_nce", renews=True)
    found.on(ENDS + timedelta(days=1))
    endings.become(scene.world, found.original, "deleted")

    assert found.on(ENDS + timedelta(days=2)) == []
    assert found.end.state is EndState.ENDED


def test_an_original_that_ended_before_its_replacement_is_urgent(scene: Scene) -> None:
    """Nothing was verified yet: users may be without licences."""
    found = watched(scene, "csp_nce", renews=True, verified=False)
    found.original.cancel_until = None
    endings.become(scene.world, found.original, "deleted")
    said = found.on(date(2026, 11, 25))

    assert (said[0].kind, said[0].subject) == (Kind.ENDED_EARLY, found.original.id)
    assert "cspkit run verify" in said[0].to_do


def test_what_somebody_switched_on_again_is_seen_undone(scene: Scene) -> None:
    """The ledger has it safe, the service renews it: it goes back to open, with why."""
    found = watched(scene, "csp_nce", renews=False)
    found.on(date(2026, 11, 25))
    advance(found, EndState.SAFE, way="patch")
    assert found.on(date(2026, 11, 26)) == []
    found.original.auto_renew = True
    (said,) = found.on(date(2026, 11, 27))

    assert (said.kind, found.end.state) == (Kind.END_UNDONE, EndState.OPEN)
    assert "auto-renew is on again" in found.end.reason


def test_an_end_that_is_scheduled_no_more_is_seen(scene: Scene) -> None:
    """A change of seats wipes what was scheduled, and nobody says so but we."""
    found = watched(scene, "csp_nce", renews=False)
    found.on(date(2026, 11, 25))
    advance(found, EndState.SAFE, way="patch")
    advance(found, EndState.SCHEDULED, way="patch")
    (said,) = found.on(date(2026, 11, 26))

    assert (said.kind, found.end.state) == (Kind.END_UNDONE, EndState.SAFE)
    assert "no end is scheduled any more" in said.service


def test_what_nobody_shows_needs_evidence(scene: Scene) -> None:
    """Without access there is no end to be seen: a person types it, with its evidence."""
    found = watched(scene, "direct_mosa", renews=False, access=False, verified=False)
    scene.world.access_of.pop(found.original.customer_id, None)
    (said,) = [one for one in found.on(date(2026, 12, 12)) if one.subject == found.original.id]
    typed = {"ended_on": ENDS, "ended_evidence": "screenshot of 11 December"}
    decisions.fill(scene.settings.decisions, originals={found.original.id: typed})
    found.on(date(2026, 12, 13))

    assert (said.kind, "ended_on" in said.to_do) == (Kind.OVERDUE_END, True)
    assert "cspkit run access" in said.to_do
    assert found.end.state is EndState.ENDED
    assert "screenshot" in found.end.reason


def test_what_a_tenant_lists_under_no_such_id_needs_no_access(scene: Scene) -> None:
    """Where the tenant can be looked into, nobody is told to ask for the access that is there."""
    found = watched(scene, "ea", renews=False)
    found.original.visible_from = scene.server.now() + timedelta(days=1000)
    (said,) = [one for one in found.on(date(2026, 12, 12)) if one.subject == found.original.id]

    assert (said.kind, "lists no such id" in said.to_do) == (Kind.OVERDUE_END, True)
    assert ("cspkit run access" in said.to_do, "ended_evidence" in said.to_do) == (False, True)


def test_what_ended_and_is_active_again_is_told(scene: Scene) -> None:
    """Somebody bought it anew or reactivated it within the forty days."""
    found = watched(scene, "direct_mosa", renews=False)
    found.on(ENDS + timedelta(days=1))
    found.original.status, found.original.ends_on = "active", date(2027, 12, 10)
    (said,) = found.on(ENDS + timedelta(days=5))

    assert (said.kind, "active again until 2027-12-10" in said.service) == (Kind.RENEWED, True)


def test_an_original_that_still_renews_after_its_day_is_told(scene: Scene) -> None:
    """The plan has a day by which it must be safe."""
    found = watched(scene, "csp_nce", renews=True)
    scene.moves = [scene.moves[0].model_copy(update={"renewal_safe_on": date(2026, 11, 24)})]
    scene.save()
    (said,) = found.on(date(2026, 11, 25))

    assert (said.kind, said.service) == (Kind.AUTO_RENEW_DIFFERS, "auto-renew on")
    assert "cspkit run renewal-safe" in said.to_do


def test_a_customer_on_hold_gets_no_letter(scene: Scene) -> None:
    """What was seen is kept all the same, and the letter follows when the hold ends."""
    found = watched(scene, "csp_nce", renews=True)
    with scene.ledger() as ledger:
        ledger.hold(found.original.customer_id, reason="dispute", by="Ana")
    found.on(ENDS + timedelta(days=1))
    held = (found.letters, found.end.state, found.notes[0].split(":")[0])
    with scene.ledger() as ledger:
        ledger.release(found.original.customer_id, by="Ana")
    found.on(ENDS + timedelta(days=2))

    what = f"no letter to {found.original.customer_id} about {found.original.id}"
    assert ([], EndState.RENEWED, what) == held
    assert len(found.letters) == 1


def test_a_letter_without_an_address_stops_no_comparison(scene: Scene) -> None:
    """What was seen is recorded, and the note says what the letter waits for."""
    one = watched(scene, "csp_nce", renews=True)
    mailed(scene, 9)

    one.on(ENDS + timedelta(days=2))

    assert one.end.state == EndState.RENEWED
    assert "is in the outbox without an address" in " ".join(one.notes)


@pytest.mark.parametrize("checked", [0, 1])
def test_an_original_that_went_before_its_second_part_is_told(scene: Scene, checked: int) -> None:
    """Whichever of its two orders is verified, the other one leaves seats uncovered."""
    customer = scene.with_access()
    parts = [scene.move(customer, seats=5, part=part, batch=f"B00{part}") for part in (1, 2)]
    scene.moves = sorted(parts, key=lambda move: move.move_id)
    scene.save()
    original = scene.original(customer)
    assert original is not None
    scene.consent(seats=10)
    for move in scene.moves:
        assert scene.outcome("provision", batch=move.batch) == "done"
    assert scene.outcome("verify", batch=scene.moves[checked].batch) == "done"
    original.status = "deleted"

    found = Watched(scene, original).on(scenes.MONDAY, hour=9)
    assert [one.kind for one in found if one.subject == original.id] == [Kind.ENDED_EARLY]
