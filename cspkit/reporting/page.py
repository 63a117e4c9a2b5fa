"""The status report as one HTML file: no script, no outside reference, printable."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cspkit.reporting import charts, receipts
from cspkit.reporting.answer import answer
from cspkit.reporting.figures import Row, Standing, records
from cspkit.reporting.summary import Status
from cspkit.reporting.words import Words

TEMPLATES = Path(__file__).parent / "templates"
SHOWN = 20


def render(status: Status, out: Path, words: Words) -> str:
    """Return the page that will stand at out; links to receipts are relative to it."""
    environment = _environment()
    environment.filters.update(
        number=words.number,
        money=words.money,
        day=words.day,
        instant=words.instant,
        css=lambda standing: str(standing).replace("_", "-"),
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    return environment.get_template("report.html").render(
        status=status,
        words=words,
        style=Markup(_style()),
        answer=answer(status, words),
        standings=records(status.standings),
        funnel=_with_share(records(status.funnel)),
        chart=_chart(status, words),
        months=_labelled(status, words),
        at_risk=records(status.customers_at(Standing.AT_RISK).head(SHOWN)),
        money=records(status.money),
        stand_ins=sum(row["stand_in_prices"] or 0 for row in records(status.money)),
        blockers=records(status.blockers),
        batches=records(status.open_batches.head(SHOWN)),
        open_batches=len(status.open_batches),
        runs=[_run(row, out, words) for row in records(status.runs.head(SHOWN))],
        sources=records(status.sources),
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
    )


@cache
def _style() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def _with_share(funnel: list[Row]) -> list[Row]:
    most = max((row["moves"] for row in funnel), default=0) or 1
    return [{**row, "share": round(100 * row["moves"] / most)} for row in funnel]


def _labelled(status: Status, words: Words) -> list[Row]:
    later = words.of("later")
    return [
        {**row, "label": words.day(row["month"], "MMM yyyy") if row["month"] else later}
        for row in records(status.months)
    ]


def _chart(status: Status, words: Words) -> Markup:
    months = _labelled(status, words)
    if not months:
        return Markup()
    frame = pd.DataFrame(months)
    frame["label"] = [
        words.day(row["month"], "MMM ''yy") if row["month"] else row["label"] for row in months
    ]
    most = max(months, key=lambda row: int(row["seats"]))
    picture = charts.by_month(
        frame,
        {str(standing): words.of(standing) for standing in Standing},
        words.of("Seats by the month in which their subscription ends"),
        words.of("Most of them end in") + f" {most['label']}: {words.number(most['seats'])}",
    )
    # Drawn by us from months, numbers and our own words: nothing of a customer is in it.
    return Markup(picture.svg("months"))


def _run(row: Row, out: Path, words: Words) -> dict[str, Any]:
    link = ""
    if row["receipt"]:
        link = quote(Path(os.path.relpath(row["receipt"], out.parent)).as_posix())
    counts = words.counts(row["counts"])
    said = "" if row["status"] == receipts.DONE and counts else words.of(row["status"], "run")
    return {**row, "link": link, "outcome": ": ".join(filter(None, [said, counts]))}
