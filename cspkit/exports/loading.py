"""Load export files: open, check, merge, count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from cspkit import collecting
from cspkit.errors import ExportError
from cspkit.exports import (
    arrays,
    counting,
    defining,
    delimited,
    merging,
    narrowing,
    opening,
    owners,
    pricelists,
    proposing,
    rejecting,
    saved,
    scanning,
    shaping,
)
from cspkit.exports.checking import CUSTOMER_PART, check
from cspkit.exports.checking import columns_of as ours
from cspkit.exports.engine import FILE, ROWS, Engine, Held, opened
from cspkit.exports.formats import with_maps
from cspkit.exports.gathering import Progress, gather
from cspkit.exports.layout import Cells, Layout
from cspkit.exports.lookups import Lookup
from cspkit.exports.merging import RANK
from cspkit.exports.owners import Opened
from cspkit.exports.result import Exports
from cspkit.exports.shaping import SEEN
from cspkit.exports.sheets import ROW, Sheet
from cspkit.settings import Service
from cspkit.statements import TOKEN, Rows

Group = list[tuple[int, Sheet]]
# More rows than this are not copied once more, but taken from where they were checked.
COPIED = 200_000


@dataclass(frozen=True)
class Staged:
    """Checked rows of one raw table: the layout, the raw rows, all rows, the odd ones.

    `columns` are those of ours that the file has.
    """

    layout: Layout
    raw: Rows
    rows: Rows
    odd: Held
    numbers: tuple[int, ...]
    columns: frozenset[str]


@collecting.rested()
def load(
    *paths: str | Path,
    engine: Any = None,
    shared: str | Path | None = None,
    progress: Progress | None = None,
    partner_tenant: str | None = None,
    maps: Sequence[str | Path] = (),
) -> Exports:
    """Read export files, or folders of them, into customers, subscriptions and rejects.

    `maps` are files of your own that describe further formats as those of the package do. A
    folder that `Exports.save` wrote is read back as it was; where it is large, its files are
    held open and read when asked for. `progress` is called with the name of each opened file,
    its number and how many there are. Raises ExportError for what cannot be
    read, and when the rows of a file do not add up: read = accepted + rejected + set aside.

    `engine=ibis.pyspark.connect(spark)` works on Spark: DuckDB reads and checks each file, Spark
    brings together what they say and keeps it. `shared` is a folder for that which all of Spark
    sees; one machine needs none. Raises CspkitError for a Spark that is too old or sees no files.
    """
    if not paths:
        raise ExportError(".", ["expected export files or a folder of them, found no path"])
    for path in paths:
        saved.refuse_unfinished(path)
    used = opened(engine, shared)
    if len(paths) == 1 and saved.is_saved(paths[0]):
        return saved.read(Path(paths[0]), used)
    partner = partner_tenant or str(Service.model_fields["partner_tenant"].default)
    with TemporaryDirectory(prefix="cspkit-") as scratch:
        sheets, left = gather(paths, progress, Path(scratch), with_maps(maps))
        if not sheets:
            shown = "; ".join(f"{name}: {why}" for name, why in left[:3]) or "it holds no files"
            raise ExportError(paths[0], [f"expected export files of a known format; {shown}"])
        with opening.counting(sheets):
            return _Load(used, sheets, partner).exports(left)


class _Load:
    """One run over recognised sheets: what is done file by file is the reader's."""

    def __init__(self, engine: Engine, sheets: list[Sheet], partner_tenant: str) -> None:
        self.engine, self.reader = engine, engine.reader
        self.sheets = sheets
        self.partner_tenant = partner_tenant
        order = sorted(range(len(sheets)), key=lambda number: _better(sheets[number]))
        self.ranks = dict(zip(order, range(len(order)), strict=True))
        columns = {
            FILE: arrays.whole(range(len(sheets)), pa.int32()),
            "source_file": arrays.texts([sheet.source_file for sheet in sheets]),
            RANK: arrays.whole([self.ranks[i] for i in range(len(sheets))], pa.int32()),
            SEEN: arrays.days([sheet.seen_on for sheet in sheets]),
            "profile": arrays.texts([sheet.profile.id for sheet in sheets]),
        }
        self.sources = self.reader.keep("sources_of_rows", pa.table(columns))

    @cached_property
    def large(self) -> bool:
        """Say whether tables are so large that copies of them would hurt."""
        rows = sum(opening.counted(sheet).read for sheet in self.sheets)
        return self.engine is self.reader and rows > COPIED

    def exports(self, left: list[opening.Left]) -> Exports:
        engine, staged = self.engine, self._staged()
        accepted = self._taken("accepted_subscriptions", self._accepted(staged, "subscriptions"))
        subscriptions = merging.subscriptions(
            engine, accepted, self._weights(), self._marking(staged) if self.large else None
        )
        listed = self._taken("accepted_customers", self._accepted(staged, "customers"))
        own = merging.customers(engine, listed)
        customers = merging.with_owners(engine, own.rows, self._told(staged, subscriptions))
        lists = self._lists(staged)
        parts: list[Rows] = [shaping.kept_odd(part.odd) for part in staged]
        if subscriptions.foreign is not None:
            parts += self._foreign(staged, subscriptions.foreign)
        held = {
            "customers": engine.keep("customers", shaping.shaped(customers, "customers")),
            "subscriptions": self._settled(
                "subscriptions", shaping.shaped(subscriptions.rows, "subscriptions")
            ),
            "rejects": self._taken("rejects", rejecting.rejects(parts, self.sources), copy=True),
        } | {name: engine.view(name, found.rows) for name, found in lists.items()}
        if named := proposing.proposed(engine, parts, self.sources, customers):
            held["proposed"] = named
        if subscriptions.conflicts is not None:
            conflicts = shaping.shaped(subscriptions.conflicts, "conflicts")
            held["conflicts"] = engine.keep("conflicts", conflicts)
        if subscriptions.sources is not None:
            sources = engine.take("sources_of_rows", self.sources)
            named_sources = shaping.with_format(subscriptions.sources, sources)
            held["sources"] = engine.keep("sources", named_sources)
        aside = [rows for part in staged for rows in (part.rows, part.odd)]
        found = (subscriptions, own, *lists.values())
        merged = [one.merged for one in found if one.merged is not None]
        counts = counting.count(engine, self.sheets, held, aside, merged)
        ordered = ("subscriptions",) if self.large else ()
        return Exports(engine, held, [count.line() for count in counts], left, ordered=ordered)

    def _marking(self, staged: list[Staged]) -> merging.Alone:
        """Return what marks repeated rows where they were checked and leaves out the marked."""

        def alone(rows: Rows, repeated: Held) -> Rows:
            for part in staged:
                if part.layout.profile.table == "subscriptions":
                    number = part.numbers[0]
                    self.engine.mark(f"staged_{number}", self.sheets[number].scan, repeated)
            unmarked: Rows = shaping.unmarked(rows)
            return unmarked

        return alone

    def _lists(self, staged: list[Staged]) -> dict[str, merging.Merged]:
        """Take what price sheets and offer matrices say, where there are any."""
        made = {"prices": pricelists.prices, "offers": pricelists.offers}
        read = {part.layout.profile.table for part in staged}
        return {
            name: make(
                self.engine, self.engine.take(f"accepted_{name}", self._accepted(staged, name))
            )
            for name, make in made.items()
            if name in read
        }

    def _foreign(self, staged: list[Staged], foreign: Held) -> list[Rows]:
        """Reject rows whose subscription stands under another customer in a better row."""
        found: dict[int, set[int]] = {}
        foreign = self.engine.give("foreign", foreign)
        for line in self.reader.fetch(foreign):
            found.setdefault(line[FILE], set()).add(line[ROW])
        parts = []
        for part in staged:
            if numbers := [number for number in part.numbers if number in found]:
                sheet, raw = self.sheets[numbers[0]], part.raw
                if sheet.scan:
                    again = replace(sheet, rows=delimited.rows_at(sheet.scan, found[numbers[0]]))
                    raw = scanning.raw_table(
                        self.reader, [(numbers[0], again)], f"again_{numbers[0]}"
                    )
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

    def _settled(self, name: str, rows: Rows) -> Held:
        """Compute a table once and for all, unless it is so large that a copy would hurt."""
        return self.engine.view(name, rows) if self.large else self.engine.keep(name, rows)

    def _taken(self, name: str, rows: Rows, *, copy: bool = False) -> Held:
        """Settle rows that were read with the engine, or copy them in any case."""
        taken = self.engine.take(name, rows)
        return self.engine.keep(name, taken) if copy else self._settled(name, taken)

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
        read = [self._opened(group) for group in self._read_alike()]
        domains = owners.domains(self.reader, read)
        for layout, raw, different in read:
            layout = replace(layout, domains=domains)
            decided: dict[Any, list[int]] = {}
            for number, cells in different.items():
                decided.setdefault(layout.decide(cells), []).append(number)
            for decision, numbers in decided.items():
                rows = raw if len(decided) == 1 else shaping.of_files(raw, numbers)
                together = _together([different[number] for number in numbers])
                lookups = layout.lookups(together, decision)
                staged.append(self._stage(layout, rows, lookups, numbers))
        return staged

    def _defined(
        self, lookups: dict[str, Lookup], number: int, kinds: Mapping[str, str]
    ) -> dict[str, Lookup]:
        """Turn the meanings of cells into functions of the reader, of types that are narrower."""
        defined = {}
        for name, found in lookups.items():
            function = f"{TOKEN}_{number}_{name}"
            # Statements mix words with other texts, which DuckDB does not do with GUIDs.
            held = kinds.get(name, "")
            told = found.meanings("" if held == narrowing.GUIDS else held)
            defining.define(self.reader, function, [*found.outcomes], told)
            defined[name] = replace(found, function=function)
        return defined

    def _opened(self, group: Group) -> Opened:
        first = group[0][1]
        layout = Layout(first.profile, first.header, self.partner_tenant, {})
        return (layout, *self._different(layout, group))

    def _stage(
        self, layout: Layout, raw: Rows, lookups: dict[str, Lookup], numbers: list[int]
    ) -> Staged:
        name, scan = f"staged_{numbers[0]}", self.sheets[numbers[0]].scan
        kinds = narrowing.narrow(layout, lookups) if scan else {}
        defined = self._defined(lookups, numbers[0], kinds)
        checked = check(raw, layout, defined, guids=bool(scan))
        if scan:
            held, rows = self.reader.keep_scanned(name, checked, scan, kinds)
        else:
            held = rows = self.reader.keep(name, checked)
        odd = self.reader.keep(f"odd_{numbers[0]}", rejecting.odd(rows, layout))
        return Staged(layout, raw, rows, odd, tuple(numbers), frozenset(held.schema))

    def _different(self, layout: Layout, group: Group) -> tuple[Rows, dict[int, Cells]]:
        """Return a group's raw rows and the different cells of its columns, for each file.

        A large file whose rows do not come out as counted is handed to the careful reader.
        """
        raw = scanning.raw_table(self.reader, group, f"raw_{group[0][0]}")
        apart = len(group) > 1
        lines = scanning.different(self.reader, scanning.cells(raw, layout, apart=apart))
        sheet = group[0][1]
        if sheet.scan and not opening.confirmed(sheet, lines[0][ROWS] if lines else None):
            opening.read_carefully(sheet)
            return self._different(layout, group)
        wanted = layout.looked_up
        found: dict[int, Cells] = {number: {name: [] for name in wanted} for number, _ in group}
        for line in lines or []:
            number = line.get(FILE, group[0][0])
            found[number] = {name: _sorted(line[name] or []) for name in wanted}
        return raw, found

    def _accepted(self, staged: list[Staged], table: str) -> Rows:
        """Return all accepted rows for one of our tables."""
        parts = [self._named(part) for part in staged if part.layout.profile.table == table]
        found: Rows = shaping.accepted(parts, self.sources, ours(table))
        return found

    def _named(self, part: Staged) -> Rows:
        """Give accepted rows all our columns, their file, its rank, and the day it was true."""
        function, number = "", part.numbers[0]
        if len(part.numbers) == 1:
            sheet, function = self.sheets[number], f"{TOKEN}_{number}_file"
            values = {
                "source_file": ("string", sheet.source_file),
                RANK: ("int32", self.ranks[number]),
                SEEN: ("date", sheet.seen_on),
            }
            defining.constants(self.reader, function, values)
        schema = ours(part.layout.profile.table)
        named: Rows = shaping.named(part.rows, self.sources, function, schema)
        return named

    def _told(
        self, staged: list[Staged], subscriptions: merging.Merged
    ) -> list[tuple[Rows, set[str]]]:
        """Split merged subscriptions by whether they can say anything of the customer.

        A row can when its own format does, and when it was filled from rows of other files.
        """
        rows, has, telling = subscriptions.rows, set[str](), list[int]()
        for part in staged:
            columns = part.columns & set(CUSTOMER_PART)
            if part.layout.profile.table == "subscriptions" and columns:
                has |= columns
                telling += part.numbers
        if not has:
            return [(rows, has)]
        tells = shaping.of_files(rows, telling)
        others = shaping.of_files(rows, telling, others=True)
        if subscriptions.merged is None:
            return [(tells, has), (others, set())]
        filled = shaping.filled(others, subscriptions.merged, filled=True)
        silent = shaping.filled(others, subscriptions.merged, filled=False)
        return [(tells, has), (filled, has), (silent, set())]


def _better(sheet: Sheet) -> tuple[int, int, str]:
    return sheet.profile.precedence, -sheet.seen_on.toordinal(), sheet.source_file


def _sorted(cells: list[str | None]) -> list[str]:
    return sorted(cell for cell in cells if cell is not None)


def _together(parts: list[Cells]) -> Cells:
    return {name: _sorted(list({c for part in parts for c in part[name]})) for name in parts[0]}
