"""What analysts choose by hand: who to look at, who goes when, who calls whom."""

from cspkit.picking.calls import call_list, links, write_calls
from cspkit.picking.choices import chosen, give, leave_out, originals_of, pin, take_back
from cspkit.picking.filters import known, narrowed

__all__ = [
    "call_list",
    "chosen",
    "give",
    "known",
    "leave_out",
    "links",
    "narrowed",
    "originals_of",
    "pin",
    "take_back",
    "write_calls",
]
