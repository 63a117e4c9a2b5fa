"""Plans: dated batches of moves that never leave a gap, what they save and what did not fit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from cspkit import judging, placing
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.planfile import (
    PlanFile,
    PlannedBatch,
    PlannedCustomer,
    PlannedMove,
    Saving,
    Unplaced,
)
from cspkit.ranking import read_day
from cspkit.settings import Settings
from cspkit.tables import MOVES, Channel, to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

__all__ = ["Plan", "PlanFile", "PlannedCustomer", "PlannedMove", "plan"]

OBJECTIVE = "least overlap: each move as late as its window and the team's capacities allow"


class Plan:
    """A plan: dated moves in batches, what did not fit and why, and what it saves."""

    def __init__(self, document: PlanFile) -> None:
        """Hold a plan whose content is sealed by its hash."""
        self.document = document

    @property
    def hash(self) -> str:
        """Hash over all that decides what is executed."""
        return self.document.hash

    @property
    def customers(self) -> list[PlannedCustomer]:
        """Customers with a placed move, and when their own steps are due."""
        return self.document.customers

    @property
    def moves(self) -> pd.DataFrame:
        """Placed moves, columns of `tables.MOVES`, in the order of their days."""
        import ibis
        import pyarrow as pa

        rows = [
            {**move.model_dump(), "subscription_ids": " ".join(move.subscription_ids)}
            for move in self.document.moves
        ]
        schema = ibis.schema(MOVES.schema).to_pyarrow()
        return to_pandas(pa.Table.from_pylist(rows, schema=schema))

    @property
    def batches(self) -> pd.DataFrame:
        """Batches with their day, moves, seats and customers."""
        return _frame(PlannedBatch, self.document.batches)

    @property
    def unplaced(self) -> pd.DataFrame:
        """Originals that this plan does not move, why, and what would make each fit."""
        return _frame(Unplaced, self.document.unplaced)

    @property
    def savings(self) -> pd.DataFrame:
        """What the overlap costs per currency, and what everyone on the first day would cost."""
        return _frame(Saving, self.document.savings)

    def select(
        self, batch: str | None = None, due: date | None = None, by: str = "date"
    ) -> list[PlannedMove]:
        """Return the moves of a batch, or those whose day `by` is due, or both, in order.

        Raises CspkitError for a batch that the plan does not have.
        """
        known = {one.batch for one in self.document.batches}
        if batch is not None and batch not in known:
            found = f"{min(known)} to {max(known)}" if known else "none"
            raise CspkitError(f"batch: expected one of the plan's ({found}), found {batch!r}")
        moves = [move for move in self.document.moves if batch in (None, move.batch)]
        if due is None:
            return moves
        return [move for move in moves if (day := getattr(move, by)) is not None and day <= due]

    def save(self, path: Path | str) -> Path:
        """Write the plan as one JSON file and return where."""
        file = Path(path)
        self.document.write(file)
        return file

    @classmethod
    def read(cls, path: Path | str) -> Plan:
        """Read a plan; raises PlanRefused where its content does not match its hash."""
        return cls(PlanFile.read(Path(path)))


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


def _frame(model: type[BaseModel], rows: Iterable[BaseModel]) -> pd.DataFrame:
    """Lay out parts of the plan as a frame with a column for each of their fields."""
    import pandas as pd

    return pd.DataFrame([row.model_dump() for row in rows], columns=list(model.model_fields))
