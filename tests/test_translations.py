"""The report in other languages: every sentence, every placeholder, in its own conventions."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from cspkit.letters import LANGUAGES
from cspkit.reporting.words import LOCALES, Words
from tests.sentences import TRANSLATED, read, sentences

HOLE = re.compile(r"%\(\w+\)s|\{\w*\}|`\w+`|\w+\.xlsx")


def parts(sentence: object) -> list[str]:
    """List one sentence, or one and many."""
    return list(sentence) if isinstance(sentence, tuple | list) else [str(sentence)]


def test_the_report_speaks_the_languages_of_the_letters() -> None:
    """Who gets letters in a language can have the report in it."""
    assert set(LANGUAGES) == set(LOCALES)


@pytest.mark.parametrize("lang", TRANSLATED)
def test_every_sentence_is_translated(lang: str) -> None:
    """A new sentence without a translation is found before a manager finds it."""
    catalogue = read(lang)
    missing = []
    for sentence in set(sentences()):
        found = catalogue.get(parts(sentence)[0])
        if found is None or found.fuzzy or not all(parts(found.string)):
            missing.append(sentence)

    assert missing == []


@pytest.mark.parametrize("lang", TRANSLATED)
def test_nothing_is_translated_that_nobody_says(lang: str) -> None:
    """A catalogue holds no old sentences."""
    said = {parts(sentence)[0] for sentence in sentences()}

    assert {parts(one.id)[0] for one in read(lang) if one.id} - said == set()


@pytest.mark.parametrize("lang", TRANSLATED)
def test_a_translation_keeps_its_holes(lang: str) -> None:
    """Numbers, names and file names come through; none is lost, none invented."""
    wrong = [
        one.id
        for one in read(lang)
        if one.id
        for english, other in zip(parts(one.id), parts(one.string), strict=True)
        if sorted(HOLE.findall(english)) != sorted(HOLE.findall(other))
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("lang", "number", "money", "day"),
    [
        ("en", "12,345", "€12,346", "3 Dec 2026"),
        ("es", "12.345", "12.346\xa0€", "3 dic 2026"),
        ("it", "12.345", "12.346\xa0€", "3 dic 2026"),
    ],
)
def test_numbers_money_and_days_follow_the_language(
    lang: str, number: str, money: str, day: str
) -> None:
    """Each reader finds the signs where they expect them."""
    words = Words(lang)

    assert words.number(12345) == number
    assert words.money(Decimal("12345.67"), "EUR") == money
    assert words.day(date(2026, 12, 3)) == day
