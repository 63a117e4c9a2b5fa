"""How a large table is held in little room: GUIDs as numbers, words that repeat as one byte.

Whoever reads it finds the texts that the statements speak of: a view turns them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cspkit.exports.checking import ASIDE, LATEST, columns_of
from cspkit.exports.engine import quoted
from cspkit.exports.layout import LATE, Layout
from cspkit.exports.lookups import Lookup

# As many different words as two bytes tell apart would make a long statement.
WORDS = 2_000
GUIDS = "UUID"
# What DuckDB calls a whole number of four bytes ends here.
INTEGER = 2**31


def narrow(layout: Layout, lookups: Mapping[str, Lookup]) -> dict[str, str]:
    """Map columns of checked rows to DuckDB's types that hold their values in less room.

    No value is lost: all that a looked-up column can say is known before its rows are checked.
    """
    # A map may read a day or a number by words of its own.
    kinds = columns_of(layout.profile.table)
    ours = {name: one for name, one in lookups.items() if kinds.get(name) == one.type}
    held = {name: _kind(name, found, lookups) for name, found in ours.items()}
    if not any(name.startswith(LATE) for name in layout.rules):
        held[LATEST] = _words([])
    held[ASIDE] = _words(rule.reason for rule in layout.profile.set_aside)
    return {name: kind for name, kind in held.items() if kind}


def _kind(name: str, found: Lookup, lookups: Mapping[str, Lookup]) -> str:
    if found.kind == "guid":
        return GUIDS
    values = [value for value, _problem in found.outcomes.values() if value is not None]
    if found.type == "int64":
        return "INTEGER" if all(-INTEGER <= value < INTEGER for value in values) else ""
    if found.type != "string":
        return ""
    if name == "currency" and (price := lookups.get("unit_price")):
        # A price says its currency where the column of currencies does not.
        values += [sign for sign in price.signs() if sign]
    return _words(values) or (GUIDS if found.kind == "sku" else "")


def _words(values: Iterable[str]) -> str:
    different = sorted(set(values))
    if len(different) > WORDS or any("\0" in value for value in different):
        return ""
    return f"ENUM({', '.join(map(quoted, different or ['']))})"
