"""What planner and runs said of a single move in English, told in the reader's language.

A plan keeps sentences, so that they are approved as they were read. Each is one of ours with
values in it: it is recognised, its values are read back, and it is said anew.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cspkit.reporting.words import Words

# {day}, {first}, {last} are days, {n} is a number; {why}, {more}, {also} are such sentences again.
SENTENCES = (
    "the last safe day",
    "{n} day before the last safe day: {why}",
    "{n} days before the last safe day: {why}",
    "later days are full",
    "later days are full, or moves of the customer go together",
    "base and add-on go together",
    "chosen by hand: {why}",
    "chosen by {by}: {why}",
    "no reason was written",
    "its base, {base}, is not moved by this plan, and the two can only come over together",
    "whatever lets its base, {base}, have a day",
    "decisions.xlsx has it ordered on {day}, which cannot be: {why}",
    "ready from {first}, last safe day {last}",
    "no orders are placed on that day",
    "another day in `order_on` of decisions.xlsx, or none",
    "it renews every month, and what is missing needs until {day}",
    "plan again from an export of after {day}",
    "its last safe day, {day}, lies before the start of the plan",
    "agree with the customer how to bridge the gap, or renew for the shortest term",
    "what is missing needs until {first}, and the last safe day is {last}",
    "{n} day less for the steps that begin on {day}",
    "{n} days less for the steps that begin on {day}",
    "its customer must be invited first, and invitations_per_day is 0",
    "no invitation can be sent in time",
    "every day from {first} to {last} is full: {setting} of team {team}",
    "every day from {first} to {last} is full: {setting}",
    "for it alone: {more} on {day}",
    "{n} more of {setting} of team {team} and {also}",
    "{n} more of {setting} and {also}",
    "{n} more of {setting} of team {team}",
    "{n} more of {setting}",
    "{setting} = {n} and {also}",
    "{setting} = {n}",
    "ready {n} day earlier: {day} has room",
    "ready {n} days earlier: {day} has room",
    "a longer window",
    "its base is left out by a cap",
    "a term of {term} is nobody's decision for this original",
    "{term} is not sold with {cycle} billing",
    "type its term into decisions.xlsx, once the customer agreed to it",
    "type a billing cycle that goes with the term into decisions.xlsx",
    "its day was not reached",
    "the customer has not accepted the invitation yet",
    "the customer has not accepted the Microsoft Customer Agreement yet",
    "the invitation is in the outbox since {day}, not accepted yet",
    "the invitation was sent since {day}, not accepted yet",
    "not ordered yet",
    "the new seats are not verified yet",
    "its order was undone: only a newer plan orders anew",
    "the customer's tenant cannot be looked into yet: run the access step",
)
_DAY = r"\d{4}-\d{2}-\d{2}"
_HOLES = {
    **dict.fromkeys(("day", "first", "last"), _DAY),
    "n": r"\d+",
    **dict.fromkeys(("setting", "cycle"), "[a-z_]+"),
    "term": "P[0-9A-Z]+",
    **dict.fromkeys(("team", "base", "more", "also"), "[^;]+?"),
}
_AGAIN = ("why", "more", "also")


def told(said: str | None, words: Words) -> str:
    """Say a sentence of planner or run in the reader's language; empty when it is none of ours."""
    if not said or words.lang == "en":
        return said or ""
    whole = _told(said, words)
    if whole:
        return whole
    parts = [_told(part, words) for part in said.split("; ")]
    return "; ".join(parts) if all(parts) else ""


def _told(said: str, words: Words) -> str:
    for sentence, pattern in _patterns():
        found = pattern.fullmatch(said)
        if found:
            values = {name: _value(name, value, words) for name, value in found.groupdict().items()}
            return words.joined(words.text(sentence).format(**values))
    return ""


def _value(name: str, value: str, words: Words) -> str:
    if _HOLES.get(name) == _DAY:
        return words.day(date.fromisoformat(value))
    if name == "n":
        return words.number(int(value))
    # What a person typed is nobody's to translate.
    return (_told(value, words) or value) if name in _AGAIN else value


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(sentence, _pattern(sentence)) for sentence in SENTENCES]


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", sentence)
    texts, holes = parts[::2], parts[1::2]
    said = [f"(?P<{hole}>{_HOLES.get(hole, '.+?')})" for hole in holes]
    return re.compile(
        "".join(a + b for a, b in zip(map(re.escape, texts), [*said, ""], strict=True)), re.DOTALL
    )
