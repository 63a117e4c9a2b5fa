"""Keep the head of each run's chain apart from its events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LAST = """
INSERT INTO heads (run_id, seq, hash)
SELECT run_id, seq, hash FROM events AS one
WHERE seq = (SELECT max(seq) FROM events AS other WHERE other.run_id = one.run_id)
"""


def upgrade() -> None:
    """Make the table and give every run that has events its head."""
    op.create_table(
        "heads",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_heads"),
    )
    op.execute(_LAST)
