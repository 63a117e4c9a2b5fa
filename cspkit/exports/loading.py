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
from cspkit.exports import engine as engines
from cspkit.exports import merging, opening, saved
from cspkit.exports.checking import (
    ASIDE,
    COLUMN,
    JSON,
    LATEST,
    PROBLEM,
    VALUE,
    Cells,
    Layout,
    as_json,
    check,
    columns_of,
)
from cspkit.exports.engine import FILE
from cspkit.exports.folders import walk
from cspkit.exports.reasons import REJECTED, SET_ASIDE
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

    A folder that `Exports.save` wrote is read back as it was. Raises ExportError for what cannot
    be read, and when the rows of a file do not add up: read = accepted + rejected + set aside.
    """
    if len(paths) == 1 and saved.is_saved(paths[0]):
        return saved.read(Path(paths[0]), engine)
    files, left = walk(paths)
    sheets: list[Sheet] = []
    problems: list[ExportError] = []
    for done, file in enumerate(files, start=1):
        try:
            found, unknown = opening.open_file(file)
        except ExportError as error:
            problems.append(error)
            continue
        sheets += found
        left += unknown
        if progress:
            progress(file.name, done, len(files))
    _raise(paths, problems)
    if not sheets:
        shown = "; ".join(f"{name}: {why}" for name, why in left[:3]) or "no export files"
        raise ExportError(paths[0] if paths else ".", [f"nothing to read: {shown}"])
    loaded = _Load(engine or engines.connect(), sheets, partner_tenant)
    return loaded.exports(left)


def _raise(paths: tuple[str | Path, ...], problems: list[ExportError]) -> None:
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ExportError(", ".join(map(str, paths)), [str(problem) for problem in problems])


class _Load:
    """One run over recognised sheets."""

    def __init__(self, connection: Any, sheets: list[Sheet], partner_tenant: str | None) -> None:
        self.connection = connection
        self.sheets = sheets
        self.name = engines.fresh_name()
        default = Service.model_fields["partner_tenant"].default
        self.partner_tenant = partner_tenant or default
        self.tables: dict[str, Any] = {}

    def exports(self, left: list[tuple[str, str]]) -> Exports:
        staged = self._staged()
        subscriptions, merged, foreign = merging.subscriptions(
            self._accepted(staged, "subscriptions"), self._keep
        )
        subscriptions = self._keep("all_subscriptions", subscriptions)
        customers, twins = merging.customers(
            self._accepted(staged, "customers"), subscriptions, self._keep
        )
        self.tables["customers"] = self._keep(
            "customers", customers.select(tables.CUSTOMERS.names).cast(tables.CUSTOMERS.schema)
        )
        self.tables["subscriptions"] = self._keep(
            "subscriptions",
            subscriptions.select(tables.SUBSCRIPTIONS.names).cast(tables.SUBSCRIPTIONS.schema),
        )
        self.tables["rejects"] = self._keep("rejects", self._rejects(staged, foreign))
        counted = self._count(staged, [merged, twins])
        return Exports(self.connection, self.tables, counted, left)

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
        staged = []
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
        if not wanted:
            return {number: {} for number, _sheet in group}
        grouped = raw.aggregate(**wanted) if len(group) == 1 else raw.group_by(FILE).agg(**wanted)
        lines = self.connection.to_pyarrow(grouped).to_pylist()
        return {number: {name: [] for name in wanted} for number, _sheet in group} | {
            line.pop(FILE, group[0][0]): {
                name: sorted(cell for cell in cells or [] if cell is not None)
                for name, cells in line.items()
            }
            for line in lines
        }

    def _keep(self, name: str, expression: Any) -> Any:
        return engines.keep(self.connection, f"{self.name}_{name}", expression)

    def _sources(self) -> Any:
        return ibis.memtable(
            pa.table(
                {
                    FILE: pa.array(range(len(self.sheets)), pa.int32()),
                    "source_file": [sheet.source_file for sheet in self.sheets],
                    "_seen": [sheet.seen_on for sheet in self.sheets],
                }
            )
        )

    def _accepted(self, staged: list[Staged], table: str) -> Any:
        names = [*columns_of(table), FILE, ROW, "_precedence", LATEST]
        parts = [
            rows.filter(_[ASIDE].isnull() & _[PROBLEM].isnull()).select(names)
            for layout, _raw, rows in staged
            if layout.profile.table == table
        ]
        if not parts:
            kinds = columns_of(table) | {
                FILE: "int32",
                ROW: "int64",
                "_precedence": "int8",
                LATEST: "string",
            }
            parts = [ibis.memtable([], schema=ibis.schema(kinds))]
        rows = parts[0] if len(parts) == 1 else ibis.union(*parts)
        sources = self._sources()
        joined = rows.inner_join(sources, FILE)
        seen = joined["seen_on"] if "seen_on" in joined.columns else ibis.null("date")
        return joined.mutate(seen_on=ibis.coalesce(seen, joined["_seen"]), source_row=_[ROW]).drop(
            "_seen"
        )

    def _rejects(self, staged: list[Staged], foreign: Any) -> Any:
        parts = [
            rows.filter(_[PROBLEM].notnull()).select(FILE, ROW, COLUMN, VALUE, PROBLEM, JSON)
            for _layout, _raw, rows in staged
        ]
        for layout, raw, _rows in staged:
            if layout.profile.table == "subscriptions":
                taken = raw.semi_join(foreign, [FILE, ROW])
                place = layout.positions(layout.profile.columns["customer_id"].headers)
                parts.append(
                    taken.select(
                        FILE,
                        ROW,
                        **{
                            COLUMN: ibis.literal(layout.header[place[0]] if place else ""),
                            VALUE: taken[f"c{place[0]}"] if place else ibis.null("string"),
                            PROBLEM: ibis.literal("other_customer"),
                            JSON: as_json(taken, layout),
                        },
                    )
                )
        rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
        reason = rows[PROBLEM].cases(*REJECTED.items(), else_="")
        named = rows.inner_join(self._sources(), FILE)
        return (
            named.order_by(FILE, ROW)
            .select(
                "source_file",
                source_row=named[ROW],
                column=named[COLUMN],
                value=named[VALUE],
                reason_code=named[PROBLEM],
                reason=reason,
                row=named[JSON],
            )
            .cast(tables.REJECTS.schema)
        )

    def _count(self, staged: list[Staged], merged: list[Any]) -> list[dict[str, Any]]:
        """Count every file's rows in the tables, and hold them against the reader's count."""
        lines = [
            {
                "source_file": sheet.source_file,
                "profile": sheet.profile.id,
                "read": sheet.read,
                "accepted": 0,
                "rejected": 0,
                "set_aside": 0,
                **dict.fromkeys(SET_ASIDE, 0),
            }
            for sheet in self.sheets
        ]
        names = {sheet.source_file: number for number, sheet in enumerate(self.sheets)}
        for table in ("rejects",):
            for name, count in self._by_file(self.tables[table], "source_file"):
                lines[names[name]]["rejected"] += count
        for _layout, _raw, rows in staged:
            aside = rows.filter(_[ASIDE].notnull()).group_by([FILE, ASIDE]).aggregate(n=_.count())
            for line in self.connection.to_pyarrow(aside).to_pylist():
                lines[line[FILE]][line[ASIDE]] += line["n"]
        for rows in merged:
            for number, count in self._by_file(rows, FILE):
                lines[number]["merged"] += count
        for table in ("customers", "subscriptions"):
            numbers = {s.source_file for s in self.sheets if s.profile.table == table}
            for name, count in self._by_file(self.tables[table], "source_file"):
                if name in numbers:
                    lines[names[name]]["accepted"] += count
        for line in lines:
            line["set_aside"] = sum(line[reason] for reason in SET_ASIDE)
        _hold_law(lines)
        return lines

    def _by_file(self, rows: Any, name: str) -> list[tuple[Any, int]]:
        counted = self.connection.to_pyarrow(rows.group_by(name).aggregate(n=_.count()))
        return [(line[name], line["n"]) for line in counted.to_pylist()]


def _hold_law(lines: list[dict[str, Any]]) -> None:
    broken = [
        f"{line['source_file']}: {line['read']} rows read, but {line['accepted']} accepted, "
        f"{line['rejected']} rejected and {line['set_aside']} set aside"
        for line in lines
        if line["read"] != line["accepted"] + line["rejected"] + line["set_aside"]
    ]
    if broken:
        raise ExportError("load", broken)


def _together(parts: list[Cells]) -> Cells:
    return {name: sorted({cell for part in parts for cell in part[name]}) for name in parts[0]}
