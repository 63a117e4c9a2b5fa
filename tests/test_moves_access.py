"""Customer steps and licences: asked for once, noted when there, judged by the books."""

from __future__ import annotations

import email
import email.policy
from datetime import date, timedelta
from typing import Any

import pytest

from cspkit import decisions
from cspkit.errors import SettingsError
from cspkit.exports import Exports
from cspkit.graph import DIRECTORY_READERS, LICENSE_ADMINISTRATOR
from cspkit.rehearsal import relations
from cspkit.rehearsal.records import Customer
from cspkit.tables import CUSTOMERS, SUBSCRIPTIONS
from tests.scene import MONDAY, Scene

GDAP = "*/delegatedadminrelationships"


def letters(scene: Scene) -> list[str]:
    """The names of the letters in the outbox."""
    return sorted(path.name for path in (scene.settings.reports / "outbox").glob("*.eml"))


def steps(scene: Scene) -> dict[str, str]:
    """The customer steps in the ledger, by name."""
    with scene.ledger() as ledger:
        frame = ledger.steps()
    return dict(zip(frame["step"], frame["state"], strict=True))


# invite


def test_an_invitation_is_written_once(scene: Scene) -> None:
    """One letter with the service's link; running again writes no other."""
    customer = scene.unrelated()
    scene.plan(customer)

    first, second = scene.outcome("invite"), scene.outcome("invite")

    assert (first, second) == ("waiting", "waiting")
    assert letters(scene) == [f"{customer.id}-invitation.eml"]
    path = scene.settings.reports / "outbox" / letters(scene)[0]
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body is not None and relations.INVITATION in body.get_content()
    assert steps(scene) == {"relationship": "asked"}


def test_an_accepted_invitation_is_noted(scene: Scene) -> None:
    """The list of customers is the only sign, and it ends the step."""
    customer = scene.unrelated()
    scene.plan(customer)
    scene.run("invite")
    assert scene.server.deliver_outbox(scene.settings.reports / "outbox") == 1
    scene.later(days=9)

    assert scene.outcome("invite") == "done"
    assert steps(scene) == {"relationship": "done"}
    assert scene.books["invitations"][0]["customer_id"] == customer.id


def test_a_related_customer_gets_no_letter(scene: Scene) -> None:
    """Nobody is invited twice, whoever invited them first."""
    scene.plan(scene.ready())

    assert scene.outcome("invite") == "done"
    assert letters(scene) == []


def test_a_customer_with_two_moves_gets_one_letter(scene: Scene) -> None:
    """The step is done once per customer, however many moves wait for it."""
    customer = scene.unrelated()
    scene.moves = [
        scene.move(customer, subscription_ids=["original-1"]),
        scene.move(customer, subscription_ids=["original-2"]),
    ]
    scene.save()

    assert len(scene.run("invite")) == 1
    assert len(letters(scene)) == 1


def test_a_letter_that_lacks_a_field_is_not_written(scene: Scene) -> None:
    """The reason names the field and where to fill it in; nothing is claimed."""
    customer = scene.unrelated()
    customer.name = ""
    scene.plan(customer)

    shown = scene.run("invite")

    assert list(shown["outcome"]) == ["skipped"]
    assert "company: needed" in shown["reason"][0]
    assert "fill it in the decisions" in shown["reason"][0]
    assert (letters(scene), steps(scene)) == ([], {})


def decided(scene: Scene, customer: Customer, **cells: Any) -> None:
    """Write a decisions workbook about one customer, as a person fills it in."""
    import openpyxl

    about: dict[str, Any] = {"customer_id": customer.id, "name": customer.name}
    empty = Exports.from_frames(_frame(CUSTOMERS.names, [about]), _frame(SUBSCRIPTIONS.names, []))
    decisions.write(scene.settings.decisions, empty)
    book = openpyxl.load_workbook(scene.settings.decisions)
    sheet = book["customers"]
    header = [cell.value for cell in sheet[1]]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == customer.id)
    for name, value in cells.items():
        row[header.index(name)].value = value
    book.save(scene.settings.decisions)
    book.close()


