"""The law: rows read = rows accepted + rejected + set aside, for every file and sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cspkit.errors import ExportError
from cspkit.exports.checking import ASIDE, CHECKED
from cspkit.exports.engine import FILE, Engine
from cspkit.exports.reasons import SET_ASIDE
from cspkit.exports.sheets import Sheet
from cspkit.later import deferred as _
from cspkit.later import ibis
from cspkit.statements import Rows, described


@dataclass
class Count:
    """The rows of one file or sheet: as its reader counted them, and as the tables hold them."""

    source_file: str
    profile: str
    read: int
    accepted: int = 0
    rejected: int = 0
    note: str = ""
    aside: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SET_ASIDE, 0))

    @property
    def set_aside(self) -> int:
        """Return how many rows are set aside, whatever the reason."""
        return sum(self.aside.values())

    @property
    def holds(self) -> bool:
        """Tell whether no row was lost or counted twice."""
        return self.read == self.accepted + self.rejected + self.set_aside

    def line(self) -> dict[str, Any]:
        """Return the count as one line of the files table."""
        return {
            "source_file": self.source_file,
            "profile": self.profile,
            "read": self.read,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "set_aside": self.set_aside,
            "note": self.note,
        } | self.aside


def count(
    engine: Engine,
    sheets: Sequence[Sheet],
    tables: Mapping[str, Rows],
    aside: Sequence[Rows],
    merged: Sequence[Rows],
) -> list[Count]:
    """Count the rows of every file in the tables.

    `aside` are tables with rows set aside for a reason, `merged` rows that another row stands
    for. Raises ExportError for the files whose rows do not add up to what the reader counted.
    """
    own = {sheet.source_file: sheet.profile.table for sheet in sheets}
    counts = [
        Count(sheet.source_file, sheet.profile.id, sheet.read, note=sheet.note) for sheet in sheets
    ]
    for sheet, found in zip(sheets, counts, strict=True):
        if sheet.profile.table == "none":
            found.aside["other_data"] = sheet.read
    named = {sheet.source_file: found for sheet, found in zip(sheets, counts, strict=True)}
    held = {table: tables[table] for table in (*CHECKED, "rejects") if table in tables}
    left = [engine.take("set_aside", _set_aside(list(aside)))] if aside else []
    for line in engine.fetch(_counted(held, left, list(merged))):
        number, name, what, rows = (line[key] for key in (FILE, "source_file", "what", "rows"))
        found = counts[number] if number is not None else named[name]
        if what == "rejects":
            found.rejected += rows
        elif what in SET_ASIDE:
            found.aside[what] += rows
        elif own[name] == what:
            # Customers that only a subscription names are rows of that subscription's file.
            found.accepted += rows
    hold_law(counts)
    return counts


@described
def _set_aside(aside: Sequence[Any]) -> Any:
    """Count the rows of each file that were set aside, by the reason."""
    return ibis.union(*(_by_number(rows.filter(_[ASIDE].notnull()), _[ASIDE]) for rows in aside))


@described
def _counted(held: Mapping[str, Any], left: Sequence[Any], merged: Sequence[Any]) -> Any:
    """Count the rows of each file by where they came to, beside those that were set aside."""
    parts = [
        *(_by_name(rows, table) for table, rows in held.items()),
        *left,
        *(_by_number(rows, ibis.literal("merged")) for rows in merged),
    ]
    return ibis.union(*parts)


def hold_law(counts: Iterable[Count]) -> None:
    """Raise ExportError that names every file whose rows do not add up."""
    broken = [
        f"{found.source_file}: {found.read} rows read, but {found.accepted} accepted, "
        f"{found.rejected} rejected and {found.set_aside} set aside"
        for found in counts
        if not found.holds
    ]
    if broken:
        raise ExportError("the rows do not add up", broken)


def _by_name(rows: Any, what: str) -> Any:
    grouped = rows.group_by("source_file").aggregate(rows=_.count())
    return _line(grouped, ibis.null("int32"), grouped["source_file"], ibis.literal(what))


def _by_number(rows: Any, what: Any) -> Any:
    grouped = rows.group_by(FILE, what=what).aggregate(rows=_.count())
    return _line(grouped, grouped[FILE], ibis.null("string"), grouped["what"])


def _line(grouped: Any, number: Any, name: Any, what: Any) -> Any:
    columns = {FILE: number, "source_file": name, "what": what}
    kinds = {FILE: "int32", "source_file": "string", "what": "string", "rows": "int64"}
    return grouped.select(**columns, rows=grouped["rows"]).cast(kinds)
