"""The folder that a load leaves behind: the tables, the rejects, the counts."""

from __future__ import annotations

import csv
import json
import os
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from cspkit import writing
from cspkit.errors import ExportError
from cspkit.exports import arrays
from cspkit.exports.engine import (
    DUCKDB,
    MEMORY,
    OPENED,
    Engine,
    Held,
    first_line,
    quoted,
    writing_to,
)
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
# Stands in place of the counts until all is written.
UNFINISHED = b'{"unfinished": true}\n'
# Smaller files are copied into memory.
COPIED = 8 * 1024 * 1024


def is_saved(folder: str | Path) -> bool:
    """Tell whether a folder is one that `write` made."""
    return all((Path(folder) / name).is_file() for name in FILES) and not _unfinished(Path(folder))


def refuse_unfinished(path: str | Path) -> None:
    """Raise ExportError for a folder that was not written to its end.

    Its tables may be of two loads, and would pass for exports.
    """
    if _unfinished(Path(path)):
        raise ExportError(path, ["was not written to its end; load the exports again"])


def _unfinished(folder: Path) -> bool:
    counts = folder / FILES[-1]
    return counts.is_file() and counts.read_bytes() == UNFINISHED


def write(exports: Exports, folder: Path) -> None:
    """Write the tables of one load."""
    _begin(folder)
    for _file in _files(exports, exports.engine, folder):
        pass


@contextmanager
def meanwhile(exports: Exports, folder: Path) -> Iterator[None]:
    """Write the tables of one load while the caller goes on, where that is safe.

    In a DuckDB of somebody else other connections do not see them, and who limits the memory has
    none for two works at once: there they are written first. They are written whole also where the
    caller fails, unless a person breaks off.
    """
    import duckdb

    engine = exports.engine
    if not engine.own or os.environ.get(MEMORY):
        write(exports, folder)
        yield
        return
    _begin(folder)
    for name in (*PARQUET, *CSV):
        # Finds or compiles SQL and names empty tables, which is for one thread at a time.
        engine.statement(exports.rows(name))
    beside, going = engine.beside(), [True]
    with ThreadPoolExecutor(1) as pool:
        files = _files(exports, beside, folder)
        done = pool.submit(lambda: all(going[0] for _file in files))
        # In whatever way the caller ends, and however often a person breaks off.
        done.add_done_callback(lambda _done: beside.duck.close())
        try:
            try:
                yield
            except Exception as error:
                if lost := done.exception():
                    error.add_note(f"and the tables were not written: {lost}")
                raise
            done.result()
        except KeyboardInterrupt:
            going[0] = False
            with suppress(duckdb.Error):
                beside.duck.interrupt()
            raise


def _begin(folder: Path) -> None:
    """Mark the folder as one that is being written, until its counts come last."""
    folder.mkdir(parents=True, exist_ok=True)
    with writing_to(folder / FILES[-1]):
        (folder / FILES[-1]).write_bytes(UNFINISHED)


def _files(exports: Exports, engine: Engine, folder: Path) -> Iterator[Path]:
    """Write one file after the other, the counts last."""
    for name in PARQUET:
        # Of sources only what was merged: a row that stands alone names its file itself.
        file = folder / f"{name}.parquet"
        engine.write_parquet(exports.rows(name), file, streamed=bool(exports.ordered))
        yield file
    for name in CSV:
        rows, file = engine.fetch(exports.rows(name)), folder / f"{name}.csv"
        with writing_to(file):
            if rows or name not in NOTES:
                _write_csv(name, rows, file)
            else:
                file.unlink(missing_ok=True)
        yield file
    summary = {
        "format": FORMAT,
        "files": exports.lines,
        "unrecognised": [{"file": file, "why": why} for file, why in exports.unrecognised],
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    file = folder / FILES[-1]
    with writing_to(file):
        writing.write(file, text, flushed=False)
    yield file


def _write_csv(name: str, rows: list[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, TABLES[name].names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(folder: Path, engine: Engine) -> Exports:
    """Read a saved folder back into the same Exports."""
    import duckdb

    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        lines = [line | dict.fromkeys(SET_ASIDE, 0) | line for line in summary["files"]]
        left = [(line["file"], line["why"]) for line in summary["unrecognised"]]
        held: dict[str, Held] = {}
        for name in (*PARQUET, *CSV):
            file = folder / f"{name}.{'csv' if name in CSV else 'parquet'}"
            if not file.exists() and name not in ALWAYS:
                continue
            read = _read_csv(name, file) if name in CSV else _taken(engine, name, file)
            if name in ALWAYS or _some(read):
                held[name] = read if isinstance(read, Held) else engine.keep(name, read)
        return Exports(engine, held, lines, left)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException, duckdb.Error) as error:
        problem = f"is no folder that a load wrote: {first_line(error)}"
        raise ExportError(folder, [problem]) from error


def _taken(engine: Engine, name: str, file: Path) -> Held | pa.Table:
    """Let DuckDB read a table, within its memory; another engine is handed Arrow.

    Columns that an earlier version did not write are missing values. A large file is not copied:
    it is held open, and read where and as often as its columns are asked for.
    """
    schema = TABLES[name].schema
    held = _held_open(engine, file)
    source = f"read_parquet({quoted(held or file)})"
    there = engine.reader.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    names = {str(column[0]) for column in there}
    if lacking := [column for column in schema if column not in names and column not in LATER]:
        raise KeyError(f"{file.name} lacks {', '.join(lacking)}")
    columns = ", ".join(
        f'CAST({one if one in names else "NULL"} AS {DUCKDB[kind]}) AS "{one}"'
        for one, kind in schema.items()
    )
    rows = f"SELECT {columns} FROM {source}"
    if engine is not engine.reader:
        return engine.reader.duck.execute(rows).to_arrow_table().cast(arrays.schema(schema))
    return engine.scan(name, rows, schema) if held else engine.copy(name, rows, schema)


def _held_open(engine: Engine, file: Path) -> Path | None:
    """Open a large file for as long as DuckDB lives, and return a name for what is open.

    A load that replaces the file meanwhile makes another one: what was opened stays as it was.
    Returns None for a small file, where the system has no such names, and in a DuckDB of
    somebody else, which may outlive the file and meet its name again.
    """
    if not engine.own or not OPENED.is_dir() or file.stat().st_size < COPIED:
        return None
    number = os.open(file, os.O_RDONLY)
    # Tables that somebody took outlive the engine, and hold its DuckDB.
    weakref.finalize(engine.duck, os.close, number)
    return OPENED / str(number)


def _some(read: Held | pa.Table) -> bool:
    """Tell whether a table that need not be there has any rows."""
    return bool(read.engine.count(read) if isinstance(read, Held) else read.num_rows)


def _read_csv(name: str, path: Path) -> pa.Table:
    csv.field_size_limit(100_000_000)
    schema = TABLES[name].schema
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            {column: _typed(row[column], kind) for column, kind in schema.items()}
            for row in csv.DictReader(file)
        ]
    return arrays.table(rows, arrays.schema(schema))


def _typed(text: str, kind: str) -> str | int | None:
    if not text:
        return None
    return int(text) if kind == "int64" else text
