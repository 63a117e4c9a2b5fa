"""`cspkit rank`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cspkit.cli.opening import day, decisions_of, exports_of, settings_of, steps_of
from cspkit.cli.options import AsJson, Config, Debug, Files, app
from cspkit.cli.saying import print_json, records, say, warn, write_frame, write_table

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def rank(
    paths: Files,
    as_of: Annotated[str | None, typer.Option(help="Day of the ranking; today UTC.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help=".csv, .xlsx or .parquet")] = None,
    top: Annotated[int, typer.Option(min=0, help="How many customers to print.")] = 10,
    why: Annotated[
        str | None,
        typer.Option(metavar="CUSTOMER", help="Show how one was judged: id, or part of a name."),
    ] = None,
    market: Annotated[str | None, typer.Option(help="Only this market, such as ES.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only with an original of it.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Only who expires in so many days.")] = None,
    minimum_seats: Annotated[int | None, typer.Option(help="Only with as many to move.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only of this owner in decisions.xlsx.")] = None,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Put customers in order of nearness of their natural expiration, or show why one is there.

    Example: `cspkit rank exports/ --as-of 2026-11-20 --out ranked.csv`
    """
    from cspkit import listing, ranking

    settings, known_on = settings_of(config), day(as_of)
    loaded = exports_of(paths, settings)
    given: dict[str, Any] = {"as_of": known_on, "settings": settings}
    given |= {"decisions": decisions_of(settings), "steps": steps_of(settings)}
    if why is not None:
        from cspkit import explaining

        _explained(explaining.explain(loaded, why, **given), out, as_json)
        return
    ranked = ranking.listed(
        loaded,
        market=market,
        channel=channel,
        horizon=horizon,
        minimum_seats=minimum_seats,
        owner=owner,
        **given,
    )
    if out:
        write_table(ranked.parts(), out)
    shown = ranked.first(top)
    if as_json:
        from cspkit.tables import to_pandas

        print_json(records(to_pandas(shown)))
    else:
        say(f"The first {len(shown)} of {len(ranked)} customers")
        for line in listing.ranked(shown.to_pylist()):
            say(line)
    if ranked.elsewhere:
        warn(f"{ranked.elsewhere} overdue customers are outside this filter")


def _explained(steps: pd.DataFrame, out: Path | None, as_json: bool) -> None:
    if out:
        write_frame(steps, out)
    if as_json:
        print_json(records(steps))
        return
    for original, lines in steps.groupby("subscription_id", sort=False):
        say(f"{lines['product'].iloc[0] or 'an unnamed product'} ({original})")
        for line in lines.itertuples():
            say(f"  {line.what}: {line.value} - {line.because}")
