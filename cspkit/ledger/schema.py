"""The ledger's tables: the state machine is enforced by the database, not only by the code.

The DDL is the same for SQLite and PostgreSQL, triggers apart; the transitions come from
`tables`, so that ledger, moves and reports read one list.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, ForeignKeyConstraint, Table
from sqlalchemy.types import TypeDecorator

from cspkit.tables import (
    END_TRANSITIONS,
    MOVE_TRANSITIONS,
    STEP_TRANSITIONS,
    EndState,
    MoveState,
    Step,
    StepState,
)

VERSION = 6
OUTCOMES = ("done", "refused", "unclear", "unsent")
# CHECK cannot grow in an old SQLite ledger: what came later is only reached from one of these.
MAIL_STATES = ("waiting", "sending", "sent", "refused", "bounced", "unclear")
ORDERED_STATES = (
    MoveState.ORDERED,
    MoveState.PROVISIONED,
    MoveState.VERIFIED,
    MoveState.REASSIGNED,
)
FREED_STATES = (MoveState.REFUSED, MoveState.UNDONE)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite keeps no zone, so it is put back on reading."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Store UTC and refuse an instant without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the ledger needs an instant with a time zone, got {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Hand out an aware UTC instant."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _text(name: str, *rest: Any, key: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, sa.Text, *rest, primary_key=key, nullable=False, server_default=default)


def _maybe(name: str, *rest: Any, unique: bool = False) -> Column[str]:
    return Column(name, sa.Text, *rest, unique=unique)


def _whole(name: str) -> Column[int]:
    return Column(name, sa.Integer, nullable=False)


def _at(name: str, *, nullable: bool = True) -> Column[datetime]:
    return Column(name, Instant, nullable=nullable)


def _serial(name: str) -> Column[int]:
    return Column(name, sa.Integer, primary_key=True, autoincrement=True)


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


meta = Table("meta", metadata, _text("key", key=True), _text("value"))

binding = Table(
    "binding",
    metadata,
    Column("one", sa.Integer, CheckConstraint("one = 1", name="single"), primary_key=True),
    _text("service"),
    _at("bound_at", nullable=False),
    sa.UniqueConstraint("service"),
)

move_transitions = Table(
    "move_transitions", metadata, _text("prev", key=True), _text("state", key=True)
)
step_transitions = Table(
    "step_transitions", metadata, _text("prev", key=True), _text("state", key=True)
)

end_transitions = Table(
    "end_transitions", metadata, _text("prev", key=True), _text("state", key=True)
)

runs = Table(
    "runs",
    metadata,
    _text("run_id", key=True),
    _text("step"),
    _text("mode"),
    _text("plan_hash"),
    _text("batch", default=""),
    Column("due", sa.Date),
    _text("by"),
    _text("host"),
    _at("started_at", nullable=False),
    _at("ended_at"),
    _text("counts", default="{}"),
    _text("chain_head", default=""),
)

approvals = Table(
    "approvals",
    metadata,
    _serial("approval_id"),
    _text("plan_hash"),
    _text("by"),
    _text("made_by", default=""),
    _text("plan_path", default=""),
    _at("approved_at", nullable=False),
    _text("os_user", default=""),
    _text("host", default=""),
    Column("covers_until", sa.Date),
    Column("margins", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("ix_approvals_plan_hash", "plan_hash"),
)

moves = Table(
    "moves",
    metadata,
    _text("move_id", key=True),
    _text("service", ForeignKey("binding.service")),
    _text("customer_id"),
    _whole("part"),
    _text("state", default=MoveState.PLANNED),
    _maybe("prev"),
    _text("reason", default=""),
    _text("plan_hash"),
    _text("batch"),
    _text("target_offer"),
    _text("sku_id", default=""),
    _text("target_sku_id", default=""),
    _whole("seats"),
    _text("term"),
    _text("billing_cycle"),
    Column("auto_renew", sa.Boolean),
    Column("same_offer", sa.Boolean, nullable=False),
    Column("expires_on", sa.Date),
    _maybe("cart_id", unique=True),
    _at("cart_made_at"),
    _at("cart_expires_at"),
    _maybe("order_id", unique=True),
    _maybe("subscription_id"),
    _at("created_at", nullable=False),
    _at("updated_at", nullable=False),
    _at("sent_at"),
    _at("ordered_at"),
    _at("provisioned_at"),
    _at("verified_at"),
    _at("reassigned_at"),
    _at("closed_at"),
    _at("undone_at"),
    sa.UniqueConstraint("move_id", "state"),
    ForeignKeyConstraint(
        ["prev", "state"], [move_transitions.c.prev, move_transitions.c.state], name="transition"
    ),
    CheckConstraint("prev IS NOT NULL OR state = 'planned'", name="begins_planned"),
    CheckConstraint("seats > 0", name="seats"),
    CheckConstraint("state NOT IN ('cart', 'sent') OR cart_id IS NOT NULL", name="cart_known"),
    CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="sent_known"),
    CheckConstraint(
        f"state NOT IN ({_words(ORDERED_STATES)}) OR order_id IS NOT NULL", name="order_known"
    ),
    CheckConstraint(
        "state NOT IN ('provisioned', 'verified', 'reassigned') OR subscription_id IS NOT NULL",
        name="subscription_known",
    ),
    CheckConstraint(
        "state NOT IN ('verified', 'reassigned') OR verified_at IS NOT NULL", name="verified_first"
    ),
    sa.Index("ix_moves_customer_id", "customer_id"),
)

# The state is carried along by the cascade, so that the one-order rule below can be a plain
# partial unique index that the database checks by itself.
move_originals = Table(
    "move_originals",
    metadata,
    _text("move_id", key=True),
    _text("original", key=True),
    _text("service", ForeignKey("binding.service")),
    _text("customer_id"),
    _whole("part"),
    _text("state"),
    ForeignKeyConstraint(
        ["move_id", "state"], [moves.c.move_id, moves.c.state], onupdate="CASCADE", name="of_move"
    ),
)
sa.Index(
    "one_order",
    move_originals.c.service,
    move_originals.c.customer_id,
    move_originals.c.original,
    move_originals.c.part,
    unique=True,
    sqlite_where=sa.text(f"state NOT IN ({_words(FREED_STATES)})"),
    postgresql_where=sa.text(f"state NOT IN ({_words(FREED_STATES)})"),
)

ends = Table(
    "ends",
    metadata,
    _text("service", ForeignKey("binding.service"), key=True),
    _text("customer_id", key=True),
    _text("original", key=True),
    _text("state", default=EndState.OPEN),
    _maybe("prev"),
    _text("reason", default=""),
    _text("way", default=""),
    Column("plan_expires_on", sa.Date),
    Column("seen_expires_on", sa.Date),
    _at("cancel_until"),
    _text("owner", default=""),
    _text("evidence", default="{}"),
    _at("asked_at"),
    _at("safe_at"),
    _at("scheduled_at"),
    _at("ended_at"),
    _at("renewed_at"),
    _at("seen_at"),
    _at("updated_at", nullable=False),
    ForeignKeyConstraint(
        ["prev", "state"], [end_transitions.c.prev, end_transitions.c.state], name="transition"
    ),
    CheckConstraint("prev IS NOT NULL OR state = 'open'", name="begins_open"),
    CheckConstraint("state <> 'asked' OR asked_at IS NOT NULL", name="asked_known"),
    CheckConstraint(
        "state <> 'renewal_safe' OR (safe_at IS NOT NULL AND way <> '')", name="safe_known"
    ),
    CheckConstraint("state <> 'end_scheduled' OR scheduled_at IS NOT NULL", name="scheduled_known"),
    CheckConstraint("state <> 'ended' OR ended_at IS NOT NULL", name="ended_known"),
    CheckConstraint("state <> 'renewed' OR renewed_at IS NOT NULL", name="renewed_known"),
)

steps = Table(
    "steps",
    metadata,
    _text("customer_id", key=True),
    _text("step", CheckConstraint(f"step IN ({_words(Step)})", name="word"), key=True),
    _text("state", default=StepState.TO_DO),
    _maybe("prev"),
    _text("reason", default=""),
    _text("evidence", default="{}"),
    _at("asked_at"),
    _at("done_at"),
    _at("updated_at", nullable=False),
    ForeignKeyConstraint(
        ["prev", "state"], [step_transitions.c.prev, step_transitions.c.state], name="transition"
    ),
    CheckConstraint("prev IS NOT NULL OR state = 'to_do'", name="begins_to_do"),
    CheckConstraint("state <> 'asked' OR asked_at IS NOT NULL", name="asked_known"),
    CheckConstraint("state <> 'done' OR done_at IS NOT NULL", name="done_known"),
)

letters = Table(
    "letters",
    metadata,
    _text("customer_id", key=True),
    _text("letter", key=True),
    _text("cycle", key=True),
    _text("language"),
    _text("file"),
    _text("run_id"),
    _at("claimed_at", nullable=False),
    _at("written_at"),
)

mails = Table(
    "mails",
    metadata,
    _text("customer_id", key=True),
    _text("letter", key=True),
    _text("cycle", key=True),
    _text("state", CheckConstraint(f"state IN ({_words(MAIL_STATES)})", name="word")),
    _text("address"),
    _text("message_id"),
    _text("answer", default=""),
    _at("sending_at"),
    _at("updated_at", nullable=False),
    ForeignKeyConstraint(
        ["customer_id", "letter", "cycle"],
        [letters.c.customer_id, letters.c.letter, letters.c.cycle],
        name="of_letter",
    ),
    CheckConstraint("state <> 'sending' OR sending_at IS NOT NULL", name="sending_known"),
)

calls = Table(
    "calls",
    metadata,
    _serial("call_id"),
    _text("subject"),
    _text("customer_id"),
    _text("verb"),
    _whole("grp"),
    _text("request_id"),
    _text("path"),
    _text("body_hash"),
    _text("run_id"),
    _at("sent_at", nullable=False),
    _maybe("outcome", CheckConstraint(f"outcome IN ({_words(OUTCOMES)})", name="word")),
    Column("status", sa.Integer),
    _maybe("code"),
    _text("detail", default=""),
    _at("answered_at"),
    CheckConstraint("(outcome IS NULL) = (answered_at IS NULL)", name="answered"),
    sa.Index("ix_calls_subject", "subject", "verb"),
)

leases = Table(
    "leases",
    metadata,
    _text("subject", key=True),
    _text("holder"),
    _whole("fence"),
    _at("since", nullable=False),
    _at("until", nullable=False),
)

# When the next call of a pace may leave, by the database's clock; and a pause of all of them.
paces = Table(
    "paces",
    metadata,
    _text("name", key=True),
    _at("free_at", nullable=False),
    _at("held_until", nullable=False),
)

holds = Table(
    "holds",
    metadata,
    _serial("hold_id"),
    _text("customer_id"),
    _text("reason"),
    _text("by"),
    _at("held_at", nullable=False),
    _text("released_by", default=""),
    _at("released_at"),
)
sa.Index(
    "one_hold",
    holds.c.customer_id,
    unique=True,
    sqlite_where=holds.c.released_at.is_(None),
    postgresql_where=holds.c.released_at.is_(None),
)

events = Table(
    "events",
    metadata,
    _serial("event_id"),
    _text("run_id"),
    _whole("seq"),
    _at("at", nullable=False),
    _text("kind"),
    _text("subject"),
    _text("customer_id", default=""),
    _text("before", default=""),
    _text("after", default=""),
    _text("request_id", default=""),
    _text("detail", default="{}"),
    _text("prev_hash"),
    _text("hash"),
    sa.UniqueConstraint("run_id", "seq"),
    sa.Index("ix_events_subject", "subject"),
)

# The head of each run's chain: locked while an event is added, and what shows a cut-off tail.
heads = Table("heads", metadata, _text("run_id", key=True), _whole("seq"), _text("hash"))


def transitions() -> dict[Table, list[dict[str, str]]]:
    """List the rows that the transition tables must hold."""
    return {
        move_transitions: [{"prev": prev, "state": state} for prev, state in MOVE_TRANSITIONS],
        step_transitions: [{"prev": prev, "state": state} for prev, state in STEP_TRANSITIONS],
        end_transitions: [{"prev": prev, "state": state} for prev, state in END_TRANSITIONS],
    }