def _frame(names: list[str], rows: list[dict[str, Any]]) -> Any:
    import ibis
    import pyarrow as pa

    schema = ibis.schema((CUSTOMERS if "domain" in names else SUBSCRIPTIONS).schema)
    return pa.Table.from_pylist(rows, schema=schema.to_pyarrow())


def test_a_letter_follows_the_decisions(scene: Scene) -> None:
    """Contact, address, language and owner are what people decided."""
    customer = scene.unrelated()
    decided(
        scene,
        customer,
        contact_name="Giulia Serra",
        contact_email="giulia@serra.example",
        language="it",
        owner="Ana Ruiz",
    )
    scene.plan(customer)

    scene.run("invite")

    path = scene.settings.reports / "outbox" / letters(scene)[0]
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    assert "giulia@serra.example" in message["To"]
    assert body is not None
    assert body.get_content().startswith("Gentile Giulia Serra,")
    assert body.get_content().rstrip().endswith("Ana Ruiz")


def test_a_hold_in_the_decisions_stops_the_customer(scene: Scene) -> None:
    """A person's hold needs no ledger."""
    customer = scene.unrelated()
    decided(scene, customer, hold="yes")
    scene.plan(customer)

    assert scene.reason("invite") == "on hold in the decisions"
    assert letters(scene) == []


# access


def fresh(scene: Scene) -> Customer:
    """A customer that is related, agreed, and has given no access yet."""
    return scene.customers(
        lambda one: (
            one.related
            and relations.has_agreed(scene.world, one)
            and not scene.world.access_of[one.id]
        )
    )[0]


def test_access_is_asked_for_and_used(scene: Scene) -> None:
    """Asked with the least roles, locked, approved by the customer, assigned, and it works."""
    customer = fresh(scene)
    scene.plan(customer)

    outcomes = [scene.outcome("access")]
    for _ in range(3):
        scene.later(hours=1)
        outcomes.append(scene.outcome("access"))

    (access,) = scene.world.access_of[customer.id]
    assert outcomes == ["waiting", "waiting", "done", "done"]
    assert access.roles == [DIRECTORY_READERS, LICENSE_ADMINISTRATOR]
    assert steps(scene) == {"access": "done", "agreement": "done", "relationship": "done"}
    assert letters(scene) == [f"{customer.id}-access.eml"]


def test_access_that_is_there_is_not_asked_for(scene: Scene) -> None:
    """Another relationship with the roles is as good as our own."""
    scene.plan(scene.with_access())

    assert scene.outcome("access") == "done"
    assert scene.calls("POST") == 0


@pytest.mark.parametrize("kind", ["lost", "after", "reset", "before", "half", "throttle"])
@pytest.mark.parametrize("route", [GDAP, f"{GDAP}/*/requests", f"{GDAP}/*/accessassignments"])
def test_access_is_asked_for_once_whatever_goes_wrong(scene: Scene, kind: str, route: str) -> None:
    """Lost answers to create, lock and assign are read back: one relationship, one assignment."""
    customer = fresh(scene)
    scene.plan(customer)
    scene.fault(kind, route)

    for _ in range(5):
        if scene.outcome("access") == "done":
            break
        scene.later(hours=1)

    (access,) = scene.world.access_of[customer.id]
    assert (access.status, len(access.assignments)) == ("active", 1)
    assert steps(scene)["access"] == "done"


def test_access_waits_for_the_relationship(scene: Scene) -> None:
    """A customer that has not accepted is asked for nothing more."""
    scene.plan(scene.unrelated())

    assert "not accepted the invitation" in scene.reason("access")
    assert scene.calls("POST") == 0


def test_a_missing_agreement_is_noted_as_asked(scene: Scene) -> None:
    """It came with the invitation, and is looked at again."""
    customer = fresh(scene)
    customer.direct_signed_at = None
    customer.attestations.clear()
    scene.plan(customer)

    assert "Microsoft Customer Agreement" in scene.reason("access")
    assert steps(scene)["agreement"] == "asked"
    relations.sign(scene.world, customer.id)
    scene.run("access")
    assert steps(scene)["agreement"] == "done"


