"""Send letters by mail: what became of each, one row for each letter that we send ourselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table; a letter of before was a draft, and stays one."""
    key = ("customer_id", "letter", "cycle")
    words = "'waiting', 'sending', 'sent', 'refused', 'bounced', 'unclear'"
    op.create_table(
        "mails",
        *(sa.Column(name, sa.Text, nullable=False) for name in (*key, "state")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("address", "message_id")),
        sa.Column("answer", sa.Text, nullable=False, server_default=""),
        sa.Column("sending_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(*key, name="pk_mails"),
        sa.ForeignKeyConstraint(key, [f"letters.{name}" for name in key], name="of_letter"),
        sa.CheckConstraint(f"state IN ({words})", name=op.f("ck_mails_word")),
        sa.CheckConstraint(
            "state <> 'sending' OR sending_at IS NOT NULL", name=op.f("ck_mails_sending_known")
        ),
    )
