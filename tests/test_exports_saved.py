"""A large folder that a load wrote is read where it lies, and is whole all the same."""

from __future__ import annotations

import _thread
import gc
import threading
import weakref
from hashlib import md5
from pathlib import Path

import ibis
import pandas as pd
import pytest

from cspkit import collecting, ranking
from cspkit.errors import CspkitError, ExportError
from cspkit.exports import Exports, load
from cspkit.exports.saved import COPIED, is_saved
from cspkit.rehearsal import samples

ROWS = 150_000
ONE, TWO = (ROWS, 1, 1), (ROWS, 2, 2)


def made(seats: int) -> Exports:
    """Make as many subscriptions as no memory should be wasted on, all with the same seats."""
    keys = [md5(str(row).encode(), usedforsecurity=False).hexdigest() for row in range(ROWS)]
    frame = pd.DataFrame({"subscription_id": keys, "customer_id": keys[::-1], "product": keys})
    return Exports.from_frames(None, subscriptions=frame.assign(seats=seats))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made(seats=1).save(tmp_path / "tables")
    assert (tmp_path / "tables/subscriptions.parquet").stat().st_size > COPIED
    return tmp_path / "tables"


def seats(exports: Exports) -> tuple[int, int, int]:
    query = f'SELECT count(*), min(seats), max(seats) FROM "{exports.place("subscriptions")}"'
    (found,) = exports.engine.execute(query).fetchall()
    return found


def test_a_load_that_replaces_the_tables_leaves_an_open_folder_as_it_was(folder):
    """Whoever ranks while somebody loads sees the old rows or the new ones, never some of both."""
    before = load(folder)
    made(seats=2).save(folder)

    assert seats(before) == ONE
    assert seats(load(folder)) == TWO


def test_a_table_outlives_the_exports_that_it_was_taken_from(folder, tmp_path):
    """Nobody who keeps a table alone reads another file, or none, in its place."""
    made(seats=2).save(tmp_path / "others")
    table = load(folder).table("subscriptions")
    gc.collect()

    with (tmp_path / "others/subscriptions.parquet").open("rb"):
        found = table.aggregate([table.count(), table.seats.min(), table.seats.max()]).to_pyarrow()

    assert tuple(found.to_pylist()[0].values()) == ONE


def test_what_nobody_uses_any_more_is_given_back_at_once(tmp_path):
    """Gigabytes of tables do not wait until Python looks for cycles, which may be much later."""
    exports = load(samples.folder())
    engine = weakref.ref(exports.engine)
    with collecting.rested():
        ranking.rank(exports, as_of="2026-11-20")
        exports.save(tmp_path / "tables")
        assert len(exports.customers) == exports.count("customers")
        del exports

        assert engine() is None


def test_a_folder_can_be_saved_over_itself(folder):
    """What is read is what was written, in the same bytes the second time."""
    load(folder).save(folder)
    once = (folder / "subscriptions.parquet").read_bytes()
    load(folder).save(folder)

    assert once == (folder / "subscriptions.parquet").read_bytes()
    assert seats(load(folder)) == ONE


@pytest.mark.parametrize(("start", "end"), [(0.3, 0.4), (0.9, 1.0)])
def test_a_damaged_table_is_one_line_that_names_the_file(folder, start, end):
    """Whether it shows when the folder is opened or only when its rows are read."""
    path = folder / "subscriptions.parquet"
    cells = bytearray(path.read_bytes())
    damaged = slice(int(len(cells) * start), int(len(cells) * end))
    cells[damaged] = b"A" * len(cells[damaged])
    path.write_bytes(cells)

    with pytest.raises(
        ExportError, match=r"subscriptions\.parquet.* load the exports again"
    ) as met:
        load(folder).save(folder.with_name("other"))
    assert "\n" not in str(met.value)


