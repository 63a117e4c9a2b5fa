"""The plan file: its published schema, and a hash over exactly what is executed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cspkit import planfile
from cspkit.errors import PlanRefused
from cspkit.planfile import PlanFile
from cspkit.planfile.parts import OUTSIDE
from cspkit.policy import Policy

DAY = date(2026, 11, 23)
CUSTOMER = "11111111-0000-4000-8000-000000000000"
MOVE = planfile.PlannedMove(
    move_id=planfile.move_id(CUSTOMER, ["s1"], 1),
    batch="B001",
    date=DAY,
    customer_id=CUSTOMER,
    subscription_ids=["s1"],
    part=1,
    sku_id="f245ecc8-75af-4f8e-b61f-27d8114de5f3",
    target_offer="CFQ7TTC0LDPB:0001",
    target_sku_id="f245ecc8-75af-4f8e-b61f-27d8114de5f3",
    seats=7,
    term="P1Y",
    billing_cycle="monthly",
    auto_renew=True,
    route="purchase",
    expires_on=DAY,
    invite_on=DAY,
    access_by=DAY,
    renewal_safe_on=DAY,
    reassign_on=DAY,
    verify_by=DAY,
    end_scheduled_by=DAY,
    last_safe_day=DAY,
    same_offer=True,
    overlap_cost=Decimal("1.5"),
    currency="EUR",
    reason="the last safe day",
    saved=Decimal("3.25"),
    original_seats=7,
    seen_on=date(2026, 11, 18),
    custom_term_end=DAY,
    sale_price=Decimal("12.50"),
    sale_currency="EUR",
    unit_cost=Decimal("10.00"),
    cost_currency="EUR",
    price_source="price_list",
    price_valid_to=DAY,
    amount=Decimal("840"),
    rule="direct_mosa",
    team="madrid",
)
FULL = PlanFile(
    service="rehearsal:x",
    as_of=DAY,
    start=DAY,
    policy=Policy().model_dump(mode="json"),
    currency="EUR",
    rules=[planfile.Rule(name="direct_mosa", facts={"grace_days": "0"})],
    sources=[planfile.Source(source_file="s.csv", profile="p", read=3, accepted=2)],
    moves=[MOVE],
    batches=[planfile.PlannedBatch(batch="B001", date=DAY, moves=1, seats=7, customers=1)],
    customers=[
        planfile.PlannedCustomer(
            customer_id=CUSTOMER,
            name="Ibáñez",
            domain="i.example",
            market="ES",
            language="es",
            state="ready",
            invite_on=DAY,
            access_by=DAY,
        )
    ],
    unplaced=[],
    savings=[],
    objective="least cost",
    made_by="ana",
    made_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
).sealed()


def leaves(part: BaseModel, *, executed: bool) -> Iterator[tuple[Any, ...]]:
    """Walk to every plain field of a plan that the schema says is, or is not, executed."""
    for name, field in type(part).model_fields.items():
        outside = OUTSIDE in str(field.json_schema_extra)
        value = getattr(part, name)
        if outside or not (isinstance(value, list) and value and isinstance(value[0], BaseModel)):
            if outside != executed:
                yield (name,)
            continue
        for at, one in enumerate(value):
            yield from ((name, at, *path) for path in leaves(one, executed=executed))


def changed(value: Any) -> st.SearchStrategy[Any]:
    """Draw another value of the same kind."""
    if isinstance(value, bool):
        return st.just(not value)
    if isinstance(value, int):
        return st.integers(1, 10**6).map(lambda add: value + add)
    if isinstance(value, Decimal):
        return st.integers(1, 10**6).map(lambda add: value + add)
    if isinstance(value, datetime | date):
        return st.integers(1, 900).map(lambda add: value + timedelta(days=add))
    if isinstance(value, list):
        return st.just([*value, "more"])
    if isinstance(value, dict):
        return st.just({**value, "moves_per_day": "99"})
    return st.text(st.characters(codec="utf-8"), min_size=1).map(lambda add: f"{value}{add}")


def put(part: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Put a value deep into a plan, without asking whether it may stand there."""
    name, *rest = path
    if not rest:
        return part.model_copy(update={name: value})
    at, *deeper = rest
    items = list(getattr(part, name))
    items[at] = put(items[at], tuple(deeper), value)
    return part.model_copy(update={name: items})


def got(part: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        part = part[step] if isinstance(step, int) else getattr(part, step)
    return part


EXECUTED = [path for path in leaves(FULL, executed=True) if path != ("format",)]
PEOPLE = list(leaves(FULL, executed=False))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_of_what_is_executed_changes_the_hash(data: st.DataObject) -> None:
    """Offer, seats, term, days, prices, rules, sources, policy: none can change unseen."""
    path = data.draw(st.sampled_from(EXECUTED))
    value = data.draw(changed(got(FULL, path)))

    assert put(FULL, path, value).content_hash() != FULL.hash


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_change_of_peoples_words_changes_the_hash(data: st.DataObject) -> None:
    """Author, time, names and reasons are for people; the same plan keeps its hash."""
    path = data.draw(st.sampled_from(PEOPLE))
    value = data.draw(st.text(st.characters(codec="utf-8"), min_size=1))

    assert FULL.hash == put(FULL, path, value).content_hash()


def test_what_stays_outside_the_hash_is_a_short_list() -> None:
    """A new field is executed unless somebody says on purpose that it is not."""
    assert {
        *(("unplaced",), ("savings",), ("objective",), ("optimum",), ("replaces",), ("hash",)),
        *(("made_by",), ("made_at",), ("moves", 0, "reason"), ("moves", 0, "saved")),
        ("customers", 0, "name"),
    } == set(PEOPLE)


def test_every_field_of_a_move_is_covered_by_an_example() -> None:
    """The property above is about all fields only while the example leaves none empty."""
    assert [name for name, value in MOVE.model_dump().items() if value in (None, "", [])] == []


def test_the_published_schema_is_current() -> None:
    """`cspkit.planfile.write_schema()` was run after the last change of the models."""
    file = Path(planfile.__file__).with_name("plan.schema.json")

    assert planfile.published_schema() == file.read_text(encoding="utf-8")


def test_the_schema_describes_the_file(tmp_path: Path) -> None:
    """What is written has the fields of the schema, all required ones, and no other."""
    FULL.write(tmp_path / "plan.json")
    written = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    schema = json.loads(planfile.published_schema())

    assert set(schema["properties"]) == set(written)
    assert set(schema["required"]) <= set(written)
    assert set(schema["$defs"]["PlannedMove"]["properties"]) == set(written["moves"][0])
    assert schema["additionalProperties"] is False


def test_an_older_plan_is_refused_in_plain_words(tmp_path: Path) -> None:
    """A plan of another format is not called edited."""
    path = tmp_path / "plan.json"
    path.write_text('{"format": 1}', encoding="utf-8")

    with pytest.raises(PlanRefused, match="older cspkit"):
        PlanFile.read(path)
