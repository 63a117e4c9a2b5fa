"""`cspkit plan` and `cspkit approve`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cspkit.cli.opening import day, decisions_of, exports_of, ledger_of, settings_of, user
from cspkit.cli.options import AsJson, Config, Day, Debug, Files, app
from cspkit.cli.saying import print_json, result, say, show
from cspkit.errors import SettingsError

if TYPE_CHECKING:
    pass


@app.command()
def plan(
    paths: Files,
    start: Day,
    out: Annotated[Path, typer.Option("--out", help="The plan file, .json.")],
    as_of: Annotated[str | None, typer.Option(help="Day of the facts; today UTC.")] = None,
    author: Annotated[str, typer.Option("--author", help="Who makes the plan.")] = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Choose a working day for each move at least cost, and write the plan file.

    Example: `cspkit plan exports/ --as-of 2026-11-20 --start 2026-11-23 --out plan.json`
    """
    from cspkit import planning

    if out.suffix != ".json":
        raise SettingsError("command line", "--out", f"expected a .json file, found {out.name!r}")
    settings, known_on, from_day = settings_of(config), day(as_of), day(start, "--start")
    made = planning.plan(
        exports_of(paths, settings),
        as_of=known_on,
        start=from_day,
        settings=settings,
        decisions=decisions_of(settings),
        made_by=author or user(),
        made_at=datetime.now(UTC),
    )
    made.save(out)
    placed, left = len(made.moves), len(made.unplaced)
    if as_json:
        print_json({"plan": str(out), "hash": made.hash, "moves": placed, "unplaced": left})
        return
    show(made.batches.head(10), f"The first batches of {len(made.batches)}")
    for saving in made.savings.to_dict("records"):
        say(_saved(saving))
    say(f"{placed} moves placed, {left} not placed; plan {made.hash[:12]} written to {out}")


def _saved(saving: Mapping[Hashable, Any]) -> str:
    unit = saving["unit"]
    if unit == "seat_days":
        return (
            f"{saving['moves']} moves have no known price: {saving['saved']:,.0f} seat-days less "
            "paid twice than on the first possible day"
        )
    priced = f"; {saving['stand_in_prices']} of them at the original's price"
    return (
        f"{saving['moves']} moves cost {saving['planned']:,.2f} {unit} twice instead of "
        f"{saving['everyone_first_day']:,.2f} on the first possible day{priced}"
    )


@app.command()
def approve(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan file.")],
    by: Annotated[str, typer.Option("--by", help="Who approves; not the author.")],
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Record in the ledger that a named person approved this plan.

    Example: `cspkit approve plan.json --by "Ana Ruiz"`
    """
    from cspkit import planning

    settings = settings_of(config)
    made = planning.Plan.read(plan_file)
    with ledger_of(settings) as ledger:
        ledger.approve(made.hash, by=by, plan_path=str(plan_file), made_by=made.document.made_by)
    result(
        as_json,
        {"hash": made.hash, "approved_by": by},
        f"plan {made.hash[:12]} approved by {by}",
    )
