"""Where every move stands, and how many: pure, from rows to rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pandas as pd

from cspkit import blockers
from cspkit.tables import MOVE_TRANSITIONS, MoveState, Step, StepState

if TYPE_CHECKING:
    from cspkit.policy import Policy

Row = dict[str, Any]


class Standing(StrEnum):
    """How a manager sees a move."""

    MOVED = "moved"
    UNDER_WAY = "under_way"
    WAITING = "waiting"
    AT_RISK = "at_risk"
    BLOCKED = "blocked"


STEPS = list(Step)
# What has no day for want of time is in danger; what has none for another reason is blocked.
NO_TIME = ("too_late", "overdue", "no_room")
_SETTLED = (MoveState.HUMAN, MoveState.REFUSED, MoveState.UNDONE)
_OVER = (MoveState.REASSIGNED, MoveState.CLOSED)


def _happy_path() -> list[MoveState]:
    """Walk the first transition out of each state: the road of a move that nothing stops."""
    follow = {before: after for before, after in reversed(MOVE_TRANSITIONS)}
    path = [MoveState.PLANNED]
    while (after := follow.get(path[-1])) is not None:
        path.append(after)
    return path


PATH = _happy_path()
# What a manager counts on that road; the states between are moments of one call.
STAGES = (
    *(*STEPS, MoveState.ORDERED, MoveState.PROVISIONED, MoveState.VERIFIED),
    *(Standing.MOVED, MoveState.CLOSED),
)


def records(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame as plain Python values, None where something is missing."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


@dataclass(frozen=True)
class Progress:
    """What the ledger knows, and what a customer had before the plan began."""

    moves: Mapping[str, str]
    steps: Mapping[tuple[str, str], str]
    needs: Mapping[str, str]

    def state(self, move_id: str) -> MoveState:
        """Return the state of a move; one the ledger does not know is planned."""
        return MoveState(self.moves.get(move_id, MoveState.PLANNED))

    def step(self, customer_id: str, step: Step) -> StepState:
        """Return the state of a customer step, from the ledger or else from the plan."""
        known = self.steps.get((customer_id, step))
        if known == StepState.DONE or not self._needed(customer_id, step):
            return StepState.DONE
        return StepState(known or StepState.TO_DO)

    def _needed(self, customer_id: str, step: Step) -> bool:
        need = self.needs.get(customer_id, "")
        return need in STEPS and STEPS.index(step) >= STEPS.index(Step(need))

    def ready(self, customer_id: str) -> bool:
        """Tell whether nothing of the customer's own is missing."""
        return all(self.step(customer_id, step) == StepState.DONE for step in STEPS)


def judge_moves(
    placed: Iterable[Row], unplaced: Iterable[Row], progress: Progress, as_of: date, policy: Policy
) -> list[Row]:
    """Give every move its state, standing, and a code for why and for who must act."""
    judged = []
    for move in placed:
        state = progress.state(move["move_id"])
        standing, why, who = _standing(move, state, progress, as_of, policy)
        judged.append({**move, "state": str(state), "standing": standing, "why": why, "who": who})
    return judged + [_without_a_day(original) for original in unplaced]


def _without_a_day(original: Row) -> Row:
    """Make a row of a move that never came to be, known by its original's id."""
    code = original["code"]
    blocker = blockers.table().get(code)
    return {
        **original,
        "move_id": original["subscription_id"],
        "subscription_ids": original["subscription_id"],
        "batch": None,
        "state": "",
        "standing": Standing.AT_RISK if code in NO_TIME else Standing.BLOCKED,
        "why": code,
        "who": blocker.owner if blocker else "partner",
    }


def _standing(
    move: Row, state: MoveState, progress: Progress, as_of: date, policy: Policy
) -> tuple[Standing, str, str]:
    if state in _SETTLED:
        return Standing.BLOCKED, str(state), "partner"
    if state in _OVER or (state == MoveState.VERIFIED and move["same_offer"]):
        return Standing.MOVED, "", ""
    if state != MoveState.PLANNED:
        return Standing.UNDER_WAY, str(state), "partner"
    late = _late(move, progress, as_of, policy)
    if late:
        return Standing.AT_RISK, *late
    if progress.ready(move["customer_id"]):
        return Standing.WAITING, "its_day", "partner"
    return Standing.WAITING, "customer", "customer"


