"""What was loaded: tables in the engine, pandas frames when asked for."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cspkit import tables
from cspkit.exports import arrays
from cspkit.exports.engine import Engine, Held, fresh_name
from cspkit.exports.reasons import SET_ASIDE
from cspkit.later import ibis
from cspkit.statements import Rows, described

if TYPE_CHECKING:
    import pandas as pd

TABLES = {
    "customers": tables.CUSTOMERS,
    "subscriptions": tables.SUBSCRIPTIONS,
    "prices": tables.PRICES,
    "offers": tables.OFFERS,
    "sources": tables.SOURCES,
    "rejects": tables.REJECTS,
    "conflicts": tables.CONFLICTS,
    "proposed": tables.PROPOSED,
    "files": tables.FILES,
}
KEYS = {
    "customers": ["customer_id"],
    "subscriptions": ["subscription_id"],
    "prices": [
        *("target_offer", "market", "currency", "segment", "term", "billing_cycle"),
        *("valid_from", "source_file", "source_row"),
    ],
    "offers": ["sku_id", "target_offer", "legacy_offer_id", "source_file", "source_row"],
    "sources": ["subscription_id", "source_file", "source_row"],
    "rejects": ["source_file", "source_row"],
    "conflicts": ["subscription_id", "column", "source_file", "source_row"],
    "proposed": ["source_file", "source_row", "customer_id"],
    "files": ["source_file"],
}
FILES_SCHEMA = tables.FILES.schema | dict.fromkeys(SET_ASIDE, "int64")
PLACE = ("source_file", "source_row")
FIRST = ("customers", "subscriptions", "rejects")
KEYLESS = ("subscription_id", *PLACE)
FILES = ("customers.parquet", "subscriptions.parquet", "rejects.csv", "summary.json")


class Exports:
    """Customers, subscriptions and rejects of a set of export files.

    `unrecognised` lists the files that were left alone, each with the reason.
    """

    def __init__(
        self,
        engine: Engine,
        held: dict[str, Held],
        lines: list[dict[str, Any]],
        unrecognised: list[tuple[str, str]] | None = None,
        ordered: Collection[str] = (),
    ) -> None:
        """Hold tables that a load made; `lines` are the counts of its files.

        `ordered` names large tables that are held in the order of their files, always the same.
        """
        self.ordered = ordered
        self.engine = engine
        self.unrecognised = list(unrecognised or [])
        self.lines = lines
        self._held = held
        self._bound: dict[str, Any] = {}

    @property
    def connection(self) -> Any:
        """Return the Ibis backend that holds the tables."""
        return self.engine.backend

    @classmethod
    def from_frames(
        cls,
        customers: Any,
        subscriptions: Any,
        rejects: Any = None,
        *,
        prices: Any = None,
        offers: Any = None,
    ) -> Exports:
        """Make Exports of frames; columns that a frame lacks are empty, others are left out."""
        engine = Engine()
        held: dict[str, Held] = {}
        for name, frame in (
            ("customers", customers),
            ("subscriptions", subscriptions),
            ("rejects", rejects),
            ("prices", prices),
            ("offers", offers),
        ):
            schema = TABLES[name].schema
            given = (
                ibis.memtable([], schema=ibis.schema(schema))
                if frame is None
                else ibis.memtable(_arrow(frame))
            )
            expression = given.select(
                **{
                    column: given[column].cast(kind) if column in given.columns else ibis.null(kind)
                    for column, kind in schema.items()
                }
            )
            held[name] = engine.keep(name, engine.backend.to_pyarrow(expression))
        return cls(engine, held, [])

    def __repr__(self) -> str:
        """Say what was loaded, in one line for people."""
        names = ("customers", "subscriptions", "rejects", "prices", "offers")
        counts = {name: self._count(name) for name in names}
        shown = [f"{counts[name]:,} {name}" for name in names if counts[name] or name in FIRST]
        files = f"{len(self.lines):,} file{'' if len(self.lines) == 1 else 's'}"
        left = f", {len(self.unrecognised):,} left alone" if self.unrecognised else ""
        return f"<Exports: {', '.join(shown)} from {files}{left}>"

    def _count(self, name: str) -> int:
        return self.engine.count(self._held[name]) if name in self._held else 0

    def count(self, name: str) -> int:
        """Count the rows of one of the tables, without asking for it."""
        return self._count(name)

    def table(self, name: str) -> Any:
        """Return one of the tables as Ibis has it: customers, subscriptions, prices, offers,
        sources, rejects, conflicts, proposed or files.
        """
        if name not in TABLES:
            raise KeyError(f"expected one of {', '.join(TABLES)}, found {name!r}")
        if name == "sources":
            return self._sources().select(TABLES[name].names)
        held = self._bind(name)
        names = TABLES[name].names
        return held if list(held.columns) == list(names) else held.select(names)

    @property
    def duck(self) -> Any:
        """Return the DuckDB that holds the tables; None where another engine does.

        It reads files that these Exports hold open, so keep them as long as it is used.
        """
        return getattr(self.engine, "duck", None)

    def place(self, name: str) -> str:
        """Name one of the tables as DuckDB knows it, for SQL."""
        return f"{self.engine.prefix}_{self._holding(name).name}"

    @cached_property
    def keyed(self) -> dict[str, str]:
        """Name large tables once more, with customer_id as a UUID; empty where none is held so."""
        from cspkit.exports import keying

        if self.duck is None or not self.ordered:
            return {}
        found: dict[str, str] = {}
        for name in ("subscriptions", "customers"):
            place = keying.keyed(self.engine, self._holding(name).name)
            if place is None:
                return {}
            found[name] = place
        return found

    def arrow(self, name: str) -> pa.Table:
        """Hand over one of the tables that are never long, such as offers, as Arrow."""
        if self.duck is None:
            return self.table(name).to_pyarrow()
        return self.duck.sql(f'FROM "{self.place(name)}"').to_arrow_table()

    def rows(self, name: str) -> Rows:
        """Describe one of the tables, in the order of its keys, for the engine to run."""
        keys = [] if name in self.ordered else KEYS[name]
        found: Rows = _in_order(self._holding(name), TABLES[name].names, keys)
        return found

    def _bind(self, name: str) -> Any:
        """Hand a table to Ibis; what was not loaded is an empty table."""
        if name not in self._bound:
            if name == "files":
                arrow = pa.Table.from_pylist(self.lines, schema=arrays.schema(FILES_SCHEMA))
                files = self.engine.keep(f"files_{fresh_name()}", arrow)
                self._bound[name] = self.engine.bound(files)
            else:
                self._bound[name] = self.engine.bound(self._holding(name))
        return self._bound[name]

    def _holding(self, name: str) -> Held:
        """Return a table that is held; what was not loaded is an empty one."""
        if name not in self._held:
            self._held[name] = self.engine.nothing(f"no_{name}", TABLES[name].schema)
        return self._held[name]

    def merged_sources(self) -> Any:
        """Return the rows that subscriptions with several rows came from; `tables.SOURCES`."""
        return self._bind("sources").select(tables.SOURCES.names)

    def _sources(self) -> Any:
        """Add to the rows of merged subscriptions those of subscriptions that stand alone."""
        merged, rows = self._bind("sources"), self._bind("subscriptions")
        rows = rows.anti_join(merged, "subscription_id")
        rows = rows.left_join(self._bind("files").select("source_file", "profile"), "source_file")
        own = [name for name in tables.SUBSCRIPTIONS.names if name not in KEYLESS]
        parts = [ibis.ifelse(rows[name].notnull(), name, ibis.null("string")) for name in own]
        told = ibis.array(parts).filter(lambda part: part.notnull()).join(" ")
        alone = rows.select(*("subscription_id", *PLACE, "profile", "seen_on"), won=told)
        columns = tables.SOURCES.schema
        return ibis.union(
            merged.select(*columns).cast(columns), alone.select(*columns).cast(columns)
        )

    @cached_property
    def customers(self) -> pd.DataFrame:
        """Hand all customers to pandas; columns of `tables.CUSTOMERS`."""
        return self._frame("customers")

    @cached_property
    def subscriptions(self) -> pd.DataFrame:
        """Hand all subscriptions to pandas; columns of `tables.SUBSCRIPTIONS`."""
        return self._frame("subscriptions")

    @cached_property
    def prices(self) -> pd.DataFrame:
        """Hand all prices of price sheets to pandas; columns of `tables.PRICES`."""
        return self._frame("prices")

    @cached_property
    def offers(self) -> pd.DataFrame:
        """Hand all offers of offer matrices to pandas; columns of `tables.OFFERS`."""
        return self._frame("offers")

    @cached_property
    def sources(self) -> pd.DataFrame:
        """Hand over every row that speaks of a subscription; columns of `tables.SOURCES`."""
        return self._frame("sources")

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """Hand all rejected rows to pandas; columns of `tables.REJECTS`."""
        return self._frame("rejects")

    @cached_property
    def conflicts(self) -> pd.DataFrame:
        """Hand over what files say differently of one subscription; `tables.CONFLICTS`."""
        return self._frame("conflicts")

    @cached_property
    def proposed(self) -> pd.DataFrame:
        """Hand over whose a rejected row may be by its name alone; `tables.PROPOSED`."""
        return self._frame("proposed")

    @cached_property
    def files(self) -> pd.DataFrame:
        """Hand the count of every file to pandas; columns of `tables.FILES`."""
        return self._frame("files")

    def counts(self) -> list[dict[str, Any]]:
        """Count the rows of every file or sheet, what was set aside split by its reason."""
        return [{name: line.get(name) for name in FILES_SCHEMA} for line in self.lines]

    def summary(self) -> pd.DataFrame:
        """Count the rows of every file or sheet, as `counts` does."""
        schema = arrays.schema(FILES_SCHEMA)
        return tables.to_pandas(pa.Table.from_pylist(self.lines, schema=schema))

    def _frame(self, name: str) -> pd.DataFrame:
        rows = self.table(name).order_by(KEYS[name])
        return tables.to_pandas(self.connection.to_pyarrow(rows))

    def save(self, folder: str | Path) -> None:
        """Write the tables as .parquet, rejects.csv and summary.json.

        Contradictions between files, where there are any, go to conflicts.csv, and customers
        that rejected rows may belong to go to proposed.csv.
        """
        from cspkit.exports import saved

        saved.write(self, Path(folder))

    def saving(self, folder: str | Path) -> AbstractContextManager[None]:
        """Write what `save` writes while the body of a `with` works on, and wait for both.

            with loaded.saving("tables"):
                ranked = cspkit.rank(loaded, as_of="2026-11-20")

        Only the tables of a load of one's own are written meanwhile: in a DuckDB or Spark that
        was given, and where CSPKIT_MEMORY limits the memory, they are written first.
        """
        from cspkit.exports import saved

        return saved.meanwhile(self, Path(folder))


@described
def _in_order(rows: Any, names: list[str], keys: list[str]) -> Any:
    chosen = rows.select(*names)
    return chosen.order_by(keys) if keys else chosen


def _arrow(frame: Any) -> Any:
    """Hand a pandas frame over as Arrow; anything else is Ibis' to understand."""
    import pandas as pd

    if isinstance(frame, pd.DataFrame):
        return pa.Table.from_pandas(frame, preserve_index=False)
    return frame
