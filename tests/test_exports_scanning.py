"""Large files are scanned by the engine; their rows keep the numbers they have in the file."""

from __future__ import annotations

import _thread
import threading
from pathlib import Path
from threading import Event

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cspkit.exports import Exports, load
from cspkit.exports.delimited import count_lines, rows_at
from cspkit.exports.dialect import Dialect
from cspkit.exports.engine import Engine
from cspkit.exports.sheets import PIECE, ROW, Scan

ROWS = 200_000
KEYS = {"key": "string"}
TENANT = "00000000-0000-4000-8000-{:012x}"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """One large file whose rows say where they stand: the id, the seats, a bad seat now and then.

    Prices are as many as make the engine look them up rather than compare them one by one.
    """
    path: Path = tmp_path_factory.mktemp("large") / "subscriptions.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("subscription_id,customer_id,seats,expires_on,unit_price,currency\n")
        for row in range(2, ROWS + 2):
            seats = "many" if row % 1000 == 0 else row
            day = f"2027-{row % 12 + 1:02}-{row % 28 + 1:02}"
            tenant = TENANT.format(row // 5)
            file.write(f"s{row},{tenant},{seats},{day},{row % 300}.5,EUR\n")
    with path.with_name("customers.csv").open("w", encoding="utf-8") as file:
        file.write("customer_id,name,domain\n")
        for row in range(2, ROWS + 2):
            file.write(f"{TENANT.format(row)},Customer {row},c{row}.example\n")
    return load(path.parent)


def test_a_row_of_a_large_file_keeps_its_number(loaded):
    """An analyst opens the file at the row that the table names and finds it there."""
    table = loaded.table("subscriptions")
    wrong = table.filter(table.subscription_id != "s" + table.source_row.cast("string"))

    assert wrong.count().to_pyarrow().as_py() == 0


def test_a_customer_of_a_large_file_keeps_its_number(loaded):
    """The same holds for a list of customers."""
    table = loaded.table("customers")
    wrong = table.filter(table.name != "Customer " + table.source_row.cast("string"))

    assert wrong.count().to_pyarrow().as_py() == 0


def test_saving_twice_gives_identical_bytes(loaded, tmp_path):
    """A large table is saved in the order of its files, whatever the threads do."""
    saved = []
    for name in ("one", "two"):
        loaded.save(tmp_path / name)
        saved.append((tmp_path / name / "subscriptions.parquet").read_bytes())

    assert saved[0] == saved[1]


def test_a_reject_of_a_large_file_keeps_its_number(loaded):
    """The rejected row is the one whose cell is wrong, whole and as it was."""
    rows = loaded.rejects["source_row"].tolist()

    assert list(range(1000, ROWS + 2, 1000)) == rows
    assert all(f'"s{row}"' in whole for row, whole in zip(rows, loaded.rejects["row"], strict=True))


def test_the_cells_of_a_large_file_mean_what_they_say(loaded):
    """Days and prices that are looked up belong to their own rows."""
    table = loaded.table("subscriptions")
    row = table.source_row
    price = (row % 300).cast("decimal(18, 6)") + 0.5
    wrong = (table.expires_on.month() != row % 12 + 1) | (table.unit_price != price)

    assert table.filter(wrong).count().to_pyarrow().as_py() == 0
    assert table.count().to_pyarrow().as_py() == ROWS - ROWS // 1000


def test_a_duckdb_that_does_not_mind_the_order_of_rows_does_here(tmp_path):
    """Rows are known by their numbers; the setting is the other's own again afterwards."""
    own = ibis.duckdb.connect(preserve_insertion_order=False)
    rows = (f"s{n},{TENANT.format(n // 5)},{n},2027-06-30\n" for n in range(2, ROWS * 2))
    header = "subscription_id,customer_id,seats,expires_on\n"
    (tmp_path / "lines.csv").write_text(header + "".join(rows))
    table = load(tmp_path, engine=own).table("subscriptions")

    assert table.filter(table.source_row != table.seats).count().to_pyarrow().as_py() == 0
    kept = own.con.execute("SELECT current_setting('preserve_insertion_order')").fetchall()
    assert kept == [(False,)]


def test_nobody_waits_for_a_count_of_lines_once_a_load_has_ended(tmp_path):
    """A file on a slow disk may take minutes; what was counted by then is used by nobody."""
    path, stop = tmp_path / "lines.csv", Event()
    path.write_text("line\n" * 10)

    assert count_lines(path, stop)[0] == 10
    stop.set()
    assert count_lines(path, stop)[0] == 0


def test_breaking_off_while_repeated_rows_are_looked_for_is_breaking_off():
    """DuckDB gives these rows as they come, and works only when they are taken."""
    engine = Engine()
    rows = engine.scan("many", "SELECT range::VARCHAR AS key FROM range(2_000_000)", KEYS)
    threading.Timer(0.3, _thread.interrupt_main).start()

    with pytest.raises(KeyboardInterrupt):
        for _time in range(300):
            engine.suspected(rows, "key")


@given(st.lists(st.integers(0, PIECE * 2), max_size=8), st.booleans(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_a_line_is_found_again_wherever_it_starts(tmp_path_factory, sizes, ended, random):
    """By its number among the ends of lines, also at the edges of pieces and behind the last."""
    sizes += [PIECE - 2, 0, 1] if random.random() < 0.5 else []
    lines = [f"{number}" + "x" * size for number, size in enumerate(sizes, start=1)]
    path = tmp_path_factory.mktemp("lines") / "lines.csv"
    path.write_text("\n".join(lines) + ("\n" if ended and lines else ""))
    count, ends = count_lines(path)
    scan = Scan(path, Dialect("utf-8", ",", 0, ("cell",), ()), ended=ends)
    asked = set(random.sample(range(1, len(lines) + 3), min(3, len(lines))))

    assert len(lines) == count
    found = rows_at(scan, asked).to_pylist()
    assert {n: lines[n - 1] for n in asked if n <= len(lines)} == {r[ROW]: r["c0"] for r in found}