def left(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_tables_are_the_same_when_they_are_ranked_meanwhile(tmp_path):
    """Neither the tables nor the ranking differ from what one after the other gives."""
    exports = load(samples.folder())
    exports.save(tmp_path / "before")
    after = ranking.rank(exports, as_of="2026-11-20")
    exports = load(samples.folder())
    with exports.saving(tmp_path / "meanwhile"):
        meanwhile = ranking.rank(exports, as_of="2026-11-20")

    assert left(tmp_path / "before") == left(tmp_path / "meanwhile")
    pd.testing.assert_frame_equal(after, meanwhile)


def test_tables_are_whole_though_what_was_done_meanwhile_failed(tmp_path):
    """A word that no customer has costs nobody the tables that were there before."""
    exports = load(samples.folder())
    with pytest.raises(CspkitError, match="market"), exports.saving(tmp_path / "tables"):
        ranking.rank(exports, as_of="2026-11-20", market="XX")

    assert is_saved(tmp_path / "tables")
    assert load(tmp_path / "tables").count("customers") == exports.count("customers")


def test_a_person_who_breaks_off_leaves_no_folder_that_looks_whole(tmp_path):
    """Its tables could be of two loads, and would pass for exports."""
    load(samples.folder()).save(tmp_path / "tables")
    exports = made(seats=1)
    with pytest.raises(KeyboardInterrupt), exports.saving(tmp_path / "tables"):
        raise KeyboardInterrupt

    assert not is_saved(tmp_path / "tables")
    with pytest.raises(ExportError, match="was not written to its end; load the exports again"):
        load(tmp_path / "tables")
    assert exports.count("subscriptions") == ROWS


def test_breaking_off_while_duckdb_works_is_breaking_off(tmp_path):
    """DuckDB has an error of its own for it, which would look like any other failure."""
    exports = load(samples.folder())
    threading.Timer(0.3, _thread.interrupt_main).start()

    with pytest.raises(KeyboardInterrupt), exports.saving(tmp_path / "tables"):
        # DuckDB does not always look for it while it works, so none of these takes long.
        for _time in range(300):
            exports.engine.execute("SELECT count(*) FROM range(10_000_000) WHERE range % 7 = 3")


def test_tables_that_cannot_be_written_meanwhile_are_told(tmp_path):
    """Nobody takes a ranking for a sign that the tables were kept."""
    exports = load(samples.folder())
    (tmp_path / "tables/rejects.csv").mkdir(parents=True)

    cannot = r"rejects\.csv: expected a place to write to"
    with pytest.raises(ExportError, match=cannot) as met, exports.saving(tmp_path / "tables"):
        ranking.rank(exports, as_of="2026-11-20")
    assert "\n" not in str(met.value)
    with pytest.raises(CspkitError, match="market") as met, exports.saving(tmp_path / "tables"):
        ranking.rank(exports, as_of="2026-11-20", market="XX")
    (note,) = met.value.__notes__
    assert note.startswith("and the tables were not written: ")
    assert not is_saved(tmp_path / "tables")


@pytest.mark.parametrize("limit", [None, "2GB"])
def test_tables_of_others_and_with_little_memory_are_written_first(tmp_path, monkeypatch, limit):
    """A DuckDB that was given shows a load to one connection only; two works need more room."""
    if limit:
        monkeypatch.setenv("CSPKIT_MEMORY", limit)
    exports = load(samples.folder(), engine=None if limit else ibis.duckdb.connect())

    with exports.saving(tmp_path / "tables"):
        assert is_saved(tmp_path / "tables")


def test_a_database_that_was_given_is_left_as_it_was(tmp_path):
    """Not even the words of its cells stay, which are the customers'."""
    given = ibis.duckdb.connect(tmp_path / "theirs.db")
    load(samples.folder(), engine=given).save(tmp_path / "tables")
    given.disconnect()

    theirs = ibis.duckdb.connect(tmp_path / "theirs.db")
    for kind in ("types", "tables", "views", "functions"):
        assert theirs.raw_sql(f"FROM duckdb_{kind}() WHERE NOT internal").fetchall() == []
