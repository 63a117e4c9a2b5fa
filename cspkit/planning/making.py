"""Plans: dated batches of moves that never leave a gap, what they save and what did not fit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from cspkit import judging, placing
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError, PlanRefused
from cspkit.planfile import (
    PlanFile,
    PlannedBatch,
    PlannedCustomer,
    PlannedMove,
    Unplaced,
)
from cspkit.planning import caps, comparing, facts, keeping, terms
from cspkit.planning.keeping import Before
from cspkit.planning.result import Plan
from cspkit.policy import Policy
from cspkit.ranking import read_day
from cspkit.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

OBJECTIVE = "fewest moves left out, then those regretted least, then least days paid twice"


def plan(
    exports: Exports,
    *,
    as_of: date | str,
    start: date | str,
    settings: Settings | None = None,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
    before: Before | None = None,
    made_by: str = "",
    made_at: datetime | None = None,
) -> Plan:
    """Give every original that can be bought anew its day, and list the others with the reason.

    Nothing is dated before `start`. The same exports, decisions, steps and settings give the same
    plan and the same hash, whoever makes it and whenever. `steps` is the ledger's frame of that
    name: what the programme has seen of its customers. `before` is the plan that this one takes
    over from: its moves in flight stay as they are, and days change only where they must. Raises
    CspkitError when start lies before as_of, PlanRefused for an earlier plan of another service,
    SettingsError for a price in a currency without a rate.
    """
    settings = settings or Settings()
    day, first = read_day("as_of", as_of), read_day("start", start)
    if first < day:
        raise CspkitError(f"start: expected {day} (as_of) or later, found {str(first)!r}")
    if before is not None and before.plan.document.service != settings.service.id:
        raise PlanRefused(
            f"the earlier plan was made for {before.plan.document.service!r}, the settings name"
            f" {settings.service.id!r}: plan anew, or from a plan of that service"
        )
    policy = settings.policy
    rows, currency = facts.originals(
        exports, as_of=day, settings=settings, decisions=decisions, steps=steps
    )
    rows, pinned = (rows, []) if before is None else before.split(rows, first)
    begun = {} if before is None else before.in_flight
    possible, left = sifted(rows, policy, first, begun.values())
    placed = placing.place([*possible, *pinned], first, policy)
    if before is not None:
        keeping.steady(placed, before)
    by_id = {row["subscription_id"]: row for row in (*possible, *pinned)}
    moves = [facts.priced(move, by_id[move.subscription_ids[0]]) for move in placing.moves(placed)]
    if before is not None:
        moves = keeping.batched(before.moves(moves))
    older = {} if before is None else {one.customer_id: one for one in before.plan.customers}
    states = {key: one.state for key, one in older.items()}
    states |= {one.customer_id: str(one.row["state"]) for one in placed.placed}
    document = PlanFile(
        service=settings.service.id,
        as_of=day,
        start=first,
        policy=policy.model_dump(mode="json"),
        currency=currency,
        rules=facts.rules(moves, settings),
        sources=facts.sources(exports),
        moves=moves,
        batches=_batches(moves),
        customers=_customers(moves, states, exports, older),
        unplaced=_unplaced([*placed.unplaced, *left], moves),
        savings=comparing.compared(placing.savings(placed), placed),
        replaces="" if before is None else before.plan.hash,
        objective=OBJECTIVE,
        optimum=placing.optimum(placed),
        made_by=made_by,
        made_at=made_at,
    )
    return Plan(document.sealed())


def sifted(
    rows: list[dict[str, Any]], policy: Policy, start: date, begun: Iterable[PlannedMove] = ()
) -> tuple[list[dict[str, Any]], list[Unplaced]]:
    """Keep out what nobody decided, then what caps leave no room for."""
    left = {row["subscription_id"]: why for row in rows if (why := terms.undecided(row))}
    possible = [row for row in rows if row["subscription_id"] not in left]
    timely = placing.in_time(possible, start, policy) if policy.capped else set()
    left |= caps.left_out(possible, policy, timely, begun)
    possible = [row for row in rows if row["subscription_id"] not in left]
    while alone := [r for r in possible if r["moves_with"] in left and terms.orderable(r)]:
        left |= {row["subscription_id"]: placing.baseless(row) for row in alone}
        possible = [row for row in possible if row["subscription_id"] not in left]
    return possible, list(left.values())


def _unplaced(left: list[Unplaced], moves: list[PlannedMove]) -> list[Unplaced]:
    """List what has no day, the nearest end first."""
    moved = {key for move in moves for key in move.subscription_ids}
    return sorted((one for one in left if one.subscription_id not in moved), key=_end)


def _end(one: Unplaced) -> tuple[date, str]:
    return one.expires_on or date.max, one.subscription_id


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
    moves: list[PlannedMove],
    states: dict[str, str],
    exports: Exports,
    older: dict[str, PlannedCustomer],
) -> list[PlannedCustomer]:
    """List the customers of the moves with the earliest day of each of their own steps."""
    names = ("name", "domain", "market", "language")
    listed = exports.table("customers").select("customer_id", *names)
    known = {key: {name: getattr(one, name) for name in names} for key, one in older.items()}
    known |= {row["customer_id"]: row for row in judging.fetch(listed).to_pylist()}
    earliest: dict[str, PlannedMove] = {}
    for move in moves:
        first = earliest.setdefault(move.customer_id, move)
        if move.access_by < first.access_by:
            earliest[move.customer_id] = move
    nobody = dict.fromkeys(names)
    return [
        PlannedCustomer(
            **{**nobody, **known.get(key, {}), "customer_id": key},
            state=states[key],
            invite_on=move.invite_on,
            access_by=move.access_by,
        )
        for key, move in sorted(earliest.items())
    ]
