"""What each customer still needs, from exports, decisions and what the ledger has seen."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from cspkit import blockers
from cspkit.decisions import Decisions
from cspkit.policy import Patience, Policy
from cspkit.tables import Step, StepState

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

PENDING = ("pending", "invited", "requested")
REFUSED_ADDRESS = "refused_address"
SAID = (
    *("contact_email", "hold", "invited_on", "agreement_on", "access_on"),
    *("reseller_id", "reseller_agreement_on"),
)
SEEN = ("related_on", "unsigned")
SCHEMA = pa.schema(
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


def people(
    exports: Exports,
    decisions: Decisions,
    steps: pd.DataFrame | None,
    *,
    as_of: date,
    policy: Policy,
) -> ibis.Table:
    """Say of each customer which step comes next; one row each, keyed by known_customer.

    Columns listed (in the exports), known_customer, name, market, state, pending, unsigned,
    invited_on, lead_days, order_lead, ready_in, orderable_in, patience, contact_email,
    refused_address, reseller_unsigned, customer_held. `order_lead` leaves access out: the same
    offer can be ordered before licences can be read. Both leads leave out the slow seasons of the
    market, named in `patience`; `ready_in` and `orderable_in` are the days until they are over,
    seasons and all. `steps` are those of the ledger; what happened after as_of is not known yet.
    """
    customers = exports.table("customers")
    word = customers.relationship.lower()
    facts = customers.group_by(listed="customer_id").aggregate(
        reseller=(word == "reseller").fill_null(False).any(),
        asked=word.isin(PENDING).fill_null(False).any(),
        name=customers.name.min(),
        market=customers.market.min(),
    )
    said = ibis.memtable(_said(decisions, steps))
    table = facts.outer_join(said, facts.listed == said.said_customer)
    past = {
        name: (table[name] <= as_of).fill_null(False)
        for name in (
            *("invited_on", "agreement_on", "access_on", "related_on"),
            "reseller_agreement_on",
        )
    }
    related = table.reseller.fill_null(False) | past["related_on"]
    signed = past["agreement_on"] | (related & ~table.unsigned.fill_null(False))
    invited = past["invited_on"] & ~related
    table = table.select(
        "contact_email",
        "refused_address",
        "customer_held",
        "market",
        "name",
        listed=table.listed.notnull(),
        known_customer=ibis.coalesce(table.listed, table.said_customer),
        invited_on=invited.ifelse(table.invited_on, ibis.null("date")),
        reseller_unsigned=table.reseller_id.notnull() & ~past["reseller_agreement_on"],
        pending=~related & (invited | table.asked.fill_null(False)),
        unsigned=~signed,
        state=ibis.cases(
            (~related, Step.RELATIONSHIP.value),
            (~signed, Step.AGREEMENT.value),
            (past["access_on"], blockers.READY),
            else_=Step.ACCESS.value,
        ),
    )
    alike = Patience(policy.slow_seasons).alike.items()
    own = [(table.market.isin(markets).fill_null(False), first) for first, markets in alike]
    table = table.mutate(patience=ibis.cases(*own, else_="") if own else ibis.literal(""))
    table = table.mutate(**_leads(table, as_of, policy))
    waits = ibis.memtable(_waits(as_of, policy))
    for lead, until in (("lead_days", "ready_in"), ("order_lead", "orderable_in")):
        named = waits.select(waiting="market", waited="counted", **{until: "days"})
        here = [table.patience == named.waiting, table[lead] == named.waited]
        table = table.left_join(named, here).drop("waiting", "waited")
    return table


def _waits(as_of: date, policy: Policy) -> pa.Table:
    """List how many days so many counted ones take from as_of, by the market's seasons."""
    patience = Patience(policy.slow_seasons)
    most = policy.relationship_days + policy.agreement_days + policy.access_days
    rows = [
        {"market": market, "counted": counted, "days": (ready - as_of).days}
        for market in ("", *patience.alike)
        for counted in range(most + 1)
        for ready in [patience.ready(as_of, counted, market)]
    ]
    kinds = [("market", pa.string()), ("counted", pa.int64()), ("days", pa.int64())]
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _leads(table: ibis.Table, as_of: date, policy: Policy) -> dict[str, Any]:
    """Count the days that the missing steps need; an invitation under way has used up some."""
    gone = ibis.literal(as_of).delta(table.invited_on, unit="day").fill_null(0)
    left = (ibis.literal(policy.relationship_days) - gone).clip(
        lower=min(1, policy.relationship_days)
    )
    accept = (table.state == Step.RELATIONSHIP.value).ifelse(left, 0)
    sign = table.unsigned.ifelse(policy.agreement_days, 0)
    access = (table.state == blockers.READY).ifelse(0, policy.access_days)
    order_lead = (accept + sign).cast("int64")
    return {"order_lead": order_lead, "lead_days": (order_lead + access).cast("int64")}


def unknown(policy: Policy, as_of: date) -> dict[str, Any]:
    """Give what holds for a customer that no list and no person knows: it needs everything."""
    signed = policy.relationship_days + policy.agreement_days
    patience = Patience(policy.slow_seasons)
    ready, orderable = (
        (patience.ready(as_of, days, "") - as_of).days
        for days in (signed + policy.access_days, signed)
    )
    return {
        "state": Step.RELATIONSHIP.value,
        "pending": False,
        "unsigned": True,
        "order_lead": signed,
        "lead_days": signed + policy.access_days,
        "ready_in": ready,
        "orderable_in": orderable,
        "patience": "",
        "customer_held": False,
    }


def _said(decisions: Decisions, steps: pd.DataFrame | None) -> pa.Table:
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
    return pa.Table.from_pylist(list(rows.values()), schema=SCHEMA)


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
