"""Rejects that were put right: every row is read again as a row of the file it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from cspkit import tables
from cspkit.exports.formats import Formats, Match
from cspkit.exports.sheets import ROW, as_rows, column


def is_rejects(header: tuple[str, ...]) -> bool:
    """Tell whether a header is that of a rejects file."""
    return list(header) == tables.REJECTS.names


def sheets(
    rows: pa.Table, formats: Formats
) -> Iterator[tuple[str, tuple[str, ...], list[Match], pa.Table]]:
    """Yield source file, header, matches and raw rows of the files that rejects came from.

    Either the cell in `value` or the whole row in `row` may have been corrected; a row that is
    no JSON object any more is a row without cells.
    """
    names = [column(i) for i in range(len(tables.REJECTS.names))]
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[int, dict[str, str | None]]]] = {}
    for line in rows.to_pylist():
        cells = dict(zip(tables.REJECTS.names, (line[name] for name in names), strict=True))
        whole = _whole(cells)
        key = (cells["source_file"] or "", tuple(whole))
        groups.setdefault(key, []).append((line[ROW], whole))
    for (source, header), lines in groups.items():
        table = as_rows(
            [list(whole.values()) for _, whole in lines], [row for row, _ in lines], len(header)
        )
        yield source, header, formats.recognise(header), table


def _whole(cells: dict[str, Any]) -> dict[str, str | None]:
    try:
        found = json.loads(cells["row"] or "{}")
    except ValueError:
        found = {}
    if not isinstance(found, dict):
        return {}
    whole = {name: None if cell is None else str(cell) for name, cell in found.items()}
    # A column that the file does not have may be added, as one for the tenant's id.
    if cells["column"] in whole or (cells["column"] and cells["value"]):
        whole[cells["column"]] = cells["value"]
    return whole
