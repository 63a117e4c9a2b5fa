"""Load export files: open, check, merge, count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from cspkit import collecting, tables
from cspkit.errors import ExportError
from cspkit.exports import (
    counting,
    delimited,
    merging,
    opening,
    owners,
    pricelists,
    proposing,
    rejecting,
    saved,
)
from cspkit.exports import engine as engines
from cspkit.exports.checking import ASIDE, CODE, CUSTOMER_PART, LATEST, check
from cspkit.exports.checking import columns_of as ours
from cspkit.exports.engine import AGAIN, FILE
from cspkit.exports.formats import with_maps
from cspkit.exports.gathering import Progress, gather
from cspkit.exports.layout import Cells, Layout
from cspkit.exports.lookups import Lookup
from cspkit.exports.merging import RANK
from cspkit.exports.owners import Opened
from cspkit.exports.result import Exports
from cspkit.exports.sheets import ROW, Sheet
from cspkit.settings import Service

Group = list[tuple[int, Sheet]]
PLACED = {
    LATEST: "string",
    FILE: "int32",
    ROW: "int64",
    RANK: "int32",
    AGAIN: "boolean",
    "source_file": "string",
    "source_row": "int64",
}
# More rows than this are not copied once more, but taken from where they were checked.
COPIED = 200_000


@dataclass(frozen=True)
class Staged:
    """Checked rows of one raw table: the layout, the raw rows, all rows, the odd ones."""

    layout: Layout
    raw: Any
    rows: Any
    odd: Any
    numbers: tuple[int, ...]


@collecting.rested()
def load(
    *paths: str | Path,
    engine: Any = None,
    progress: Progress | None = None,
    partner_tenant: str | None = None,
    maps: Sequence[str | Path] = (),
) -> Exports:
    """Read export files, or folders of them, into customers, subscriptions and rejects.

    `maps` are files of your own that describe further formats as those of the package do. A
    folder that `Exports.save` wrote is read back as it was. `progress` is called with the name
    of each opened file, its number and how many there are. Raises ExportError for what cannot be
    read, and when the rows of a file do not add up: read = accepted + rejected + set aside.
    """
    if not paths:
        raise ExportError(".", ["expected export files or a folder of them, found no path"])
    if len(paths) == 1 and saved.is_saved(paths[0]):
        return saved.read(Path(paths[0]), engine)
    partner = partner_tenant or str(Service.model_fields["partner_tenant"].default)
    with TemporaryDirectory(prefix="cspkit-") as scratch:
        sheets, left = gather(paths, progress, Path(scratch), with_maps(maps))
        if not sheets:
            shown = "; ".join(f"{name}: {why}" for name, why in left[:3]) or "it holds no files"
            raise ExportError(paths[0], [f"expected export files of a known format; {shown}"])
        return _Load(engine or engines.connect(), sheets, partner).exports(left)


class _Load:
    """One run over recognised sheets; its tables carry a name of their own in the engine."""

    def __init__(self, connection: Any, sheets: list[Sheet], partner_tenant: str) -> None:
        self.connection = connection
        self.sheets = sheets
        self.partner_tenant = partner_tenant
        self.name = engines.fresh_name()
        order = sorted(range(len(sheets)), key=lambda number: _better(sheets[number]))
        self.lines = [
            {FILE: i, "source_file": s.source_file, RANK: order.index(i), "_seen": s.seen_on}
            for i, s in enumerate(sheets)
        ]
        kinds = {FILE: "int32", "source_file": "string", RANK: "int32", "_seen": "date"}
        self.sources = self._keep(
            "files", pa.Table.from_pylist(self.lines, schema=ibis.schema(kinds).to_pyarrow())
        )
        self.large = sum(sheet.read for sheet in sheets) > COPIED

    def exports(self, left: list[opening.Left]) -> Exports:
        staged = self._staged()
        accepted = self._settled("accepted_subscriptions", self._accepted(staged, "subscriptions"))
        subscriptions = merging.subscriptions(
            accepted, self._keep, self._weights(), self._marking(staged) if self.large else None
        )
        listed = self._settled("accepted_customers", self._accepted(staged, "customers"))
        own = merging.customers(listed, self._keep)
        customers = merging.with_owners(own.rows, self._told(staged, subscriptions), self._keep)
        lists = self._lists(staged)
        parts = [part.odd.filter(_[ASIDE].isnull()) for part in staged]
        if subscriptions.foreign is not None:
            parts += self._foreign(staged, subscriptions.foreign)
        held = {
            "customers": self._keep("customers", _shaped(customers, tables.CUSTOMERS)),
            "subscriptions": self._settled(
                "subscriptions", _shaped(subscriptions.rows, tables.SUBSCRIPTIONS)
            ),
            "rejects": self._keep("rejects", rejecting.rejects(parts, self.sources)),
            "proposed": proposing.proposed(parts, self.sources, customers, self._keep),
        } | {name: found.rows for name, found in lists.items()}
        if subscriptions.conflicts is not None:
            conflicts = _shaped(subscriptions.conflicts, tables.CONFLICTS)
            held["conflicts"] = self._keep("conflicts", conflicts)
        if subscriptions.sources is not None:
            held["sources"] = self._sources(subscriptions.sources)
        aside = [rows for part in staged for rows in (part.rows, part.odd)]
        found = (subscriptions, own, *lists.values())
        merged = [one.merged for one in found if one.merged is not None]
        counts = counting.count(self.connection, self.sheets, held, aside, merged)
        ordered = ("subscriptions",) if self.large else ()
        lines = [count.line() for count in counts]
        return Exports(self.connection, held, lines, left, ordered=ordered)

    def _marking(self, staged: list[Staged]) -> merging.Alone:
        """Return what marks repeated rows where they were checked and leaves out the marked."""

        def alone(rows: Any, repeated: Any) -> Any:
            for part in staged:
                if part.layout.profile.table == "subscriptions":
                    number = part.numbers[0]
                    name, scan = f"{self.name}_staged_{number}", self.sheets[number].scan
                    engines.mark(self.connection, name, scan, repeated)
            return rows.filter(rows[AGAIN].isnull())

        return alone

    def _sources(self, rows: Any) -> Any:
        """Name the formats of the rows that merged subscriptions came from."""
        formats = {s.source_file: s.profile.id for s in self.sheets}
        named = ibis.memtable(pa.table({"source_file": [*formats], "profile": [*formats.values()]}))
        return self._keep("sources", _shaped(rows.inner_join(named, "source_file"), tables.SOURCES))

    def _lists(self, staged: list[Staged]) -> dict[str, merging.Merged]:
        """Take what price sheets and offer matrices say, where there are any."""
        made = {"prices": pricelists.prices, "offers": pricelists.offers}
        read = {part.layout.profile.table for part in staged}
        return {
            name: make(self._accepted(staged, name), self._keep)
            for name, make in made.items()
            if name in read
        }

    def _foreign(self, staged: list[Staged], foreign: Any) -> list[Any]:
        """Reject rows whose subscription stands under another customer in a better row."""
        found: dict[int, set[int]] = {}
        for line in self.connection.to_pyarrow(foreign).to_pylist():
            found.setdefault(line[FILE], set()).add(line[ROW])
        parts = []
        for part in staged:
            if numbers := [number for number in part.numbers if number in found]:
                sheet, raw = self.sheets[numbers[0]], part.raw
                if sheet.scan:
                    again = replace(sheet, rows=delimited.rows_at(sheet.scan, found[numbers[0]]))
                    name = f"{self.name}_again_{numbers[0]}"
                    raw = engines.raw_table(self.connection, [(numbers[0], again)], name)
                parts.append(rejecting.foreign(raw, part.layout, foreign))
        return parts

    def _weights(self) -> merging.Weights:
        """Say for each column which files lead or yield in it, by their formats."""
        weights: dict[str, dict[int, int]] = {}
        for number, sheet in enumerate(self.sheets):
            for names, weight in ((sheet.profile.leads, -1), (sheet.profile.yields, 1)):
                for name in names:
                    weights.setdefault(name, {})[number] = weight
        return weights

    def _settled(self, name: str, rows: Any) -> Any:
        """Compute a table once and for all, unless it is so large that a copy would hurt."""
        if self.large:
            return engines.view(self.connection, f"{self.name}_{name}", rows)
        return self._keep(name, rows)

    def _keep(self, name: str, expression: Any) -> Any:
        return engines.keep(self.connection, f"{self.name}_{name}", expression)

    def _read_alike(self) -> list[Group]:
        """Put sheets with the same format and header together; large files stay alone."""
        alike: dict[Any, Group] = {}
        useful = [
            (i, sheet) for i, sheet in enumerate(self.sheets) if sheet.profile.table != "none"
        ]
        for number, sheet in sorted(useful, key=lambda pair: pair[1].profile.table):
            own = number if sheet.scan else None
            alike.setdefault((sheet.profile.id, sheet.header, own), []).append((number, sheet))
        return list(alike.values())

    def _staged(self) -> list[Staged]:
        """Check every raw table, files apart whose days or numbers are written differently."""
        staged: list[Staged] = []
        opened = [self._opened(group) for group in self._read_alike()]
        domains = owners.domains(self.connection, opened)
        for layout, raw, different in opened:
            layout = replace(layout, domains=domains)
            decided: dict[Any, list[int]] = {}
            for number, cells in different.items():
                decided.setdefault(layout.decide(cells), []).append(number)
            for decision, numbers in decided.items():
                rows = raw if len(decided) == 1 else raw.filter(raw[FILE].isin(numbers))
                together = _together([different[number] for number in numbers])
                lookups = layout.lookups(together, decision)
                if self.sheets[numbers[0]].scan:
                    lookups = self._defined(lookups, numbers[0])
                checked = check(rows, layout, lookups)
                staged.append(self._stage(layout, rows, checked, numbers))
        return staged

    def _defined(self, lookups: dict[str, Lookup], number: int) -> dict[str, Lookup]:
        """Turn the meanings of a large file's cells into functions of the engine."""
        defined = dict(lookups)
        for name, found in lookups.items():
            if not found.few:
                function = f"{self.name}_{number}_{name}"
                engines.define(self.connection, function, found.table(name))
                defined[name] = replace(found, function=function)
        return defined

    def _opened(self, group: Group) -> Opened:
        first = group[0][1]
        layout = Layout(first.profile, first.header, self.partner_tenant, {})
        return (layout, *self._different(layout, group))

    def _stage(self, layout: Layout, raw: Any, checked: Any, numbers: list[int]) -> Staged:
        name, scan = f"{self.name}_staged_{numbers[0]}", self.sheets[numbers[0]].scan
        checked = checked.mutate(**{AGAIN: ibis.null("boolean")})
        if scan:
            rows = engines.keep_scanned(self.connection, name, checked, scan)
        else:
            rows = engines.keep(self.connection, name, checked)
        odd = self._keep(f"odd_{numbers[0]}", rejecting.odd(rows, layout))
        return Staged(layout, raw, rows, odd, tuple(numbers))

    def _different(self, layout: Layout, group: Group) -> tuple[Any, dict[int, Cells]]:
        """Return a group's raw rows and the different cells of its columns, for each file.

        A large file whose rows do not come out as counted is handed to the careful reader.
        """
        name = f"{self.name}_raw_{group[0][0]}"
        raw = engines.raw_table(self.connection, group, name)
        wanted = layout.different(raw)
        lines = engines.different(self.connection, raw, wanted, apart=len(group) > 1)
        sheet = group[0][1]
        if sheet.scan and not opening.confirmed(sheet, lines[0][engines.ROWS] if lines else None):
            opening.read_carefully(sheet)
            return self._different(layout, group)
        found: dict[int, Cells] = {number: {name: [] for name in wanted} for number, _ in group}
        for line in lines or []:
            number = line.get(FILE, group[0][0])
            found[number] = {name: _sorted(line[name] or []) for name in wanted}
        return raw, found

    def _accepted(self, staged: list[Staged], table: str) -> Any:
        """Return all accepted rows for one of our tables."""
        parts = [self._named(part) for part in staged if part.layout.profile.table == table]
        if parts:
            return ibis.union(*parts) if len(parts) > 1 else parts[0]
        none = ibis.schema(ours(table) | PLACED).to_pyarrow().empty_table()
        return self._keep(f"no_{table}", none)

    def _named(self, part: Staged) -> Any:
        """Give accepted rows all our columns, their file, its rank, and the day it was true."""
        rows = part.rows.filter(_[ASIDE].isnull() & _[CODE].isnull())
        if len(part.numbers) > 1:
            rows = rows.inner_join(self.sources, FILE)
            known = {name: rows[name] for name in ("source_file", RANK, "_seen")}
        else:
            known = self._constants(part.numbers[0])
        schema = ours(part.layout.profile.table)
        values = {
            name: rows[name] if name in part.rows.columns else ibis.null(kind)
            for name, kind in schema.items()
        }
        if "channel" in values:
            values["channel"] = ibis.coalesce(values["channel"], "unknown")
        if "seen_on" in values:
            values["seen_on"] = ibis.coalesce(values["seen_on"], known["_seen"])
        return rows.select(
            **values,
            **{LATEST: rows[LATEST], FILE: rows[FILE], ROW: rows[ROW], RANK: known[RANK]},
            **{AGAIN: rows[AGAIN]},
            source_file=known["source_file"],
            source_row=rows[ROW],
        ).cast(schema | PLACED)

    def _constants(self, number: int) -> dict[str, Any]:
        line = self.lines[number]
        return {name: ibis.literal(line[name]) for name in ("source_file", RANK, "_seen")}

    def _told(
        self, staged: list[Staged], subscriptions: merging.Merged
    ) -> list[tuple[Any, set[str]]]:
        """Split merged subscriptions by whether they can say anything of the customer.

        A row can when its own format does, and when it was filled from rows of other files.
        """
        rows, has, telling = subscriptions.rows, set[str](), list[int]()
        for part in staged:
            columns = set(part.rows.columns) & set(CUSTOMER_PART)
            if part.layout.profile.table == "subscriptions" and columns:
                has |= columns
                telling += part.numbers
        if not has:
            return [(rows, has)]
        tells = rows.filter(rows[FILE].isin(telling))
        others = rows.filter(~rows[FILE].isin(telling))
        if subscriptions.merged is None:
            return [(tells, has), (others, set())]
        filled = others.semi_join(subscriptions.merged, "subscription_id")
        silent = others.anti_join(subscriptions.merged, "subscription_id")
        return [(tells, has), (filled, has), (silent, set())]


def _better(sheet: Sheet) -> tuple[int, int, str]:
    return sheet.profile.precedence, -sheet.seen_on.toordinal(), sheet.source_file


def _shaped(rows: Any, table: tables.Table) -> Any:
    return rows.select(table.names).cast(table.schema)


def _sorted(cells: list[str | None]) -> list[str]:
    return sorted(cell for cell in cells if cell is not None)


def _together(parts: list[Cells]) -> Cells:
    return {name: _sorted(list({c for part in parts for c in part[name]})) for name in parts[0]}
