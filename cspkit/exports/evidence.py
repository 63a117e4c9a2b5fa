"""Decide from a whole column what one value alone leaves open: day or month first, 1.200."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from cspkit.exports import parsing
from cspkit.exports.profiles import Order

_SPLIT = re.compile(r"^\s*(\d{1,2})([/.-])(\d{1,2})\2(?:\d{4}|\d{2})(?!\d)")


def day_orders(values: Iterable[str], declared: Order) -> dict[str, str]:
    """Return for each separator whether day or month comes first, as far as that is certain.

    A column that holds values only one order can read, and none that only the other can, is in
    that order, even against what the format declares: a file saved again by a spreadsheet. Else
    the declared order holds. Dots always put the day first: nobody writes month.day.
    """
    orders: dict[str, str] = {sign: declared for sign in "/-" if declared in ("dmy", "mdy")}
    orders["."] = "dmy"
    seen = Counter(_reading(value) for value in values)
    for sign in "/-":
        day_first, month_first = seen[(sign, "dmy")], seen[(sign, "mdy")]
        if day_first and not month_first:
            orders[sign] = "dmy"
        elif month_first and not day_first:
            orders[sign] = "mdy"
    return orders


def _reading(value: str) -> tuple[str, str] | None:
    if not (found := _SPLIT.match(value)):
        return None
    first, sign, second = int(found[1]), found[2], int(found[3])
    if first > 12 >= second:
        return sign, "dmy"
    if second > 12 >= first:
        return sign, "mdy"
    return None


def decimal_mark(values: Iterable[str]) -> str | None:
    """Return the decimal sign under which alone some numbers of a file can be read."""
    only = {mark for value in values if (mark := _only_mark(value))}
    return only.pop() if len(only) == 1 else None


def _only_mark(value: str) -> str | None:
    found = parsing.readings(value) if "." in value or "," in value else {}
    return next(iter(found)) if len(found) == 1 else None
