"""From judged originals to dated moves: windows, invitations, days, and what found none."""

from cspkit.placing.candidates import COLUMNS, SEAT_DAYS, Candidate, Placing
from cspkit.placing.choosing import in_time, place
from cspkit.placing.wording import baseless
from cspkit.placing.writing import moves, optimum, savings

__all__ = [
    "COLUMNS",
    "SEAT_DAYS",
    "Candidate",
    "Placing",
    "baseless",
    "in_time",
    "moves",
    "optimum",
    "place",
    "savings",
]
