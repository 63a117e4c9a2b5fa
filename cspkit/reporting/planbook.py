"""plan.xlsx: the plan for people, beside the file that is executed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from cspkit.moves import consent
from cspkit.planning import Plan
from cspkit.reporting.workbook import write_sheets

FIRST = [
    *("batch", "date", "customer", "target_offer", "seats", "original_seats", "term"),
    *("billing_cycle", "auto_renew", "custom_term_end", "expires_on", "last_safe_day"),
    *("sale_price", "sale_currency", "unit_cost", "cost_currency", "amount", "overlap_cost"),
    *("currency", "price_source", "consent", "reason", "invite_on", "access_by"),
    *("renewal_safe_on", "verify_by", "reassign_on", "end_scheduled_by", "same_offer"),
    *("market", "customer_id", "subscription_ids", "move_id"),
]


def write(plan: Plan, out: Path, *, originals: dict[str, dict[str, Any]], today: date) -> Path:
    """Write the plan as a workbook: what and when, what has no day, what it saves, from what.

    `originals` are the rows of decisions.xlsx by subscription id: they say which moves were
    accepted by their customer. Raises ExportError when the file cannot be written.
    """
    sheets = {
        "plan": _about(plan),
        "moves": _moves(plan, originals, today),
        "batches": plan.batches,
        "customers": pd.DataFrame([one.model_dump() for one in plan.customers]),
        "no day": plan.unplaced,
        "savings": plan.savings,
        "sources": pd.DataFrame([one.model_dump() for one in plan.document.sources]),
        "policy": pd.DataFrame(
            [(name, _text(value)) for name, value in sorted(plan.document.policy.items())],
            columns=["field", "value"],
        ),
    }
    return write_sheets(sheets, out)


def _about(plan: Plan) -> pd.DataFrame:
    document = plan.document
    rows = [
        ("hash", plan.hash),
        ("made by", document.made_by),
        ("made at", f"{document.made_at:%Y-%m-%d %H:%M} UTC" if document.made_at else ""),
        ("service", document.service),
        ("facts of", str(document.as_of)),
        ("nothing before", str(document.start)),
        ("currency", document.currency or "each price its own"),
        ("moves", str(len(document.moves))),
        ("without a day", str(len(document.unplaced))),
        ("how the days were chosen", document.objective),
        ("replaces the plan", document.replaces),
    ]
    return pd.DataFrame(rows, columns=["what", "value"])


def _moves(plan: Plan, originals: dict[str, dict[str, Any]], today: date) -> pd.DataFrame:
    customers = {one.customer_id: one for one in plan.customers}
    rows = []
    for move in plan.document.moves:
        customer = customers[move.customer_id]
        facts = move.model_dump() | {
            "customer": customer.name,
            "market": customer.market,
            "subscription_ids": " ".join(move.subscription_ids),
            "consent": consent.disagreement(move, originals, today) or "accepted",
        }
        rows.append({name: facts[name] for name in FIRST})
    return pd.DataFrame(rows, columns=FIRST)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
