"""Plans: dated batches of moves that never leave a gap, what they save and what did not fit."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from cspkit import judging, placing
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.planfile import (
    PlanFile,
    PlannedBatch,
    PlannedCustomer,
    PlannedMove,
)
from cspkit.planning.plan import Plan
from cspkit.ranking import read_day
from cspkit.settings import Settings
from cspkit.tables import Channel

if TYPE_CHECKING:
    from cspkit.exports import Exports

OBJECTIVE = "least overlap: each move as late as its window and the team's capacities allow"


def plan(
    exports: Exports,
    *,
    as_of: date | str,
    start: date | str,
    settings: Settings | None = None,
    decisions: Decisions | None = None,
    made_by: str = "",
    made_at: datetime | None = None,
) -> Plan:
    """Give every original that can be bought anew its day, and list the others with the reason.

    Nothing is dated before `start`. The same exports, decisions and settings give the same plan
    and the same hash, whoever makes it and whenever. Raises CspkitError when start lies before
    as_of.
    """
    settings = settings or Settings()
    day, first = read_day("as_of", as_of), read_day("start", start)
    if first < day:
        raise CspkitError(f"start: expected {day} (as_of) or later, found {str(first)!r}")
    judged = judging.derive(exports, as_of=day, settings=settings, decisions=decisions)
    judged = judged.filter(judged.channel != Channel.CSP_NCE.value).select(*placing.COLUMNS)
    rows = judging.fetch(judged.order_by("customer_id", "subscription_id")).to_pylist()
    placed = placing.place(rows, first, settings.policy)
    moves = placing.moves(placed)
    states = {one.customer_id: str(one.row["state"]) for one in placed.placed}
    document = PlanFile(
        service=settings.service.id,
        as_of=day,
        start=first,
        policy=settings.policy.model_dump(mode="json"),
        moves=moves,
        batches=_batches(moves),
        customers=_customers(moves, states, exports),
        unplaced=placed.unplaced,
        savings=placing.savings(placed),
        objective=OBJECTIVE,
        made_by=made_by,
        made_at=made_at,
    )
    return Plan(document.sealed())


def _batches(moves: list[PlannedMove]) -> list[PlannedBatch]:
    groups: dict[str, list[PlannedMove]] = {}
    for move in moves:
        groups.setdefault(move.batch, []).append(move)
    return [
        PlannedBatch(
            batch=batch,
            date=group[0].date,
            moves=len(group),
            seats=sum(move.seats for move in group),
            customers=len({move.customer_id for move in group}),
        )
        for batch, group in groups.items()
    ]


def _customers(
    moves: list[PlannedMove], states: dict[str, str], exports: Exports
) -> list[PlannedCustomer]:
    """List the customers of the moves with the earliest day of each of their own steps."""
    facts = exports.table("customers").select("customer_id", "name", "domain", "market", "language")
    known = {row["customer_id"]: row for row in judging.fetch(facts).to_pylist()}
    earliest: dict[str, PlannedMove] = {}
    for move in moves:
        first = earliest.setdefault(move.customer_id, move)
        if move.access_by < first.access_by:
            earliest[move.customer_id] = move
    nobody = dict.fromkeys(("name", "domain", "market", "language"))
    return [
        PlannedCustomer(
            **{**nobody, **known.get(key, {}), "customer_id": key},
            state=states[key],
            invite_on=move.invite_on,
            access_by=move.access_by,
        )
        for key, move in sorted(earliest.items())
    ]
