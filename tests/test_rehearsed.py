"""The page of a rehearsal in the reader's language, and pseudonyms in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cspkit import reporting
from cspkit.errors import SettingsError
from cspkit.reporting import grouping, rehearsed
from cspkit.reporting.words import WORDS, Words
from cspkit.settings import Settings
from tests.originals import AS_OF, customer, original
from tests.test_reporting import ledger, status_of

__all__ = ["ledger"]
SPREAD = {"least": 0, "median": 1, "most": 1234}
FAILED = {
    **{"move_id": "mv-1", "customer_id": "c1", "name": "<b>Mine</b>", "batch": "B001"},
    **{"date": "2026-12-01", "step": "invite", "reason": "not accepted yet"},
}
RUN = {
    **{"seed": 1, "moves": 2, "finished": 1, "gaps": 1, "double_orders": 0, "human": 0},
    **{"api_calls": 40, "failed": [FAILED]},
    "gap_list": [
        {
            **{"customer_id": "c1", "sku_id": "s1", "missing": 3, "planned": True},
            **{"since": "2026-12-01T00:00", "until": ""},
        }
    ],
}
RESULT: dict[str, Any] = {
    **{"plan": "f" * 64, "days": 365, "seeds": [1], "faults": "heavy", "moves": 2, "finished": 1},
    **{"gaps": 1, "double_orders": 0, "runs": [RUN]},
    "spread": {name: SPREAD for name, _, _ in rehearsed.FIGURES},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A workspace for shared reports."""
    return Settings(root=tmp_path_factory.mktemp("shared"))


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["Spread over the seeds", "faults: heavy", "1,234", "the end"]),
        ("es", ["Variación entre las semillas", "fallos: graves", "1234", "el final"]),
        ("it", ["Variazione tra i semi", "guasti: gravi", "1234", "la fine"]),
    ],
)
def test_the_page_speaks_its_readers_language(lang: str, words: list[str]) -> None:
    """Heads, figures and numbers; hostile names stay text, and the page says its language."""
    page = rehearsed.render(RESULT, lang)
    heads = re.findall(r"<(?:h1|h2|th)[^>]*>([^<]+)</", page)
    english = re.findall(r"<(?:h1|h2|th)[^>]*>([^<]+)</", rehearsed.render(RESULT))

    said = page.replace(".", "").replace("\u202f", "")
    assert [word for word in words if word not in page and word not in said] == []
    assert f'<html lang="{lang}"' in page
    assert "&lt;b&gt;Mine" in page
    same = {head for head in heads if head in english}
    assert lang == "en" or same <= {"skuId", "&lt;b&gt;Mine&lt;/b&gt;", "1"}


def test_a_language_nobody_translated_is_refused() -> None:
    """One line says which there are."""
    with pytest.raises(SettingsError, match="expected one of en, es, it, found 'fr'"):
        rehearsed.render(RESULT, "fr")


@pytest.mark.parametrize(
    ("lang", "word"), [("en", "customer"), ("es", "cliente"), ("it", "cliente")]
)
def test_a_pseudonym_is_in_the_readers_language(
    settings: Settings, ledger: Any, tmp_path: Path, lang: str, word: str
) -> None:
    """A shared report says customer and person in its own words."""
    soon = {"expires_on": AS_OF.isoformat(), "relationship": "none"}
    rows = [customer(1, name="Mine", relationship=soon.pop("relationship")), original(1, 1, **soon)]
    found = status_of(settings, ledger, *rows)
    page = reporting.write(found, tmp_path, lang=lang, share_from=settings.root)

    assert re.search(rf">{word} [0-9a-f]{{12}}<", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("code", "family"),
    [
        (code, family)
        for code in ("no_room", "base_left", "over_cap", "term_undecided", "cycle_undecided")
        for family in ("why", "fits")
    ],
)
def test_what_the_planner_found_is_said_in_every_language(code: str, family: str) -> None:
    """A group of moves is told in one sentence of ours, never in the words of its first move."""
    moves = [
        {
            **{"batch": None, "why": code, "who": "partner", "customer_id": "c1", "seats": 3},
            **{"move_id": "s1", "reason": "every day from … is full", "would_fit": "1 more on …"},
            "expires_on": AS_OF,
        }
    ]
    (row,) = grouping.blockers(moves)
    said = row["reason" if family == "why" else "would_fit"]

    assert said == WORDS[f"{family} {code}"]
    assert len({Words(lang).text(said) for lang in ("en", "es", "it")}) == 3
