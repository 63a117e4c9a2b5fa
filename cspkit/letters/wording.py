"""How days, licences and places on the screen are said in a letter's language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from string import Template
from textwrap import fill
from typing import Any

from cspkit.errors import SettingsError
from cspkit.wire import plain

WIDTH = 78
LOCALES = {"en": "en_GB", "es": "es", "it": "it"}
_BEFORE_A_VOWEL = re.compile(r"\b(il|al|dal|del) (?=(?:8|11) [a-z]+ \d{4}\b)")


@dataclass(frozen=True)
class Licences:
    """Licences that a letter speaks of: how many, of what, and the last day of their term."""

    seats: int
    product: str
    ends: date


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


def _line(one: Licences, words: dict[str, Any], language: str) -> str:
    from babel.numbers import format_decimal

    said = Template(words["one" if one.seats == 1 else "other"]).substitute(
        seats=format_decimal(one.seats, locale=LOCALES[language]),
        product=plain(one.product, 120) or words["unnamed"],
        ends=day(one.ends, language),
    )
    return elided(said, language)


def _item(mark: str, text: str) -> str:
    return fill(text, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))


@cache
def _words(language: str) -> dict[str, Any]:
    file = files("cspkit.letters") / "texts" / f"words.{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
