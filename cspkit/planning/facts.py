"""What a plan is made from: judged originals in one currency, and what was seen to judge them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from cspkit import channels, judging, placing
from cspkit.decisions import Decisions
from cspkit.judging import running
from cspkit.judging.given import gather
from cspkit.planfile import PlannedMove, Rule, Source
from cspkit.planning import pricing, terms
from cspkit.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

OWN = ("rule", "pending", "seen_on", "sheet_price", "sheet_currency", "sheet_place")
SAID = {
    **{"said_term": "term", "said_price": "sale_price", "said_currency": "currency"},
    **{"by_hand": "order_on", "choice_reason": "choice_reason", "choice_by": "choice_by"},
}

Row = dict[str, Any]


def originals(
    exports: Exports,
    *,
    as_of: date,
    settings: Settings,
    decisions: Decisions | None,
    steps: pd.DataFrame | None,
) -> tuple[list[Row], str | None]:
    """Judge the originals of others; give them with their costs, and the plan's currency."""
    given = gather(exports, as_of=as_of, settings=settings, decisions=decisions, steps=steps)
    # Beside a decided price, what it costs us is needed too: the margin is between the two.
    rows = running.originals(exports, given, (*placing.COLUMNS, *OWN)).to_pylist()
    rows = _decided(_dated(rows, exports), exports, decisions or Decisions.empty())
    currency = pricing.currency_of(rows, settings.policy)
    return [pricing.in_one_currency(row, currency, settings.policy) for row in rows], currency


def _dated(rows: list[Row], exports: Exports) -> list[Row]:
    """Put beside a price of a sheet the last day on which it holds."""
    if not any(row["sheet_place"] for row in rows):
        return [row | {"price_valid_to": None} for row in rows]
    table = exports.table("prices").select("source_file", "source_row", "valid_to")
    ends = {
        f"{price['source_file']}, row {price['source_row']}": price["valid_to"]
        for price in judging.fetch(table).to_pylist()
    }
    return [row | {"price_valid_to": ends.get(row["sheet_place"] or "")} for row in rows]


def _decided(rows: list[Row], exports: Exports, decisions: Decisions) -> list[Row]:
    """Put beside each original what people said of it; take its seats where they chose to."""
    said = {row["subscription_id"]: row for row in decisions.original_table.to_pylist()}
    assigned = _assigned(exports, said)
    whole = []
    for row in rows:
        mine = said.get(row["subscription_id"], {})
        row = row | {name: mine.get(column) for name, column in SAID.items()}
        whole.append(terms.seated(row, assigned.get(row["subscription_id"]), mine))
    return whole


def _assigned(exports: Exports, said: dict[str, Row]) -> dict[str, int | None]:
    """Read assigned seats, where somebody chose to order by them."""
    if not any(row["assigned_plus"] is not None for row in said.values()):
        return {}
    table = exports.table("subscriptions").select("subscription_id", "assigned_seats")
    return {
        row["subscription_id"]: row["assigned_seats"] for row in judging.fetch(table).to_pylist()
    }


def priced(move: PlannedMove, row: Row) -> PlannedMove:
    """Write the prices that were seen into a move: the customer's, ours, and the whole term's."""
    seen = {
        "sale_price": row["said_price"],
        "sale_currency": row["said_currency"] if row["said_price"] is not None else None,
        "unit_cost": row["sheet_price"],
        "cost_currency": row["sheet_currency"] if row["sheet_price"] is not None else None,
        "price_source": row["price_source"],
        "price_valid_to": row["price_valid_to"],
        "amount": pricing.amount(row),
        "rule": row["rule"],
        "original_seats": row["seats"],
        "seen_on": row["seen_on"],
    }
    return move.model_copy(update=seen)


def rules(moves: list[PlannedMove], settings: Settings) -> list[Rule]:
    """List the channel rules that decided about moves, as they were read."""
    used = {move.rule for move in moves}
    known = sorted(channels.rules(settings.channels), key=lambda rule: rule.name)
    return [
        Rule(name=rule.name, facts={k: str(v) for k, v in rule.model_dump(mode="json").items()})
        for rule in known
        if rule.name in used
    ]


def sources(exports: Exports) -> list[Source]:
    """List the files that the facts were read from."""
    table = exports.table("files").order_by("source_file")
    names = list(Source.model_fields)
    return [
        Source(**{name: row[name] for name in names}) for row in judging.fetch(table).to_pylist()
    ]
