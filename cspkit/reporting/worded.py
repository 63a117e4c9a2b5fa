"""The figures of a report with words for its codes: what a workbook in another language shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from cspkit import blockers
from cspkit.reporting.figures import Row, records
from cspkit.reporting.retelling import told
from cspkit.reporting.summary import Status
from cspkit.reporting.words import WORDS, Words

# The columns of each frame that hold codes, and the family of their words.
_STANDS = {"standing": "", "why": "why", "who": "who"}
CODES = {
    "moves": {**_STANDS, "state": "state", "billing_cycle": "cycle", "route": "route"},
    "customers": {
        **_STANDS,
        **dict.fromkeys(("relationship", "agreement", "access"), "step"),
    },
    "blockers": {"who": "who"},
    "weeks": {"when": "when"},
    "money": {"unit": "unit"},
    "standing_money": {"standing": ""},
    "changes": {"before": "change", "now": "change"},
    "consents": {"missing": "consent"},
    "letters": {"letter": "letter", "mail": "mail"},
    "runs": {"status": "run"},
}
# Column heads of the workbook that are nowhere said as such in the page.
HEADS = (
    *("standing", "state", "who", "name", "move id", "date", "customer id", "subscription ids"),
    *("part", "sku id", "target offer", "target sku id", "term", "billing cycle", "auto renew"),
    *("route", "expires on", "invite on", "access by", "renewal safe on", "reassign on"),
    *("verify by", "end scheduled by", "last safe day", "same offer", "overlap cost", "currency"),
    *("rule", "would fit", "next expiration", "relationship", "agreement", "exposure", "unit"),
    *("stand in prices", "everyone first day", "saved", "code", "first expiration", "asked on"),
    *("days", "reseller id", "paid twice", "missing", "mail", "error", "profile", "read"),
    *("run id", "due", "status", "counts", "chain head", "in words", "end", "when", "week"),
    *("invite", "renewal", "order", "before", "now", "left", "value", "as of", "answer"),
    *("approved by", "why", "at risk", "moved", "under way", "waiting", "blocked"),
)


def worded(status: Status, words: Words) -> Status:
    """Return the status with words for codes and its sentences told; English keeps its codes."""
    if words.lang == "en":
        return status
    frames: dict[str, Any] = {
        name: _coded(getattr(status, name), CODES[name], words) for name in CODES
    }
    frames["moves"] = _each(frames["moves"], status.moves, words, _of_move)
    frames["customers"] = _each(frames["customers"], status.customers, words, _of_customer)
    for column in ("reason", "would_fit"):
        said = [words.text(value) for value in frames["blockers"][column]]
        frames["blockers"] = frames["blockers"].assign(**{column: said})
    counts = [words.counts(one) for one in status.runs["counts"]]
    frames["runs"] = frames["runs"].assign(counts=counts)
    return replace(status, **frames)


def _coded(frame: pd.DataFrame, families: dict[str, str], words: Words) -> pd.DataFrame:
    if frame.empty:
        return frame
    said = {
        column: [_word(value, family, words) for value in frame[column]]
        for column, family in families.items()
    }
    return frame.assign(**said)


def _word(value: Any, family: str, words: Words) -> str:
    """Find the words of a code, under its family or plainly."""
    if pd.isna(value) or not value:
        return ""
    return words.of(value, family if f"{family} {value}" in WORDS or family == "why" else "")


def _each(
    frame: pd.DataFrame,
    coded: pd.DataFrame,
    words: Words,
    say: Callable[[Row, Words], dict[str, str]],
) -> pd.DataFrame:
    if frame.empty:
        return frame
    said = pd.DataFrame([say(row, words) for row in records(coded)], index=frame.index)
    return frame.assign(**{str(name): said[name] for name in said})


def _of_move(row: Row, words: Words) -> dict[str, str]:
    """Tell why a move has its day or none, in the plan's own sense or else from its code."""
    return {
        "reason": _said(row, "reason", words),
        "would_fit": _said(row, "would_fit", words),
    }


def _of_customer(row: Row, words: Words) -> dict[str, str]:
    return {"reason": _said(row, "reason", words)}


def _said(row: Row, column: str, words: Words) -> str:
    if not row[column]:
        return ""
    again = told(row[column], words)
    if again:
        return again
    known = blockers.table().get(row["why"])
    if known is not None:
        return words.text(known.sentence if column == "reason" else known.clears)
    if row.get("batch"):
        return _by_days(row, words)
    family = "why" if column == "reason" else "fits"
    return words.of(row["why"], family) if f"{family} {row['why']}" in WORDS else ""


def _by_days(row: Row, words: Words) -> str:
    """Say from its own days when a move is ordered, where its plan's sentence is not ours."""
    early = (row["last_safe_day"] - row["date"]).days
    if not early:
        return words.text("the last safe day")
    many = words.translations.ngettext
    said = many("{n} day before its last safe day", "{n} days before its last safe day", early)
    return said.format(n=words.number(early))
