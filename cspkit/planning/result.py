"""A plan in the hands of people and runs: frames to look at, moves to select, a file to keep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from cspkit.planfile import PlanFile, PlannedBatch, PlannedCustomer, PlannedMove, Saving, Unplaced
from cspkit.planning import naming
from cspkit.tables import MOVES, to_pandas

if TYPE_CHECKING:
    import pandas as pd


class Plan:
    """A plan: dated moves in batches, what did not fit and why, and what it saves."""

    def __init__(self, document: PlanFile) -> None:
        """Hold a plan whose content is sealed by its hash."""
        self.document = document

    def __repr__(self) -> str:
        """Say in one line which plan it is, how much it moves, when, and what it does not."""
        moves, batches = self.document.moves, self.document.batches
        what = "no moves"
        if moves:
            days = f"{batches[0].date} to {batches[-1].date}"
            what = f"{len(moves):,} moves in {len(batches):,} batches, {days}"
        return f"<Plan {self.hash[:12]}: {what}; {len(self.document.unplaced):,} not placed>"

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
    def batch_names(self) -> list[str]:
        """Names of the batches, in the order of their days."""
        return [one.batch for one in self.document.batches]

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

        Raises UnknownParameter for a batch that the plan does not have.
        """
        if batch is not None:
            naming.one(self.batch_names, batch)
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


def _frame(model: type[BaseModel], rows: Iterable[BaseModel]) -> pd.DataFrame:
    """Lay out parts of the plan as a frame with a column for each of their fields."""
    import pandas as pd

    return pd.DataFrame([row.model_dump() for row in rows], columns=list(model.model_fields))
