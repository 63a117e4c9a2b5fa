"""Read JSON documents: a list of objects, bare or under `value` or `items`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa

from cspkit.errors import ExportError
from cspkit.exports.sheets import as_rows

MAX_BYTES = 200 * 1024 * 1024
MAX_DEPTH = 50
_LISTS = ("value", "items", "content", "data")


def read(path: Path) -> tuple[tuple[str, ...], pa.Table]:
    """Return the keys of the objects and one raw row for each; row 1 is the first object."""
    if path.stat().st_size > MAX_BYTES:
        raise ExportError(path, [f"is larger than {MAX_BYTES:,} bytes"])
    objects = _objects(path, _parse(path))
    header = tuple(dict.fromkeys(name for item in objects for name in item))
    cells = [[_text(item.get(name)) for name in header] for item in objects]
    return header, as_rows(cells, list(range(1, len(objects) + 1)), len(header))


def _parse(path: Path) -> Any:
    raw = path.read_bytes()
    if not raw.strip():
        raise ExportError(path, ["is empty; export it again"])
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        _shallow(text)
        return json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ExportError(path, [f"is no valid JSON: {error}"]) from error


def _shallow(text: str) -> None:
    depth = deepest = 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text, re.DOTALL):
        if (mark := found.group()[0]) in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
        if deepest > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a name stands twice in one object: {[name for name, _ in pairs]}")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _objects(path: Path, document: Any) -> list[dict[str, Any]]:
    if isinstance(document, dict):
        inner = next((document[n] for n in _LISTS if isinstance(document.get(n), list)), None)
        document = [document] if inner is None else inner
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise ExportError(path, ["expected a list of objects, or one under 'value'"])
    return document


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
