"""Plans: dated batches of moves that never leave a gap, what they save and what did not fit."""

from cspkit.planfile import PlanFile, PlannedCustomer, PlannedMove
from cspkit.planning.caps import Excess, horizon, names_needed, over_caps
from cspkit.planning.consenting import accepted
from cspkit.planning.diffing import Change, Difference, difference
from cspkit.planning.keeping import Before
from cspkit.planning.making import plan
from cspkit.planning.pricing import worth
from cspkit.planning.result import Plan
from cspkit.planning.shelf import commands, keep, latest, saved
from cspkit.planning.trying import beside, changed, curve, tried

__all__ = [
    "Before",
    "Change",
    "Difference",
    "Excess",
    "Plan",
    "PlanFile",
    "PlannedCustomer",
    "PlannedMove",
    "accepted",
    "beside",
    "changed",
    "commands",
    "curve",
    "difference",
    "horizon",
    "keep",
    "latest",
    "names_needed",
    "over_caps",
    "plan",
    "saved",
    "tried",
    "worth",
]
