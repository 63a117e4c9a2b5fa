"""Words that exports use, by meaning, in the languages they come in."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


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


@cache
def markets() -> dict[str, str]:
    """Map country codes and names in six languages to ISO 3166 alpha-2, in lower case."""
    from babel import Locale

    found: dict[str, str] = {}
    for language in ("en", "es", "it", "de", "fr", "pt"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in ("EU", "ZZ", "UN", "EZ"):
                found.setdefault(name.casefold(), code)
                found[code.casefold()] = code
    return found | {"uk": "GB", "usa": "US", "u.s.a.": "US", "uae": "AE"}
