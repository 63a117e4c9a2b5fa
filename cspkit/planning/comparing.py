"""What a plan saves beside first come, first served under the same capacities."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from cspkit import scheduling
from cspkit.placing import Candidate, Placing
from cspkit.planfile import Saving


def compared(savings: list[Saving], placing: Placing) -> list[Saving]:
    """Add to each line what the same moves cost when each took the first day with room.

    Invitations go out on the days of the plan; who is ready first is served first, then by id.
    What the plan left out is served too, so it may take the room of a move of the plan.
    """
    days = scheduling.first_come(placing.schedule)
    lines = []
    for line in savings:
        mine = [one for one in placing.placed if one.unit == line.unit]
        both = [one for one in mine if one.id in days]
        served = sum((one.cost(days[one.id]) for one in both), Decimal(0))
        planned = sum((one.cost(one.day) for one in both if one.day), Decimal(0))
        lines.append(
            line.model_copy(
                update={
                    "first_come_first_served": served,
                    "saved_against_first_come": served - planned,
                    "first_come_unplaced": len(mine) - len(both),
                }
            )
        )
    return lines


def ready_on(one: Candidate, placing: Placing) -> date:
    """Say when a move's customer is ready: after its invitation, where it needs one."""
    if one.invite_on is None:
        return max(one.earliest, placing.start)
    lead = one.row["order_lead"] if one.hurried else one.row["lead_days"]
    return max(one.earliest, placing.ready(one.invite_on, lead, one.row))
