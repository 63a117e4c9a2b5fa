"""Load export files: open, check, merge, count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from cspkit import tables
from cspkit.errors import ExportError
from cspkit.exports import counting, merging, opening, rejecting, saved
from cspkit.exports import engine as engines
from cspkit.exports.checking import ASIDE, LATEST, PRECEDENCE, PROBLEM, check
from cspkit.exports.checking import columns_of as ours
from cspkit.exports.engine import FILE
from cspkit.exports.folders import walk
from cspkit.exports.layout import Cells, Layout
from cspkit.exports.result import Exports
from cspkit.exports.sheets import ROW, Sheet
from cspkit.settings import Service

Progress = Callable[[str, int, int], None]
Group = list[tuple[int, Sheet]]
Staged = tuple[Layout, Any, Any]


def load(
    *paths: str | Path,
    engine: Any = None,
    progress: Progress | None = None,
    partner_tenant: str | None = None,
) -> Exports:
    """Read export files, or folders of them, into customers, subscriptions and rejects.

    A folder that `Exports.save` wrote is read back as it was. `progress` is called with the name
    of each opened file, its number and how many there are. Raises ExportError for what cannot be
    read, and when the rows of a file do not add up: read = accepted + rejected + set aside.
    """
    if not paths:
        raise ExportError(".", ["expected export files or a folder of them, found no path"])
    if len(paths) == 1 and saved.is_saved(paths[0]):
        return saved.read(Path(paths[0]), engine)
    sheets, left = _open(paths, progress)
    if not sheets:
        shown = "; ".join(f"{name}: {why}" for name, why in left[:3]) or "it holds no files"
        raise ExportError(paths[0], [f"expected export files of a known format; {shown}"])
    partner = partner_tenant or str(Service.model_fields["partner_tenant"].default)
    return _Load(engine or engines.connect(), sheets, partner).exports(left)


def _open(
    paths: tuple[str | Path, ...], progress: Progress | None
) -> tuple[list[Sheet], list[opening.Left]]:
    files, left = walk(paths)
    sheets: list[Sheet] = []
    errors: list[ExportError] = []
    for done, file in enumerate(files, start=1):
        try:
            found, unknown = opening.open_file(file)
            sheets += found
            left += unknown
        except ExportError as error:
            errors.append(error)
        if progress:
            progress(file.name, done, len(files))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExportError(", ".join(map(str, paths)), [str(error) for error in errors])
    return sheets, left


class _Load:
    """One run over recognised sheets; its tables carry a name of their own in the engine."""

    def __init__(self, connection: Any, sheets: list[Sheet], partner_tenant: str) -> None:
        self.connection = connection
        self.sheets = sheets
        self.partner_tenant = partner_tenant
        self.name = engines.fresh_name()
        self.sources = ibis.memtable(
            pa.table(
                {
                    FILE: pa.array(range(len(sheets)), pa.int32()),
                    "source_file": [sheet.source_file for sheet in sheets],
                    "_seen": [sheet.seen_on for sheet in sheets],
                }
            )
        )

    def exports(self, left: list[opening.Left]) -> Exports:
        staged = self._staged()
        subscriptions, merged, foreign = merging.subscriptions(
            self._accepted(staged, "subscriptions"), self._keep
        )
        subscriptions = self._keep("merged_subscriptions", subscriptions)
        customers, twins = merging.customers(
            self._accepted(staged, "customers"), subscriptions, self._keep
        )
        parts = [rejecting.wrong(checked) for _layout, _raw, checked in staged] + [
            rejecting.foreign(raw, layout, foreign)
            for layout, raw, _checked in staged
            if layout.profile.table == "subscriptions"
        ]
        held = {
            "customers": self._keep("customers", _shaped(customers, tables.CUSTOMERS)),
            "subscriptions": self._keep(
                "subscriptions", _shaped(subscriptions, tables.SUBSCRIPTIONS)
            ),
            "rejects": self._keep("rejects", rejecting.rejects(parts, self.sources)),
        }
        checked = [rows for _layout, _raw, rows in staged]
        counts = counting.count(self.connection, self.sheets, held, checked, [merged, twins])
        return Exports(self.connection, held, [count.line() for count in counts], left)

    def _keep(self, name: str, expression: Any) -> Any:
        return engines.keep(self.connection, f"{self.name}_{name}", expression)

    def _read_alike(self) -> list[tuple[Layout, Any, Group]]:
        """Put sheets with the same format and header into one raw table each."""
        alike: dict[Any, Group] = {}
        for number, sheet in enumerate(self.sheets):
            if sheet.scan:
                self._confirm(sheet)
            own = number if sheet.scan else None
            alike.setdefault((sheet.profile.id, sheet.header, own), []).append((number, sheet))
        return [
            (
                Layout(group[0][1].profile, group[0][1].header, self.partner_tenant),
                engines.raw_table(self.connection, group, f"{self.name}_raw_{i}"),
                group,
            )
            for i, group in enumerate(alike.values())
        ]

    def _confirm(self, sheet: Sheet) -> None:
        """Let the careful reader have a large file whose lines and rows do not agree."""
        if engines.count_scan(self.connection, sheet) != sheet.read:
            opening.read_carefully(sheet)

    def _staged(self) -> list[Staged]:
        """Check every raw table, files apart whose days or numbers are written differently."""
        staged: list[Staged] = []
        for layout, raw, group in self._read_alike():
            different = self._different(layout, raw, group)
            decided: dict[Any, list[int]] = {}
            for number, cells in different.items():
                decided.setdefault(layout.decide(cells), []).append(number)
            for decision, numbers in decided.items():
                rows = raw if len(decided) == 1 else raw.filter(raw[FILE].isin(numbers))
                together = _together([different[number] for number in numbers])
                checked = check(rows, layout, layout.lookups(together, decision))
                staged.append((layout, rows, self._keep(f"staged_{len(staged)}", checked)))
        return staged

    def _different(self, layout: Layout, raw: Any, group: Group) -> dict[int, Cells]:
        """Collect the different cells of every looked-up column, for each file."""
        wanted = layout.different(raw)
        found: dict[int, Cells] = {number: {name: [] for name in wanted} for number, _ in group}
        if not wanted:
            return found
        grouped = raw.aggregate(**wanted) if len(group) == 1 else raw.group_by(FILE).agg(**wanted)
        for line in self.connection.to_pyarrow(grouped).to_pylist():
            number = line.pop(FILE, group[0][0])
            found[number] = {name: _sorted(cells or []) for name, cells in line.items()}
        return found

    def _accepted(self, staged: list[Staged], table: str) -> Any:
        """Return all accepted rows for one of our tables, with their file and the day seen."""
        kinds = {FILE: "int32", ROW: "int64", PRECEDENCE: "int64", LATEST: "string"}
        schema = ours(table) | kinds
        parts = [
            rows.filter(_[ASIDE].isnull() & _[PROBLEM].isnull()).select(*schema).cast(kinds)
            for layout, _raw, rows in staged
            if layout.profile.table == table
        ]
        rows = ibis.union(ibis.memtable([], schema=ibis.schema(schema)), *parts)
        joined = rows.inner_join(self.sources, FILE)
        seen = joined["seen_on"] if "seen_on" in schema else ibis.null("date")
        return joined.mutate(
            seen_on=ibis.coalesce(seen, joined["_seen"]), source_row=joined[ROW]
        ).drop("_seen")


def _shaped(rows: Any, table: tables.Table) -> Any:
    return rows.select(table.names).cast(table.schema)


def _sorted(cells: list[str | None]) -> list[str]:
    return sorted(cell for cell in cells if cell is not None)


def _together(parts: list[Cells]) -> Cells:
    return {name: _sorted(list({c for part in parts for c in part[name]})) for name in parts[0]}
