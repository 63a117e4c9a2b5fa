"""What a judgement is given beside the exports: the day, the policy, and small tables of facts.

Nothing here needs an engine, so that a statement that was kept can be run without building it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cspkit import catalogue, channels
from cspkit.decisions import Decisions
from cspkit.decisions.cells import schema
from cspkit.exports import arrays
from cspkit.judging import calendar, matrix, seen
from cspkit.policy import Patience, Policy
from cspkit.settings import Settings
from cspkit.tables import FRESH_DAYS

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

# Each value by name, with its type in Ibis' words; a list is one text, its words apart by commas.
VALUES = {
    "as_of": "date",
    "stale_before": "date",
    "relationship_days": "int64",
    "agreement_days": "int64",
    "access_days": "int64",
    "unknown_ready": "int64",
    "unknown_orderable": "int64",
    "use_grace": "boolean",
    "term": "string",
    "billing_cycle": "string",
    "currency": "string",
    "markets": "string",
}
RULES = pa.schema(
    [
        ("rule", pa.string()),
        ("grace_days", pa.int64()),
        ("at_end", pa.bool_()),
        ("stopped_by", pa.string()),
        ("rule_route", pa.string()),
        ("needs_cancel", pa.bool_()),
        ("couples", pa.bool_()),
    ]
)
# Of a load; they are as long as it is, and offers and the rest are not.
TABLES = ("customers", "subscriptions", "prices")
KNOWN = pa.schema([("known_offer", pa.string()), ("known_sku", pa.string())])
ADDONS = pa.schema([("known_addon", pa.string()), ("known_base", pa.string())])
FACTS = {
    "decided": schema("originals"),
    "people": seen.PEOPLE,
    "seasons": calendar.SEASONS,
    "waits": calendar.WAITS,
    "calendar": calendar.CALENDAR,
    "rules": RULES,
    "skus": matrix.SKUS,
    "legacy": matrix.LEGACY,
    "sold": matrix.SOLD,
    "matrix": matrix.MATRIX,
    "known_offers": KNOWN,
    "addons": ADDONS,
}


@dataclass(frozen=True)
class Given:
    """The values and facts of one judgement, by the names of VALUES and FACTS, and its rules."""

    values: dict[str, Any]
    facts: dict[str, pa.Table]
    rules: tuple[channels.Rule, ...]


def gather(
    exports: Exports,
    *,
    as_of: date,
    settings: Settings,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
) -> Given:
    """Gather what originals are judged by on a day."""
    policy, said = settings.policy, decisions or Decisions.empty()
    rules = channels.rules(settings.channels)
    found = matrix.products(exports.arrow("offers"))
    known = catalogue.table().select(["legacy_offer_id", "sku_id"])
    known = known.filter(pc.is_valid(known["legacy_offer_id"]))
    pairs = catalogue.addons().select(["sku_id", "base_sku_id"])
    facts = {
        "decided": said.original_table,
        "people": seen.said(said, steps),
        "seasons": calendar.seasons(policy),
        "waits": calendar.waits(as_of, policy),
        "calendar": calendar.calendar(as_of, policy.model_dump_json()),
        "rules": _rules(rules, policy),
        "skus": found.skus,
        "legacy": found.legacy,
        "sold": found.sold,
        "matrix": found.matrix,
        "known_offers": known.rename_columns(KNOWN.names),
        "addons": pairs.rename_columns(ADDONS.names),
    }
    return Given(_values(as_of, policy), facts, rules)


def _values(as_of: date, policy: Policy) -> dict[str, Any]:
    """Name what is read of the day and the policy; a customer that nobody knows needs all steps."""
    signed = policy.relationship_days + policy.agreement_days
    patience = Patience(policy.slow_seasons)
    ready, orderable = (
        (patience.ready(as_of, days, "") - as_of).days
        for days in (signed + policy.access_days, signed)
    )
    return {
        "as_of": as_of,
        "stale_before": as_of - timedelta(days=FRESH_DAYS),
        "relationship_days": policy.relationship_days,
        "agreement_days": policy.agreement_days,
        "access_days": policy.access_days,
        "unknown_ready": ready,
        "unknown_orderable": orderable,
        "use_grace": policy.use_grace,
        "term": policy.term,
        "billing_cycle": policy.billing_cycle,
        "currency": policy.currency or "",
        "markets": ",".join(policy.markets),
    }


def _rules(rules: tuple[channels.Rule, ...], policy: Policy) -> pa.Table:
    """List what each rule says; `at_end` where one may be bought after the other has ended."""
    rows = [
        {
            "rule": rule.name,
            "grace_days": rule.grace(use_grace=policy.use_grace),
            "at_end": rule.grace(use_grace=True) > 0 and not rule.slides_into_paid_month,
            "stopped_by": rule.stopped_by,
            "rule_route": rule.route.value,
            "needs_cancel": rule.needs_scheduled_cancel,
            "couples": rule.addons_with_base,
        }
        for rule in rules
    ]
    return arrays.table(rows, RULES)
