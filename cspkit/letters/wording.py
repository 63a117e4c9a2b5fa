"""How days, licences and places on the screen are said in a letter's language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import pairwise
from string import Template
from textwrap import fill
from typing import Any

from cspkit.errors import SettingsError
from cspkit.wire import plain

WIDTH = 78
LOCALES = {"en": "en_GB", "es": "es", "it": "it"}
_ITEM = re.compile(r"(- |\d+\. )")
_BEFORE_A_VOWEL = re.compile(r"\b(il|al|dal|del) (?=(?:8|11) [a-z]+ \d{4}\b)")


@dataclass(frozen=True)
class Licences:
    """Licences that a letter speaks of: how many, of what, and the last day of their term."""

    seats: int
    product: str
    ends: date


@dataclass(frozen=True)
class Price:
    """What something costs; an amount that nobody knows is None."""

    amount: Decimal | None = None
    currency: str = ""


def price(value: Price, language: str) -> str:
    """Say what a term costs, or who says it where nobody here knows."""
    from babel.numbers import format_currency

    words = _words(language)["cost"]
    if value.amount is None or not value.currency:
        return str(words["unknown"])
    amount = format_currency(value.amount, value.currency, locale=LOCALES[language])
    return Template(words["known"]).substitute(amount=amount.replace("\N{NO-BREAK SPACE}", " "))


def day(value: date, language: str) -> str:
    """Write a day out, so that 3/12 cannot be read as March."""
    from babel.dates import format_date

    words = format_date(value, "long", locale=LOCALES[language])
    return f"1º{words[1:]}" if language == "it" and value.day == 1 else words


def elided(text: str, language: str) -> str:
    """Join Italian articles to the days that begin with a vowel: l'8, all'11."""
    return _BEFORE_A_VOWEL.sub(_joined, text) if language == "it" else text


def _joined(found: re.Match[str]) -> str:
    article = found[1]
    return "l'" if article == "il" else f"{article}l'"


def licences(held: Sequence[Licences], language: str) -> str:
    """List licences, those that end first above."""
    words = _words(language)
    ordered = sorted(held, key=lambda one: (one.ends, one.product, one.seats))
    return "\n".join(_item("- ", _line(one, words, language)) for one in ordered)


def steps(letter: str, language: str, channel: str) -> str:
    """Number what to click for licences of a channel.

    Raises SettingsError for a channel whose customers have nothing to switch off.
    """
    known = _words(language).get(letter, {})
    if channel not in known:
        expected = ", ".join(sorted(known)) or "no channel"
        raise SettingsError(
            f"letter {letter}", "channel", f"expected {expected}, found {channel!r}"
        )
    numbered = enumerate(known[channel], 1)
    return "\n".join(_item(f"{number}. ", text) for number, text in numbered)


def rewrapped(template: str, filled: str) -> str:
    """Wrap the paragraphs anew whose lines grew too long by what was filled into them.

    Both are one paragraph; its first lines that still fit, such as a heading, stay as they are.
    """
    lines = filled.split("\n")
    within = all(len(line) <= WIDTH for line in template.split("\n"))
    long = next((at for at, line in enumerate(lines) if len(line) > WIDTH), None)
    if long is None or not within or " " not in lines[long].strip():
        return filled
    while long and _ITEM.match(lines[long]) is None and lines[long].startswith("  "):
        long -= 1
    rest = [long, *(at for at in range(long + 1, len(lines)) if _ITEM.match(lines[at]))]
    parts = [lines[start:end] for start, end in pairwise([*rest, len(lines)])]
    return "\n".join([*lines[:long], *(_joined_lines(part) for part in parts)])


def _joined_lines(lines: list[str]) -> str:
    """Make one paragraph or one item of a list of its lines."""
    mark = _ITEM.match(lines[0])
    text = " ".join(line.strip() for line in lines)
    return _item(mark[0], text.removeprefix(mark[0])) if mark else _item("", text)


def _line(one: Licences, words: dict[str, Any], language: str) -> str:
    from babel.numbers import format_decimal

    said = Template(words["one" if one.seats == 1 else "other"]).substitute(
        seats=format_decimal(one.seats, locale=LOCALES[language]),
        product=plain(one.product, 120) or words["unnamed"],
        ends=day(one.ends, language),
    )
    return elided(said, language)


def _item(mark: str, text: str) -> str:
    return fill(
        text,
        WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


@cache
def _words(language: str) -> dict[str, Any]:
    file = files("cspkit.letters") / "texts" / f"words.{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
