"""What a plan saves beside first come, first served under the same capacities."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

from cspkit.placing import Candidate, Placing
from cspkit.planfile import Saving


def compared(savings: list[Saving], placing: Placing) -> list[Saving]:
    """Add to each line what the same moves cost when each took the first day with room.

    Invitations go out on the days of the plan; who is ready first is served first, then by id.
    """
    days = first_come(placing)
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


def first_come(placing: Placing) -> dict[str, date]:
    """Give each placed original the first day of its window that still has room; by its id."""
    ready = {one.id: ready_on(one, placing) for one in placing.placed}
    rooms = _Rooms(placing)
    days: dict[str, date] = {}
    for one in sorted(placing.placed, key=lambda one: (ready[one.id], one.customer_id, one.id)):
        for day in placing.calendars[one.team].order_days(ready[one.id], one.latest):
            if rooms.take(day, one):
                days[one.id] = day
                break
    return days


def ready_on(one: Candidate, placing: Placing) -> date:
    """Say when a move's customer is ready: after its invitation, where it needs one."""
    if one.invite_on is None:
        return max(one.earliest, placing.start)
    lead = one.row["order_lead"] if one.hurried else one.row["lead_days"]
    return max(one.earliest, placing.ready(one.invite_on, lead, one.row))


class _Rooms:
    """What is left of each day's capacities."""

    def __init__(self, placing: Placing) -> None:
        policy = placing.policy
        self.moves: Counter[tuple[date, str]] = Counter()
        self.seats: Counter[tuple[date, str]] = Counter()
        self.caps = {team.name: (team.moves_per_day, team.seats_per_day) for team in policy.teams}
        self.caps[""] = (policy.moves_per_day, policy.seats_per_day)

    def take(self, day: date, one: Candidate) -> bool:
        """Take room for a move on a day, or say that there is none."""
        seats = one.row["order_seats"]
        teams = {"", one.team}
        for team in teams:
            moves_cap, seats_cap = self.caps.get(team, (None, None))
            if moves_cap is not None and self.moves[day, team] >= moves_cap:
                return False
            if seats_cap is not None and self.seats[day, team] + seats > seats_cap:
                return False
        for team in teams:
            self.moves[day, team] += 1
            self.seats[day, team] += seats
        return True
