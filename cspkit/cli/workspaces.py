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
    """Make a workspace: cspkit.toml, exports/, decisions.xlsx, ledger/, reports/, notebooks/.

    Example: `cspkit init north-region`
    """
    from cspkit import runbooks, workspace
    from cspkit.runbooks import copying

    settings = workspace.init(folder)
    copying.hand_out(settings.root, map(runbooks.find, copying.ANALYSTS))
    said = f"workspace made in {settings.root}; begin with notebooks/00-start-here.ipynb there"
    result(as_json, {"workspace": str(settings.root)}, said)
