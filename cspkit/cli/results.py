"""`cspkit results`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cspkit.cli.opening import settings_of
from cspkit.cli.options import AsJson, Config, Debug, app
from cspkit.cli.saying import result


@app.command()
def results(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The csv that came back.")],
    by: Annotated[str, typer.Option("--by", help="Who brings it; it is kept.")],
    mode: Annotated[str, typer.Option(help="dry, rehearsal or live")] = "dry",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Take back what a provider did by hand; dry unless told otherwise, whole or not at all.

    Example: `cspkit results provider.csv --by "Ana Ruiz" --mode live`
    """
    from cspkit.moves import taking

    taken = taking.take(file, by=by, mode=mode, settings=settings_of(config))
    verb = "would be taken" if taken.mode == "dry" else "taken"
    counts = f"{len(taken.said)} {verb}, {taken.known} known, {taken.empty} without a result"
    words = "\n".join([*taken.said, f"mode {taken.mode}: {counts}"])
    result(as_json, asdict(taken), words)
