"""Days for moves and invitations at least cost under the team's capacities; knows no files."""

from cspkit.scheduling.asking import bound_if, enough, schedule, what_if, wish_price
from cspkit.scheduling.parts import ALL_TEAMS, Capacity, Item, Left, Room, Schedule
from cspkit.scheduling.rivals import earliest_deadline, first_come

__all__ = [
    "ALL_TEAMS",
    "Capacity",
    "Item",
    "Left",
    "Room",
    "Schedule",
    "bound_if",
    "earliest_deadline",
    "enough",
    "first_come",
    "schedule",
    "what_if",
    "wish_price",
]
