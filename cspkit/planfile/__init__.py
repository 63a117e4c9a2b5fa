"""The plan as a file: what it holds, and the hash over all that decides what is executed."""

from cspkit.planfile.document import PlanFile, published_schema, write_schema
from cspkit.planfile.parts import (
    Optimum,
    PlannedBatch,
    PlannedCustomer,
    PlannedMove,
    Rule,
    Saving,
    Source,
    Unplaced,
    move_id,
)

__all__ = [
    "Optimum",
    "PlanFile",
    "PlannedBatch",
    "PlannedCustomer",
    "PlannedMove",
    "Rule",
    "Saving",
    "Source",
    "Unplaced",
    "move_id",
    "published_schema",
    "write_schema",
]
