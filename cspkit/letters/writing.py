"""Fill a letter in the customer's language; a missing field is an error that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from cspkit.errors import SettingsError
from cspkit.wire import plain

LANGUAGES = ("en", "es", "it")
_OF_MARKET = {"ES": "es", "MX": "es", "AR": "es", "CL": "es", "CO": "es", "PE": "es", "IT": "it"}
_LONGEST = {"link": 2000}


@dataclass(frozen=True)
class Text:
    """A letter, ready to be put into the outbox."""

    letter: str
    language: str
    subject: str
    body: str


def language_for(language: str | None, market: str | None) -> str:
    """Choose among the languages there are: the customer's own, else their market's, else en."""
    own = (language or "").lower()[:2]
    return own if own in LANGUAGES else _OF_MARKET.get((market or "").upper(), "en")


def write(letter: str, language: str, fields: Mapping[str, str]) -> Text:
    """Fill a letter with fields; contact and signature may be empty, all others may not.

    Raises SettingsError that names the letter and the first field that is missing.
    """
    file = f"{letter}.{language}.txt"
    head, _, body = _read(file).partition("\n\n")
    heads = dict(line.split(": ", 1) for line in head.splitlines())
    clean = {name: plain(value, _LONGEST.get(name, 120)) for name, value in fields.items()}
    greeting = heads["Greeting"] if clean.get("contact") else heads["Greeting-without-contact"]
    texts = (heads["Subject"], greeting, body)
    subject, opening, rest = (_fill(file, text, clean) for text in texts)
    return Text(letter, language, plain(subject, 200), f"{opening}\n\n{rest.rstrip()}\n")


def _fill(file: str, text: str, fields: Mapping[str, str]) -> str:
    template = Template(text)
    missing = [name for name in template.get_identifiers() if not fields.get(name)]
    missing = [name for name in missing if name != "signature" or name not in fields]
    if missing:
        who = fields.get("company") or fields.get("domain") or "the customer"
        raise SettingsError(f"letter {file}", missing[0], f"needed, found nothing for {who!r}")
    return template.substitute(fields)


def _read(file: str) -> str:
    return files("cspkit.letters").joinpath("texts", file).read_text(encoding="utf-8")
