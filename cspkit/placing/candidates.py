"""Originals that wait for their days, and one plan in the making."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from cspkit.planfile import Unplaced, move_id
from cspkit.policy import Patience, Policy, Workdays
from cspkit.scheduling import ALL_TEAMS, Schedule
from cspkit.tables import Step

SEAT_DAYS = "seat_days"
COLUMNS = [
    "subscription_id",
    "customer_id",
    "product",
    "sku_id",
    "seats",
    "expires_on",
    "route",
    "target_offer",
    "target_sku_id",
    "same_offer",
    "term",
    "billing_cycle",
    "state",
    "lead_days",
    "order_lead",
    "last_safe_day",
    "renewal_safe_on",
    "end_scheduled_by",
    "order_seats",
    "order_daily",
    "order_currency",
    "price_source",
    "rolls_over",
    "base_subscription_id",
    "moves_with",
    "exposure",
    "market",
    "flags",
]


@dataclass
class Candidate:
    """An original that can be bought anew, with its window [earliest, latest] in one plan."""

    row: dict[str, Any]
    earliest: date
    latest: date
    team: str = ALL_TEAMS
    hurried: bool = False
    together: bool = False
    invite_on: date | None = None
    day: date | None = None

    @property
    def id(self) -> str:
        """The original's subscription id."""
        return str(self.row["subscription_id"])

    @property
    def customer_id(self) -> str:
        """The original's customer."""
        return str(self.row["customer_id"])

    @property
    def move_id(self) -> str:
        """Id of the move that replaces this one original."""
        return move_id(self.customer_id, [self.id], 1)

    @property
    def waiting(self) -> bool:
        """Tell whether the customer has yet to be invited."""
        return self.row["state"] == Step.RELATIONSHIP.value and not self.row.get("pending")

    @property
    def unit(self) -> str:
        """Currency of `daily`, or seat days where the price is unknown."""
        known = self.row["order_daily"] is not None and self.row["order_currency"]
        return str(self.row["order_currency"]) if known else SEAT_DAYS

    @property
    def daily(self) -> Decimal:
        """What a day earlier costs: the replacement's price per day, or its seats."""
        known = self.unit != SEAT_DAYS
        return Decimal(self.row["order_daily"] if known else self.row["order_seats"])

    def cost(self, day: date) -> Decimal:
        """Pay the replacement from a day to the end of the original, both included."""
        days: int = (self.row["expires_on"] - day).days + 1
        return self.daily * days

    @property
    def days_before_end(self) -> int:
        """Count the days that are paid twice; 0 without a day."""
        return (self.row["expires_on"] - self.day).days + 1 if self.day else 0


@dataclass
class Placing:
    """One plan in the making; a seat of unknown price counts as `seat_price` a day."""

    start: date
    policy: Policy
    calendars: dict[str, Workdays]
    patience: Patience
    schedule: Schedule
    seat_price: Decimal = Decimal(1)
    placed: list[Candidate] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)

    @property
    def workdays(self) -> Workdays:
        """Calendar of the whole team."""
        return self.calendars[ALL_TEAMS]

    def ready(self, begin: date, days: int, row: dict[str, Any]) -> date:
        """Say when a customer's steps that need so many days and begin on a day are done."""
        return self.patience.ready(begin, days, row["market"] or "")
