"""Damage export files at random and load them: rows add up, or one line says what is wrong.

    python benchmarks/fuzz_exports.py --minutes 10 --seed 1

Begins with the files of tests/data, also as workbooks, parquet, JSON and archives; bytes, lines,
cells, encodings and delimiters change. A finding is any error but a CspkitError, an error of more
than one line, rows that do not add up, or a load of over ten seconds of work. Prints each finding
with the number of its round, which `--only` repeats; exits 1 when there is one.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as parquet

from cspkit.errors import CspkitError
from cspkit.exports import load
from cspkit.exports.delimited import read_small
from cspkit.exports.dialect import sniff
from cspkit.exports.formats import packaged

DATA = Path(__file__).parents[1] / "tests" / "data"
SLOW = 10.0
ODD = [
    *("", "-", "=1+1", "31.02.2026", "3/4/2026", "9999-12-31", "1.200", "1e400", "-5", "\0"),
    *("nan", "Total", '"', "'", "\ufeff", "𝟜", "٣", "1" * 400, "CFQ7TTC0LH18:1", "a;b,c|d\te"),
    *("{}", "[", '{"Status": 1}', "00000001-0000-4000-8000-000000000001", "\ud800", "\u202e"),
]
Rows = list[list[str]]


def table(path: Path) -> Rows:
    """Read a fixture as rows of text, its header first."""
    if path.suffix == ".json":
        items = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(items, dict):
            items = next(part for part in items.values() if isinstance(part, list))
        header = list(items[0])
        return [header, *([str(item.get(name, "")) for name in header] for item in items)]
    dialect = sniff(path)
    rows = read_small(path, dialect).to_pylist()
    cells = [[row[f"c{i}"] or "" for i in range(len(dialect.header))] for row in rows]
    return [list(dialect.header), *cells]


def shuffled(rows: Rows, chance: random.Random) -> Rows:
    """Change cells, headers, the order and the length of rows."""
    rows = [list(row) for row in rows]
    for _ in range(chance.randint(0, 5)):
        row = chance.choice(rows)
        if row:
            row[chance.randrange(len(row))] = chance.choice(ODD)
    if chance.random() < 0.3:
        chance.choice(rows).append(chance.choice(ODD))
    if chance.random() < 0.3:
        rows.insert(chance.randrange(len(rows) + 1), chance.choice([[], [""], rows[0], ["Total"]]))
    if chance.random() < 0.1:
        rows[1:] = rows[1:] * chance.randint(2, 400)
    return rows


def as_text(rows: Rows, path: Path, chance: random.Random) -> Path:
    """Write delimited text in a random dialect."""
    delimiter, end = chance.choice(",;\t|"), chance.choice(["\n", "\r\n", "\r"])
    quote = '"{}"' if chance.random() < 0.5 else "{}"
    lines = [delimiter.join(quote.format(cell) for cell in row) for row in rows]
    head = f"sep={delimiter}{end}" if chance.random() < 0.1 else ""
    encoding = chance.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
    path = path.with_suffix(chance.choice([".csv", ".tsv", ".txt"]))
    path.write_bytes((head + end.join(lines) + end).encode(encoding, "replace"))
    return path


def as_workbook(rows: Rows, path: Path, chance: random.Random) -> Path:
    """Write a workbook; what Excel cannot hold is left out."""
    book = openpyxl.Workbook()
    for row in rows[:3000]:
        book.worksheets[0].append(["".join(c for c in _plain(cell) if c >= " ") for cell in row])
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


def as_parquet(rows: Rows, path: Path, chance: random.Random) -> Path:
    """Write a parquet file of texts."""
    width = len(rows[0])
    cells = [[_plain(cell) for cell in [*row, *[""] * width][:width]] for row in rows]
    columns = [pa.array(column, pa.string()) for column in zip(*cells[1:], strict=True)]
    columns = columns or [pa.array([], pa.string()) for _ in range(width)]
    parquet.write_table(pa.table(columns, names=cells[0]), path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def as_json(rows: Rows, path: Path, chance: random.Random) -> Path:
    """Write a list of objects."""
    items = [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
    text = json.dumps(chance.choice([items, {"value": items}]), ensure_ascii=False)
    path.with_suffix(".json").write_text(text, encoding="utf-8", errors="replace")
    return path.with_suffix(".json")


def damaged(path: Path, chance: random.Random) -> None:
    """Change, cut out or double bytes."""
    content = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(max(1, len(content)))
        if chance.random() < 0.5:
            content[place : place + 1] = bytes([chance.randrange(256)])
        elif chance.random() < 0.5:
            del content[place : place + chance.randint(1, 200)]
        else:
            content[place:place] = content[place : place + chance.randint(1, 200)]
    path.write_bytes(bytes(content))


WRITERS: list[Callable[[Rows, Path, random.Random], Path]] = [
    *[as_text] * 4,
    as_workbook,
    as_parquet,
    as_json,
]


def made(folder: Path, sources: dict[str, Rows], chance: random.Random) -> list[Path]:
    """Make up to three damaged files, now and then inside an archive."""
    paths = []
    for number in range(chance.randint(1, 3)):
        name = chance.choice(sorted(sources))
        stem = folder / f"{number}-{Path(name).stem}"
        path = chance.choice(WRITERS)(shuffled(sources[name], chance), stem, chance)
        if chance.random() < 0.4:
            damaged(path, chance)
        paths.append(path)
    if chance.random() < 0.15:
        with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in paths:
                archive.write(path, f"../{path.name}")
                path.unlink()
        if chance.random() < 0.3:
            damaged(folder / "all.zip", chance)
    return paths


def fault(folder: Path) -> tuple[str, str]:
    """Load a folder; return how it ended, and what is wrong about that."""
    began = time.process_time()
    try:
        found = load(folder)
        lines = found.summary()
        ended = "loaded"
        off = lines[lines["read"] != lines["accepted"] + lines["rejected"] + lines["set_aside"]]
        wrong = "" if off.empty else f"rows do not add up: {off.to_dict('records')}"
        if not wrong and found.subscriptions["customer_id"].isna().any():
            wrong = "a subscription without a customer was accepted"
        if not wrong and not found.subscriptions["subscription_id"].is_unique:
            wrong = "a subscription stands twice"
    except CspkitError as error:
        ended = "refused"
        wrong = "an error of several lines" if len(str(error).splitlines()) > 1 else ""
    except Exception:  # noqa: BLE001  # any other error is what is looked for
        ended, wrong = "broken", traceback.format_exc()
    spent = time.process_time() - began
    return ended, wrong or (f"took {spent:.1f} s" if spent > SLOW else "")


def main() -> int:
    """Run rounds until the minutes are over."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=10)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", type=int, help="repeat one round and keep its files")
    options = asked.parse_args()
    sources = {path.name: table(path) for path in sorted(DATA.iterdir()) if _is_source(path)}
    ends, findings, number = Counter[str](), 0, options.only or 0
    until = time.monotonic() + options.minutes * 60
    while time.monotonic() < until:
        with _folder(keep=options.only is not None) as name:
            made(Path(name), sources, random.Random(f"{options.seed}-{number}"))
            ended, wrong = fault(Path(name))
            ends[ended] += 1
            if wrong:
                findings += 1
                print(f"round {number} of seed {options.seed}: {wrong}", flush=True)
            if options.only is not None:
                print(f"{ended}; files in {name}")
                break
        number += 1
    print(f"seed {options.seed}: {sum(ends.values()):,} rounds, {dict(ends)}, {findings} findings")
    return 1 if findings else 0


@contextmanager
def _folder(*, keep: bool) -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="cspkit-fuzz-")
    yield folder
    if not keep:
        shutil.rmtree(folder)


def _is_source(path: Path) -> bool:
    known = [profile.id for profile in packaged().profiles]
    text = path.suffix in (".csv", ".tsv", ".json")
    return text and path.name.startswith((*known, "unknown"))


if __name__ == "__main__":
    sys.exit(main())
