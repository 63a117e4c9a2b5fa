"""Without access: the customer's own dated licence export counts, and only for what it shows."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cspkit import decisions
from cspkit.errors import ExportError
from cspkit.exports import units
from cspkit.exports.units import Units
from cspkit.rehearsal import relations
from cspkit.rehearsal.products import Product
from cspkit.rehearsal.records import Customer
from tests import scene as scenes
from tests.scene import MONDAY, Scene

E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
DATA = Path(__file__).parent / "data"


def closed(scene: Scene) -> Customer:
    """A customer that is ready to be sold to, and does not let us look into its tenant."""
    return scene.customers(
        lambda one: (
            one.related
            and relations.has_agreed(scene.world, one)
            and not scene.world.access_of[one.id]
        )
    )[0]


def export(
    scene: Scene,
    customer: Customer,
    seats: dict[str, tuple[int, int]],
    *,
    on: date | None = MONDAY,
    name: str = "subscribedSkus.json",
) -> None:
    """Let the customer send a licence export (enabled, used by skuId), and people name it."""
    value = [
        {
            "skuId": sku_id,
            "skuPartNumber": "X",
            "capabilityStatus": "Enabled",
            "consumedUnits": used,
            "prepaidUnits": {"enabled": enabled, "suspended": 0, "warning": 0},
        }
        for sku_id, (enabled, used) in seats.items()
    ]
    scene.settings.exports.mkdir(exist_ok=True)
    file = scene.settings.exports / name
    file.write_text(json.dumps({"value": value}), encoding="utf-8")
    named(scene, customer, name, on)


def named(scene: Scene, customer: Customer, name: str, on: date | None) -> None:
    cells = {"licence_export": name, "licence_export_on": on}
    decisions.fill(scene.settings.decisions, customers={customer.id: cells})


def ordered(scene: Scene, **changed: Any) -> tuple[Customer, Product, int]:
    """A move whose seats are provisioned; the customer, the original's product and its seats."""
    customer = closed(scene)
    original = scene.original(customer)
    assert original is not None
    scene.plan(customer, seats=5, **{"original_seats": original.seats, **changed})
    scene.run("provision")
    return customer, original.product, original.seats


def test_without_access_nothing_is_verified_and_the_way_out_is_said(scene: Scene) -> None:
    """Either access, or the two cells of the decisions."""
    ordered(scene)

    reason = scene.reason("verify")

    assert "cannot be looked into yet: run the access step" in reason
    assert "licence_export and licence_export_on in decisions.xlsx" in reason


def test_an_export_that_shows_old_and_new_seats_verifies(scene: Scene) -> None:
    """It is named in the outcome and kept in the ledger, with what it counted."""
    customer, product, seats = ordered(scene)
    export(scene, customer, {product.sku_id: (seats + 5, 3)})

    shown = scene.run("verify")

    assert list(shown["outcome"]) == ["done"]
    assert "by subscribedSkus.json of 2026-11-23" in shown["reason"][0]
    with scene.ledger() as ledger:
        detail = json.loads(ledger.events().query("after == 'verified'")["detail"].iloc[0])
    assert (detail["export"], detail["users"]) == ("subscribedSkus.json", {product.sku_id: 3})


@pytest.mark.parametrize(
    ("more", "on", "why"),
    [
        (4, MONDAY, "not "),
        (5, date(2026, 11, 22), "is older than the order of 2026-11-23"),
    ],
)
def test_an_export_that_proves_nothing_is_not_taken(
    scene: Scene, more: int, on: date, why: str
) -> None:
    """Seats of the original alone, or a day before the order."""
    customer, product, seats = ordered(scene)
    export(scene, customer, {product.sku_id: (seats + more, 3)}, on=on)

    shown = scene.run("verify")

    assert (list(shown["outcome"]), scene.state()) == (["waiting"], "provisioned")
    assert why in shown["reason"][0]


