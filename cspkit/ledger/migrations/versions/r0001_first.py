"""The tables of 0.1.0: ledgers of that time carry no stamp, so this one changes nothing."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Leave the tables as they are: they are what this revision stands for."""
