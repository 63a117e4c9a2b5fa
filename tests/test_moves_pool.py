"""The pool gate: what is left when originals end, counted a second time seat by seat."""

from __future__ import annotations

import inspect
import random
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cspkit.graph import Owned
from cspkit.moves import holdings, pool
from cspkit.moves.pool import Holding, Units, doubt, judge, missing_seats
from cspkit.partner_center import Subscription
from cspkit.wire import Record

TODAY = date(2026, 12, 1)
DAY = TODAY + timedelta(days=5)
Judge = Callable[..., Any]


@dataclass(frozen=True)
class Tenant:
    """One pool with all that is in it."""

    units: Units | None
    held: tuple[Holding, ...]
    leaving: frozenset[str]
    absent: tuple[Holding, ...]
    coming: int
    taken: int = 0

    def covered(self, by: Judge = judge) -> bool:
        more: dict[str, Any] = {
            "leaving": self.leaving,
            "absent": self.absent,
            "coming": self.coming,
        }
        more["taken"] = self.taken
        return bool(by(self.units, self.held, DAY, **more).covered)


def slowly(tenant: Tenant) -> bool:
    """Walk day by day: take each chair away on its last day, then seat everybody who is there."""
    if tenant.units is None or any(one.seats is None for one in (*tenant.held, *tenant.absent)):
        return False
    chairs = [one.id for one in tenant.held for _ in range(one.seats or 0)]
    if len(chairs) < tenant.units.enabled:
        return False
    # a chair that is listed and not enabled yet is no chair: any of those that stay may be it
    spare = len(chairs) - tenant.units.enabled
    debts = [one.id for one in tenant.absent for _ in range(one.seats or 0)]
    ends = {one.id: one.ends_on for one in (*tenant.held, *tenant.absent)}
    for number in range(-3, 6):
        today = TODAY + timedelta(days=number)

        def stays(name: str, today: date = today) -> bool:
            end = ends[name]
            return name not in tenant.leaving and end is not None and end > today

        chairs = [name for name in chairs if stays(name)]
        gone = [name for name in debts if not stays(name)]
    sold_no_more = sum(one.lowered for one in tenant.held if one.id in chairs)
    free = len(chairs) + tenant.coming - spare - len(gone) - tenant.taken - sold_no_more
    for _ in range(tenant.units.consumed):
        free -= 1
        if free < 0:
            return False
    return True


def holding(number: int) -> st.SearchStrategy[Holding]:
    """One subscription: mostly known, ending on days around the one that is asked about."""
    seats = st.one_of(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6), st.none())
    days = st.integers(-3, 12).map(lambda far: TODAY + timedelta(days=far))
    made = st.builds(Holding, st.just(f"s{number}"), seats, st.one_of(days, days, st.none()))
    lowered = st.sampled_from([0, 0, 0, 2])
    return st.builds(lambda one, by: replace(one, lowered=min(by, one.seats or 0)), made, lowered)


@st.composite
def tenants(draw: st.DrawFn) -> Tenant:
    """A pool with some subscriptions; enabled is near what they have in all."""
    held = tuple(draw(holding(number)) for number in range(draw(st.integers(0, 4))))
    absent = tuple(draw(holding(number)) for number in range(10, 10 + draw(st.integers(0, 1))))
    listed = sum(one.seats or 0 for one in held)
    enabled = max(listed + draw(st.sampled_from([0, 0, 0, 0, -1, -4, 2])), 0)
    units = Units(enabled, draw(st.integers(0, 16)))
    names = [one.id for one in held]
    leaving = draw(st.frozensets(st.sampled_from(names), max_size=1)) if names else frozenset()
    found = draw(st.sampled_from([units, units, units, units, None]))
    coming, taken = draw(st.sampled_from([0, 0, 3])), draw(st.sampled_from([0, 0, 2]))
    return Tenant(found, held, leaving, absent, coming, taken)


