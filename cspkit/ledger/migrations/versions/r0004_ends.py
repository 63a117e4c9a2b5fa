"""Mind the ends of originals; let a move close, and be undone so that it frees its originals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_FREED = sa.text("state NOT IN ('refused', 'undone')")


def upgrade() -> None:
    """Add two instants to moves, make the tables of ends, renew the rule of one order."""
    for name in ("closed_at", "undone_at"):
        op.add_column("moves", sa.Column(name, _instant()))
    op.drop_index("one_order", table_name="move_originals")
    op.create_index(
        "one_order",
        "move_originals",
        ["service", "customer_id", "original", "part"],
        unique=True,
        sqlite_where=_FREED,
        postgresql_where=_FREED,
    )
    op.create_table(
        "end_transitions",
        sa.Column("prev", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("prev", "state", name="pk_end_transitions"),
    )
    _ends()


def _instant() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _ends() -> None:
    op.create_table(
        "ends",
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("original", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("prev", sa.Text),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("way", sa.Text, nullable=False, server_default=""),
        sa.Column("plan_expires_on", sa.Date),
        sa.Column("seen_expires_on", sa.Date),
        sa.Column("cancel_until", _instant()),
        sa.Column("owner", sa.Text, nullable=False, server_default=""),
        sa.Column("evidence", sa.Text, nullable=False, server_default="{}"),
        *(sa.Column(name, _instant()) for name in ("asked_at", "safe_at", "scheduled_at")),
        *(sa.Column(name, _instant()) for name in ("ended_at", "renewed_at", "seen_at")),
        sa.Column("updated_at", _instant(), nullable=False),
        sa.PrimaryKeyConstraint("service", "customer_id", "original", name="pk_ends"),
        sa.ForeignKeyConstraint(["service"], ["binding.service"], name="fk_ends_service"),
        sa.ForeignKeyConstraint(
            ["prev", "state"], ["end_transitions.prev", "end_transitions.state"], name="transition"
        ),
        *_checks(),
    )


def _checks() -> list[sa.CheckConstraint]:
    said = {
        "begins_open": "prev IS NOT NULL OR state = 'open'",
        "asked_known": "state <> 'asked' OR asked_at IS NOT NULL",
        "safe_known": "state <> 'renewal_safe' OR (safe_at IS NOT NULL AND way <> '')",
        "scheduled_known": "state <> 'end_scheduled' OR scheduled_at IS NOT NULL",
        "ended_known": "state <> 'ended' OR ended_at IS NOT NULL",
        "renewed_known": "state <> 'renewed' OR renewed_at IS NOT NULL",
    }
    return [sa.CheckConstraint(rule, name=op.f(f"ck_ends_{name}")) for name, rule in said.items()]
