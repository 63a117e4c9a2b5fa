"""Serve notebooks 20 and 30 as pages: `python -m cspkit.widgets.serving WORKSPACE [options]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cspkit import runbooks
from cspkit.errors import CspkitError
from cspkit.runbooks.copying import hand_out

SERVED = ("20-rank-customers", "30-plan-batches")
# A page that answers no more for so many seconds lets its kernel go.
IDLE = 1_800


def prepare(workspace: Path) -> Path:
    """Copy the served notebooks into a workspace, where their kernels run; return the folder."""
    return hand_out(workspace, map(runbooks.find, SERVED))


def command(folder: Path) -> list[str]:
    """Give the options of Voilà: this machine only, a page without anything from outside."""
    return [
        str(folder),
        "--template=cspkit",
        "--Voila.ip=127.0.0.1",
        "--show_tracebacks=False",
        f"--MappingKernelManager.cull_idle_timeout={IDLE}",
    ]


def main(arguments: list[str]) -> None:
    """Serve a workspace until it is stopped; further options go to Voilà as they are."""
    workspace, *options = arguments or ["."]
    folder = prepare(Path(workspace).resolve())
    ours = str(Path(__file__).with_name("jupyter"))
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, [ours, os.environ.get("JUPYTER_PATH")])
    )
    try:
        from voila.app import main as serve
    except ImportError:
        raise CspkitError("Voilà is not installed: pip install cspkit[voila]") from None
    serve([*command(folder), *options])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CspkitError as error:
        sys.exit(f"cspkit: {error}")
