"""On Spark, two workers in processes of their own, every table is the one that DuckDB makes."""

from __future__ import annotations

import gc
import os
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

import cspkit
from benchmarks.contestants.exports import make
from cspkit import CspkitError
from cspkit.exports import engine
from cspkit.rehearsal import samples
from tests.spark import expect_java, hashes, started

DATA = Path(__file__).parent / "data"
# Known formats that lack a column, which is an error of the whole load, and what is no export.
NO_EXPORTS = ("bam-subscriptions-no-expiration.csv", "cell-values.csv", "export-headers.json")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    expect_java()
    with started(tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay every dirty fixture beside a large file, which DuckDB scans and others only read."""
    folder = tmp_path_factory.mktemp("odd")
    make(folder, 2_400)
    for file in DATA.iterdir():
        if file.is_file() and file.name not in NO_EXPORTS:
            shutil.copy2(file, folder / "exports")
    return folder / "exports"


@pytest.fixture(scope="module")
def sample(spark: Any) -> cspkit.Exports:
    return cspkit.load(samples.folder(), engine=ibis.pyspark.connect(spark))


@pytest.fixture(scope="module")
def ours() -> tuple[cspkit.Exports, dict[str, str]]:
    """Load the sample on DuckDB, and hash its tables."""
    exports = cspkit.load(samples.folder())
    return exports, hashes(exports)


def test_there_are_two_workers(spark: Any) -> None:
    """Driver and workers are three processes, so that nothing is shared by accident."""
    assert spark.range(100).count() == 100
    assert spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() == 3


def test_the_sample_is_the_same(
    sample: cspkit.Exports, ours: tuple[cspkit.Exports, dict[str, str]]
) -> None:
    """Customers, subscriptions, rejects, conflicts, sources, counts and ranks are DuckDB's."""
    assert ours[1] == hashes(sample)


def test_what_is_odd_is_the_same(sample: cspkit.Exports, odd: Path) -> None:
    """So are they for every dirty fixture, and for thousands of rows with 0.5 % odd ones.

    Two loads share one connection.
    """
    expected = hashes(cspkit.load(odd))

    assert int(expected["subscriptions"].split()[0]) > 11_000
    assert expected == hashes(cspkit.load(odd, engine=sample.connection))


def test_what_is_saved_is_the_same(
    sample: cspkit.Exports, ours: tuple[cspkit.Exports, dict[str, str]], tmp_path: Path
) -> None:
    """A folder that Spark saved is one file a table, and read back without Spark."""
    sample.save(tmp_path / "spark")
    ours[0].save(tmp_path / "duckdb")
    files = ("rejects.csv", "conflicts.csv", "summary.json")

    assert ours[1] == hashes(cspkit.load(tmp_path / "spark"))
    assert [(tmp_path / "duckdb" / name).read_bytes() for name in files] == [
        (tmp_path / "spark" / name).read_bytes() for name in files
    ]


def test_nothing_stays_behind(spark: Any, tmp_path: Path) -> None:
    """No table of the catalog, no setting of the session, and no file once nobody holds it."""
    spark.conf.set("spark.sql.ansi.enabled", "false")
    used = engine.opened(ibis.pyspark.connect(spark), tmp_path)
    used.keep("some", pa.table({"a": ["b"] * 30_000}))
    there = [file for folder in tmp_path.iterdir() for file in folder.iterdir()]
    left = spark.catalog.listTables(), spark.conf.get("spark.sql.ansi.enabled")
    del used
    gc.collect()

    assert there
    assert left == ([], "false")
    assert list(tmp_path.iterdir()) == []


def test_letters_are_lowered_alike(sample: cspkit.Exports) -> None:
    """Of all letters that every version of Unicode knows, alone and before a sigma."""
    known = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c <= 0xDFFF]
    known = [c for c in known if unicodedata.ucd_3_2_0.category(c)[0] == "L"]
    rows = pa.table({"n": range(2 * len(known)), "text": [*known, *(f"{c}Σ" for c in known)]})
    used = engine.opened(sample.connection)

    def lowered(table: Any) -> list[str]:
        chosen = table.order_by("n").select(text=table.text.lower())
        return chosen.to_pyarrow().column("text").to_pylist()

    assert lowered(ibis.memtable(rows)) == lowered(used.bound(used.keep("letters", rows)))


def test_the_first_goes_by_its_order(sample: cspkit.Exports) -> None:
    """The first value of a group is that of the least keys, what is missing last or passed over."""
    rows = pa.table(
        {"a": ["x", None, "y", "z"], "n": [None, 1, 2, 3], "m": [1, 1, 1, 1]},
        pa.schema([("a", pa.string()), ("n", pa.int64()), ("m", pa.int64())]),
    )
    used = engine.opened(sample.connection)
    table = used.bound(used.keep("firsts", rows))
    found = table.aggregate(
        there=table.a.first(order_by=[table.m, table.n]),
        whole=table.a.first(order_by=[table.m, table.n], include_null=True),
        late=table.a.first(order_by=table.n, where=table.n != 2),
    )

    assert found.to_pyarrow().to_pylist() == [{"there": "y", "whole": None, "late": "z"}]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs a path of one process")
def test_a_folder_that_spark_does_not_see(spark: Any, tmp_path: Path) -> None:
    """A path that leads elsewhere in other processes is refused with what to name instead."""
    number = os.open(tmp_path, os.O_RDONLY)
    try:
        place = f"/proc/self/fd/{number}"
        with pytest.raises(CspkitError, match=r"Spark does not see the files .*/Volumes/") as told:
            cspkit.load(samples.folder(), engine=ibis.pyspark.connect(spark), shared=place)
    finally:
        os.close(number)

    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(spark: Any, tmp_path: Path) -> None:
    """A file in place of the folder is named, with what the system says of it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CspkitError, match=r"shared: expected a folder to write to, found .*file"):
        engine.opened(ibis.pyspark.connect(spark), tmp_path / "file")
