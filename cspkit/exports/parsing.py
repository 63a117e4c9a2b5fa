"""Parse one raw column: an Ibis expression for its value and one for what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis

from cspkit.exports import words

GUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# Text may be glued before a GUID, never digits: those would be a damaged id.
GLUED = f"^[^0-9]*?({GUID})(?:[^0-9A-Za-z-].*)?$"
ISO = r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{2}:\d{2}.*)?$"
SPLIT = r"^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d{2})(?:,?[T ]+\d{1,2}:\d{2}.*)?$"
SENTENCE = r"(?:^|\s)(\d{1,2}[/.]\d{1,2}[/.]\d{4})$"
SIGN = "[A-Za-z]{0,3}[€$£]"
NUMBER = rf"^(?:{SIGN}|[A-Z]{{3}})?\s*([-+]?\d[\d., ']*)\s*(?:{SIGN}|[A-Za-zÀ-ÿ]{{2,8}}\.?)?$"
FIRST_YEAR, LAST_YEAR = 1901, 2199
SERIAL_FROM, SERIAL_TO = 36_526, 73_050


@dataclass(frozen=True)
class Parsed:
    """The value of a column, and the code of what is wrong with it (missing when nothing is)."""

    value: Any
    problem: Any


def tidy(raw: Any) -> Any:
    """Trim a text; no-break and zero-width characters count as space."""
    return raw.replace("\u00a0", " ").replace("\u202f", " ").replace("\u200b", "").strip()


def absent(raw: Any) -> Any:
    """Tell whether a cell is empty or holds a word for nothing."""
    return raw.isnull() | tidy(raw).lower().isin(words.listed("missing"))


def _unless_absent(raw: Any, value: Any, code: Any) -> Any:
    """Name the problem of a cell that holds something and yet has no value."""
    nothing = ibis.null("string")
    return ibis.ifelse(value.isnull(), ibis.ifelse(absent(raw), nothing, code), nothing)


def text(raw: Any) -> Parsed:
    """Take a text as it is, trimmed; a dash or N/A is nothing."""
    trimmed = tidy(raw)
    nothing = trimmed.lower().isin(("", "-", "n/a", "#n/a"))
    return Parsed(ibis.ifelse(nothing, ibis.null("string"), trimmed), ibis.null("string"))


def guid(raw: Any) -> Parsed:
    """Take a GUID in any letter case, also one that text is glued to; return it in lower case."""
    direct = ibis.ifelse(raw.length() == 36, raw.try_cast("uuid").cast("string"), None)
    glued = tidy(raw).re_extract(GLUED, 1).nullif("").try_cast("uuid").cast("string")
    value = ibis.coalesce(direct, glued)
    return Parsed(value, _unless_absent(raw, value, "not_a_guid"))


def identifier(raw: Any) -> Parsed:
    """Take an id that need not be a GUID, in lower case; a number that lost digits is none."""
    value = text(raw.lower()).value
    damaged = value.re_search(r"^\d[.,]\d+e\+?\d+$")
    return Parsed(
        ibis.ifelse(damaged, ibis.null("string"), value),
        ibis.ifelse(damaged, "damaged_id", ibis.null("string")),
    )


def domain(raw: Any) -> Parsed:
    """Take a domain in lower case."""
    return Parsed(text(raw.lower()).value, ibis.null("string"))


def offer(raw: Any) -> Parsed:
    """Take product:sku in upper case with the sku's zeros back, or a legacy offer GUID."""
    trimmed = tidy(raw)
    nce = r"^([A-Za-z0-9]{12})\s*[:/-]\s*([A-Za-z0-9]{1,4})(?:[:].*)?$"
    product = trimmed.re_extract(nce, 1).upper()
    sku = trimmed.re_extract(nce, 2).upper()
    whole = product.concat(":", sku.lpad(4, "0"))
    value = ibis.coalesce(
        ibis.ifelse(trimmed.re_search(nce), whole, ibis.null("string")),
        guid(raw).value,
    )
    return Parsed(value, ibis.null("string"))


