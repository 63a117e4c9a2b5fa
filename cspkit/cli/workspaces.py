"""`cspkit demo` and `cspkit init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cspkit.cli.options import AsJson, Debug, app
from cspkit.cli.saying import result, say

if TYPE_CHECKING:
    pass


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the workspace and report.")] = Path(
        "reports/demo"
    ),
    debug: Debug = False,
) -> None:
    """Walk the whole road on sample exports and a rehearsal: no network, no credentials.

    Example: `cspkit demo --out reports/demo`
    """
    from cspkit import demo as road

    road.walk(out, say=say)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new workspace.")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a workspace: cspkit.toml, exports/, decisions.xlsx, ledger/, reports/.

    Example: `cspkit init north-region`
    """
    from cspkit import workspace

    settings = workspace.init(folder)
    result(as_json, {"workspace": str(settings.root)}, f"workspace made in {settings.root}")
