"""Charts: one Altair specification each, drawn as SVG for pages and as a picture for notebooks."""

from __future__ import annotations

import base64
import copy
import os
import re
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

import pandas as pd

from cspkit.reporting import receipts
from cspkit.reporting.figures import Standing

# Told apart by colour-blind readers and in grey print (after Okabe and Ito).
COLOURS = {
    Standing.MOVED: "#0b5d8f",
    Standing.UNDER_WAY: "#4fa3d1",
    Standing.WAITING: "#a9b4bd",
    Standing.AT_RISK: "#d55e00",
    Standing.BLOCKED: "#7a3b69",
}
INK, LINE = "#333a41", "#dfe3e6"
WIDTH = 640
_PARTS = re.compile(r' (?:role="graphics-[^"]*"|aria-[a-z]+="[^"]*")')
WIDE = 880
LIVE, SCHEMA = "application/vnd.vegalite.v5+json", "https://vega.github.io/schema/vega-lite/v5.json"
# Altair refuses more rows than 5,000, and nobody can tell so many dots apart.
DOTS = 4_000


@dataclass(frozen=True)
class Picture:
    """A chart with the words that stand in for it; shows itself in a notebook.

    `chart` is the Altair chart, for those who want to change it.
    """

    chart: Any
    title: str
    description: str

    def svg(self, name: str, locale: str = "en-GB") -> str:
        """Draw it for a page: coloured by the page's own style, named for screen readers.

        Numbers and days on the axes are written as in locale, such as `es-ES`.
        """
        import vl_convert

        ways: dict[str, Any] = {"format_locale": locale, "time_format_locale": locale}
        drawn = str(vl_convert.vegalite_to_svg(self.chart.to_dict(), **ways))
        # The whole picture has its words; its parts have none of their own to offer.
        drawn = _PARTS.sub("", drawn)
        named = (
            f'<svg role="img" aria-labelledby="{name}-title {name}-description"'
            f' preserveAspectRatio="xMinYMin meet"'
        )
        words = (
            f'<title id="{name}-title">{escape(self.title)}</title>'
            f'<desc id="{name}-description">{escape(self.description)}</desc>'
        )
        drawn = re.sub(r"<svg\b", named, drawn, count=1)
        drawn = re.sub(r"(<svg\b[^>]*>)", lambda found: found[1] + words, drawn, count=1)
        return _styled(drawn)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Show it alive where JupyterLab or Voilà draws it, and still everywhere else.

        Neither loads anything from outside; receipts and mails take the still picture.
        """
        import vl_convert

        text, spec = f"{self.title}. {self.description}", self.chart.to_dict()
        drawn = str(vl_convert.vegalite_to_svg(spec))
        shown = {"image/svg+xml": drawn, LIVE: alive(spec, text), "text/plain": text}
        if os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
            # Voilà cannot take the picture that Vega's renderer adds where there is none.
            shown["image/png"] = base64.b64encode(vl_convert.vegalite_to_png(spec)).decode()
        return shown, {"image/svg+xml": {"alt": text}}


def altair() -> Any:
    """Import Altair, only when a chart is drawn, and without what takes most of its start."""
    with receipts.without_iri_grammars():
        import altair

    return altair


def alive(spec: dict[str, Any], words: str) -> dict[str, Any]:
    """Return a chart's specification with zoom on its axes of numbers and days.

    Takes what Altair writes, which is of the next version of Vega-Lite; JupyterLab and Voilà
    bring the one before and would warn about each chart.
    """
    live = {**copy.deepcopy(spec), "$schema": SCHEMA, "description": words}
    live.get("config", {}).pop("aria", None)
    unit = live
    while parts := unit.get("vconcat") or unit.get("layer"):
        unit = parts[-1] if "vconcat" in unit else parts[0]
    flowing = ("quantitative", "temporal")
    axes = [axis for axis in ("x", "y") if unit["encoding"].get(axis, {}).get("type") in flowing]
    if "x" in axes:
        # Bars stand on their axis; only points may be moved up and down.
        axes = axes if _mark(unit) != "bar" else ["x"]
        select = {"type": "interval", "encodings": axes}
        unit["params"] = [{"name": "zoom", "select": select, "bind": "scales"}]
    return live


def _mark(unit: dict[str, Any]) -> str:
    mark = unit["mark"]
    return str(mark["type"] if isinstance(mark, dict) else mark)


def by_standing(
    weeks: pd.DataFrame, names: dict[str, str], title: str, description: str
) -> Picture:
    """Draw the seats that expire in each week, stacked by standing.

    Takes columns label and one per standing; names are the words of the legend.
    """
    standings = [str(standing) for standing in Standing]
    long = weeks[["label", *standings]].melt("label", var_name="standing", value_name="seats")
    long["order"] = long["standing"].map(standings.index)
    long["standing"] = long["standing"].map(names)
    alt = altair()

    overlap = alt.Axis(labelAngle=0, labelOverlap="greedy", ticks=False)
    chart = alt.Chart(long, width=WIDE, height=260).mark_bar()
    chart = chart.encode(
        x=alt.X("label:N", sort=None, title=None, axis=overlap),
        y=alt.Y("seats:Q", title=None, axis=alt.Axis(tickCount=5, format=",d")),
        color=alt.Color(
            "standing:N",
            title=None,
            scale=alt.Scale(domain=list(names.values()), range=list(COLOURS.values())),
            legend=alt.Legend(orient="top", symbolType="square", labelFontSize=13),
        ),
        order="order:O",
    )
    return Picture(_dressed(chart), title, description)


def burndown(rows: pd.DataFrame, names: tuple[str, str], title: str, description: str) -> Picture:
    """Draw the moves that are left: as planned (dashed) and as it came.

    Takes columns day, planned and left; names are the words for the last two.
    """
    alt = altair()

    long = rows.melt("day", ["planned", "left"], var_name="line", value_name="moves").dropna()
    long["line"] = long["line"].map(dict(zip(("planned", "left"), names, strict=True)))
    long = long.assign(day=pd.to_datetime(long["day"]), moves=long["moves"].astype("float64"))
    colours = [COLOURS[Standing.WAITING], COLOURS[Standing.MOVED]]
    chart = alt.Chart(long, width=WIDE, height=240).mark_line(
        strokeWidth=3, interpolate="step-after"
    )
    chart = chart.encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%b %Y", grid=False, tickCount=8)),
        y=alt.Y("moves:Q", title=None, axis=alt.Axis(tickCount=5, format=",d")),
        color=alt.Color(
            "line:N",
            title=None,
            scale=alt.Scale(domain=list(names), range=colours),
            legend=alt.Legend(orient="top", labelFontSize=13, labelLimit=0),
        ),
        strokeDash=alt.StrokeDash(
            "line:N",
            legend=None,
            scale=alt.Scale(domain=list(names), range=[[6, 4], [1, 0]]),
        ),
    )
    return Picture(_dressed(chart), title, description)


def by_week(ranked: pd.DataFrame, as_of: date, weeks: int = 26) -> Picture:
    """Draw the seats whose term ends in each of the coming weeks, empty weeks too.

    Takes the ranked customers: columns next_expiration and seats.
    """
    alt = altair()

    days = pd.to_datetime(ranked["next_expiration"])
    first = pd.Timestamp(as_of)
    near = ranked[(days >= first) & (days < first + pd.Timedelta(weeks=weeks))]
    mondays = pd.date_range(first - pd.Timedelta(days=first.dayofweek), periods=weeks, freq="7D")
    week = days[near.index].dt.to_period("W").dt.start_time
    seats = near["seats"].astype("int64").groupby(week).sum().reindex(mondays, fill_value=0)
    bars = pd.DataFrame({"week": mondays.strftime("%d %b"), "seats": seats.to_numpy()})
    chart = alt.Chart(bars, width=WIDTH, height=240).mark_bar(color=COLOURS[Standing.MOVED])
    overlap = alt.Axis(labelAngle=0, labelOverlap="parity", ticks=False)
    chart = chart.encode(
        x=alt.X("week:N", sort=None, title="week from Monday", axis=overlap),
        y=alt.Y("seats:Q", title="seats", axis=alt.Axis(tickCount=5, format=",d")),
        tooltip=["week:N", "seats:Q"],
    )
    told = f"{int(seats.sum()):,} seats of {len(near):,} customers within {weeks} weeks"
    return Picture(_dressed(chart), "Seats by week of the customer's nearest expiration", told)


def slack_and_money(ranked: pd.DataFrame) -> Picture:
    """Draw each customer by its slack and by what a missed renewal commits, per currency.

    Takes the ranked customers: columns slack_days, exposure_if_renewed, currency, name and
    customer_id. Both money and time reach from little to much, so money is on a log scale. Of
    more than 4,000 customers the first of the ranking are drawn.
    """
    alt = altair()

    known = ranked[ranked[["slack_days", "exposure_if_renewed"]].notna().all(axis=1)]
    dots = pd.DataFrame(
        {
            "name": known["name"].fillna(known["customer_id"]).astype(object),
            "slack": known["slack_days"].astype("float64"),
            "money": known["exposure_if_renewed"].astype("float64"),
            "currency": known["currency"].astype(object),
        }
    )
    dots = dots[dots["money"] > 0].assign(late=dots["slack"] < 0).head(DOTS)
    colour = alt.condition(
        "datum.late", alt.value(COLOURS[Standing.AT_RISK]), alt.value(COLOURS[Standing.MOVED])
    )
    chart = alt.Chart(dots, width=WIDTH, height=280).mark_point(filled=True, size=40, opacity=0.7)
    chart = chart.encode(
        x=alt.X("slack:Q", title="days of slack", axis=alt.Axis(tickCount=8)),
        y=alt.Y(
            "money:Q",
            title="committed by a missed renewal",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(tickCount=5, format=",.0f"),
        ),
        color=colour,
        shape=alt.Shape("currency:N", title=None, legend=alt.Legend(orient="top")),
        tooltip=["name:N", "slack:Q", "money:Q", "currency:N"],
    )
    told = (
        f"{len(dots):,} customers whose money is known, {int(dots['late'].sum()):,} of them"
        f" without slack (orange); {len(ranked) - len(dots):,} are not shown"
    )
    return Picture(_dressed(chart), "Slack against the money of one missed renewal", told)


def by_day(batches: pd.DataFrame, capacity: int) -> Picture:
    """Draw the moves of each batch day beside the team's capacity.

    Takes the batches of a plan: columns date and moves.
    """
    alt = altair()

    load = batches[["date", "moves"]].assign(date=pd.to_datetime(batches["date"]))
    load["moves"] = load["moves"].astype("int64")
    bars = alt.Chart(load, width=WIDTH, height=240).mark_bar(color=COLOURS[Standing.MOVED], size=4)
    bars = bars.encode(
        x=alt.X("date:T", title="day of the order", axis=alt.Axis(format="%d %b %Y", grid=False)),
        y=alt.Y("moves:Q", title="moves", axis=alt.Axis(tickCount=5, format=",d")),
        tooltip=["date:T", "moves:Q"],
    )
    limit = alt.Chart(pd.DataFrame({"capacity": [capacity]})).mark_rule(
        color=COLOURS[Standing.AT_RISK], strokeDash=[5, 4]
    )
    told = (
        f"{int(load['moves'].sum()):,} moves on {len(load):,} days, at most"
        f" {int(load['moves'].max()):,} a day of {capacity:,}"
    )
    chart = alt.layer(bars, limit.encode(y="capacity:Q")).properties(width=WIDTH)
    return Picture(_dressed(chart), "Moves on each day, and the capacity (dashed)", told)


def _dressed(chart: Any) -> Any:
    return (
        chart.configure(background="white", font="DejaVu Sans, Verdana, sans-serif", aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=LINE,
            domainColor=LINE,
            tickColor=LINE,
            labelPadding=6,
        )
        .configure_legend(labelColor=INK)
    )


def _styled(svg: str) -> str:
    """Swap fixed colours for the page's variables, so that dark and print follow the style."""
    for standing, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{standing.replace('_', '-')})")
    svg = svg.replace(INK, "var(--ink)").replace(LINE, "var(--line)")
    return svg.replace('fill="white"', 'fill="none"', 1)