def word(raw: Any, mapping: dict[str, str], *, keep: bool = False) -> Parsed:
    """Translate a word; an unknown one is a problem unless it may be kept as it is."""
    folded = tidy(raw).lower()
    known = {word: meaning for word, meaning in mapping.items() if meaning}
    value = folded.cases(*known.items(), else_=ibis.null("string"))
    silent = [word for word, meaning in mapping.items() if not meaning]
    if keep:
        kept = ibis.ifelse(absent(raw), ibis.null("string"), ibis.coalesce(value, folded))
        return Parsed(kept, ibis.null("string"))
    problem = _unless_absent(raw, value, "unknown_word")
    if silent:
        problem = ibis.ifelse(folded.isin(silent), ibis.null("string"), problem)
    return Parsed(value, problem)


def boolean(raw: Any) -> Parsed:
    """Translate yes and no in six languages."""
    found = word(raw, words.meanings("boolean"))
    value = found.value.cases(("true", True), ("false", False), else_=ibis.null("boolean"))
    return Parsed(value, found.problem)


def currency(raw: Any) -> Parsed:
    """Take an ISO 4217 code or a sign that only one currency has."""
    folded = tidy(raw).lower()
    known = folded.cases(*words.meanings("currency").items(), else_=ibis.null("string"))
    code = ibis.ifelse(folded.re_search("^[a-z]{3}$"), folded.upper(), ibis.null("string"))
    value = ibis.coalesce(known, code)
    return Parsed(value, _unless_absent(raw, value, "unknown_currency"))


def currency_in(price: Any) -> Any:
    """Read the currency out of a price's text, where only one currency has that sign."""
    return (
        ibis.cases(
            (price.contains("€"), "EUR"),
            (price.contains("£"), "GBP"),
            (price.contains("US$"), "USD"),
            (price.contains("R$"), "BRL"),
            else_=tidy(price).re_extract("(?:^|[^A-Za-z])(EUR|USD|GBP|CHF)(?:[^A-Za-z]|$)", 1),
        )
    ).nullif("")


def decimal_text(raw: Any, mark: str) -> Any:
    """Rewrite a number as digits with a decimal point, or nothing where it is none.

    The mark is the decimal sign of the column; the other one may only stand between groups of
    three digits.
    """
    other = "." if mark == "," else ","
    bare = tidy(raw).re_extract(NUMBER, 1).replace(" ", "").replace("'", "")
    m, o = f"[{mark}]", f"[{other}]"
    shape = rf"^[-+]?(\d+|\d{{1,3}}({o}\d{{3}})+)({m}\d+)?$"
    plain = bare.replace(other, "").replace(mark, ".")
    return ibis.ifelse(bare.re_search(shape), plain, ibis.null("string"))


def money(raw: Any, mark: str | None) -> Parsed:
    """Parse an amount; without a decided decimal sign, 1.200 is ambiguous."""
    value, problem = _number(raw, mark, "decimal(18, 6)")
    return Parsed(value, problem)


def count(raw: Any, mark: str | None) -> Parsed:
    """Parse a whole number that is not negative."""
    number, problem = _number(raw, mark, "decimal(18, 6)")
    whole = number.cast("int64")
    broken = ibis.cases(
        (number < 0, "negative"), (number != whole, "not_whole"), else_=ibis.null("string")
    )
    value = ibis.ifelse(broken.isnull(), whole, ibis.null("int64"))
    return Parsed(value, ibis.coalesce(problem, broken))


def _number(raw: Any, mark: str | None, kind: str) -> tuple[Any, Any]:
    digits = ibis.ifelse(raw.re_search(r"^-?\d+$"), raw, ibis.null("string"))
    if mark:
        # What the column's own sign cannot read, such as 275.00 among commas, has one reading.
        other = "." if mark == "," else ","
        read = ibis.coalesce(digits, decimal_text(raw, mark), decimal_text(raw, other))
        value = read.try_cast(kind)
        return value, _unless_absent(raw, value, "not_a_number")
    point, comma = decimal_text(raw, ".").try_cast(kind), decimal_text(raw, ",").try_cast(kind)
    ambiguous = point.notnull() & comma.notnull() & (point != comma)
    both = ibis.ifelse(ambiguous, ibis.null(kind), ibis.coalesce(point, comma))
    value = ibis.coalesce(digits.try_cast(kind), both)
    code = ibis.ifelse(ambiguous, "ambiguous_number", "not_a_number")
    return value, _unless_absent(raw, value, code)


