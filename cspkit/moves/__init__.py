"""One step of one customer or move, exactly once."""

from cspkit.moves.limits import Limits
from cspkit.moves.rows import Outcome
from cspkit.moves.work import STEPS, Work, begin

__all__ = ["STEPS", "Limits", "Outcome", "Work", "begin"]
