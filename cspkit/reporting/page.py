"""The status report as one HTML file: no script, no outside reference, printable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from cspkit.reporting import charts, receipts, rehearsed
from cspkit.reporting.answer import answer, outlook_of
from cspkit.reporting.branding import Brand
from cspkit.reporting.figures import Row, Standing, records
from cspkit.reporting.layout import environment, style
from cspkit.reporting.summary import Status
from cspkit.reporting.words import Words

SHOWN = 20


def render(status: Status, out: Path, words: Words, brand: Brand) -> str:
    """Return the page that will stand at out; links to receipts are relative to it."""
    pages = environment()
    pages.filters.update(
        number=words.number,
        money=words.money,
        day=words.day,
        instant=words.instant,
        css=lambda standing: str(standing).replace("_", "-"),
    )
    pages.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    return pages.get_template("report.html").render(
        status=status,
        words=words,
        brand=brand,
        style=style(),
        answer=answer(status, words),
        standings=records(status.standings),
        funnel=_with_share(records(status.funnel)),
        changes=records(status.changes),
        forecast=outlook_of(status, words),
        burndown=records(status.burndown),
        burndown_chart=_burndown(status, words),
        coming=records(status.coming),
        chart=_chart(status, words),
        weeks=_labelled(status, words),
        twice=records(status.paying_twice.head(SHOWN)),
        twice_total=len(status.paying_twice),
        ages=records(status.ages),
        invitations=records(status.invitations.head(SHOWN)),
        resellers=records(status.resellers),
        standing_money=records(status.standing_money),
        reseller_money=records(status.reseller_money),
        consents=records(status.consents.head(SHOWN)),
        letters=records(status.letters.head(SHOWN)),
        ends=records(status.ends),
        at_risk=records(status.customers_at(Standing.AT_RISK).head(SHOWN)),
        money=records(status.money),
        stand_ins=sum(row["stand_in_prices"] or 0 for row in records(status.money)),
        blockers=records(status.blockers),
        batches=records(status.open_batches.head(SHOWN)),
        open_batches=len(status.open_batches),
        runs=[_run(row, out, words) for row in records(status.runs.head(SHOWN))],
        sources=records(status.sources),
        rehearsal=rehearsed.beside(status.kept.parent, status.plan_hash, out),
    )


def _with_share(funnel: list[Row]) -> list[Row]:
    most = max((row["moves"] for row in funnel), default=0) or 1
    return [{**row, "share": round(100 * row["moves"] / most)} for row in funnel]


def _labelled(status: Status, words: Words) -> list[Row]:
    return [
        {**row, "label": words.day(row["week"]) if row["week"] else words.of(row["when"])}
        for row in records(status.weeks)
    ]


def _chart(status: Status, words: Words) -> Markup:
    weeks = _labelled(status, words)
    if not weeks:
        return Markup()
    # What is far away would dwarf the weeks that can still be saved; the table has it.
    weeks = [row for row in weeks if row["when"] != "later"]
    frame = pd.DataFrame(weeks)
    frame["label"] = [
        words.day(row["week"], "d MMM") if row["week"] else row["label"] for row in weeks
    ]
    covered = sum(row[Standing.MOVED] + row[Standing.UNDER_WAY] for row in weeks)
    said = words.text("{covered} of {seats} seats are covered").format(
        covered=words.number(covered), seats=words.number(sum(row["seats"] for row in weeks))
    )
    picture = charts.by_standing(
        frame,
        {str(standing): words.of(standing) for standing in Standing},
        words.text("Seats by the week in which their subscription ends"),
        said,
    )
    # Drawn by us from weeks, numbers and our own words: nothing of a customer is in it.
    return Markup(picture.svg("weeks", words.tag))


def _burndown(status: Status, words: Words) -> Markup:
    if status.burndown.empty:
        return Markup()
    picture = charts.burndown(
        status.burndown,
        (words.text("left by the plan"), words.text("left in fact")),
        words.text("Moves that are left, day by day"),
        outlook_of(status, words),
    )
    return Markup(picture.svg("burndown", words.tag))


def _run(row: Row, out: Path, words: Words) -> dict[str, Any]:
    link = ""
    if row["receipt"]:
        link = quote(Path(os.path.relpath(row["receipt"], out.parent)).as_posix())
    counts = words.counts(row["counts"])
    said = "" if row["status"] == receipts.DONE and counts else words.of(row["status"], "run")
    return {**row, "link": link, "outcome": ": ".join(filter(None, [said, counts]))}
