"""What passes between the ledger and its callers: frozen records of its rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Self

import sqlalchemy as sa

from cspkit.tables import EndState, MoveState, StepState


class Record:
    """A row of the ledger that cannot be changed."""

    @classmethod
    def of(cls, row: sa.RowMapping | dict[str, Any], **more: Any) -> Self:
        """Build the record from a database row, ignoring columns it does not know."""
        data = {**row, **more}
        known = {field.name for field in fields(cls) if field.name in data}  # type: ignore[arg-type]
        return cls(**{name: data[name] for name in known})


@dataclass(frozen=True)
class Approval(Record):
    """Who approved which plan, when and where; `margins`: with margins below the policy.

    `covers_until` is the last day of the moves it covers; None: as the policy's horizon says.
    """

    plan_hash: str
    by: str
    made_by: str
    plan_path: str
    approved_at: datetime
    os_user: str = ""
    host: str = ""
    covers_until: date | None = None
    margins: bool = False


@dataclass(frozen=True)
class Lease(Record):
    """The right to act on one customer; the fence grows with every change of holder."""

    subject: str
    holder: str
    fence: int
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Claim:
    """What a move is going to order, and for which originals."""

    move_id: str
    customer_id: str
    originals: tuple[str, ...]
    part: int
    plan_hash: str
    batch: str
    target_offer: str
    sku_id: str
    target_sku_id: str
    seats: int
    term: str
    billing_cycle: str
    auto_renew: bool | None
    same_offer: bool
    expires_on: date | None

    @property
    def content(self) -> dict[str, Any]:
        """Give the columns of the moves table that may change until the order is sent."""
        names = (
            *("plan_hash", "batch", "target_offer", "sku_id", "target_sku_id", "seats", "term"),
            *("billing_cycle", "auto_renew", "same_offer", "expires_on"),
        )
        return {name: getattr(self, name) for name in names}

    @property
    def order(self) -> tuple[Any, ...]:
        """Give what decides the cart: a change of it makes an unsent cart stale."""
        return (self.target_offer, self.seats, self.term, self.billing_cycle)


@dataclass(frozen=True)
class MoveRow(Record):
    """Where one move stands."""

    move_id: str
    customer_id: str
    part: int
    state: MoveState
    reason: str
    plan_hash: str
    batch: str
    target_offer: str
    sku_id: str
    target_sku_id: str
    seats: int
    term: str
    billing_cycle: str
    same_offer: bool
    cart_id: str | None
    cart_made_at: datetime | None
    cart_expires_at: datetime | None
    order_id: str | None
    subscription_id: str | None
    sent_at: datetime | None
    ordered_at: datetime | None
    verified_at: datetime | None
    provisioned_at: datetime | None = None
    reassigned_at: datetime | None = None
    closed_at: datetime | None = None
    undone_at: datetime | None = None
    prev: str | None = None
    auto_renew: bool | None = None
    expires_on: date | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def __post_init__(self) -> None:
        """Read the state as a word of the state machine."""
        object.__setattr__(self, "state", MoveState(self.state))

    @property
    def order(self) -> tuple[Any, ...]:
        """Give what the cart was made of, comparable with a claim's."""
        return (self.target_offer, self.seats, self.term, self.billing_cycle)


@dataclass(frozen=True)
class StepRow(Record):
    """Where one customer step stands."""

    customer_id: str
    step: str
    state: StepState
    reason: str = ""
    asked_at: datetime | None = None
    done_at: datetime | None = None

    def __post_init__(self) -> None:
        """Read the state as a word of the state machine."""
        object.__setattr__(self, "state", StepState(self.state))


@dataclass(frozen=True)
class EndRow(Record):
    """How far the end of one original is.

    `way` says how it was made safe, `plan_expires_on` the end that was planned with,
    `seen_expires_on` the one read last at `seen_at`, `cancel_until` how long a renewal can
    still be cancelled, `owner` who minds it, `evidence` is JSON.
    """

    customer_id: str
    original: str
    state: EndState
    reason: str = ""
    way: str = ""
    plan_expires_on: date | None = None
    seen_expires_on: date | None = None
    cancel_until: datetime | None = None
    owner: str = ""
    evidence: str = "{}"
    asked_at: datetime | None = None
    safe_at: datetime | None = None
    scheduled_at: datetime | None = None
    ended_at: datetime | None = None
    renewed_at: datetime | None = None
    seen_at: datetime | None = None

    def __post_init__(self) -> None:
        """Read the state as a word of the state machine."""
        object.__setattr__(self, "state", EndState(self.state))

    @property
    def facts(self) -> dict[str, Any]:
        """Read the evidence that came together so far."""
        found: dict[str, Any] = json.loads(self.evidence)
        return found

    @property
    def ends_on(self) -> date | None:
        """The last end on record: that of its latest renewal, else the planned one."""
        renewed = self.facts.get("renewed_to")
        return date.fromisoformat(str(renewed)) if renewed else self.plan_expires_on


@dataclass(frozen=True)
class Call(Record):
    """One outside write: intended, and perhaps answered; `outcome` None means silence."""

    call_id: int
    subject: str
    customer_id: str
    verb: str
    grp: int
    request_id: str
    body_hash: str
    run_id: str
    sent_at: datetime
    outcome: str | None
    status: int | None = None
    code: str | None = None

    @property
    def unclear(self) -> bool:
        """Say whether nobody knows what became of this call."""
        return self.outcome in (None, "unclear")

    @property
    def may_have_acted(self) -> bool:
        """Say whether this call had its effect, or may have had it."""
        return self.unclear or self.outcome == "done"


@dataclass(frozen=True)
class Letter(Record):
    """A letter claimed for one customer; `written_at` None means the file may be missing."""

    customer_id: str
    letter: str
    cycle: str
    language: str
    file: str
    claimed_at: datetime
    written_at: datetime | None


@dataclass(frozen=True)
class Mail(Record):
    """What became of a letter by mail: waiting, sending, sent, refused, bounced, unclear.

    `sending` outside of a run means that a run was killed: nobody knows whether it went out.
    """

    customer_id: str
    letter: str
    cycle: str
    state: str
    address: str
    message_id: str
    answer: str
    updated_at: datetime
    sending_at: datetime | None = None

    def waits_for(self, address: str) -> bool:
        """Say whether it waits to be sent to this address already."""
        return self.state == "waiting" and self.address == address


@dataclass(frozen=True)
class Hold(Record):
    """A customer, or everyone (`*`), that nobody may act on."""

    customer_id: str
    reason: str
    by: str
    held_at: datetime


@dataclass(frozen=True)
class Broken(Record):
    """Where the log of a run is not as it was written; `event_id` None where an event is gone."""

    run_id: str
    seq: int
    event_id: int | None
    problem: str


def canonical(value: Any) -> str:
    """Write a value as JSON that is the same for the same content."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(*parts: str) -> str:
    """Hash texts, each kept apart from the next."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(f"{len(part)}:{part}".encode())
    return whole.hexdigest()
