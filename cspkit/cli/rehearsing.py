"""`cspkit rehearse --plan`, and `rehearse serve`, `clock`, `deliver`."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cspkit.cli.opening import exports_of, settings_of
from cspkit.cli.options import AsJson, Config, Debug, app
from cspkit.cli.saying import print_json, result, say
from cspkit.errors import DONE, FAILED_MOVES, SettingsError

if TYPE_CHECKING:
    from cspkit.exports import Exports
    from cspkit.rehearsing import Rehearsed
    from cspkit.settings import Settings

rehearse = typer.Typer(
    help="Rehearse a plan, or against a Partner Center and Graph on this machine.",
    invoke_without_command=True,
)
app.add_typer(rehearse, name="rehearse")
Port = Annotated[int, typer.Option(help="Loopback port of the rehearsal.")]


@rehearse.callback()
def whole_plan(
    context: typer.Context,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="The plan file.")] = None,
    days: Annotated[int, typer.Option(help="Days from the plan's first one.")] = 365,
    seed: Annotated[
        list[int] | None, typer.Option(help="A seed; give several for a spread.")
    ] = None,
    faults: Annotated[str, typer.Option(help="none, light or heavy")] = "none",
    paths: Annotated[
        list[Path] | None,
        typer.Option("--exports", help="Export files or tables; the workspace's."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the page; reports/rehearsal.")] = None,
    lang: Annotated[str, typer.Option(help="Language of the page: en, es or it")] = "en",
    notebooks: Annotated[
        bool, typer.Option(help="Send one batch of each seed through the notebooks too.")
    ] = True,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run a whole plan day by day against a rehearsal and judge it by the rehearsal's books.

    Example: `cspkit rehearse --plan plan.json --days 365 --seed 1 --seed 2 --faults light`

    Prints JSON with --json, and wherever the output is no terminal. Nothing of the workspace is
    changed but the folder of the page. Exit code 1 when a move that was due did not finish, a
    gap opened or something was ordered twice.
    """
    if context.invoked_subcommand is not None:
        return
    if plan_file is None:
        raise SettingsError("command line", "--plan", "name a plan, or use serve, clock or deliver")
    from cspkit.planning import Plan
    from cspkit.rehearsing import rehearse as run
    from cspkit.reporting import rehearsed
    from cspkit.reporting.words import Words

    # A wrong word must not be found only when the rehearsal is over.
    Words(lang)
    settings, plan = settings_of(config), Plan.read(plan_file)
    found = run(
        plan,
        settings=settings,
        exports=_exports(paths, settings),
        days=days,
        seeds=tuple(dict.fromkeys(seed or [1])),
        faults=faults,
        notebooks=notebooks,
        say=(lambda words: None) if as_json or not sys.stdout.isatty() else say,
    )
    page = rehearsed.write(found.as_json(), out or settings.reports / "rehearsal", lang)
    _tell(found, page, as_json)


def _exports(paths: list[Path] | None, settings: Settings) -> Exports | None:
    """Load what is named, or what the workspace holds; a plan alone can be rehearsed too."""
    if paths:
        return exports_of(paths, settings)
    folder = settings.exports
    held = folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))
    return exports_of([folder], settings) if held else None


def _tell(found: Rehearsed, page: Path, as_json: bool) -> None:
    value = found.as_json()
    if as_json or not sys.stdout.isatty():
        print_json({**value, "report": str(page)})
    else:
        names = (
            "moves",
            "not_due",
            "finished",
            "gaps",
            "double_orders",
            "human",
            "lost",
            "api_calls",
        )
        for name in names:
            say(f"{name.replace('_', ' '):<14}{value[name]:>10,}")
        say(f"which moves failed, and why: {page}")
    due = value["moves"] - value["not_due"]
    bad = value["finished"] < due or value["gaps"] or value["double_orders"]
    raise typer.Exit(FAILED_MOVES if bad else DONE)


@rehearse.command()
def serve(
    port: Port = 8765,
    seed: Annotated[int, typer.Option(help="Seed of the world.")] = 1,
    world: Annotated[Path | None, typer.Option(help="A saved world to serve.")] = None,
    debug: Debug = False,
) -> None:
    """Serve the sample world, or a saved one, on this machine until interrupted.

    Example: `cspkit rehearse serve --port 8765`
    """
    from cspkit.rehearsal import server

    server.serve(port=port, seed=seed, world=world, started=say)


@rehearse.command()
def clock(
    forward: Annotated[
        str, typer.Option("--forward", help="How far to move it, such as 2h or 3d.")
    ] = "",
    port: Port = 8765,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Tell the time of the served rehearsal, or move its clock forward.

    Example: `cspkit rehearse clock --forward 2h`
    """
    from cspkit.rehearsal import hand

    told = hand.move_clock(port, _stretch(forward)) if forward else hand.now(port)
    result(as_json, {"now": told.isoformat()}, f"it is {told:%Y-%m-%d %H:%M} UTC there")


@rehearse.command()
def deliver(
    outbox: Annotated[Path, typer.Argument(help="Folder of letters.")] = Path("reports/outbox"),
    port: Port = 8765,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Bring the letters of the outbox to the rehearsal's customers, who answer in their own time.

    Example: `cspkit rehearse deliver reports/outbox`
    """
    from cspkit.rehearsal import hand

    arrived = hand.deliver(port, outbox)
    result(as_json, {"delivered": arrived}, f"{arrived} letters delivered")


def _stretch(text: str) -> timedelta:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isdigit():
        raise SettingsError("command line", "--forward", f"expected such as 2h or 3d, not {text!r}")
    return timedelta(**{units[unit]: int(number)})
