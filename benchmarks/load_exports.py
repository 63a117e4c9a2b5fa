"""Loading large exports: cspkit beside hand-written SQL and a plain pandas script.

    python benchmarks/load_exports.py 100000        # customers; five subscriptions each

Every run is a process of its own; the runs take turns, and medians of wall seconds, processor
seconds and peak memory are printed. All must find the same accepted and rejected rows.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5
PANDAS_UP_TO = 100_000


def make(folder: Path, customers: int) -> None:
    """Write customers and five subscriptions for each, 0.5 % of the rows broken."""
    import duckdb

    def guid(kind: str, number: str) -> str:
        h = f"md5('{kind}' || ({number}))"
        parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        return " || '-' || ".join(f"substr({h}, {start}, {size})" for start, size in parts)

    duckdb.sql(
        f"""COPY (SELECT CASE WHEN i % 5 = 0 THEN upper({guid("c", "i")}) ELSE {guid("c", "i")}
        END AS customer_id, 'Customer, ' || i || ' S.L.' AS "name", 'customer' || i || '.example'
        AS "domain", ['ES', 'IT', 'DE', 'FR', 'US'][i % 5 + 1] AS market
        FROM range({customers}) t(i)) TO '{folder}/customers.csv' (HEADER)"""
    )
    duckdb.sql(
        f"""COPY (SELECT CASE i % 1000 WHEN 5 THEN {guid("s", "i - 1")} ELSE {guid("s", "i")} END
        AS subscription_id,
        CASE i % 1000 WHEN 3 THEN 'x' || i ELSE {guid("c", f"(i // 5) % {customers}")} END
        AS customer_id,
        ['direct_mosa', 'direct_mca', 'open', 'csp_legacy', 'csp_other', 'ea'][i % 6 + 1]
        AS channel,
        'Microsoft 365 ' || ['Basic', 'Standard', 'Premium', 'Apps'][i % 4 + 1] AS product,
        {guid("k", "i % 80")} AS sku_id,
        CASE i % 1000 WHEN 11 THEN 'n/d' WHEN 12 THEN '-3' ELSE ((i * 31) % 500 + 1)::VARCHAR END
        AS seats, 'P1Y' AS term, ['monthly', 'annual'][i % 2 + 1] AS billing_cycle,
        CASE WHEN i % 1000 = 17 THEN '2026-02-31' WHEN i % 7 = 0 THEN
        strftime(DATE '2026-10-01' + ((i * 13) % 420)::INT, '%d/%m/%Y') ELSE
        strftime(DATE '2026-10-01' + ((i * 13) % 420)::INT, '%Y-%m-%d') END AS expires_on,
        ['true', 'false'][i % 2 + 1] AS auto_renew,
        CASE i % 1000 WHEN 19 THEN 'odd' ELSE 'Active' END AS status,
        (i % 90 + 1)::VARCHAR || '.40' AS unit_price, 'EUR' AS currency
        FROM range({customers * 5}) t(i)) TO '{folder}/subscriptions.csv' (HEADER)"""
    )


def run_cspkit(folder: Path) -> tuple[int, int]:
    from cspkit.exports import load

    found = load(folder)
    lines = found.summary().set_index("source_file").loc["subscriptions.csv"]
    return int(lines["accepted"]), int(lines["rejected"] + lines["merged"])


def run_sql(folder: Path) -> tuple[int, int]:
    """Do what an engineer would write for exactly these two files."""
    import duckdb

    con = duckdb.connect()
    con.execute(
        f"""CREATE TABLE customers AS SELECT try_cast(customer_id AS UUID) AS id, name, domain,
        market FROM read_csv('{folder}/customers.csv', all_varchar=true)"""
    )
    con.execute(
        f"""CREATE TABLE read AS SELECT *, sid IS NULL OR cid IS NULL OR seats IS NULL OR seats < 0
        OR ends IS NULL OR status IS NULL AS wrong FROM (SELECT row_number() OVER () AS row,
        try_cast(subscription_id AS UUID) AS sid, try_cast(customer_id AS UUID) AS cid, channel,
        product, try_cast(sku_id AS UUID) AS sku, try_cast(seats AS BIGINT) AS seats, term,
        billing_cycle, coalesce(try_cast(expires_on AS DATE), try_strptime(expires_on,
        '%d/%m/%Y')::DATE) AS ends, auto_renew = 'true' AS auto_renew, CASE lower(status) WHEN
        'active' THEN 'active' WHEN 'suspended' THEN 'suspended' END AS status,
        try_cast(unit_price AS DECIMAL(18, 6)) AS price, currency
        FROM read_csv('{folder}/subscriptions.csv', all_varchar=true))"""
    )
    con.execute(
        "CREATE TABLE twice AS SELECT sid FROM read WHERE NOT wrong GROUP BY 1 HAVING count(*) > 1"
    )
    con.execute(
        """CREATE TABLE kept AS SELECT * FROM read WHERE NOT wrong AND sid NOT IN (FROM twice)
        UNION ALL SELECT * FROM read WHERE NOT wrong AND sid IN (FROM twice)
        QUALIFY row_number() OVER (PARTITION BY sid ORDER BY row) = 1"""
    )
    kept, read = con.execute("SELECT (SELECT count(*) FROM kept), count(*) FROM read").fetchone()
    con.execute("SELECT DISTINCT cid FROM kept WHERE cid NOT IN (SELECT id FROM customers)")
    return kept, read - kept


def run_pandas(folder: Path) -> tuple[int, int]:
    """Do it as an analyst would, row by row where that reads best."""
    import uuid

    import pandas as pd

    def guid(text: str) -> str | None:
        try:
            return str(uuid.UUID(text))
        except ValueError:
            return None

    def day(text: str) -> object:
        form = "%d/%m/%Y" if "/" in text else "%Y-%m-%d"
        return pd.to_datetime(text, format=form, errors="coerce")

    rows = pd.read_csv(folder / "subscriptions.csv", dtype=str, keep_default_na=False)
    rows["sid"] = rows["subscription_id"].apply(guid)
    rows["cid"] = rows["customer_id"].apply(guid)
    rows["seats"] = pd.to_numeric(rows["seats"], errors="coerce")
    rows["ends"] = rows["expires_on"].apply(day)
    rows["status"] = rows["status"].str.lower().where(rows["status"].str.lower() == "active")
    good = rows[rows["seats"] >= 0].dropna(subset=["sid", "cid", "ends", "status"])
    kept = good.drop_duplicates("sid")
    return len(kept), len(rows) - len(kept)


WAYS = {"cspkit": run_cspkit, "sql": run_sql, "pandas": run_pandas}


def measure(way: str, folder: Path) -> dict[str, float]:
    """Run one way in a process of its own."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, way, str(folder)], capture_output=True, text=True, check=True
    )
    wall = time.perf_counter() - started
    return json.loads(done.stdout.splitlines()[-1]) | {"wall": wall}


def report(customers: int) -> None:
    """Let the ways take turns and print their medians."""
    ways = [way for way in WAYS if way != "pandas" or customers <= PANDAS_UP_TO]
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), customers)
        runs = [{way: measure(way, Path(folder)) for way in ways} for _ in range(RUNS)]
    print(f"{customers:,} customers, {customers * 5:,} subscriptions, medians of {RUNS} runs")
    print(f"{'':8}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}{'accepted':>11}{'rejected':>10}")
    for way in ways:
        middle = {
            name: statistics.median(run[way][name] for run in runs)
            for name in ("wall", "cpu", "peak", "accepted", "rejected")
        }
        print(
            f"{way:8}{middle['wall']:9.2f}{middle['cpu']:9.2f}{middle['peak']:9.0f}"
            f"{middle['accepted']:11,.0f}{middle['rejected']:10,.0f}"
        )


def main(argument: str, *folder: str) -> None:
    if argument not in WAYS:
        report(int(argument))
        return
    accepted, rejected = WAYS[argument](Path(*folder))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "accepted": accepted,
                "rejected": rejected,
                "cpu": used.ru_utime + used.ru_stime,
                "peak": used.ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["100000"]))
