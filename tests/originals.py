"""Small exports for tests: rows with sensible values where a test names none."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from cspkit import tables
from cspkit.exports import Exports

AS_OF = date(2026, 11, 20)
STANDARD = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
E3 = "6fd2c87f-b296-42f0-b197-1e91e994b900"


def typed(row: dict[str, Any]) -> dict[str, Any]:
    """Let tests write dates and prices as text."""
    days = ("starts_on", "expires_on", "seen_on", "valid_from", "valid_to")
    read: dict[str, Any] = dict.fromkeys(days, date.fromisoformat) | {"unit_price": Decimal}
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


def offer(number: int = 1, **values: Any) -> dict[str, Any]:
    """One line of the partner's own offer matrix."""
    row = {
        "sku_id": STANDARD,
        "target_offer": "CFQ7TTC0LDPB:0001",
        "segment": "commercial",
        "source_file": "matrix.csv",
        "source_row": number + 1,
    }
    return row | values


def price(number: int = 1, **values: Any) -> dict[str, Any]:
    """One line of the partner's own price sheet."""
    row = {
        "target_offer": "CFQ7TTC0LDPB:0001",
        "market": "ES",
        "currency": "EUR",
        "segment": "commercial",
        "term": "P1Y",
        "billing_cycle": "monthly",
        "unit_price": "10.95",
        "valid_from": "2026-11-01",
        "valid_to": "2026-11-30",
        "source_file": "prices.csv",
        "source_row": number + 1,
    }
    return row | values


def step(step: str, state: str, day: str, of: int = 1) -> dict[str, Any]:
    """One step of a customer as the ledger hands it out."""
    at = pd.Timestamp(day, tz="UTC")
    asked, done = (at, pd.NaT) if state == "asked" else (pd.NaT, at)
    return {
        "customer_id": customer_id(of),
        "step": step,
        "state": state,
        "asked_at": asked,
        "done_at": done,
    }


def exports(*rows: dict[str, Any]) -> Exports:
    """Build exports from rows in any order; customers left out are added."""
    originals = [row for row in rows if "subscription_id" in row]
    lines = [row for row in rows if "target_offer" in row]
    customers = [row for row in rows if "subscription_id" not in row and row not in lines]
    named = {row["customer_id"] for row in customers}
    for row in originals:
        if row["customer_id"] and row["customer_id"] not in named:
            customers.append(customer(int(row["customer_id"][:8], 16)))
            named.add(row["customer_id"])
    return Exports.from_frames(
        arrow(tables.CUSTOMERS, customers),
        arrow(tables.SUBSCRIPTIONS, originals),
        prices=arrow(tables.PRICES, [row for row in lines if "market" in row]),
        offers=arrow(tables.OFFERS, [row for row in lines if "market" not in row]),
    )


def arrow(table: tables.Table, rows: list[dict[str, Any]]) -> pa.Table:
    schema = ibis.schema(table.schema).to_pyarrow()
    return pa.Table.from_pylist([typed(row) for row in rows], schema=schema)


def crowd(seed: int, count: int) -> list[dict[str, Any]]:
    """Draw customers with a few originals each, with every oddity that a ranking meets."""
    draw = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        rows.append(customer(number, relationship=draw.choice(["reseller", "none", None])))
        rows += [one(draw, len(rows) * 10 + at, number) for at in range(draw.randrange(6))]
    return rows


def one(draw: random.Random, number: int, of: int) -> dict[str, Any]:
    end = AS_OF + timedelta(days=draw.randrange(-40, 300, 10))
    return original(
        number,
        of=of,
        channel=draw.choice(["direct_mosa", "direct_mca", "csp_other", "csp_nce", "ea", None]),
        expires_on=draw.choice([end, end, end, None]),
        term=draw.choice(["P1Y", "P1Y", "P1M", None]),
        seats=draw.choice([1, 5, 5, 20, None]),
        auto_renew=draw.choice([True, False, None]),
        status=draw.choice(["active", "active", "suspended", "deleted"]),
        sku_id=draw.choice([STANDARD, E3, None]),
        unit_price=draw.choice(["12.50", "12.50", "7.99", None]),
        currency=draw.choice(["EUR", "EUR", "USD", None]),
    )