def test_a_tenant_needs_to_name_its_group(scene: Scene) -> None:
    """Only a rehearsal has a group to stand in."""
    from cspkit.moves.access import Access
    from cspkit.moves.opening import open_desk
    from cspkit.planning import Plan
    from cspkit.tables import Mode

    scene.plan(fresh(scene))
    desk = open_desk(Plan.read(scene.plan_file), Mode.DRY, scene.settings, None)

    with pytest.raises(SettingsError, match=r"service\.access_group: needed"):
        Access(desk)._group()
    desk.close()


# how long access lasts


def lasting(scene: Scene, days: int, *, name: str = "", admin: bool = False) -> Customer:
    """A customer whose access ends so many days from now; ours where it has our name."""
    customer = scene.with_access()
    (access,) = scene.world.access_of[customer.id]
    access.ends = scene.server.now() + timedelta(days=days)
    access.display_name = name.format(customer.id) or access.display_name
    if admin:
        access.roles = [*access.roles, relations.GLOBAL_ADMINISTRATOR]
    return customer


def test_access_that_ends_too_early_extends_itself(scene: Scene) -> None:
    """Where the service lets us: from then on it goes on by half years, with one call."""
    customer = lasting(scene, 5)
    scene.plan(customer)

    assert [scene.outcome("access") for _ in range(2)] == ["done", "done"]
    (access,) = scene.world.access_of[customer.id]
    assert access.auto_extend == "P180D"
    assert [one["action"] for one in scene.books["access"]] == ["extend"]


@pytest.mark.parametrize("kind", ["lost", "after", "changed"])
def test_an_extension_that_went_wrong_is_made_by_the_next_run(scene: Scene, kind: str) -> None:
    """It sets what shall be: read again, with the etag of that moment."""
    customer = lasting(scene, 5)
    scene.plan(customer)
    scene.fault(kind, f"{GDAP}/*", method="PATCH")

    for _ in range(2):
        scene.run("access")

    (access,) = scene.world.access_of[customer.id]
    assert (scene.outcome("access"), access.auto_extend) == ("done", "P180D")


@pytest.mark.parametrize("cause", [{"admin": True}, {"name": "cspkit {}"}])
def test_access_that_cannot_go_on_is_asked_for_again(scene: Scene, cause: dict[str, Any]) -> None:
    """With a global administrator in it, or with a promised end of ours: a new one in time."""
    customer = lasting(scene, 5, **cause)
    scene.plan(customer)

    first = scene.run("access")
    assert list(first["outcome"]) == ["waiting"]
    assert "the access ends on 2026-11-28, before the moves are done on" in first["reason"][0]
    for _ in range(3):
        scene.later(hours=1)
        scene.run("access")

    old, new = scene.world.access_of[customer.id]
    assert (old.auto_extend, new.status, len(new.assignments)) == ("PT0S", "active", 1)
    assert scene.outcome("access") == "done"
    assert len(letters(scene)) == 1


def test_access_that_ends_later_is_only_said(scene: Scene) -> None:
    """Nobody is asked again a year ahead: the date stands in the reason."""
    customer = lasting(scene, 100, admin=True)
    scene.plan(customer, expires_on=MONDAY + timedelta(days=300))

    shown = scene.run("access")

    assert list(shown["outcome"]) == ["done"]
    assert shown["reason"][0].startswith("the access ends on 2027-03-03, before")
    assert scene.calls("POST") == scene.calls("PATCH") == 0


def test_access_that_lasts_is_left_alone(scene: Scene) -> None:
    """It ends after the last original: nothing is asked, nothing is changed."""
    scene.plan(lasting(scene, 700), expires_on=MONDAY + timedelta(days=300))

    assert scene.outcome("access") == "done"
    assert scene.calls("POST") == scene.calls("PATCH") == 0


