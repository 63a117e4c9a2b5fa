"""Planning again: what is under way stays, and no day changes that need not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cspkit.blockers import READY
from cspkit.placing import Candidate, Placing
from cspkit.planfile import PlannedCustomer, PlannedMove
from cspkit.planning.comparing import ready_on
from cspkit.planning.result import Plan
from cspkit.tables import MoveState, Step, StepState

if TYPE_CHECKING:
    import pandas as pd

NOT_BEGUN = (MoveState.PLANNED, MoveState.REFUSED, MoveState.UNDONE)
LARGEST = 1_500
FORBIDDEN = 10**6

Row = dict[str, Any]


@dataclass(frozen=True)
class Before:
    """An earlier plan and what came of it: moves in flight, customers that were invited."""

    plan: Plan
    in_flight: dict[str, PlannedMove] = field(default_factory=dict)
    invited: frozenset[str] = frozenset()

    @classmethod
    def of(cls, plan: Plan, moves: pd.DataFrame | None, steps: pd.DataFrame | None) -> Before:
        """Read the ledger's frames `moves` (move_id, state) and `steps`; None: nothing began."""
        begun = set() if moves is None else set(moves[~moves["state"].isin(NOT_BEGUN)]["move_id"])
        known = {move.move_id: move for move in plan.document.moves}
        invited: frozenset[str] = frozenset()
        if steps is not None:
            asked = steps[steps["step"] == Step.RELATIONSHIP.value]
            asked = asked[asked["state"].isin([StepState.ASKED.value, StepState.DONE.value])]
            invited = frozenset(asked["customer_id"])
        return cls(plan, {key: known[key] for key in sorted(begun & known.keys())}, invited)

    @property
    def originals(self) -> dict[str, PlannedMove]:
        """Originals of the moves in flight."""
        return {key: move for move in self.in_flight.values() for key in move.subscription_ids}

    def split(self, rows: Iterable[Row], start: date) -> tuple[list[Row], list[Row]]:
        """Part what is planned anew from what is in flight and takes room on days to come."""
        held = self.originals
        free: list[Row] = []
        pinned: list[Row] = []
        for row in rows:
            move = held.get(row["subscription_id"])
            if move is None:
                free.append(row)
            elif move.date >= start:
                pinned.append(_pinned(row, move))
        return free, pinned

    def moves(self, planned: Iterable[PlannedMove]) -> list[PlannedMove]:
        """Put the moves in flight, as they were, in the place of what was planned for them."""
        held = self.originals
        fresh = [one for one in planned if not held.keys() & set(one.subscription_ids)]
        return [*self.in_flight.values(), *(self._invited(one) for one in fresh)]

    def customer(self, customer_id: str) -> PlannedCustomer:
        """Give a customer as the earlier plan has it."""
        return next(one for one in self.plan.customers if one.customer_id == customer_id)

    def _invited(self, move: PlannedMove) -> PlannedMove:
        """Keep the day on which a customer was invited."""
        if move.customer_id not in self.invited or move.invite_on is not None:
            return move
        days = {one.customer_id: one.invite_on for one in self.plan.customers}
        return move.model_copy(update={"invite_on": days.get(move.customer_id)})


def _pinned(row: Row, move: PlannedMove) -> Row:
    ready = {"state": READY, "lead_days": 0, "order_lead": 0}
    alone = {"base_subscription_id": None, "moves_with": None}
    return row | ready | alone | {"last_safe_day": move.date, "pinned": move.date}


def batched(moves: Iterable[PlannedMove]) -> list[PlannedMove]:
    """Number the batches by day, and order the moves by day and id."""
    ordered = sorted(moves, key=lambda move: (move.date, move.move_id))
    days = sorted({move.date for move in ordered})
    names = {day: f"B{number:03d}" for number, day in enumerate(days, start=1)}
    return [move.model_copy(update={"batch": names[move.date]}) for move in ordered]


def steady(placing: Placing, before: Before) -> None:
    """Give moves their old days back wherever that changes neither the cost nor the load.

    Moves that cost the same a day are interchangeable: among them the old days are handed out
    first. Where nothing else changed and the new days are no cheaper, all old days stay.
    """
    old = {one: move.date for move in before.plan.document.moves for one in move.subscription_ids}
    if _as_before(placing, old):
        for one in placing.placed:
            one.day = old[one.id]
        return
    for group in _alike(placing, old):
        _swap(group, old, placing)
    placing.placed.sort(key=lambda one: (one.day or placing.start, one.move_id))


