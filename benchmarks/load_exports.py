"""Loading and ranking large exports: cspkit beside scripts written by hand for the same files.

    python benchmarks/load_exports.py             # both sizes
    python benchmarks/load_exports.py 100000      # 500,000 subscriptions, five rounds
    python benchmarks/load_exports.py 1000000 1   # 5,000,000, one round

Needs `pip install -e ".[bench]"`. Every run is a process of its own and writes four files:
customers, subscriptions, rejects, ranked customers. The runs take turns.
Each run's files are compared by hash: the same accepted rows, the same rejects with row, column,
value, reason and whole row, the same order of customers. A difference ends the benchmark. cspkit
has loaded such files once before the first round; what that takes is a row of its own.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.contestants.exports import make
from benchmarks.measuring import Run, RunFailed, beside, interleaved, least, middle, run
from benchmarks.results import Quote, Ratio, Table, alone, figure

WAYS = ["cspkit", "duckdb", "polars"]
# What a machine's first load of a kind of file takes: its SQL is compiled.
FIRST = "cspkit, nothing kept"
# The plain pandas script takes a minute; its one run is enough to see a factor of ten.
PANDAS_UP_TO, LARGEST = 100_000, 1_000_000
SAME = "All wrote the same accepted rows, the same rejects and the same order, by hash."
WARM = f"`{FIRST}`: without the SQL that an earlier load of such files leaves."
ONCE = "Plain pandas ran once, in turn with cspkit."
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


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Measure both sizes."""
    sizes = {200: 1} if small else dict.fromkeys((PANDAS_UP_TO, LARGEST), rounds)
    for customers, times in sizes.items():
        yield measured(customers, times)


def measured(customers: int, rounds: int) -> Table:
    """Let the ways take turns at one size; plain pandas has one turn, beside cspkit."""
    with tempfile.TemporaryDirectory(prefix="cspkit-") as name:
        folder = Path(name)
        make(folder, customers)
        turns = Turns(folder)
        turns.take("cspkit")
        found = interleaved({way: turns.taker(way) for way in [*WAYS, FIRST]}, rounds)
        slow: dict[str, list[Run]] = {}
        if customers <= PANDAS_UP_TO:
            slow = interleaved({way: turns.taker(way) for way in ("cspkit", "pandas")}, 1)
    return table(customers, rounds, found, slow)


class Turns:
    """Run one way after the other on the same files, and let none write other rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.first: dict[str, str] = {}

    def taker(self, way: str) -> Callable[[], Run]:
        return lambda: self.take(way)

    def take(self, way: str) -> Run:
        """Run one way in a process of its own; raises RunFailed where its tables differ."""
        out = self.folder / way
        out.mkdir(exist_ok=True)
        kept = "off" if way == FIRST else str(self.folder / "cache")
        name = "cspkit" if way == FIRST else way
        command = [sys.executable, "-m", "benchmarks.contestants", name, self.folder, out]
        done = run(command, env={"CSPKIT_CACHE": kept})
        written = fingerprint(out)
        self.first = self.first or written
        for name, found in written.items():
            if found != self.first[name]:
                raise RunFailed(f"{way} wrote other {name}: {found}, not {self.first[name]}")
        return done


def table(
    customers: int, rounds: int, found: dict[str, list[Run]], slow: dict[str, list[Run]]
) -> Table:
    """Word one size: the ratios of each round, and whether each bar is met."""
    originals = customers * 5
    ways = {**found, **({"pandas": slow["pandas"]} if slow else {})}
    rows = [
        [way, *(middle(runs, it) for it in ("wall", "cpu", "peak"))] for way, runs in ways.items()
    ]
    ratios = bars(customers, found, slow)
    wall, _, memory = (figure(ratio.value) for ratio in ratios[:3])
    said = f"{figure(middle(found['cspkit'], 'wall'))} s: {wall} × the faster of the two"
    said += f", {memory} × DuckDB's memory"
    said += f", {figure(ratios[3].value)} × as fast as plain pandas" if slow else ""
    what = f"load and rank {originals:,} subscriptions beside DuckDB and Polars written by hand"
    return Table(
        f"Load and rank: {customers:,} customers, {originals:,} subscriptions",
        f"python benchmarks/load_exports.py {customers} {rounds}",
        ["way", "wall s", "processor s", "peak MB"],
        rows,
        rounds,
        ratios,
        [SAME, WARM, *([ONCE] if slow else [])],
        [Quote(what, said)],
    )


def bars(customers: int, found: dict[str, list[Run]], slow: dict[str, list[Run]]) -> list[Ratio]:
    """Give the ratios of each round; processor time too, which a busy machine blurs less."""
    ours, rivals = found["cspkit"], (found["duckdb"], found["polars"])
    most = 2.0 if customers <= PANDAS_UP_TO else 1.5
    wall, cpu = (beside(ours, least(*rivals, what=it), it) for it in ("wall", "cpu"))
    size = f"{customers * 5:,} subscriptions"
    ratios = [
        Ratio(f"{size}: wall beside the faster of duckdb and polars", wall, at_most=most),
        Ratio(f"{size}: processor time beside the lesser of the two", cpu),
        Ratio(
            f"{size}: peak memory beside duckdb", beside(ours, found["duckdb"], "peak"), at_most=1.5
        ),
    ]
    if slow:
        times = beside(slow["pandas"], slow["cspkit"], "wall")
        ratios.append(Ratio(f"{size}: times as fast as plain pandas", times, at_least=10))
    return ratios


if __name__ == "__main__":
    if sys.argv[1:]:
        print(measured(int(sys.argv[1]), int((*sys.argv, "5")[2])).markdown())
    else:
        alone(tables, 5, "loading and ranking")
