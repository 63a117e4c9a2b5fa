"""Cells that are checked in place: GUIDs, ids and texts, as Ibis expressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis

from cspkit.exports import words

GUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# Text may be glued before a GUID, never digits: those would be a damaged id.
GLUED = f"^[^0-9]*?({GUID})(?:[^0-9A-Za-z-].*)?$"
LOST_DIGITS = r"^\d[.,]\d+e\+?\d+$"


@dataclass(frozen=True)
class Checked:
    """The value of a cell, and the code of what is wrong with it (missing when nothing is)."""

    value: Any
    problem: Any


def nothing(kind: str = "string") -> Any:
    """Return a missing value."""
    return ibis.null(kind)


def tidy(cell: Any) -> Any:
    """Trim a text; no-break and zero-width characters count as space."""
    spaced = cell.replace("\u00a0", " ").replace("\u202f", " ").replace("\u200b", "")
    return spaced.strip()


def absent(cell: Any) -> Any:
    """Tell whether a cell is empty or holds a word for nothing."""
    return cell.isnull() | tidy(cell).lower().isin(words.listed("missing"))


def text(cell: Any) -> Checked:
    """Take a text as it is, trimmed; a dash or N/A is nothing."""
    bare = tidy(cell)
    return Checked(
        ibis.ifelse(bare.lower().isin(("", "-", "n/a", "#n/a")), nothing(), bare), nothing()
    )


def lower(cell: Any) -> Checked:
    """Take a text in lower case, for domains and languages."""
    return text(cell.lower())


def identifier(cell: Any) -> Checked:
    """Take an id that need not be a GUID, in lower case; a number that lost digits is none."""
    value = text(cell.lower()).value
    damaged = value.re_search(LOST_DIGITS)
    return Checked(
        ibis.ifelse(damaged, nothing(), value), ibis.ifelse(damaged, "damaged_id", nothing())
    )


def guid(cell: Any) -> Checked:
    """Take a GUID in any letter case, also one that text is glued to, in lower case."""
    direct = ibis.ifelse(cell.length() == 36, cell.try_cast("uuid"), nothing("uuid"))
    glued = tidy(cell).re_extract(GLUED, 1).nullif("").try_cast("uuid")
    value = ibis.coalesce(direct, glued).cast("string")
    wrong = ibis.ifelse(absent(cell), nothing(), "not_a_guid")
    return Checked(value, ibis.ifelse(value.isnull(), wrong, nothing()))


CHECKS = {"guid": guid, "id": identifier, "domain": lower, "language": lower}
