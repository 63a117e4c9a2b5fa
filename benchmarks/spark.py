"""Load and rank on Spark beside DuckDB: every table the same by hash, and what each took.

    python benchmarks/spark.py [--rounds N]     # 100,000 customers, 500,000 subscriptions

Needs `pip install -e ".[test,spark]"` and Java 17. Spark has two workers, each a process of its
own, and one machine gains nothing by it: this shows that the tables are the same, and what it
costs to say so. A difference ends the benchmark. Starting Spark is not counted.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.contestants.exports import make
from benchmarks.measuring import Run, interleaved, middle, run
from benchmarks.results import Quote, Table, alone

AS_OF = "2026-11-20"
CUSTOMERS = 100_000
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.network.timeout": "600s",
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.sql.shuffle.partitions": "4",
}


def start(folder: Path) -> Any:
    """Start a Spark of two workers and connect Ibis to it."""
    import ibis
    from pyspark.sql import SparkSession

    local = {"spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder / "warehouse")}
    session = SparkSession.builder.master("local-cluster[2,1,1024]")
    session = session.config(map=SETTINGS | local).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    session.range(100).count()
    return ibis.pyspark.connect(session)


def fingerprint(rows: Any) -> str:
    """Hash Arrow rows, whatever their order, with the names and types of their columns."""
    import duckdb

    kinds = [f"{field.name} {field.type}" for field in rows.schema]
    query = "SELECT count(*), bit_xor(hash(r)), sum(hash(r)) FROM rows r"
    found = duckdb.connect().execute(query).fetchall()[0]
    told = hashlib.blake2b(repr((kinds, found)).encode(), digest_size=8).hexdigest()
    return f"{found[0]:,} rows, {told}"


def one(way: str, folder: str) -> None:
    """Load and rank in this process; print seconds and hashes as JSON."""
    warnings.simplefilter("ignore", FutureWarning)
    import cspkit
    from cspkit import ranking
    from cspkit.exports.result import TABLES

    with tempfile.TemporaryDirectory(prefix="cspkit-spark-") as work:
        engine = start(Path(work)) if way == "spark" else None
        began = time.perf_counter()
        exports = cspkit.load(folder, engine=engine)
        loaded = time.perf_counter()
        ranked = ranking.listed(exports, as_of=AS_OF)
        done = time.perf_counter()
        tables = {name: exports.connection.to_pyarrow(exports.table(name)) for name in TABLES}
        hashes = {name: fingerprint(rows) for name, rows in (tables | {"ranked": ranked}).items()}
        if engine is not None:
            engine.disconnect()
    print(json.dumps({"load": loaded - began, "rank": done - loaded, "hashes": hashes}))


def measured(way: str, folder: Path) -> Run:
    """Run one way in a process of its own."""
    command = [sys.executable, Path(__file__), way, folder]
    found = run(command, cwd=Path(__file__).parents[1])
    return replace(found, more=found.said())


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Compare the hashes of both ways, and say what each took."""
    customers = 400 if small else CUSTOMERS
    with tempfile.TemporaryDirectory(prefix="cspkit-") as folder:
        make(Path(folder), customers)
        exports = Path(folder) / "exports"
        ways = {way: lambda way=way: measured(way, exports) for way in ("duckdb", "spark")}
        runs = interleaved(ways, rounds)
    hashes = runs["duckdb"][0].more["hashes"]
    for way, several in runs.items():
        for other in several:
            for name, found in other.more["hashes"].items():
                if found != hashes[name]:
                    sys.exit(f"{way} made other {name}: {found}, not {hashes[name]}")
    for name, found in hashes.items():
        print(f"equal: {name}: {found}", file=sys.stderr)
    told = f"all {len(hashes)} tables the same by hash, among them {hashes['ranked'].split(',')[0]}"
    yield Table(
        f"Load and rank {customers * 5:,} subscriptions on Spark, two workers on one machine",
        "python benchmarks/spark.py",
        ["", "load s", "rank s", "peak MB of all processes"],
        [
            [way, *(middle(several, what) for what in ("load", "rank", "peak"))]
            for way, several in runs.items()
        ],
        rounds,
        notes=[f"{name}: {found}" for name, found in hashes.items()],
        quotes=[Quote(f"{customers * 5:,} subscriptions on Spark beside DuckDB", told)],
    )


if __name__ == "__main__":
    if sys.argv[1:2] in (["duckdb"], ["spark"]):
        one(*sys.argv[1:3])
    else:
        alone(tables, 1, __doc__.splitlines()[0])
