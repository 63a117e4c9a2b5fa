"""`cspkit rehearse`: serve, clock, deliver."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cspkit.cli.options import AsJson, Debug, app
from cspkit.cli.saying import result, say
from cspkit.errors import SettingsError

if TYPE_CHECKING:
    pass

rehearse = typer.Typer(help="Rehearse against a Partner Center and Graph on this machine.")
app.add_typer(rehearse, name="rehearse")
Port = Annotated[int, typer.Option(help="Loopback port of the rehearsal.")]


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
