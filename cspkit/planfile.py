"""The plan as a file: what it holds, and the hash over all that decides what is executed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from datetime import date as Day
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from cspkit.errors import CspkitError, PlanRefused

# People's words and who made it when: they change nothing that is executed.
OUTSIDE_THE_HASH = {"reason", "name", "hash", "made_by", "made_at", "unplaced", "savings"}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedMove(_Part):
    """One order line with its day and the days of all that belongs to it."""

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
    reason: str


class PlannedCustomer(_Part):
    """A customer with a placed move, and when its own steps are due."""

    customer_id: str
    name: str | None
    domain: str | None
    market: str | None
    language: str | None
    state: str
    invite_on: Day | None
    access_by: Day


class PlannedBatch(_Part):
    """The moves that are provisioned together on one day, in figures."""

    batch: str
    date: Day
    moves: int
    seats: int
    customers: int


class Unplaced(_Part):
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


class Saving(_Part):
    """What the plan costs in overlap against everyone on the first possible day.

    `unit` is a currency, or `seat_days` for the moves whose price is unknown.
    """

    unit: str
    moves: int
    stand_in_prices: int
    planned: Decimal
    everyone_first_day: Decimal
    saved: Decimal
    lower_bound: Decimal


class PlanFile(_Part):
    """A whole plan as it is written to disk."""

    format: Literal[1] = 1
    service: str
    as_of: Day
    start: Day
    policy: dict[str, Any]
    moves: list[PlannedMove]
    batches: list[PlannedBatch]
    customers: list[PlannedCustomer]
    unplaced: list[Unplaced]
    savings: list[Saving]
    objective: str
    hash: str = ""
    made_by: str = ""
    made_at: datetime | None = None

    def sealed(self) -> PlanFile:
        """Return the plan with the hash of its content."""
        return self.model_copy(update={"hash": self.content_hash()})

    def content_hash(self) -> str:
        """Hash all that decides what is executed, in canonical JSON."""
        content = _stripped(self.model_dump(mode="json"))
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def write(self, path: Path) -> None:
        """Write the plan so that a reader sees the old file or the new one, never a half."""
        text = json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
        part = path.with_name(f"{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, encoding="utf-8", newline="\n")
            os.replace(part, path)
        except OSError as error:
            raise CspkitError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def read(cls, path: Path) -> PlanFile:
        """Read a plan; raises PlanRefused where its content does not match its hash."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CspkitError(f"{path}: not found; `cspkit plan` makes a plan") from None
        except (OSError, ValueError) as error:
            raise CspkitError(f"{path}: expected a plan as JSON: {error}") from error
        try:
            plan = cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            problem = f"{field}: {first['msg']}; a plan is made by `cspkit plan`, not edited"
            raise PlanRefused(f"{path}: {problem}") from error
        if plan.hash != plan.content_hash():
            raise PlanRefused(
                f"{path}: the plan was edited after it was made: expected the hash"
                f" {plan.content_hash()[:12]}..., found {plan.hash[:12]!r}; make a new plan"
            )
        return plan


def move_id(customer_id: str, subscription_ids: Iterable[str], part: int) -> str:
    """Name a move by what it moves, so that every plan gives it the same id."""
    text = json.dumps([customer_id, sorted(subscription_ids), part])
    return f"mv-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _stripped(v) for k, v in value.items() if k not in OUTSIDE_THE_HASH}
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return value
