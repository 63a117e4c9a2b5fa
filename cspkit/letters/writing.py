"""Fill a letter in the customer's language; a missing field is an error that names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from string import Template

from cspkit.errors import SettingsError
from cspkit.letters.wording import Licences, Price, day, elided, licences, price, rewrapped, steps
from cspkit.wire import plain

LANGUAGES = ("en", "es", "it")
LETTERS = (
    *("invitation", "reminder", "access", "renewal-off"),
    *("end-at-term", "on-the-day", "done", "partner", "partner-end", "renewed"),
)
Field = str | date | Price | Sequence[Licences] | None
_OF_MARKET = {"ES": "es", "MX": "es", "AR": "es", "CL": "es", "CO": "es", "PE": "es", "IT": "it"}
_LONGEST = {"link": 2000}
_OF_SETTINGS = ("invoicer", "support")
_MAY_BE_EMPTY = ("contact", "signature")


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


def write(
    letter: str,
    language: str,
    fields: Mapping[str, Field],
    *,
    channel: str = "",
    own: Path | None = None,
) -> Text:
    """Fill a letter with fields: text, days, prices, or the licences it speaks of.

    Contact and signature may be empty, all others may not. The steps of a letter that says
    where to click follow from the channel of its licences. A file of the same name in the
    folder `own` goes before ours. Raises SettingsError that names the letter and what is missing.
    """
    file = f"{letter}.{language}.txt"
    head, _, body = _read(file, own).partition("\n\n")
    heads = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    filled = {name: _text(name, value, language) for name, value in fields.items()}
    if "$steps" in body:
        filled["steps"] = steps(letter, language, channel)
    greeting = "Greeting" if filled.get("contact") else "Greeting-without-contact"
    absent = [name for name in ("Subject", greeting) if name not in heads]
    if absent:
        raise SettingsError(f"letter {file}", absent[0], "needed in its first lines, found none")
    texts = (heads["Subject"], heads[greeting])
    subject, opening = (elided(_fill(file, text, filled), language) for text in texts)
    parts = [(part, elided(_fill(file, part, filled), language)) for part in body.split("\n\n")]
    rest = "\n\n".join(rewrapped(*part) for part in parts)
    return Text(letter, language, plain(subject, 200), f"{opening}\n\n{rest.rstrip()}\n")


def _text(name: str, value: Field, language: str) -> str:
    if isinstance(value, date):
        return day(value, language)
    if isinstance(value, Price):
        return price(value, language)
    if isinstance(value, str) or value is None:
        return plain(value, _LONGEST.get(name, 120))
    return licences(value, language)


def _fill(file: str, text: str, fields: Mapping[str, str]) -> str:
    template = Template(text)
    missing = [name for name in template.get_identifiers() if not fields.get(name)]
    missing = [name for name in missing if name not in _MAY_BE_EMPTY or name not in fields]
    if missing:
        who = fields.get("company") or fields.get("domain") or "the customer"
        where = "; set it in [letters] of cspkit.toml" if missing[0] in _OF_SETTINGS else ""
        problem = f"needed, found nothing for {who!r}{where}"
        raise SettingsError(f"letter {file}", missing[0], problem)
    try:
        return template.substitute(fields)
    except ValueError as error:
        raise SettingsError(f"letter {file}", "text", f"{error}; write $$ for a $") from error


def _read(file: str, own: Path | None) -> str:
    place = (
        own / file if own and (own / file).is_file() else files("cspkit.letters") / "texts" / file
    )
    try:
        return place.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"letter {file}", "file", f"cannot be read as UTF-8: {error}"
        ) from error