def day(raw: Any, orders: dict[str, str]) -> Parsed:
    """Parse a day; `orders` says for each separator whether day or month comes first.

    Years before 1901 or after 2199 stand for no date. A separator without an order leaves a
    date ambiguous unless day and month cannot be confused.
    """
    trimmed = tidy(raw)
    iso = _date(trimmed.re_replace(ISO, r"\1-\2-\3"), trimmed.re_search(ISO))
    found = ibis.coalesce(iso, _split(trimmed, orders), _compact(trimmed), _spoken(trimmed, orders))
    year = found.year()
    nothing = (year < FIRST_YEAR) | (year > LAST_YEAR)
    value = ibis.ifelse(nothing, ibis.null("date"), found)
    code = ibis.cases(
        (found.notnull(), ibis.null("string")),
        (trimmed.re_search(ISO), "no_such_day"),
        (~trimmed.re_search(SPLIT), "not_a_day"),
        (trimmed.re_extract(SPLIT, 2).isin([*orders, ""]), "no_such_day"),
        (_date(_turned(trimmed, "dmy")).notnull(), "ambiguous_day"),
        else_="no_such_day",
    )
    return Parsed(value, _unless_absent(raw, value, code))


def _date(iso_text: Any, when: Any = None) -> Any:
    days = iso_text.try_cast("date")
    return days if when is None else ibis.ifelse(when, days, ibis.null("date"))


def _turned(trimmed: Any, order: str) -> Any:
    """Write a split date as year-month-day under an order; two-digit years are of this century."""
    first, second = (1, 3) if order == "mdy" else (3, 1)
    year = trimmed.re_extract(SPLIT, 4)
    full = ibis.ifelse(year.length() == 2, ibis.literal("20").concat(year), year)
    month, days = trimmed.re_extract(SPLIT, first), trimmed.re_extract(SPLIT, second)
    return full.concat("-", month, "-", days).nullif("--")


def _split(trimmed: Any, orders: dict[str, str]) -> Any:
    separator = trimmed.re_extract(SPLIT, 2)
    dmy, mdy = _date(_turned(trimmed, "dmy")), _date(_turned(trimmed, "mdy"))
    sure = ibis.cases(
        (dmy.isnull(), mdy),
        (mdy.isnull() | (dmy == mdy), dmy),
        else_=ibis.null("date"),
    )
    branches = [
        (separator == sign, dmy if order == "dmy" else mdy) for sign, order in orders.items()
    ]
    chosen = ibis.cases(*branches, else_=sure) if branches else sure
    return ibis.ifelse(separator == "", ibis.null("date"), chosen)


def _compact(trimmed: Any) -> Any:
    """Read 20260701, 30-AUG-2026 and the day numbers that Excel counts from 1900."""
    digits = _date(trimmed.re_replace(r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3"))
    eight = ibis.ifelse(trimmed.re_search(r"^(19|20|99)\d{6}$"), digits, ibis.null("date"))
    serial = ibis.ifelse(
        trimmed.re_search(r"^\d{5}(\.\d+)?$"), trimmed.left(5).try_cast("int64"), ibis.null("int64")
    )
    sane = serial.between(SERIAL_FROM, SERIAL_TO)
    counted = (ibis.timestamp("1899-12-30") + serial.as_interval("D")).date()
    return ibis.coalesce(
        eight, ibis.ifelse(sane, counted, ibis.null("date")), _named_month(trimmed)
    )


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _named_month(trimmed: Any) -> Any:
    pattern = r"^(\d{1,2})[- ]([A-Za-z]{3})[- ](\d{4})$"
    month = trimmed.re_extract(pattern, 2).lower()
    number = month.cases(
        *((name, str(i)) for i, name in enumerate(MONTHS, start=1)), else_=ibis.null("string")
    )
    return _date(
        trimmed.re_extract(pattern, 3).concat("-", number, "-", trimmed.re_extract(pattern, 1))
    )


def _spoken(trimmed: Any, orders: dict[str, str]) -> Any:
    """Read the day at the end of a sentence such as `renews on 02.08.2027`."""
    inside = trimmed.re_extract(SENTENCE, 1)
    whole = trimmed.re_search(r"^[^0-9]+\d{1,2}[/.]\d{1,2}[/.]\d{4}$")
    return ibis.ifelse(whole, _split(inside, orders), ibis.null("date"))
