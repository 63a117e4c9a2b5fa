"""What no export holds and a person must say, kept in decisions.xlsx and read back validated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cspkit.decisions import workbook
from cspkit.decisions.cells import SHEETS, schema
from cspkit.exports import arrays
from cspkit.tables import to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

__all__ = ["SHEETS", "Decisions", "fill", "read", "write"]


@dataclass(frozen=True)
class Decisions:
    """The decisions of a workspace as Arrow tables, one row per customer and per original."""

    customer_table: pa.Table
    original_table: pa.Table

    @classmethod
    def empty(cls) -> Decisions:
        """Return decisions in which nobody has said anything yet."""
        return cls(arrays.table([], schema("customers")), arrays.table([], schema("originals")))

    @classmethod
    def from_rows(
        cls,
        customers: Iterable[dict[str, Any]] = (),
        originals: Iterable[dict[str, Any]] = (),
    ) -> Decisions:
        """Build decisions from rows that need not name every column; for tests and notebooks."""
        return cls(
            pa.Table.from_pylist(list(customers), schema=schema("customers")),
            pa.Table.from_pylist(list(originals), schema=schema("originals")),
        )

    @property
    def customers(self) -> pd.DataFrame:
        """Frame of the sheet `customers`, keyed by customer_id."""
        return to_pandas(self.customer_table)

    @property
    def originals(self) -> pd.DataFrame:
        """Frame of the sheet `originals`, keyed by subscription_id."""
        return to_pandas(self.original_table)


def read(path: Path | str) -> Decisions:
    """Read decisions.xlsx and check every cell; a file that is not there holds no decisions.

    Raises SettingsError that names the sheet and the cell of the first problem and counts all.
    """
    file = Path(path)
    return Decisions.from_rows(**workbook.read(file)) if file.exists() else Decisions.empty()


def write(path: Path | str, exports: Exports | None, previous: Path | str | None = None) -> Path:
    """Write decisions.xlsx with a row for every customer and original that has none yet.

    Starts from `previous`, or from the file at path where there is one. What a person typed is
    never touched; rows that the exports no longer hold get `orphan` yes, and lose it when they
    are back.
    """
    file = Path(path)
    start = Path(previous) if previous is not None else file
    workbook.write(file, start, None if exports is None else _known(exports))
    return file


def fill(
    path: Path | str,
    *,
    customers: dict[str, dict[str, Any]] | None = None,
    originals: dict[str, dict[str, Any]] | None = None,
) -> Path:
    """Type values into decisions.xlsx as a person would: by id, then by column.

    Rows and columns that are not there yet are added; every other cell stays as it is. Nothing
    is checked here: `read` does that, as for what a person typed. Raises KeyError for a column
    that a sheet does not have.
    """
    file = Path(path)
    workbook.fill(file, {"customers": customers or {}, "originals": originals or {}})
    return file


def _known(exports: Exports) -> dict[str, list[dict[str, Any]]]:
    """List who and what the exports hold; our own new-commerce subscriptions need no decision."""
    customers = exports.table("customers").select("customer_id", "name", "language")
    originals = exports.table("subscriptions")
    originals = originals.filter(originals.channel != "csp_nce")
    originals = originals.select("subscription_id", "customer_id", "product")
    return {
        "customers": customers.order_by("customer_id").to_pyarrow().to_pylist(),
        "originals": originals.order_by("customer_id", "subscription_id").to_pyarrow().to_pylist(),
    }