def _late(move: Row, progress: Progress, as_of: date, policy: Policy) -> tuple[str, str] | None:
    """Return why a planned move is in danger, and who must act; None when it is not."""
    customer = move["customer_id"]
    relationship = progress.step(customer, Step.RELATIONSHIP)
    if move["last_safe_day"] and move["last_safe_day"] < as_of:
        return "last_safe_day_passed", "partner"
    if move["date"] < as_of:
        return "day_passed", "partner"
    if move["invite_on"] and relationship == StepState.TO_DO and move["invite_on"] < as_of:
        return "not_invited", "partner"
    answer_by = move["invite_on"] and move["invite_on"] + timedelta(policy.relationship_days)
    if answer_by and relationship == StepState.ASKED and answer_by < as_of:
        return "no_answer", "customer"
    if move["access_by"] and move["access_by"] < as_of and not progress.ready(customer):
        return "no_access", "customer"
    return None


def funnel(moves: list[Row], progress: Progress) -> list[Row]:
    """Count the placed moves that have come at least as far as each stage."""
    placed = [move for move in moves if move["batch"]]
    rows = [_stage("planned", placed)]
    for stage in STAGES:
        rows.append(_stage(str(stage), [m for m in placed if _reached(m, stage, progress)]))
    return rows


def _stage(stage: str, moves: list[Row]) -> Row:
    return {
        "stage": stage,
        "moves": len(moves),
        "seats": seats(moves),
        "customers": len({move["customer_id"] for move in moves}),
    }


def _reached(move: Row, stage: StrEnum, progress: Progress) -> bool:
    if stage == Standing.MOVED:
        return bool(move["standing"] == Standing.MOVED)
    state = MoveState(move["state"])
    if stage == MoveState.CLOSED:
        return state == MoveState.CLOSED
    # Who waits for a person had been sent at least; how far it came is not known.
    way = PATH.index(MoveState.SENT if state in _SETTLED else state)
    if isinstance(stage, Step):
        ordered = way >= PATH.index(MoveState.ORDERED)
        return ordered or progress.step(move["customer_id"], stage) == StepState.DONE
    return way >= PATH.index(MoveState(stage))


def standings(moves: list[Row]) -> list[Row]:
    """Count moves, seats and customers by standing."""
    rows = []
    for standing in Standing:
        row = _stage(str(standing), [move for move in moves if move["standing"] == standing])
        rows.append({"standing": row.pop("stage"), **row})
    return rows


def weeks(moves: list[Row], as_of: date, limit: int = 16) -> list[Row]:
    """Add up the seats that expire in each week from as_of on, by standing.

    `week` is a Monday; a first row without one, `when` "before", is what has expired already, a
    last one, "later", all that is further away. No week between is left out.
    """
    monday = as_of - timedelta(days=as_of.weekday())
    last = monday + timedelta(weeks=limit)
    found: dict[tuple[str, date | None], dict[str, int]] = {}
    for move in moves:
        ends = move["expires_on"]
        if ends:
            at = _week(ends, as_of, last)
            split = found.setdefault(at, {})
            split[move["standing"]] = split.get(move["standing"], 0) + int(move["seats"] or 0)
    if not found:
        return []
    mondays = [monday + timedelta(weeks=number) for number in range(limit)]
    near = [("week", day) for day in mondays]
    keys = [("before", None), *near, ("later", None)]
    return [_seats_of(*key, found.get(key, {})) for key in keys if key in found or key[0] == "week"]


def _week(ends: date, as_of: date, last: date) -> tuple[str, date | None]:
    if ends < as_of:
        return "before", None
    monday = ends - timedelta(days=ends.weekday())
    return ("later", None) if monday >= last else ("week", monday)


def _seats_of(when: str, week: date | None, split: Mapping[str, int]) -> Row:
    total = {str(standing): split.get(standing, 0) for standing in Standing}
    return {"when": when, "week": week, **total, "seats": sum(total.values())}


def seats(moves: Iterable[Row]) -> int:
    """Add up the seats of moves."""
    return sum(int(move["seats"] or 0) for move in moves)
