"""How the verbs answer: lines, tables, JSON, files; the only user of Rich."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cspkit import writing
from cspkit.errors import ExportError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BATCH = 20_000
# Control characters, but for tabs and ends of lines.
SILENT = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)))


def write_frame(frame: pd.DataFrame, out: Path) -> None:
    """Write a table in the form its file name asks for."""
    from pandas.api.types import is_string_dtype

    from cspkit import reporting

    if out.suffix == ".csv":
        words = [name for name in map(str, frame) if is_string_dtype(frame[name].dtype)]
        told = {name: frame[name].map(writing.harmless, na_action="ignore") for name in words}
        writing.write(out, frame.assign(**told).to_csv(index=False))
    elif out.suffix == ".parquet":
        frame.to_parquet(out, index=False)
    elif out.suffix == ".xlsx":
        reporting.write_table(frame, out)
    else:
        raise ExportError(out, [f"expected .csv, .xlsx or .parquet, found {out.suffix!r}"])


def write_table(parts: Iterable[pa.Table], out: Path) -> None:
    """Write Arrow rows, part by part, in the form the file name asks for.

    Only a workbook is written by way of a frame.
    """
    if out.suffix == ".parquet":
        _write_parquet(iter(parts), out)
        return
    from cspkit.exports.arrays import plain

    if out.suffix == ".csv":
        _write_csv(map(plain, parts), out)
    else:
        import pyarrow as pa

        from cspkit.tables import to_pandas

        write_frame(to_pandas(pa.concat_tables(map(plain, parts))), out)


def _write_parquet(parts: Iterator[pa.Table], out: Path) -> None:
    """Write by DuckDB: it packs one part while the next is made, and pyarrow's writer loads S3."""
    import pyarrow as pa

    from cspkit.exports.engine import open_duckdb, quoted, within_memory, writing_to

    rows = next(parts)
    batches = chain.from_iterable(each.to_batches() for each in chain([rows], parts))
    with writing.whole(out, flushed=False) as part, open_duckdb() as duck:
        duck.register("ranked", pa.RecordBatchReader.from_batches(rows.schema, batches))
        with writing_to(out), within_memory():
            duck.execute(f"COPY (FROM ranked) TO {quoted(part.absolute())} (FORMAT parquet)")


def _write_csv(parts: Iterator[pa.Table], out: Path) -> None:
    """Write as pandas would, which takes as long to load as ranking thousands of customers."""
    rows = next(parts)
    with writing.whole(out) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=os.linesep)
        writer.writerow(rows.column_names)
        for batch in chain.from_iterable(
            each.to_batches(max_chunksize=BATCH) for each in chain([rows], parts)
        ):
            columns = (map(writing.harmless, column.to_pylist()) for column in batch.columns)
            writer.writerows(zip(*columns, strict=True))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a table into plain values, one mapping per row."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return rows


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def result(as_json: bool, value: dict[str, Any], words: str) -> None:
    """Say one result, in words or as JSON."""
    if as_json:
        print_json(value)
    else:
        say(words)


def say(words: str) -> None:
    """Print a text as it is, but for what would move the cursor: it may be from a file."""
    import typer

    typer.echo(words.translate(SILENT))


def show(frame: pd.DataFrame, title: str) -> None:
    """Draw a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    for name in frame.columns:
        table.add_column(Text(str(name)), overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(Text("" if _missing(value) else str(value)) for value in row))
    Console(highlight=False).print(table)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


@contextmanager
def live_line(*, quiet: bool = False) -> Iterator[Callable[[str], object] | None]:
    """Give what shows the newest line in place of the one before; None where nobody looks."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with console.status("starting", spinner="line") as line:
        yield line.update


def warn(text: str) -> None:
    """Say something beside the answer, on standard error."""
    import typer

    typer.echo(f"cspkit: {text}", err=True)
