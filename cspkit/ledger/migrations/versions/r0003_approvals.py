"""Keep with each approval who sat where, what it covers, and whether low margins are accepted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; an approval of before covers what the policy's horizon says."""
    for name in ("os_user", "host"):
        op.add_column("approvals", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("approvals", sa.Column("covers_until", sa.Date))
    margins = sa.Column("margins", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("approvals", margins)
