"""The folder that a load leaves behind: two tables, the rejects, the counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as parquet

from cspkit import tables
from cspkit.errors import ExportError
from cspkit.exports import engine as engines
from cspkit.exports.reasons import SET_ASIDE
from cspkit.exports.result import FILES, TABLES, Exports

FORMAT = 1


def is_saved(folder: str | Path) -> bool:
    """Tell whether a folder is one that `write` made."""
    return all((Path(folder) / name).is_file() for name in FILES)


def write(exports: Exports, folder: Path, lines: list[dict[str, Any]]) -> None:
    """Write the tables of one load; the counts come last, so that a torn folder is none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").unlink(missing_ok=True)
    for name, key in (("customers", "customer_id"), ("subscriptions", "subscription_id")):
        table = exports.table(name).order_by(key)
        exports.connection.to_parquet(table, folder / f"{name}.parquet")
    _write_rejects(exports, folder / "rejects.csv")
    summary = {
        "format": FORMAT,
        "files": lines,
        "unrecognised": [{"file": file, "why": why} for file, why in exports.unrecognised],
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    (folder / "summary.json").write_text(text, encoding="utf-8")


def _write_rejects(exports: Exports, path: Path) -> None:
    rows = exports.connection.to_pyarrow(exports.table("rejects")).to_pylist()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, tables.REJECTS.names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(folder: Path, engine: Any = None) -> Exports:
    """Read a saved folder back into the same Exports."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        lines = [line | dict.fromkeys(SET_ASIDE, 0) | line for line in summary["files"]]
        left = [(line["file"], line["why"]) for line in summary["unrecognised"]]
        arrow = {
            name: parquet.read_table(folder / f"{name}.parquet")
            for name in ("customers", "subscriptions")
        } | {"rejects": _read_rejects(folder / "rejects.csv")}
        connection, prefix = engine or engines.connect(), engines.fresh_name()
        held: dict[str, Any] = {}
        for name, table in arrow.items():
            schema = ibis.schema(TABLES[name].schema).to_pyarrow()
            whole = table.select(TABLES[name].names).cast(schema)
            held[name] = engines.keep(connection, f"{prefix}_{name}", whole)
        return Exports(connection, held, lines, left)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise ExportError(folder, [f"is no folder that a load wrote: {error}"]) from error


def _read_rejects(path: Path) -> pa.Table:
    csv.field_size_limit(100_000_000)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {name: value or None for name, value in row.items()}
            | {"source_row": int(row["source_row"])}
            for row in csv.DictReader(file)
        ]
    return pa.Table.from_pylist(rows, schema=ibis.schema(tables.REJECTS.schema).to_pyarrow())
