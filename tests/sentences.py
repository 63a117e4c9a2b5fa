"""The sentences of the report, found in code, templates and tables; writes catalogues anew.

python -m tests.sentences       # adds what is new to each .po, drops what nobody says
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from cspkit import blockers
from cspkit.reporting.rehearsed import FIGURES
from cspkit.reporting.retelling import SENTENCES
from cspkit.reporting.worded import HEADS
from cspkit.reporting.words import CATALOGUES, LOCALES, WORDS

REPORTING = CATALOGUES.parent
METHODS = [("templates/*.html", "jinja2.ext:babel_extract"), ("*.py", "python")]
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "many": (1, 2),
    "text": None,
}
HEADER = "# What the report says; `python -m tests.sentences` adds new sentences."
TRANSLATED = [lang for lang in LOCALES if lang != "en"]


def sentences() -> Iterator[str | tuple[str, str]]:
    """Yield each English sentence, and pairs of one and many."""
    found = extract_from_dir(
        str(REPORTING),
        method_map=METHODS,
        options_map={"templates/*.html": {"trimmed": "false", "newstyle_gettext": "true"}},
        keywords=KEYWORDS,
    )
    for _, _, message, _, _ in found:
        yield tuple(message[:2]) if isinstance(message, tuple) else message  # type: ignore[misc]
    yield from WORDS.values()
    yield from (said for _, said, _ in FIGURES)
    yield from SENTENCES
    yield from HEADS
    for one in blockers.table().values():
        yield one.sentence
        yield one.clears


def read(lang: str) -> Catalog:
    """Read the catalogue of one language."""
    with (CATALOGUES / f"{lang}.po").open("rb") as file:
        return read_po(file, locale=lang)


def _write(lang: str) -> None:
    new = Catalog(locale=lang, project="cspkit", fuzzy=False, header_comment=HEADER)
    old = read(lang) if (CATALOGUES / f"{lang}.po").exists() else Catalog(locale=lang)
    new.creation_date = new.revision_date = datetime(2026, 11, 21, tzinfo=UTC)
    for sentence in sorted(set(sentences()), key=str):
        known = old.get(sentence if isinstance(sentence, str) else sentence[0])
        new.add(sentence, known.string if known else None)
    with (CATALOGUES / f"{lang}.po").open("wb") as file:
        write_po(file, new, width=100, sort_output=True, ignore_obsolete=True)


if __name__ == "__main__":
    CATALOGUES.mkdir(exist_ok=True)
    for language in TRANSLATED:
        _write(language)
