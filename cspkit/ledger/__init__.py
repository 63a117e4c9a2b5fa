"""The database that remembers every intent and outcome; the source of truth."""

from cspkit.ledger.leases import new_holder
from cspkit.ledger.outside import Intent
from cspkit.ledger.records import (
    Approval,
    Broken,
    Call,
    Claim,
    EndRow,
    Hold,
    Lease,
    Letter,
    Mail,
    MoveRow,
    StepRow,
)
from cspkit.ledger.states import EVERYONE
from cspkit.ledger.store import Ledger

__all__ = [
    "EVERYONE",
    "Approval",
    "Broken",
    "Call",
    "Claim",
    "EndRow",
    "Hold",
    "Intent",
    "Lease",
    "Ledger",
    "Letter",
    "Mail",
    "MoveRow",
    "StepRow",
    "new_holder",
]
