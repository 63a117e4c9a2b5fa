"""decisions.xlsx is read quickly, and as openpyxl reads it."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from cspkit import decisions
from cspkit.decisions import lines
from cspkit.errors import SettingsError
from tests.originals import customer, exports, original

TEXT = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="_￾￿"), max_size=12
)
# Nobody types an instant to the second; Excel keeps it as a fraction that both round as they like.
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.decimals(-(10**6), 10**6, places=2).map(float),
    st.dates(date(1950, 1, 1), date(2200, 1, 1)).map(lambda day: datetime(*day.timetuple()[:3])),
    TEXT.filter(lambda text: not text.startswith("=")),
)


def held(path: Path, rows: list[list[Any]]) -> Path:
    """Write rows into the sheet of customers, below nothing, and leave the other one empty."""
    book = Workbook()
    book.active.title = "customers"
    for row in rows:
        book.active.append(row)
    book.create_sheet("originals")
    book.save(path)
    return path


def plain(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    """Leave the blank cells at the ends of lines aside, and the lines below the last."""
    kept = [[None if value == "" else value for value in row] for row in rows]
    for row in kept:
        while row and row[-1] is None:
            row.pop()
    while kept and not kept[-1]:
        kept.pop()
    return kept


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5))
def test_what_is_typed_is_read_as_openpyxl_reads_it(rows: list[list[Any]], tmp_path: Path) -> None:
    """The quick reader gives the same values of the same types in the same places."""
    path = held(tmp_path / "d.xlsx", rows)
    slow = load_workbook(path, read_only=True, data_only=True)["customers"]
    expected = plain(list(slow.iter_rows(values_only=True)))
    found = plain(list(lines.of(path)["customers"]))

    assert expected == found
    assert [[type(one) for one in row] for row in expected] == [
        [type(one) for one in row] for row in found
    ]


def test_an_error_in_a_cell_is_no_empty_cell(tmp_path: Path) -> None:
    """A hold whose formula went wrong is a problem to be told, never a customer without a hold."""
    path = decisions.write(tmp_path / "d.xlsx", exports(customer(1), original(1)))
    book = load_workbook(path)
    header = [cell.value for cell in book["customers"][1]]
    book["customers"].cell(2, header.index("hold") + 1).value = "#N/A"
    book.save(path)

    with pytest.raises(SettingsError, match="expected yes or no, found '#N/A'"):
        decisions.read(path)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_workbook_is_an_error_in_one_line(tmp_path: Path, seed: int) -> None:
    """Whatever bytes of a part are wrong, it reads, or it is refused in words."""
    path = decisions.write(tmp_path / "d.xlsx", exports(customer(1), original(1)))
    chance, packed = random.Random(seed), io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(packed, "w") as damaged:
        for name in archive.namelist():
            content = bytearray(archive.read(name))
            for _ in range(chance.choice((0, 1, 20))):
                content[chance.randrange(len(content))] = chance.randrange(256)
            damaged.writestr(name, bytes(content[: chance.choice((None, 200))]))
    path.write_bytes(packed.getvalue())

    try:
        decisions.read(path)
    except SettingsError as error:
        assert "\n" not in str(error)