def _as_before(placing: Placing, old: dict[str, date]) -> bool:
    """Tell whether the old days are all possible still, together, and cost no more."""
    placed = placing.placed
    if any(one.id not in old or not _may(one, old[one.id], placing) for one in placed):
        return False
    if _cost(placed, lambda one: old[one.id]) > _cost(placed, lambda one: one.day or old[one.id]):
        return False
    return _keeps_ties(placed, old, placing) and _fits(placed, old, placing)


def _keeps_ties(placed: list[Candidate], old: dict[str, date], placing: Placing) -> bool:
    """Tell whether what shares a day now, as add-on of a base or by a wish, shares one of old."""
    shared = [members for members in _ties(placing).values() if len({m.day for m in members}) == 1]
    return all(len({old[one.id] for one in members}) == 1 for members in shared)


def _ties(placing: Placing) -> dict[tuple[str, str], list[Candidate]]:
    """Find the placed moves that have to share a day, and those that are asked to."""
    setting = placing.schedule.setting
    named = {item.key: item for item in setting.items} if setting else {}
    ties: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for one in placing.placed:
        for kind in ("group", "together"):
            if name := getattr(named[one.id], kind):
                ties[kind, name].append(one)
    return {key: members for key, members in ties.items() if len(members) > 1}


def _cost(placed: list[Candidate], day: Callable[[Candidate], date]) -> Decimal:
    return sum((one.cost(day(one)) for one in placed), Decimal(0))


def _fits(placed: list[Candidate], days: dict[str, date], placing: Placing) -> bool:
    load: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in placed:
        for team in {"", one.team}:
            load[days[one.id], team][0] += 1
            load[days[one.id], team][1] += one.row["order_seats"]
    policy = placing.policy
    room = {team.name: (team.moves_per_day, team.seats_per_day) for team in policy.teams}
    room[""] = (policy.moves_per_day, policy.seats_per_day)
    return all(
        cap is None or used <= cap
        for (_, team), both in load.items()
        for used, cap in zip(both, room.get(team, (None, None)), strict=True)
    )


def _may(one: Candidate, day: date, placing: Placing) -> bool:
    """Tell whether a day lies in a move's window, behind its invitation where it needs one."""
    return ready_on(one, placing) <= day <= one.latest and placing.calendars[one.team].is_order_day(
        day
    )


def _alike(placing: Placing, old: dict[str, date]) -> list[list[Candidate]]:
    """Group the moves that changed their day by what makes them interchangeable."""
    policy = placing.policy
    counted = policy.seats_per_day is not None or any(
        team.seats_per_day is not None for team in policy.teams
    )
    groups: dict[tuple[Any, ...], list[Candidate]] = defaultdict(list)
    tied = {one.id for members in _ties(placing).values() for one in members}
    for one in placing.placed:
        if one.day != old.get(one.id) and one.id not in tied:
            seats = one.row["order_seats"] if counted else 0
            groups[one.unit, one.daily, seats, one.team].append(one)
    return [sorted(group, key=lambda one: one.id) for group in groups.values() if len(group) > 1]


def _swap(group: list[Candidate], old: dict[str, date], placing: Placing) -> None:
    """Hand the days of a group out again, one old day after another, until none more is free."""
    group = group[:LARGEST]
    for one in group:
        wanted = old.get(one.id)
        if wanted is None or one.day == wanted or not _may(one, wanted, placing):
            continue
        loose = [other for other in group if other is not one and other.day != old.get(other.id)]
        chain = _chain(one, wanted, loose, placing)
        for taker, day in chain:
            taker.day = day


def _chain(
    one: Candidate, wanted: date, loose: list[Candidate], placing: Placing
) -> list[tuple[Candidate, date]]:
    """Find who takes whose day, so that one gets the day it wants and its own day is taken.

    Searched in breadth among moves that are not on their old day: shortest chain, first id.
    """
    assert one.day is not None
    paths = [[other] for other in loose if other.day == wanted]
    seen = {path[0].id for path in paths}
    for path in paths:
        last = path[-1]
        if _may(last, one.day, placing):
            days = [wanted, *(each.day for each in path[1:] if each.day), one.day]
            return list(zip([one, *path], days, strict=True))
        for other in loose:
            if other.id not in seen and other.day and _may(last, other.day, placing):
                seen.add(other.id)
                paths.append([*path, other])
    return []
