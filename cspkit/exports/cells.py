"""Cells that are checked in place: GUIDs, ids and texts, as Ibis expressions.

Every row of a file goes through these, so each cell is used once and nothing is searched for;
what does not pass at once is one of a few different cells, and those are looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from cspkit.exports import words
from cspkit.later import ibis

SPACES = " \t\r\n\v\f\u00a0\u202f\u2009\u200b"
PLAIN = (33, 126)
LOST_DIGITS = r"^[0-9][.,][0-9]+[eE]\+?[0-9]+$"
LONGEST_NUMBER = 24
GUID_LENGTH = 36


@dataclass(frozen=True)
class Checked:
    """The value of a cell, and the code of what is wrong with it (missing when nothing is)."""

    value: Any
    problem: Any


@cache
def _trim() -> Any:
    def trim_both(text: Any, characters: Any) -> Any: ...

    kinds = (("string", "string"), "string")
    return ibis.udf.scalar.builtin(trim_both, name="trim", signature=kinds)


def nothing(kind: str = "string") -> Any:
    """Return a missing value."""
    return ibis.null(kind)


def tidy(cell: Any) -> Any:
    """Trim a text; no-break and zero-width characters count as space.

    Trimming a whole set of characters is slow, so a cell with plain characters at both ends is
    taken as it is.
    """
    plain = cell.ascii_str().between(*PLAIN) & cell.right(1).ascii_str().between(*PLAIN)
    return ibis.ifelse(plain, cell, _trim()(cell, SPACES))


def absent(cell: Any) -> Any:
    """Tell whether a cell is empty or holds a word for nothing."""
    return cell.isnull() | tidy(cell).lower().isin(words.listed("missing"))


def text(cell: Any) -> Checked:
    """Take a text as it is, trimmed; a dash or N/A is nothing."""
    return Checked(tidy(cell).nullif("").nullif("-").nullif("N/A").nullif("n/a"), nothing())


def lower(cell: Any) -> Checked:
    """Take a text in lower case, for domains and languages."""
    return Checked(text(cell.lower()).value, nothing())


def identifier(cell: Any) -> Checked:
    """Take an id that need not be a GUID, in lower case; a number that lost digits is none."""
    short = cell.length() <= LONGEST_NUMBER
    damaged = ibis.ifelse(short, cell.re_search(LOST_DIGITS), False)
    return Checked(lower(cell).value, ibis.ifelse(damaged, "damaged_id", nothing()))


def guid(cell: Any) -> Any:
    """Take a GUID in any letter case, in lower case; anything else is missing."""
    return cell.try_cast("uuid").cast("string")


def long_as_guid(cell: Any) -> Any:
    """Tell whether a cell is as long as a GUID: then it is one, or surely none."""
    return cell.length() == GUID_LENGTH


CHECKS = {"id": identifier, "domain": lower, "language": lower}
