"""What a plan file is made of; a field outside the hash says so in the published schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date as Day
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

OUTSIDE = "outsideTheHash"


def outside(default: Any = ...) -> Any:
    """Declare a field that changes nothing that is executed: people's words, who and when."""
    return Field(default, json_schema_extra={OUTSIDE: True})


class Part(BaseModel):
    """A part of a plan: unknown fields are refused, and nothing of it can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def executed(self) -> dict[str, Any]:
        """Give all fields that the hash covers, those of the parts inside it likewise."""
        return {
            name: _executed(getattr(self, name))
            for name, field in type(self).model_fields.items()
            if not (
                isinstance(field.json_schema_extra, dict) and OUTSIDE in field.json_schema_extra
            )
        }


def _executed(value: Any) -> Any:
    if isinstance(value, Part):
        return value.executed()
    if isinstance(value, list | tuple):
        return [_executed(item) for item in value]
    return value


class PlannedMove(Part):
    """One order line with its day and the days of all that belongs to it.

    `sale_price` and `sale_currency` are what the customer pays per seat and billing cycle, as
    decided; `unit_cost` and `cost_currency` what the partner pays, until `price_valid_to`, and
    `price_source` who says so. `amount` is the price of the whole term in the plan's currency, as
    decided, else by the sheet, else the original's; missing where it is unknown. `saved` is what
    its day costs less than the first possible one, in `currency`. `original_seats`
    were seen at the originals, on `seen_on` (the oldest, where they are several). Without a
    `custom_term_end` the service ends the term.
    """

    move_id: str
    batch: str
    date: Day
    customer_id: str
    subscription_ids: list[str]
    part: int
    sku_id: str | None
    target_offer: str
    target_sku_id: str | None
    seats: int
    term: str
    billing_cycle: str
    auto_renew: bool
    route: str
    expires_on: Day
    invite_on: Day | None
    access_by: Day
    renewal_safe_on: Day
    reassign_on: Day | None
    verify_by: Day
    end_scheduled_by: Day
    last_safe_day: Day
    same_offer: bool
    overlap_cost: Decimal | None
    currency: str | None
    reason: str = outside()
    saved: Decimal | None = outside(None)
    original_seats: int | None = None
    seen_on: Day | None = None
    custom_term_end: Day | None = None
    sale_price: Decimal | None = None
    sale_currency: str | None = None
    unit_cost: Decimal | None = None
    cost_currency: str | None = None
    price_source: str | None = None
    price_valid_to: Day | None = None
    amount: Decimal | None = None
    rule: str | None = None
    team: str | None = None


class PlannedCustomer(Part):
    """A customer with a placed move, and when its own steps are due."""

    customer_id: str
    name: str | None = outside()
    domain: str | None
    market: str | None
    language: str | None
    state: str
    invite_on: Day | None
    access_by: Day


class PlannedBatch(Part):
    """The moves that are provisioned together on one day, in figures."""

    batch: str
    date: Day
    moves: int
    seats: int
    customers: int


class Unplaced(Part):
    """An original that this plan does not move, why, and what would make it fit."""

    subscription_id: str
    customer_id: str | None
    product: str | None
    seats: int | None
    route: str
    expires_on: Day | None
    code: str
    reason: str
    would_fit: str

    @classmethod
    def of(cls, row: Mapping[str, Any], code: str, reason: str, would_fit: str) -> Unplaced:
        """List a judged original as not placed."""
        seen = ("subscription_id", "customer_id", "product", "seats", "route", "expires_on")
        said = {"code": code, "reason": reason, "would_fit": would_fit}
        return cls(**{name: row[name] for name in seen}, **said)


class Saving(Part):
    """What the plan costs in overlap, beside two other ways to choose the days.

    `unit` is a currency, or `seat_days` for the moves whose price is unknown. `saved` is against
    everyone on the first possible day. First come, first served has the same capacities as the
    plan and may leave moves without a day (`first_come_unplaced`); its cost and
    `saved_against_first_come` are of the moves that both place.
    """

    unit: str
    moves: int
    stand_in_prices: int
    planned: Decimal
    everyone_first_day: Decimal
    saved: Decimal
    lower_bound: Decimal
    first_come_first_served: Decimal | None = None
    saved_against_first_come: Decimal | None = None
    first_come_unplaced: int = 0


class Optimum(Part):
    """How near the plan is to the least cost there could be, in `unit`.

    `objective` is what its moves pay twice; no plan that places the same moves and keeps the same
    wishes pays less than `lower_bound`, which was proven apart from how the days were found
    (`method`). Of what had a window, `left_out` moves found no day, and every plan leaves out
    `left_out_at_least`. Where prices are unknown a seat counts as `seat_day` a day.
    `together_price` is what the wish that a customer's moves go together costs; of those wishes,
    `parted` could not be kept.
    """

    unit: str
    objective: Decimal
    lower_bound: Decimal
    method: str
    left_out: int
    left_out_at_least: int
    seat_day: Decimal | None = None
    together_price: Decimal | None = None
    parted: int = 0


class Source(Part):
    """A file that the plan's facts were read from, and how many of its rows were used."""

    source_file: str
    profile: str | None
    read: int
    accepted: int


class Rule(Part):
    """A rule of a channel that decided about moves of the plan, as it was then."""

    name: str
    facts: dict[str, str]


def move_id(customer_id: str, subscription_ids: Iterable[str], part: int) -> str:
    """Name a move by what it moves, so that every plan gives it the same id."""
    text = json.dumps([customer_id, sorted(subscription_ids), part])
    return f"mv-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
