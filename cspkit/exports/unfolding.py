"""A cell that holds several JSON objects: each becomes a row, its fields columns of their own."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from cspkit.exports.sheets import CELLS, MORE, NOTE, ROW, as_rows, column

# The second object of row 5 is row 1,000,005: rows stay distinct, and can be found again.
APART = 1_000_000


def unfold(header: tuple[str, ...], rows: pa.Table, name: str) -> tuple[tuple[str, ...], pa.Table]:
    """Return header and raw rows with the objects in column `name` as `name.field` columns.

    A cell without an object leaves its row as it is, without those fields.
    """
    place = header.index(name)
    lines = rows.to_pylist()
    found = [_objects(line[column(place)]) for line in lines]
    fields = tuple(dict.fromkeys(field for objects in found for item in objects for field in item))
    cells, numbers = [], []
    extra: dict[str, list[Any]] = {"lengths": [], "notes": [], "more": []}
    for line, objects in zip(lines, found, strict=True):
        plain = [line[column(i)] for i in range(len(header))]
        for number, item in enumerate(objects or [{}]):
            cells.append([*plain, *(item.get(field) for field in fields)])
            numbers.append(line[ROW] + number * APART)
            extra["lengths"].append(
                line[CELLS] + (len(fields) if line[CELLS] >= len(header) else 0)
            )
            extra["notes"].append(line[NOTE])
            extra["more"].append(line[MORE])
    wider = (*header, *(f"{name}.{field}" for field in fields))
    return wider, as_rows(cells, numbers, len(wider), **extra)


def _objects(cell: str | None) -> list[dict[str, str | None]]:
    """Read the objects of a cell: a list, or objects with commas between them."""
    try:
        found = json.loads(f"[{cell or ''}]")
    except (ValueError, RecursionError):
        return []
    flat = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    return [{name: _text(value) for name, value in item.items()} for item in flat if _is(item)]


def _is(item: Any) -> bool:
    return isinstance(item, dict)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