def test_access_that_was_ended_is_asked_for_again(scene: Scene) -> None:
    """Who was done is not done any more when the customer ends it."""
    customer = scene.with_access()
    scene.plan(customer)
    scene.run("access")
    (access,) = scene.world.access_of[customer.id]
    access.status = "terminated"

    assert scene.outcome("access") == "waiting"
    assert steps(scene)["access"] == "asked"
    scene.later(hours=1)
    scene.run("access")
    scene.later(hours=1)
    assert scene.outcome("access") == "done"


# agreement


ATTESTED = {
    "attested_first_name": "Giulia",
    "attested_last_name": "Serra",
    "attested_email": "giulia@serra.example",
    "attested_on": date(2026, 11, 19),
    "attested_evidence": "signed PDF in ticket 4711",
}


def unsigned(scene: Scene) -> Customer:
    """A customer that has not agreed in any way."""
    customer = scene.ready()
    customer.direct_signed_at = None
    customer.attestations.clear()
    scene.plan(customer)
    return customer


def attest(scene: Scene, customer: Customer, **cells: Any) -> None:
    """Type an attestation into the decisions, some cells otherwise."""
    typed = {customer.id: {**ATTESTED, **cells}}
    decisions.fill(scene.settings.decisions, customers=typed)


def attestations(scene: Scene) -> int:
    return sum(one["how"] == "attested" for one in scene.books["agreements"])


def test_an_agreement_is_attested_once(scene: Scene) -> None:
    """Who, e-mail, day and evidence as people typed them; posted once, however often we run."""
    customer = unsigned(scene)
    attest(scene, customer)

    for _ in range(3):
        scene.run("access")

    assert attestations(scene) == 1
    (made,) = customer.attestations
    assert made["primaryContact"]["email"] == "giulia@serra.example"
    assert "2026-11-19" in str(made["dateAgreed"])
    with scene.ledger() as ledger:
        row = ledger.step(customer.id, "agreement")
    assert row.state == "done"
    assert "Giulia Serra agreed on 2026-11-19, evidence signed PDF in ticket 4711" in row.reason


@pytest.mark.parametrize("kind", ["lost", "after", "reset", "throttle"])
def test_a_lost_attestation_is_read_back(scene: Scene, kind: str) -> None:
    """After a lost answer the agreements are read: it is there, and not posted again."""
    customer = unsigned(scene)
    attest(scene, customer)
    scene.fault(kind, "*/agreements", retry_after="0.1")

    for _ in range(3):
        scene.run("access")

    assert attestations(scene) == 1
    assert steps(scene)["agreement"] == "done"


@pytest.mark.parametrize("cell", sorted(ATTESTED))
def test_an_attestation_is_whole_or_none(scene: Scene, cell: str) -> None:
    """What people did not type is asked for by name, and never made up."""
    customer = unsigned(scene)
    attest(scene, customer, **{cell: None})

    assert f"without {cell}" in scene.reason("access")
    assert (attestations(scene), steps(scene)["agreement"]) == (0, "asked")


def test_an_agreement_of_tomorrow_is_not_attested(scene: Scene) -> None:
    """Nobody can have agreed on a day to come."""
    customer = unsigned(scene)
    attest(scene, customer, attested_on=date(2026, 11, 24))

    assert "attested_on in decisions.xlsx is 2026-11-24, not yet" in scene.reason("access")
    assert attestations(scene) == 0


def test_the_customers_own_signature_comes_first(scene: Scene) -> None:
    """Where the customer signed, nothing is attested for them."""
    customer = unsigned(scene)
    attest(scene, customer)
    relations.sign(scene.world, customer.id)

    scene.run("access")

    with scene.ledger() as ledger:
        assert ledger.step(customer.id, "agreement").reason == "signed by the customer"
    assert attestations(scene) == 0


def test_a_dry_run_sees_an_agreement_that_is_there(scene: Scene) -> None:
    """What the service shows is not called missing, though the ledger has no word of it yet."""
    scene.plan(scene.ready())
    shown = scene.run("access", mode="dry")
    reason = shown["reason"][0]

    assert list(shown["outcome"]) == ["dry"]
    assert "note the agreement" in reason and "missing: access; the agreement is there" in reason
    assert "missing: agreement" not in reason
