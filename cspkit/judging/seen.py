"""What people wrote of customers and what the ledger saw of their steps, as one small table."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cspkit.decisions import Decisions
from cspkit.exports import arrays
from cspkit.tables import Step, StepState

if TYPE_CHECKING:
    import pandas as pd

REFUSED_ADDRESS = "refused_address"
SAID = (
    *("contact_email", "hold", "invited_on", "agreement_on", "access_on"),
    *("reseller_id", "reseller_agreement_on"),
)
PEOPLE = pa.schema(
    [
        ("said_customer", pa.string()),
        ("contact_email", pa.string()),
        ("customer_held", pa.bool_()),
        ("invited_on", pa.date32()),
        ("agreement_on", pa.date32()),
        ("access_on", pa.date32()),
        ("related_on", pa.date32()),
        ("unsigned", pa.bool_()),
        ("refused_address", pa.string()),
        ("reseller_id", pa.string()),
        ("reseller_agreement_on", pa.date32()),
    ]
)


def said(decisions: Decisions, steps: pd.DataFrame | None) -> pa.Table:
    """Lay what the ledger has seen over what people wrote into decisions.xlsx."""
    rows = {
        row["customer_id"]: {
            "said_customer": row["customer_id"],
            "customer_held": row["hold"],
            **{name: row[name] for name in SAID if name != "hold"},
        }
        for row in decisions.customer_table.select(["customer_id", *SAID]).to_pylist()
    }
    if steps is not None:
        for step in steps.to_dict("records"):
            key = str(step["customer_id"])
            row = rows.setdefault(key, {"said_customer": key})
            if step["step"] == REFUSED_ADDRESS:
                # Of several, only the one that people still name is in the way.
                back = step["reason"] == row.get("contact_email")
                row |= {REFUSED_ADDRESS: step["reason"]} if back else {}
                continue
            row |= _seen(str(step["step"]), str(step["state"]), step)
    return arrays.table(list(rows.values()), PEOPLE)


def _seen(step: str, state: str, row: dict[Any, Any]) -> dict[str, Any]:
    done = state == StepState.DONE
    if step == Step.RELATIONSHIP:
        name = "related_on" if done else "invited_on"
        return {name: _day(row["done_at" if done else "asked_at"])} if _day_known(row, done) else {}
    if step == Step.AGREEMENT:
        return {"agreement_on": _day(row["done_at"])} if done else {"unsigned": True}
    return {"access_on": _day(row["done_at"])} if done else {}


def _day_known(row: dict[Any, Any], done: bool) -> bool:
    return _day(row["done_at" if done else "asked_at"]) is not None


def _day(instant: Any) -> date | None:
    """Return the day of an instant in UTC, or None where it is missing."""
    if instant is None or instant != instant:
        return None
    return instant.date() if isinstance(instant, datetime) else instant
