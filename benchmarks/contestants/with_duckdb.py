"""What an engineer would write in SQL for exactly these two files."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.contestants.facts import AS_OF, COLUMNS, REASONS

CASES = " ".join(f"WHEN '{code}' THEN '{words}'" for code, words in REASONS.items())
CELLS = ", ".join(f"'{name}': {name}" for name in COLUMNS)


def run(folder: Path, out: Path) -> None:
    con = duckdb.connect()
    con.execute(f"CREATE TABLE days AS FROM '{folder}/days.parquet'")
    con.execute(f"CREATE TABLE skus AS SELECT sku_id::UUID AS sku FROM '{folder}/skus.parquet'")
    con.execute(f"CREATE TABLE leads AS FROM '{folder}/leads.parquet'")
    lines = f"read_csv('{folder}/exports/subscriptions.csv', all_varchar = true)"
    _read(con, folder, lines)
    _merge(con)
    _write(con, out)
    _reject(con, out, lines)
    _rank(con, out)


def _read(con: duckdb.DuckDBPyConnection, folder: Path, lines: str) -> None:
    con.execute(
        f"""CREATE TABLE listed AS SELECT customer_id::UUID AS id, name, lower(domain) AS domain,
        market, lower(relationship) AS relationship
        FROM read_csv('{folder}/exports/customers.csv', all_varchar = true)"""
    )
    con.execute(
        f"""CREATE TABLE read AS SELECT try_cast(customer_id AS UUID) AS customer,
        try_cast(seats AS BIGINT) AS count, coalesce(try_cast(expires_on AS DATE),
        try_strptime(expires_on, '%d/%m/%Y')::DATE) AS ends, lower(status) AS life,
        try_cast(unit_price AS DECIMAL(18, 6)) AS price,
        CASE WHEN customer IS NULL THEN 'customer_id:not_a_guid'
        WHEN count IS NULL THEN 'seats:not_a_number' WHEN count < 0 THEN 'seats:negative'
        WHEN ends IS NULL AND expires_on IS NOT NULL THEN 'expires_on:no_such_day'
        WHEN life NOT IN ('active', 'suspended', 'deleted') THEN 'status:unknown_word'
        WHEN price IS NULL THEN 'unit_price:not_a_number' END AS wrong,
        subscription_id::UUID AS id, channel, product, sku_id::UUID AS sku, term,
        billing_cycle, auto_renew = 'true' AS renews, currency,
        CASE WHEN wrong IS NOT NULL THEN {{{CELLS}}} END AS raw FROM {lines}"""
    )


def _merge(con: duckdb.DuckDBPyConnection) -> None:
    """Keep a subscription's first row; a later one of another customer is rejected."""
    con.execute(
        """CREATE TABLE later AS SELECT a.rowid AS number, id, a.customer,
        a.customer <> b.customer AS rejected
        FROM read a JOIN (SELECT id, min(rowid) AS number, arg_min(customer, rowid) AS customer
        FROM read WHERE wrong IS NULL GROUP BY 1 HAVING count(*) > 1) b
        USING (id) WHERE a.wrong IS NULL AND a.rowid > b.number"""
    )
    con.execute(
        """CREATE VIEW kept AS SELECT *, rowid + 2 AS source_row FROM read
        WHERE wrong IS NULL AND rowid NOT IN (SELECT number FROM later)"""
    )
    con.execute(
        """CREATE TABLE orphans AS SELECT customer AS id, min(source_row) AS source_row FROM kept
        ANTI JOIN listed ON customer = listed.id GROUP BY 1"""
    )


def _write(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    con.execute(
        f"""COPY (SELECT id::VARCHAR AS customer_id, name, domain, market, relationship,
        'customers.csv' AS source_file, rowid + 2 AS source_row FROM listed UNION ALL
        SELECT id::VARCHAR, NULL, NULL, NULL, NULL, 'subscriptions.csv', source_row FROM orphans)
        TO '{out}/customers.parquet'"""
    )
    con.execute(
        f"""COPY (SELECT id::VARCHAR AS subscription_id, customer::VARCHAR AS customer_id,
        channel, product, sku::VARCHAR AS sku_id, count AS seats, term, billing_cycle,
        ends AS expires_on, renews AS auto_renew, life AS status, price AS unit_price, currency,
        'subscriptions.csv' AS source_file, source_row FROM kept)
        TO '{out}/subscriptions.parquet'"""
    )


def _reject(con: duckdb.DuckDBPyConnection, out: Path, lines: str) -> None:
    """Write the rejects; rows that are only now known to be rejected are read once more."""
    con.execute(
        f"""COPY (SELECT 'subscriptions.csv' AS source_file, number + 2 AS source_row, "column",
        json_extract_string(row, '$.' || "column") AS value, reason_code,
        CASE reason_code {CASES} END AS reason, row
        FROM (SELECT rowid AS number, split_part(wrong, ':', 1) AS "column",
        split_part(wrong, ':', 2) AS reason_code, to_json(raw)::VARCHAR AS row FROM read
        WHERE wrong IS NOT NULL UNION ALL SELECT number, 'customer_id', 'other_customer',
        to_json({{{CELLS}}})::VARCHAR FROM {lines} SEMI JOIN (SELECT id::VARCHAR AS text FROM later
        WHERE rejected) ON lower(subscription_id) = text JOIN later ON rejected
        AND id = subscription_id::UUID AND customer = try_cast(customer_id AS UUID))
        ORDER BY number)
        TO '{out}/rejects.csv' (HEADER)"""
    )


def _rank(con: duckdb.DuckDBPyConnection, out: Path) -> None:
    con.execute(
        f"""COPY (WITH judged AS (SELECT customer AS id, ends, count,
        coalesce(channel <> 'csp_nce' AND life <> 'deleted', false) AS movable,
        movable AND ends IS NOT NULL AND NOT (term = 'P1M' AND renews) AS real,
        coalesce(last, ends) - DATE '{AS_OF}' AS slack FROM kept LEFT JOIN skus USING (sku)
        LEFT JOIN days ON day = ends AND same = (skus.sku IS NOT NULL)),
        summed AS (SELECT id, coalesce(min(ends) FILTER (real), min(ends) FILTER (movable)) AS ends,
        coalesce(min(slack) FILTER (real), min(slack) FILTER (movable)) AS slack,
        count(*) AS originals, count(*) FILTER (movable) AS movable,
        coalesce(sum(count) FILTER (movable), 0) AS seats FROM judged GROUP BY 1),
        named AS (SELECT coalesce(s.id, l.id) AS id, name, market, ends AS next_expiration,
        ends - DATE '{AS_OF}' AS days_to_expiration,
        slack - lead AS slack_days,
        coalesce(originals, 0) AS originals, coalesce(movable, 0) AS movable,
        coalesce(seats, 0)::BIGINT AS seats FROM summed s FULL JOIN listed l ON s.id = l.id
        JOIN leads ON related = coalesce(relationship = 'reseller', false))
        SELECT row_number() OVER (ORDER BY movable = 0, next_expiration NULLS LAST,
        slack_days NULLS LAST, seats DESC, id::VARCHAR) AS rank, id::VARCHAR AS customer_id,
        * EXCLUDE (id) FROM named ORDER BY rank) TO '{out}/ranked.parquet'"""
    )
