"""Plans: dated batches of moves that never leave a gap, what they save and what did not fit."""

from cspkit.planfile import PlanFile, PlannedCustomer, PlannedMove
from cspkit.planning.caps import Excess, names_needed, over_caps
from cspkit.planning.making import plan
from cspkit.planning.plan import Plan

__all__ = [
    "Excess",
    "Plan",
    "PlanFile",
    "PlannedCustomer",
    "PlannedMove",
    "names_needed",
    "over_caps",
    "plan",
]