@pytest.mark.parametrize(
    ("name", "on", "why"),
    [
        ("../secret.json", MONDAY, "expected a file in exports/"),
        ("missing.json", MONDAY, "found no file"),
        ("subscribedSkus.json", None, "expected the day on which"),
        ("subscribedSkus.json", date(2026, 12, 1), "until 2026-11-23"),
        ("hand.csv", MONDAY, "expected"),
    ],
)
def test_an_export_that_cannot_be_used_fails_in_one_line(
    scene: Scene, name: str, on: date | None, why: str
) -> None:
    """A path outside, no file, no day, a day to come, a format that nobody knows."""
    customer, product, seats = ordered(scene)
    export(scene, customer, {product.sku_id: (seats + 5, 3)})
    (scene.settings.exports / "hand.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    named(scene, customer, name, on)

    shown = scene.run("verify")

    assert list(shown["outcome"]) == ["failed"]
    assert why in shown["reason"][0] and "\n" not in shown["reason"][0]


def test_the_customer_changes_the_licences_and_the_export_shows_it(scene: Scene) -> None:
    """Of the old product nobody is left beyond its other seats, and whoever left has a new one."""
    customer = closed(scene)
    original = scene.original(customer)
    assert original is not None
    old, new = original.product, scenes.other_product(original.product.sku_id)
    changed = {"target_offer": new.offer, "target_sku_id": new.sku_id, "same_offer": False}
    ordered(scene, **changed)
    seats = original.seats
    export(scene, customer, {old.sku_id: (seats + 2, 6), new.sku_id: (5, 0)})
    scene.run("verify")
    before = scene.reason("reassign")
    export(scene, customer, {old.sku_id: (seats + 2, 2), new.sku_id: (5, 3)})
    lost = scene.reason("reassign")
    export(scene, customer, {old.sku_id: (seats + 2, 2), new.sku_id: (5, 4)})

    shown = scene.run("reassign")

    assert f"6 users hold {old.sku_id}, 2 may" in before
    assert "1 users left" in lost and "have no new licence" in lost
    assert (list(shown["outcome"]), scene.state()) == (["done"], "reassigned")
    assert shown["reason"][0].startswith("changed by the customer, by subscribedSkus.json of")
    assert scene.calls("POST", "/assignlicense") == 0


def test_the_access_step_says_which_export_stands_in(scene: Scene) -> None:
    """Access is asked for all the same; until it is there the file is looked at."""
    customer = closed(scene)
    scene.plan(customer)
    export(scene, customer, {})

    shown = scene.run("access")

    assert list(shown["outcome"]) == ["done"]
    assert "until then subscribedSkus.json of 2026-11-23 is looked at" in shown["reason"][0]
    with scene.ledger() as ledger:
        assert ledger.step(customer.id, "access").state == "asked"


# reading


@pytest.mark.parametrize(
    ("file", "sku_id", "expected"),
    [
        (
            "graph-subscribed-skus-units-as-hashtable.csv",
            "00000009-0000-4000-8000-000000000009",
            Units(0, 14),
        ),
        (
            "msol-account-skus-warning-units-after-the-end.csv",
            "6fd2c87f-b296-42f0-b197-1e91e994b900",
            Units(0, 8120),
        ),
        (
            "partner-center-powershell-skus-type-name-in-cell.csv",
            "00000009-0000-4000-8000-000000000009",
            Units(25, 21),
        ),
    ],
)
def test_lists_of_units_are_read(file: str, sku_id: str, expected: Units) -> None:
    """By skuId, or by the part number where a list has no skuId; warning seats do not count."""
    assert units.read(DATA / file)[sku_id] == expected


def test_a_list_of_product_names_is_refused() -> None:
    """Names are no keys: two products may share one."""
    with pytest.raises(ExportError, match="expected Graph's subscribedSkus"):
        units.read(DATA / "m365-admin-licences-no-dates.csv")


def test_seats_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """A row that says nothing is not counted as none."""
    file = tmp_path / "skus.json"
    row = {"skuId": E3, "skuPartNumber": "SPE_E3", "capabilityStatus": "Enabled"}
    more = {"consumedUnits": "many", "prepaidUnits": {"enabled": 1}}
    file.write_text(json.dumps({"value": [row | more]}), encoding="utf-8")

    with pytest.raises(ExportError, match=r"row 1 \('SPE_E3'\)"):
        units.read(file)
