"""Exports of any size, 0.5 % of the rows odd, and the facts that a ranking is judged from."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

CHANNELS = "['direct_mosa', 'direct_mca', 'open', 'csp_legacy', 'csp_other', 'ea', 'csp_nce']"


def make(folder: Path, customers: int) -> None:
    """Write customers, five subscriptions for each, and the facts for the hand-written scripts.

    Of 2000 subscriptions ten are odd: a broken tenant id, an id that stands under two customers,
    one that stands twice, seats that are no number or negative, a day that does not exist, a
    status and a price without meaning, a customer who is in no list, an end that is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "exports").mkdir(exist_ok=True)
    known = _facts(folder)
    skus = ", ".join(f"'{sku}'" for sku in known)
    duckdb.sql(
        f"""COPY (SELECT CASE WHEN i % 5 = 0 THEN upper({_guid("c", "i")}) ELSE {_guid("c", "i")}
        END AS customer_id, 'Customer, ' || i || ' S.L.' AS "name", 'customer' || i || '.example'
        AS "domain", ['ES', 'IT', 'DE', 'FR', 'US'][i % 5 + 1] AS market,
        CASE WHEN i % 3 = 0 THEN 'reseller' END AS relationship
        FROM range({customers}) t(i)) TO '{folder}/exports/customers.csv' (HEADER)"""
    )
    duckdb.sql(
        f"""COPY (SELECT CASE o WHEN 5 THEN {_guid("s", "i - 1")} WHEN 8 THEN {_guid("s", "i - 1")}
        ELSE {_guid("s", "i")} END AS subscription_id,
        CASE o WHEN 3 THEN 'x' || i WHEN 23 THEN {_guid("o", "i")}
        ELSE {_guid("c", f"(i // 5) % {customers}")} END AS customer_id,
        {CHANNELS}[i % 7 + 1] AS channel,
        'Microsoft 365 ' || ['Basic', 'Standard', 'Premium', 'Apps'][i % 4 + 1] AS product,
        CASE WHEN i % 4 = 1 THEN {_guid("k", "i % 80")} ELSE [{skus}][i % {len(known)} + 1] END
        AS sku_id,
        CASE o WHEN 11 THEN 'n/d' WHEN 12 THEN '-3' ELSE ((i * 31) % 500 + 1)::VARCHAR END AS seats,
        CASE WHEN i % 20 = 6 THEN 'P1M' ELSE 'P1Y' END AS term,
        ['monthly', 'annual'][i % 2 + 1] AS billing_cycle,
        CASE WHEN o = 17 THEN '2026-02-31' WHEN o = 31 THEN NULL
        WHEN i % 9 = 0 THEN strftime(DATE '2026-10-01' + ((i * 13) % 420)::INT, '%d/%m/%Y')
        ELSE strftime(DATE '2026-10-01' + ((i * 13) % 420)::INT, '%Y-%m-%d') END AS expires_on,
        ['true', 'false'][i % 2 + 1] AS auto_renew,
        CASE WHEN o = 19 THEN 'odd' WHEN i % 50 = 1 THEN 'Suspended' WHEN i % 50 = 2 THEN 'Deleted'
        ELSE 'Active' END AS status,
        CASE o WHEN 27 THEN 'abc' ELSE (i % 90 + 1)::VARCHAR || '.40' END AS unit_price,
        'EUR' AS currency
        FROM (SELECT i, i % 2000 AS o FROM range({customers * 5}) t(i)))
        TO '{folder}/exports/subscriptions.csv' (HEADER)"""
    )


def _guid(kind: str, number: str) -> str:
    h = f"md5('{kind}' || ({number}))"
    parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    return " || '-' || ".join(f"substr({h}, {start}, {size})" for start, size in parts)


def _facts(folder: Path) -> list[str]:
    """Write what the ranking is judged from: days.parquet, leads.parquet, skus.parquet.

    That is the last safe day for each end, the days that a customer's missing steps need, and
    the skuIds with an offer of their own, which need no day to reassign licences.
    """
    from cspkit import catalogue
    from cspkit.policy import Policy, Workdays

    policy = Policy()
    workdays = Workdays(policy)
    ends = [date(2026, 9, 1) + timedelta(days=number) for number in range(600)]
    checks = policy.verify_days + policy.repair_days
    rows = [
        {
            "day": end,
            "same": same,
            "last": workdays.last_order_day(workdays.back(end, checks + (1 if same else 2))),
        }
        for end in ends
        for same in (True, False)
    ]
    parquet.write_table(pa.Table.from_pylist(rows), folder / "days.parquet")
    access = policy.access_days
    signed = policy.relationship_days + policy.agreement_days
    leads = [{"related": True, "lead": access}, {"related": False, "lead": signed + access}]
    parquet.write_table(pa.Table.from_pylist(leads), folder / "leads.parquet")
    known = sorted(
        row["sku_id"]
        for row in catalogue.table().to_pylist()
        if row["target_offer"]
        and row["life"] == "current"
        and not row["seat_limit"]
        and row["segment"] == "commercial"
    )
    parquet.write_table(pa.table({"sku_id": known}), folder / "skus.parquet")
    return known