@given(tenants())
@settings(max_examples=300, deadline=None)
def test_the_gate_agrees_with_counting_chairs(tenant: Tenant) -> None:
    """Enabled - all that ends by then + verified seats to come covers the use, or it is shut."""
    assert slowly(tenant) == tenant.covered()


@given(tenants())
@settings(max_examples=100, deadline=None)
def test_what_is_not_known_never_passes(tenant: Tenant) -> None:
    """No pool, unknown seats, or seats of nobody: shut, and the reason says which."""
    unknown = tenant.units is None or any(
        one.seats is None for one in (*tenant.held, *tenant.absent)
    )
    verdict = judge(tenant.units, tenant.held, DAY, absent=tenant.absent)

    assert verdict.reason
    assert not (unknown and verdict.covered)
    assert (verdict.missing is None) or not unknown


MUTANTS = {
    "counts the original": ("units.enabled - ending + coming", "units.enabled + coming"),
    "counts other originals": ("if _ends(one, day, leaving)", "if one.id in leaving"),
    "forgets those it was told of": ("one.id in leaving or ", ""),
    "takes an unknown end for none": (
        "one.ends_on is None or one.ends_on <= day",
        "bool(one.ends_on and one.ends_on <= day)",
    ),
    "leaves the last day out": ("one.ends_on <= day", "one.ends_on < day"),
    "forgets what the tenant does not list": ("(*listed, *unseen) if _ends", "listed if _ends"),
    "counts what comes twice": ("+ coming - taken, 0)", "+ 2 * coming - taken, 0)"),
    "forgets what comes": ("- ending + coming", "- ending"),
    "forgets what is taken away": ("+ coming - taken, 0)", "+ coming, 0)"),
    "forgets what is sold no more": ("taken += sum(", "taken += 0 * sum("),
    "takes seats that end away twice": (
        "for one in listed if not _ends(one, day, leaving))",
        "for one in listed)",
    ),
    "takes unknown seats for none": (
        "if one.seats is None]\n    if nameless:\n",
        "if one.seats is None]\n    if False:\n",
    ),
    "believes seats of nobody": ("if owned < units.enabled:", "if False:"),
    "is content with one too few": ("units.consumed - stays", "units.consumed - 1 - stays"),
}


def mutated(old: str, new: str) -> Judge:
    """Compile the gate with one change in its text."""
    text = inspect.getsource(pool)
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the gate"
    module = types.ModuleType("mutant")
    # dataclasses look their module up by name
    module.__dict__["__name__"] = pool.__name__
    exec(compile(text.replace(old, new), "mutant", "exec"), module.__dict__)
    made: Judge = module.__dict__["judge"]
    return made


@pytest.mark.parametrize("name", MUTANTS)
def test_a_gate_that_counts_wrongly_is_caught(name: str) -> None:
    """Each way to miscount, first of all counting the original, differs from counting chairs."""
    mutant = mutated(*MUTANTS[name])

    assert any(slowly(one) != one.covered(mutant) for one in drawn(3000))


def drawn(number: int) -> Iterator[Tenant]:
    """Pools as `tenants` makes them, many and quickly, always the same."""
    dice = random.Random(7)

    def one(name: str) -> Holding:
        ends = dice.choice([*(TODAY + timedelta(days=far) for far in range(-3, 13)), None])
        seats = dice.choice([None, *range(7)] + [3] * 5)
        return Holding(name, seats, ends, min(dice.choice([0, 0, 2]), seats or 0))

    for _ in range(number):
        held = tuple(one(f"s{which}") for which in range(dice.randint(1, 4)))
        absent = tuple(one(f"s{which}") for which in range(10, 10 + dice.randint(0, 1)))
        enabled = max(sum(each.seats or 0 for each in held) + dice.choice([0, 0, 0, -1, -4, 2]), 0)
        leaving = frozenset(dice.sample([each.id for each in held], dice.randint(0, 1)))
        coming, taken = dice.choice([0, 3]), dice.choice([0, 2])
        units = Units(enabled, dice.randint(0, 16))
        yield Tenant(units, held, leaving, absent, coming, taken)


