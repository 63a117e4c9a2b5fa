"""The folder that a load leaves behind: the tables, the rejects, the counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from cspkit.errors import ExportError
from cspkit.exports import arrays
from cspkit.exports.engine import Engine, Held
from cspkit.exports.reasons import SET_ASIDE
from cspkit.exports.result import FILES, TABLES, Exports

FORMAT = 1
# Written only where there are any.
NOTES = ("conflicts", "proposed")
CSV = ("rejects", *NOTES)
PARQUET = ("customers", "subscriptions", "prices", "offers", "sources")
# Every version of every load wrote these.
ALWAYS = ("customers", "subscriptions", "rejects")
LATER = ("seen_on", "note")


def is_saved(folder: str | Path) -> bool:
    """Tell whether a folder is one that `write` made."""
    return all((Path(folder) / name).is_file() for name in FILES)


def write(exports: Exports, folder: Path, lines: list[dict[str, Any]]) -> None:
    """Write the tables of one load; the counts come last, so that a torn folder is none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").unlink(missing_ok=True)
    for name in PARQUET:
        # Of sources only what was merged: a row that stands alone names its file itself.
        exports.engine.write_parquet(exports.rows(name), folder / f"{name}.parquet")
    _write_csv(exports, "rejects", folder / "rejects.csv")
    for name in NOTES:
        (folder / f"{name}.csv").unlink(missing_ok=True)
        if exports.count(name):
            _write_csv(exports, name, folder / f"{name}.csv")
    summary = {
        "format": FORMAT,
        "files": lines,
        "unrecognised": [{"file": file, "why": why} for file, why in exports.unrecognised],
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    (folder / "summary.json").write_text(text, encoding="utf-8")


def _write_csv(exports: Exports, name: str, path: Path) -> None:
    rows = exports.engine.fetch(exports.rows(name))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, TABLES[name].names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(folder: Path, engine: Engine) -> Exports:
    """Read a saved folder back into the same Exports."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        lines = [line | dict.fromkeys(SET_ASIDE, 0) | line for line in summary["files"]]
        left = [(line["file"], line["why"]) for line in summary["unrecognised"]]
        held: dict[str, Held] = {}
        for name in (*PARQUET, *CSV):
            if (rows := _read(name, folder)) and (rows.num_rows or name in ALWAYS):
                held[name] = engine.keep(name, rows)
        return Exports(engine, held, lines, left)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise ExportError(folder, [f"is no folder that a load wrote: {error}"]) from error


def _read(name: str, folder: Path) -> pa.Table | None:
    """Read one table; an earlier version, and a load without any of its rows, wrote none."""
    import pyarrow.parquet as parquet

    file = folder / f"{name}.{'csv' if name in CSV else 'parquet'}"
    if not file.exists() and name not in ALWAYS:
        return None
    if name in CSV:
        return _read_csv(name, file)
    schema = arrays.schema(TABLES[name].schema)
    return _with_later(parquet.read_table(file), schema).cast(schema)


def _with_later(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Add the columns that an earlier version did not write; they are missing values."""
    for field in schema:
        if field.name in LATER and field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names)


def _read_csv(name: str, path: Path) -> pa.Table:
    csv.field_size_limit(100_000_000)
    schema = TABLES[name].schema
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {column: _typed(row[column], kind) for column, kind in schema.items()}
            for row in csv.DictReader(file)
        ]
    return pa.Table.from_pylist(rows, schema=arrays.schema(schema))


def _typed(text: str, kind: str) -> str | int | None:
    if not text:
        return None
    return int(text) if kind == "int64" else text
