"""Charts of a plan's load: a calendar with the capacity, and cost against capacity."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from cspkit.reporting.charts import COLOURS, INK, WIDE, Picture, _dressed, altair
from cspkit.reporting.figures import Standing

EMPTY, APART = "#f3f5f7", 3
MONTHS_APART = 200
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar(batches: pd.DataFrame, capacity: int) -> Picture:
    """Draw the load of each day as a calendar of weeks, above bars with the capacity line.

    Takes the batches of a plan: columns date and moves. A day at its capacity has a frame.
    """
    alt = altair()

    days = _days(batches, capacity)
    busiest = max(int(days["moves"].max()), 1) if len(days) else 1
    heat = alt.Chart(days).mark_rect(stroke="white", strokeWidth=1)
    heat = heat.encode(
        x=alt.X("week:O", title=None, axis=_months(days)),
        y=alt.Y("weekday:O", title=None, sort=list(WEEKDAYS), axis=alt.Axis(ticks=False)),
        color=alt.Color(
            "moves:Q",
            title="orders",
            scale=alt.Scale(
                type="sqrt", domain=[0, busiest], range=[EMPTY, COLOURS[Standing.MOVED]]
            ),
            legend=alt.Legend(orient="right", format=",d", tickCount=min(busiest, 4)),
        ),
        tooltip=["date:T", "moves:Q"],
    )
    framed = alt.Chart(days[days["full"]]).mark_rect(
        filled=False, stroke=COLOURS[Standing.AT_RISK], strokeWidth=2
    )
    framed = framed.encode(x="week:O", y=alt.Y("weekday:O", sort=list(WEEKDAYS)))
    bars = alt.Chart(days).mark_bar(color=COLOURS[Standing.MOVED], size=3)
    format_days = "%b %Y" if len(days) > MONTHS_APART else "%d %b"
    bars = bars.encode(
        x=alt.X("date:T", title=None, axis=alt.Axis(format=format_days, grid=False, tickCount=12)),
        y=alt.Y("moves:Q", title="orders a day", axis=alt.Axis(tickCount=4, format=",d")),
        tooltip=["date:T", "moves:Q"],
    )
    line = alt.Chart(pd.DataFrame({"capacity": [capacity]})).mark_rule(
        color=COLOURS[Standing.AT_RISK], strokeDash=[5, 4], strokeWidth=1.5
    )
    weeks = days["week"].nunique() if len(days) else 1
    upper = alt.layer(heat, framed).properties(width=min(WIDE, 36 * weeks), height=130)
    lower = alt.layer(bars, line.encode(y="capacity:Q")).properties(width=WIDE, height=130)
    full = int(days["full"].sum())
    told = (
        f"{int(days['moves'].sum()):,} orders on {len(batches):,} days, at most {busiest:,} a day;"
        f" {full:,} days are at the capacity of {capacity:,} (framed; the dashed line)"
    )
    return Picture(
        _dressed(alt.vconcat(upper, lower, spacing=18)), "Orders of each day in the calendar", told
    )


def _days(batches: pd.DataFrame, capacity: int) -> pd.DataFrame:
    """List every day from the first week to the last, those without orders too."""
    load = dict(zip(batches["date"], batches["moves"], strict=True))
    known: list[date] = [pd.Timestamp(day).date() for day in load]
    moves = {pd.Timestamp(day).date(): int(count) for day, count in load.items()}
    if not known:
        return pd.DataFrame(columns=["date", "week", "weekday", "moves", "full"])
    first = min(known) - timedelta(days=min(known).weekday())
    # To the end of its week, so that a plan of one day is not one wide square.
    last = max(known) + timedelta(days=max(4 - max(known).weekday(), 0))
    span = (last - first).days + 1
    days = [first + timedelta(days=number) for number in range(span)]
    weekend = any(day.weekday() > 4 for day in known)
    return pd.DataFrame(
        {
            "date": pd.Timestamp(day),
            "week": f"{day - timedelta(days=day.weekday()):%Y-%m-%d}",
            "weekday": WEEKDAYS[day.weekday()],
            "moves": moves.get(day, 0),
            "full": moves.get(day, 0) >= max(capacity, 1),
        }
        for day in days
        if weekend or day.weekday() < 5
    )


def _months(days: pd.DataFrame) -> Any:
    """Name the weeks in which a month begins."""
    alt = altair()

    weeks = sorted(set(days["week"])) if len(days) else []
    begins = [at for at, week in enumerate(weeks) if not at or week[:7] != weeks[at - 1][:7]]
    # A label of a month that is cut short by the first would lie under the next.
    if len(begins) > 1 and begins[1] < APART:
        begins = begins[1:]
    named = [weeks[at] for at in begins]
    format_month = "timeFormat(toDate(datum.value), '%b %y')"
    return alt.Axis(values=named, labelAngle=0, ticks=False, labelExpr=format_month)


def cost_against_capacity(curve: pd.DataFrame, present: int, currency: str | None) -> Picture:
    """Draw what is paid twice at each capacity, and from where on one more stops paying.

    Takes the frame of `planning.curve`; `present` is the capacity of the policy.
    """
    alt = altair()

    points = curve.assign(cost=curve["cost"].astype("float64"))
    points["kind"] = ["all placed" if not left else "some without a day" for left in points["left"]]
    unit = currency or "in several currencies"
    lines = alt.Chart(points).mark_line(color=COLOURS[Standing.WAITING], strokeWidth=2)
    across = alt.X("moves_per_day:Q", title="orders a day", axis=alt.Axis(tickMinStep=1))
    up = alt.Y("cost:Q", title=f"paid twice, {unit}", axis=alt.Axis(tickCount=5, format=",.0f"))
    dots = alt.Chart(points).mark_point(filled=True, size=70, opacity=1)
    dots = dots.encode(
        x=across,
        y=up,
        color=alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(
                domain=["all placed", "some without a day"],
                range=[COLOURS[Standing.MOVED], COLOURS[Standing.AT_RISK]],
            ),
            legend=alt.Legend(orient="top"),
        ),
        tooltip=["moves_per_day:Q", "cost:Q", "left:Q"],
    )
    now = alt.Chart(pd.DataFrame({"now": [present]})).mark_rule(color=INK, strokeDash=[3, 3])
    short = points[points["left"] > 0].assign(words=[f"{n} without" for n in points["left"] if n])
    words = alt.Chart(short).mark_text(dy=-14, color=INK, fontSize=11)
    words = words.encode(x=across, y=up, text="words:N")
    chart = alt.layer(lines.encode(x=across, y=up), now.encode(x="now:Q"), dots, words)
    told = f"{enough(curve)} The dashed line is the policy's {present:,} orders a day."
    return Picture(
        _dressed(chart.properties(width=WIDE, height=240)), "Cost against capacity", told
    )


def enough(curve: pd.DataFrame) -> str:
    """Say from which capacity on more orders a day stop paying."""
    rows = curve.to_dict("records")
    paying = [row["moves_per_day"] for row in rows if row["pays"]]
    if not rows:
        return "There is nothing to compare."
    if paying[-1] == rows[-1]["moves_per_day"]:
        return f"More orders a day pay up to the {paying[-1]:,} tried."
    return f"More than {paying[-1]:,} orders a day do not pay."
