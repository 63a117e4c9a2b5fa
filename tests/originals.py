"""Small exports for tests: rows with sensible values where a test names none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa

from cspkit import tables
from cspkit.exports import Exports

AS_OF = date(2026, 11, 20)
STANDARD = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
E3 = "6fd2c87f-b296-42f0-b197-1e91e994b900"


def typed(row: dict[str, Any]) -> dict[str, Any]:
    """Let tests write dates and prices as text."""
    read = {"starts_on": date.fromisoformat, "expires_on": date.fromisoformat}
    read |= {"unit_price": Decimal}
    return {k: read[k](v) if k in read and isinstance(v, str) else v for k, v in row.items()}


def customer_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def customer(number: int = 1, **values: Any) -> dict[str, Any]:
    row = {
        "customer_id": customer_id(number),
        "name": f"Customer {number}",
        "domain": f"customer{number}.example",
        "market": "ES",
        "language": "es",
        "relationship": "reseller",
        "source_file": "customers.csv",
        "source_row": number + 1,
    }
    return row | values


def original(number: int = 1, of: int = 1, **values: Any) -> dict[str, Any]:
    row = {
        "subscription_id": f"s{number:05d}",
        "customer_id": customer_id(of),
        "channel": "direct_mosa",
        "product": "Microsoft 365 Business Standard",
        "sku_id": STANDARD,
        "seats": 10,
        "assigned_seats": 8,
        "term": "P1Y",
        "billing_cycle": "monthly",
        "starts_on": "2026-04-01",
        "expires_on": "2027-03-31",
        "auto_renew": False,
        "status": "active",
        "is_trial": False,
        "unit_price": "12.50",
        "currency": "EUR",
        "source_file": "subscriptions.csv",
        "source_row": number + 1,
    }
    return row | values


def exports(*rows: dict[str, Any]) -> Exports:
    """Build exports from customers and originals in any order; customers left out are added."""
    originals = [row for row in rows if "subscription_id" in row]
    customers = [row for row in rows if "subscription_id" not in row]
    named = {row["customer_id"] for row in customers}
    for row in originals:
        if row["customer_id"] and row["customer_id"] not in named:
            customers.append(customer(int(row["customer_id"][:8], 16)))
            named.add(row["customer_id"])
    return Exports.from_frames(
        arrow(tables.CUSTOMERS, customers), arrow(tables.SUBSCRIPTIONS, originals)
    )


def arrow(table: tables.Table, rows: list[dict[str, Any]]) -> pa.Table:
    schema = ibis.schema(table.schema).to_pyarrow()
    return pa.Table.from_pylist([typed(row) for row in rows], schema=schema)
