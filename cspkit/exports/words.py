"""Words that exports use, by meaning, in the languages they come in."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

SPOKEN = {"uk": "GB", "usa": "US", "u.s.a.": "US", "uae": "AE"}


@cache
def _file() -> dict[str, object]:
    text = resources.files("cspkit.exports").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def listed(name: str) -> tuple[str, ...]:
    """List the words of one meaning: `missing` or `total`."""
    found = _file()[name]
    assert isinstance(found, list)
    return tuple(found)


@cache
def meanings(name: str) -> dict[str, str]:
    """Map each word of a group (status, term, ...) to what it means."""
    group = _file().get(name, {})
    assert isinstance(group, dict)
    return {word: meaning for meaning, words in group.items() for word in words}


def market(word: str) -> str | None:
    """Return the ISO 3166 alpha-2 code of a country's code or name, in any letter case.

    Most exports have codes: those need the names of one language only.
    """
    folded = word.casefold()
    if len(folded) == 2:
        return SPOKEN.get(folded) or _in_language("en").get(folded)
    return SPOKEN.get(folded) or _names().get(folded)


@cache
def _names() -> dict[str, str]:
    """Map the names of countries in six languages, in lower case, to their codes."""
    found: dict[str, str] = {}
    for language in ("en", "es", "it", "de", "fr", "pt"):
        found = _in_language(language) | found
    return found


@cache
def _in_language(language: str) -> dict[str, str]:
    """Map country codes and their names in one language, in lower case, to the codes."""
    from babel import Locale

    found: dict[str, str] = {}
    for code, name in Locale(language).territories.items():
        if len(code) == 2 and code.isalpha() and code not in ("EU", "ZZ", "UN", "EZ"):
            found.setdefault(name.casefold(), code)
            found[code.casefold()] = code
    return found
