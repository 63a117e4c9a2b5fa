"""Say how a file is understood, column by column, with cells before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cspkit.exports import delimited, opening, parsing
from cspkit.exports.folders import walk
from cspkit.exports.formats import Formats, with_maps
from cspkit.exports.layout import Decided, Layout
from cspkit.exports.lookups import Lookup, is_looked_up
from cspkit.exports.profiles import FILE_NAME, ColumnRule, placeholders
from cspkit.exports.sheets import Sheet, column
from cspkit.settings import Service

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SHOWN = 2
# Rows of a file that are looked at for an explanation.
LOOKED_AT = 200
COLUMNS = ["file", "format", "file_column", "column", "how", "before", "after"]


def explain(*paths: str | Path, maps: Sequence[str | Path] = ()) -> pd.DataFrame:
    """Show for each column of each file which column of ours it becomes, and how.

    Columns: file, format, file_column, column, how, before, after. Columns of the file that
    are not used have an empty `column`; cells in `after` that start with ! are problems.
    Nothing is loaded. Raises ExportError for files that cannot be read.
    """
    import pandas as pd

    formats = with_maps(maps)
    with TemporaryDirectory(prefix="cspkit-") as scratch:
        files, _left = walk(paths, Path(scratch))
        lines = [
            line
            for file in files
            for sheet in opening.open_file(file, formats)[0]
            for line in _lines(sheet, formats)
        ]
    return pd.DataFrame(lines, columns=COLUMNS, dtype="str")


def _lines(sheet: Sheet, formats: Formats) -> Iterator[list[str]]:
    # Read once for all columns, where it is not in memory.
    sheet = replace(sheet, rows=_rows(sheet))
    partner = str(Service.model_fields["partner_tenant"].default)
    layout = Layout(sheet.profile, sheet.header, partner, {})
    before = {
        name: _filled(sheet, layout, rule.template)
        if rule.template
        else [cell for place in layout.place(rule) for cell in _cells(sheet, place)]
        for name, rule in layout.rules.items()
    }
    looked_up = {name: before[name] for name, rule in layout.rules.items() if is_looked_up(rule)}
    decided = layout.decide(looked_up)
    lookups = layout.lookups(looked_up, decided)
    used: set[int] = set()
    for name, rule in sheet.profile.columns.items():
        places = layout.place(rule)
        used |= set(places)
        between = " and " if rule.template else " or "
        headers = between.join(sheet.header[place] for place in places)
        after = _after(sheet, rule, before[name], lookups.get(name))
        yield _line(
            sheet, headers, name, _how(name, rule, decided, before[name]), before[name], after
        )
    for place, header in enumerate(sheet.header):
        if place not in used:
            yield _line(sheet, header, "", "not used", _cells(sheet, place), [])


def _line(
    sheet: Sheet, header: str, name: str, how: str, before: list[str], after: list[str]
) -> list[str]:
    shown = [" | ".join(cells[:SHOWN]) for cells in (before, after)]
    return [sheet.source_file, sheet.profile.title, header, name, how, *shown]


def _rows(sheet: Sheet) -> pa.Table:
    if sheet.rows is not None:
        return sheet.rows
    assert sheet.scan
    return delimited.read_small(sheet.path, sheet.scan.dialect, LOOKED_AT)


def _cells(sheet: Sheet, place: int) -> list[str]:
    return [cell for cell in _rows(sheet).column(column(place)).unique().to_pylist() if cell]


def _filled(sheet: Sheet, layout: Layout, template: str) -> list[str]:
    """Fill a template from the cells of each row, as loading does."""
    found = []
    for row in _rows(sheet).slice(0, LOOKED_AT).to_pylist():
        text = template
        for name in placeholders(template):
            places = layout.positions([name])
            cell = sheet.guid if name == FILE_NAME else row[column(places[0])] if places else ""
            text = text.replace("{" + name + "}", parsing.tidy(cell or ""))
        found.append(text)
    return list(dict.fromkeys(found))


def _how(name: str, rule: ColumnRule, decided: Decided, before: list[str]) -> str:
    if rule.fixed is not None:
        return "always"
    if rule.template:
        return f"filled: {rule.template}"
    if rule.kind == "day":
        orders = dict(decided[0]).get(name, ())
        split = [cell for cell in before if not cell[:4].isdigit()]
        orders = tuple(pair for pair in orders if any(pair[0] in cell for cell in split))
        return "; ".join(_orders(orders)) or "day"
    if rule.kind in ("count", "money"):
        return f"{rule.kind}, decimals behind {decided[1]!r}" if decided[1] else rule.kind
    return rule.rule.replace("_", " ") or rule.kind


def _orders(orders: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Say which signs put day or month first; the one that most columns have comes alone."""
    for order, words in (("dmy", "day first"), ("mdy", "month first")):
        signs = [sign for sign, found in orders if found == order]
        if signs and len(signs) == len(orders):
            yield f"day, {words}"
        elif signs:
            yield f"{words} with {' '.join(signs)}"


def _after(sheet: Sheet, rule: ColumnRule, cells: list[str], found: Lookup | None) -> list[str]:
    if rule.fixed is not None:
        return [rule.fixed]
    if rule.from_file_name and not cells:
        return [sheet.guid or "!no_tenant"]
    if found is None:
        return [parsing.tidy(cell) for cell in cells[:SHOWN]]
    outcomes = (found.outcomes[cell] for cell in cells[:SHOWN])
    return [f"!{code}" if code else _shown(value) for value, code in outcomes]


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)
