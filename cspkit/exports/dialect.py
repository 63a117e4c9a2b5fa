"""How a text file is written: its encoding, delimiter and header row, from its first bytes."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cspkit.exports.formats import Formats, Match, packaged

HEAD = 256 * 1024
DELIMITERS = (",", ";", "\t", "|")
HEADER_ROWS = 12
_MARKS_INSIDE = re.compile(r"[\ufeff\x00-\x1f\x7f\ud800-\udfff]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Dialect:
    """How to read a text file, and which profiles its header row fits, the best first."""

    encoding: str
    delimiter: str
    header_row: int
    header: tuple[str, ...]
    matches: tuple[Match, ...]


def sniff(path: Path, formats: Formats | None = None) -> Dialect:
    """Decide how a delimited text file is written.

    The delimiter and the header row are those under which some profile knows most headers.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        whole = not file.read(1)
    encoding = encoding_of(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head, final=whole)
    if not whole and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    candidates = [
        _with_header(encoding, delimiter, list(_records(text, delimiter)), formats or packaged())
        for delimiter in _delimiters(text)
    ]
    return max(candidates, key=_quality)


def encoding_of(head: bytes) -> str:
    """Name the encoding of a file from its first bytes: a mark, zero bytes, or what decodes."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    even, odd = head[0:4000:2].count(0), head[1:4000:2].count(0)
    if odd > len(head[:4000]) // 4:
        return "utf-16-le"
    if even > len(head[:4000]) // 4:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def clean_header(cells: list[str]) -> list[str]:
    """Give every column a name of its own: trimmed, without marks, numbered where repeated."""
    names: list[str] = []
    known: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        name = " ".join(_MARKS_INSIDE.sub(" ", cell).split()) or f"column {number}"
        # The engine does not tell letter cases of a name apart.
        while name.casefold() in known:
            name = f"{name} ({number})"
        known.add(name.casefold())
        names.append(name)
    return names


def find_header(rows: list[list[str]], formats: Formats) -> tuple[int, list[str], list[Match]]:
    """Return the number (from 1), the cells and the matches of the row that is the header."""
    best: tuple[int, list[str], list[Match]] | None = None
    for number, row in enumerate(rows[:HEADER_ROWS], start=1):
        if sum(1 for cell in row if cell.strip()) == 0:
            continue
        matches = formats.recognise(row)
        if best is None or _rank(matches) > _rank(best[2]):
            best = (number, row, matches)
    return best or (1, [], [])


def mended(lines: Iterable[str]) -> Iterator[str]:
    """Close a quoted last cell that a word processor closed with a curly quote."""
    for line in lines:
        bare = line.rstrip("\r\n")
        curly = bare.endswith(("“", "”")) and bare.startswith('"')
        yield bare[:-1] + '"' + line[len(bare) :] if curly else line


def _rank(matches: list[Match]) -> tuple[bool, bool, int]:
    return (matches[0].fits, matches[0].marked, matches[0].known) if matches else (False, False, 0)


def _quality(dialect: Dialect) -> tuple[tuple[bool, bool, int], int]:
    return _rank(list(dialect.matches)), len(dialect.header)


def _delimiters(text: str) -> tuple[str, ...]:
    first = text.split("\n", 1)[0].strip().casefold()
    if first.startswith("sep=") and len(first) == 5:
        return (first[4],)
    return DELIMITERS


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(mended(io.StringIO(text, newline="")), delimiter=delimiter)
    for number, record in enumerate(reader):
        if number == HEADER_ROWS:
            return
        yield record


def _with_header(
    encoding: str, delimiter: str, records: list[list[str]], formats: Formats
) -> Dialect:
    row, header, matches = find_header(records, formats)
    return Dialect(encoding, delimiter, row, tuple(clean_header(header)), tuple(matches))
