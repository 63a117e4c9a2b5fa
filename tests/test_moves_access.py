"""Customer steps and licences: asked for once, noted when there, judged by the books."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from typing import Any

import pytest

from cspkit import decisions
from cspkit.errors import SettingsError
from cspkit.exports import Exports
from cspkit.graph import DIRECTORY_READERS, LICENSE_ADMINISTRATOR
from cspkit.rehearsal import relations
from cspkit.rehearsal.records import Customer
from cspkit.tables import CUSTOMERS, SUBSCRIPTIONS
from tests import scene as scenes
from tests.scene import Scene

GDAP = "*/delegatedadminrelationships"


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A prompt service and an empty workspace."""
    with scenes.scene() as made:
        yield made


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
