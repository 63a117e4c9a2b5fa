"""Loading and ranking large exports: cspkit beside scripts written by hand for the same files.

    python benchmarks/load_exports.py            # 100,000 customers, 500,000 subscriptions
    python benchmarks/load_exports.py 1000000    # 1,000,000 customers, 5,000,000 subscriptions
    python benchmarks/load_exports.py 1000000 1  # one run of each instead of five
    python benchmarks/load_exports.py growth     # time per row, from 1,000 to 5,000,000
    python benchmarks/load_exports.py growth 20000         # up to so many customers

Needs `pip install -e ".[bench]"`. Every run is a process of its own and writes four files:
customers, subscriptions, rejects, ranked customers. The runs take turns; medians are printed.
Each run's files are compared by hash: the same accepted rows, the same rejects with row, column,
value, reason and whole row, the same order of customers. A difference ends the benchmark.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

WAYS = ["cspkit", "duckdb", "polars", "pandas"]
RUNS = 5
# The plain pandas script takes a minute; its one run is enough to see a factor of ten.
PANDAS_RUNS = 1
PANDAS_UP_TO = 100_000
SIZES = [200, 2_000, 20_000, 100_000, 1_000_000]
PACKAGES = ("duckdb", "ibis-framework", "polars", "pandas", "pyarrow")
KEPT = {
    "customers": "customer_id, name, domain, market, relationship, source_file, source_row",
    "subscriptions": "subscription_id, customer_id, channel, product, sku_id, seats, term, "
    "billing_cycle, expires_on, auto_renew, status, unit_price::DECIMAL(18, 6), currency, "
    "source_file, source_row",
    "ranked": "rank::BIGINT, customer_id, name, market, next_expiration::DATE, "
    "days_to_expiration::BIGINT, slack_days::BIGINT, originals, movable, seats",
}


def fingerprint(out: Path) -> dict[str, str]:
    """Hash what a run wrote: rows whatever their order in the file, rejects in theirs."""
    import duckdb

    con = duckdb.connect()
    found = {}
    for name, columns in KEPT.items():
        rows = f"SELECT {columns} FROM '{out}/{name}.parquet'"
        query = f"SELECT count(*), bit_xor(hash(r)), sum(hash(r)) FROM ({rows}) r"
        found[name] = str(con.execute(query).fetchall()[0])
    rows = f"FROM read_csv('{out}/rejects.csv', all_varchar = true)"
    query = f"SELECT count(*), md5(string_agg(r::VARCHAR, '' ORDER BY source_row::BIGINT)) {rows} r"
    found["rejects"] = str(con.execute(query).fetchall()[0])
    return found


def measure(way: str, folder: Path, out: Path) -> dict[str, float]:
    """Run one way in a process of its own."""
    out.mkdir(exist_ok=True)
    started = time.perf_counter()
    command = [sys.executable, __file__, way, str(folder), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1]) | {"wall": wall}


def rounds(folder: Path, ways: list[str], runs: int) -> dict[str, dict[str, float]]:
    """Let the ways take turns, compare what they wrote, return the medians."""
    measured: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for number in range(runs):
        written = {}
        turn = [way for way in ways if way != "pandas" or number < PANDAS_RUNS]
        for way in turn:
            measured[way].append(measure(way, folder, folder / way))
            written[way] = fingerprint(folder / way)
            print(f"run {number + 1}: {way} {measured[way][-1]['wall']:.2f} s", file=sys.stderr)
        for way in turn:
            for name, found in written[way].items():
                if found != written[ways[0]][name]:
                    sys.exit(f"{way} wrote other {name}: {found}, not {written[ways[0]][name]}")
    names = ("wall", "cpu", "peak")
    return {
        way: {name: statistics.median(run[name] for run in runs) for name in names}
        for way, runs in measured.items()
    }


def report(customers: int, times: int = RUNS) -> None:
    """Measure one size and print medians, ratios and whether each bar is met."""
    from contestants.exports import make

    ways = [way for way in WAYS if way != "pandas" or customers <= PANDAS_UP_TO]
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), customers)
        middle = rounds(Path(folder), ways, times)
    print(f"{customers:,} customers, {customers * 5:,} subscriptions; medians of {times}")
    print(about())
    print(f"\n{'':8}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}")
    for way, found in middle.items():
        print(f"{way:8}{found['wall']:9.2f}{found['cpu']:9.2f}{found['peak']:9.0f}")
    print("\nAll wrote the same accepted rows, the same rejects and the same order.\n")
    for line in bars(middle, customers):
        print(line)


def bars(middle: dict[str, dict[str, float]], customers: int) -> list[str]:
    """Say for each bar how near it is; processor time too, which a busy machine blurs less."""
    ours = middle["cspkit"]
    quicker = min(middle["duckdb"]["cpu"], middle["polars"]["cpu"])
    faster = min(middle["duckdb"]["wall"], middle["polars"]["wall"])
    most = 2.0 if customers <= PANDAS_UP_TO else 1.5
    found = [
        ("wall beside the faster of duckdb and polars", ours["wall"] / faster, most, "at most"),
        ("processor time beside the lesser of the two", ours["cpu"] / quicker, most, "at most"),
        ("peak memory beside duckdb", ours["peak"] / middle["duckdb"]["peak"], 1.5, "at most"),
    ]
    if "pandas" in middle:
        times = middle["pandas"]["wall"] / ours["wall"]
        found.append(("times as fast as plain pandas", times, 10.0, "at least"))
    return [
        f"{what}: {ratio:.2f}, bar {side} {bar}: "
        + ("met" if (ratio <= bar if side == "at most" else ratio >= bar) else "missed")
        for what, ratio, bar, side in found
    ]


def about() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.system()}, {os.cpu_count()} cores, "
        f"load {load}\nPython {platform.python_version()}, {versions}"
    )


def growth(largest: int = SIZES[-1]) -> None:
    """Print the time per subscription for each size, once all that does not depend on it is off."""
    from contestants.exports import make

    print(about())
    print(f"\n{'rows':>10}{'wall s':>9}{'cpu s':>9}{'us a row':>10}{'peak MB':>9}")
    least = 0.0
    for customers in [size for size in SIZES if size <= largest]:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), customers)
            found = rounds(Path(folder), ["cspkit"], 3 if customers < SIZES[-1] else 1)["cspkit"]
        least = least or found["cpu"]
        each = (found["cpu"] - least) / (customers * 5) * 1e6
        print(
            f"{customers * 5:10,}{found['wall']:9.2f}{found['cpu']:9.2f}{each:10.2f}"
            f"{found['peak']:9.0f}"
        )


def one(way: str, folder: str, out: str) -> None:
    import_module(f"contestants.with_{way}").run(Path(folder), Path(out))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024}))


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in WAYS:
        one(*sys.argv[1:4])
    elif sys.argv[1:2] == ["growth"]:
        growth(*map(int, sys.argv[2:3]))
    else:
        report(*map(int, sys.argv[1:3] or [100_000]))
