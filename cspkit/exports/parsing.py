"""What one cell means: a value, or the code of what is wrong with it; pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from cspkit.exports import words

Outcome = tuple[Any, str | None]
NOTHING: Outcome = (None, None)

# Years outside stand for no date: 0001, 1753, 9999.
FIRST_YEAR, LAST_YEAR = 1901, 2199
# No day, number or id is longer; patterns are not tried on what is.
LONGEST = 200
_DAY_ZERO = date(1899, 12, 30)
_SERIALS = range(36_526, 73_051)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = (
    r"(?:,?[T ]+(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?)\s*"
)
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_ISO = re.compile(rf"([0-9]{{4}})[-/]([0-9]{{1,2}})[-/]([0-9]{{1,2}}){_TIME}{_ZONE}")
_SPLIT = re.compile(rf"([0-9]{{1,2}})([/.-])([0-9]{{1,2}})\2([0-9]{{4}}|[0-9]{{2}}){_TIME}{_ZONE}")
_COMPACT = re.compile(r"(19[0-9][0-9]|20[0-9][0-9]|9999)([0-9][0-9])([0-9][0-9])")
_NAMED = re.compile(r"([0-9]{1,2})[- ]([A-Za-z]{3})[a-z]*[- ,]+([0-9]{4})")
_SPOKEN = re.compile(r"[^0-9]*\s([0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4})")
_SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?")
_SIGN = r"(?:[A-Za-z]{0,3}[€$£]|[A-Z]{3})"
_NUMBER = re.compile(
    rf"{_SIGN}?\s*([-+]?[0-9][0-9.,' ]*?)\s*(?:{_SIGN}|[^\W\d_]{{2,8}}\.?)?", re.UNICODE
)
_GROUPED = {
    ".": re.compile(r"[-+]?([0-9]+|[1-9][0-9]{0,2}(,[0-9]{3})+)(\.[0-9]+)?"),
    ",": re.compile(r"[-+]?([0-9]+|[1-9][0-9]{0,2}(\.[0-9]{3})+)(,[0-9]+)?"),
}
_OFFER = re.compile(
    r"(?:MSCSP_|P[13][MY]:)?([A-Za-z0-9]{12})[:/-]([A-Za-z0-9]{1,4})(?:[:_].*)?", re.DOTALL
)
_GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOOSE = re.compile(r"(\{)?([0-9a-f-]{32,64})(?(1)\})")
# Text may be glued before a GUID, never digits: those would be a damaged id.
_GLUED = re.compile(rf"[^0-9]*?({_GUID.pattern})(?:[^0-9A-Za-z-].*)?", re.DOTALL)


def tidy(text: str) -> str:
    """Trim a text; no-break and zero-width characters count as space."""
    return re.sub("[\u00a0\u202f\u2009]", " ", text).replace("\u200b", "").strip()


def is_nothing(text: str) -> bool:
    """Tell whether a cell is empty or holds a word for nothing."""
    return tidy(text).casefold() in words.listed("missing")


def day(text: str, orders: Mapping[str, str]) -> Outcome:
    """Parse a day, UTC; `orders` says for each separator whether day or month comes first.

    A separator without an order leaves a date ambiguous, unless day and month cannot be
    confused. Instants with another zone than UTC become the UTC day they fall on.
    """
    bare = tidy(text)
    if is_nothing(bare):
        return NOTHING
    if len(bare) > LONGEST:
        return None, "not_a_day"
    if found := _ISO.fullmatch(bare):
        return _sane(_made(found[1], found[2], found[3], found))
    if found := _SPLIT.fullmatch(bare):
        return _split(found, orders.get(found[2]))
    if found := _COMPACT.fullmatch(bare):
        return _sane(_made(found[1], found[2], found[3]))
    if (found := _NAMED.fullmatch(bare)) and found[2].casefold() in _MONTHS:
        month = _MONTHS.index(found[2].casefold()) + 1
        return _sane(_made(found[3], month, found[1]))
    if (found := _SERIAL.fullmatch(bare)) and int(found[1]) in _SERIALS:
        return _DAY_ZERO + timedelta(days=int(found[1])), None
    if found := _SPOKEN.fullmatch(bare):
        return day(found[1], orders)
    return None, "not_a_day"


def _split(found: re.Match[str], order: str | None) -> Outcome:
    year = found[4] if len(found[4]) == 4 else f"20{found[4]}"
    day_first = _made(year, found[3], found[1], found)
    month_first = _made(year, found[1], found[3], found)
    if order:
        return _sane(day_first if order == "dmy" else month_first)
    if day_first and month_first and day_first != month_first:
        return None, "ambiguous_day"
    return _sane(day_first or month_first)


def _made(
    year: str, month: str | int, day_: str, instant: re.Match[str] | None = None
) -> date | None:
    try:
        made = date(int(year), int(month), int(day_))
        return made + _shift(instant) if instant else made
    except (ValueError, OverflowError):
        return None


def _shift(found: re.Match[str]) -> timedelta:
    """Say by how many days UTC differs from a written instant's own day."""
    zone, clock = found["zone"], found["time"]
    if not zone or zone == "Z" or not clock:
        return timedelta(0)
    hours, minutes = (int(part) for part in re.findall("[0-9]+", clock)[:2])
    ahead = int(zone[1:3]) * 60 + int(zone[-2:])
    local = hours * 60 + minutes - (ahead if zone[0] == "+" else -ahead)
    return timedelta(days=local // 1440)


def _sane(made: date | None) -> Outcome:
    if made is None:
        return None, "no_such_day"
    return (made, None) if FIRST_YEAR <= made.year <= LAST_YEAR else NOTHING


def amount(text: str, mark: str | None) -> Outcome:
    """Parse a number; `mark` is the column's decimal sign where it is known.

    What reads only one way is read so, whatever the column's sign: 275.00 among commas. Without
    a known sign 1.200 is ambiguous.
    """
    if is_nothing(text):
        return NOTHING
    found = readings(text)
    if mark in found:
        return found[mark], None
    if len(set(found.values())) > 1:
        return None, "ambiguous_number"
    return next(iter(found.values()), None), None if found else "not_a_number"


def readings(text: str) -> dict[str | None, Decimal]:
    """Return what a number is under each decimal sign it can be read with."""
    bare = tidy(text)
    if len(bare) > LONGEST or not (found := _NUMBER.fullmatch(bare)):
        return {}
    bare = found[1].replace("'", "").replace(" ", "")
    return {sign: _read(bare, sign) for sign in _GROUPED if _GROUPED[sign].fullmatch(bare)}


def _read(bare: str, mark: str) -> Decimal:
    other = "," if mark == "." else "."
    return Decimal(bare.replace(other, "").replace(mark, "."))


def money(text: str, mark: str | None) -> Outcome:
    """Parse an amount that fits our money column."""
    value, code = amount(text, mark)
    if value is not None and abs(value) >= 10**12:
        return None, "not_a_number"
    return (value if value is None else round(value, 6)), code


def count(text: str, mark: str | None) -> Outcome:
    """Parse a whole number that is not negative."""
    value, code = amount(text, mark)
    if value is None:
        return None, code
    if value != int(value):
        return None, "not_whole"
    if value < 0:
        return None, "negative"
    return (int(value), None) if value < 10**12 else (None, "not_a_number")


def word(
    text: str, mapping: Mapping[str, str], *, keep: bool = False, otherwise: str | None = None
) -> Outcome:
    """Translate a word; one that means nothing here is a problem unless words may be kept."""
    folded = tidy(text).casefold()
    if folded in mapping:
        return mapping[folded] or None, None
    if is_nothing(folded):
        return NOTHING
    if otherwise:
        return otherwise, None
    return (folded, None) if keep else (None, "unknown_word")


def several(text: str, mapping: Mapping[str, str]) -> Outcome:
    """Translate a list of words, separated by commas; any unknown one is a problem."""
    if is_nothing(text):
        return NOTHING
    found = [word(part, mapping) for part in re.split("[,;/|]", text) if part.strip()]
    if problem := next((code for _, code in found if code), None):
        return None, problem
    return ",".join(dict.fromkeys(value for value, _ in found if value)) or None, None


def boolean(
    text: str, more: Mapping[str, str] | None = None, otherwise: str | None = None
) -> Outcome:
    """Translate yes and no in six languages, and the words that a format has for them."""
    value, code = word(text, words.meanings("boolean") | dict(more or {}), otherwise=otherwise)
    return (None if value is None else value == "true"), code


def currency(text: str) -> Outcome:
    """Take an ISO 4217 code, or a sign that only one currency has."""
    value, code = word(text, words.meanings("currency"))
    bare = tidy(text)
    if value is None and len(bare) == 3 and bare.isascii() and bare.isalpha():
        return bare.upper(), None
    return value, code and "unknown_currency"


def currency_in(text: str) -> Outcome:
    """Read the currency that a price is written with, where only one has that sign."""
    sign = re.sub(r"[\d.,'\s+-]", "", tidy(text)).casefold()
    return words.meanings("currency").get(sign), None


def market(text: str) -> Outcome:
    """Take a country's code or its name in six languages; an unknown one is left out."""
    return words.market(tidy(text)), None


def label(text: str) -> Outcome:
    """Take a name as it is, trimmed; a dash or N/A is nothing."""
    bare = tidy(text)
    return (None, None) if bare in ("", "-", "N/A", "n/a") else (bare, None)


def channel_of_offer(text: str) -> str | None:
    """Tell our own channel from an offer: product:sku is new commerce, a GUID is legacy."""
    found, _ = offer(text)
    if found is None:
        return None
    return "csp_nce" if ":" in found else "csp_legacy"


def tenant(text: str, domains: Mapping[str, str]) -> Outcome:
    """Take a tenant's id, or find it by the tenant's domain."""
    if is_nothing(text):
        return NOTHING
    found, _ = guid(text)
    known = found or domains.get(tidy(text).lower())
    return (known, None) if known else (None, "unknown_domain")


def guid(text: str) -> Outcome:
    """Take a GUID in any letter case, also one that text is glued to, in lower case."""
    if is_nothing(text):
        return NOTHING
    found = _GLUED.fullmatch(tidy(text).lower()[:LONGEST])
    return (found[1], None) if found else (None, "not_a_guid")


def sku(text: str) -> Outcome:
    """Take a GUID as `guid` does, and as DuckDB does one without some of its dashes."""
    found, loose = guid(text), _LOOSE.fullmatch(text.lower())
    bare = loose[2].replace("-", "") if loose else ""
    return (str(UUID(bare)), None) if found[1] and len(bare) == 32 else found


def offer(text: str) -> Outcome:
    """Take product:sku in upper case with the sku's zeros back, or a legacy offer GUID."""
    bare = tidy(text)
    if found := _OFFER.fullmatch(bare):
        return f"{found[1].upper()}:{found[2].upper().zfill(4)}", None
    folded = bare.casefold()
    return (folded, None) if _GUID.fullmatch(folded) else NOTHING
