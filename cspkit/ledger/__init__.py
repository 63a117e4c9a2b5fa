"""The database that remembers every intent and outcome; the source of truth."""

from cspkit.ledger.by_hand import EndChange, MoveChange, Returned, StepChange
from cspkit.ledger.leases import new_holder
from cspkit.ledger.lines import Line
from cspkit.ledger.outside import Intent
from cspkit.ledger.paces import Pace
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
    "EndChange",
    "EndRow",
    "Hold",
    "Intent",
    "Lease",
    "Ledger",
    "Letter",
    "Line",
    "Mail",
    "MoveChange",
    "MoveRow",
    "Pace",
    "Returned",
    "StepChange",
    "StepRow",
    "new_holder",
]