def test_an_original_never_covers_its_own_end() -> None:
    """Ten seats end, eight are in use, nothing came: the ten do not count, and it is said so."""
    verdict = judge(Units(10, 8), [Holding("old", 10, DAY)], DAY)

    assert (verdict.covered, verdict.missing) == (False, 8)
    assert verdict.reason == "10 seats - 10 that end by 2026-12-06 + 0 to come = 0; 8 in use"


def test_seats_that_we_took_away_carry_nobody_while_the_tenant_lists_them() -> None:
    """A tenant shows a change some minutes late; what we sold is known at once."""
    sold = Subscription("ours", "", "active", 6, *("", None, None, None), Record(None))
    listed = Owned("ours", "ours", "sku", "enabled", 10, None)

    (held,) = holdings.Tenant((sold,), (listed,)).counted("sku")
    assert (held.seats, held.lowered) == (10, 4)
    assert holdings.Tenant((), (listed,)).counted("sku")[0].lowered == 0


def test_an_original_of_another_move_counts_too() -> None:
    """What ends the same week, by whatever move or by none, cannot carry anybody over."""
    held = [Holding("old", 10, DAY), Holding("other", 5, DAY), Holding("new", 10, date.max)]

    assert not judge(Units(25, 12), held, DAY).covered
    assert judge(Units(25, 10), held, DAY).covered


def test_what_ends_later_still_carries() -> None:
    """An original that ends after the day has its own gate on its own day."""
    held = [Holding("old", 10, DAY), Holding("other", 5, DAY + timedelta(days=1))]

    assert judge(Units(15, 5), held, DAY).covered


@pytest.mark.parametrize(
    ("units", "others", "replaced", "there"),
    [
        (Units(20, 0), [Holding("old", 10, None)], 0, True),
        (Units(19, 0), [Holding("old", 10, None)], 0, False),
        (Units(20, 0), [Holding("old", 10, None)], 1, False),
        (Units(20, 0), [Holding("old", None, None)], 0, False),
        (None, [], 0, False),
    ],
)
def test_seats_of_others_do_not_verify_an_order(
    units: Units | None, others: list[Holding], replaced: int, there: bool
) -> None:
    """Ten seats were ordered: they are there when the pool has them beside those of the others."""
    assert (missing_seats(units, others, 10, replaced=replaced) == "") == there


@pytest.mark.parametrize(
    ("changed", "known", "said"),
    [
        ({}, (), "s1, with 17 seats ending then too, could not be matched with it"),
        ({"ends_on": DAY + timedelta(days=8)}, (), "nothing there is like it"),
        ({"seats": 16}, (), "nothing there is like it"),
        ({}, ("s1",), "nothing there is like it"),
    ],
)
def test_ending_seats_without_an_id_are_in_doubt(
    changed: dict[str, Any], known: tuple[str, ...], said: str
) -> None:
    """Only one of as many seats, ending that week, that is no other original can be the same."""
    listed = Holding(**{"id": "s1", "seats": 17, "ends_on": DAY, **changed})
    absent = Holding("line-7", 17, DAY)

    expected = f"the tenant lists no line-7; {said}"
    assert expected == doubt([listed], [absent], DAY, leaving={"line-7"}, known=known)


@given(tenants())
def test_without_an_absent_end_nothing_is_in_doubt(tenant: Tenant) -> None:
    """Where each ending seat has its id, too few seats are too few."""
    later = [Holding("late", 3, DAY + timedelta(days=1))]

    assert doubt(tenant.held, (), DAY, leaving=tenant.leaving) == ""
    assert doubt(tenant.held, later, DAY, leaving=tenant.leaving) == ""
