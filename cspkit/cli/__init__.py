"""The command line: thin verbs over the package."""

from __future__ import annotations

import sys

from cspkit.cli import (
    exporting,
    letters,
    plans,
    ranks,
    reconciling,
    rehearsing,
    results,
    runs,
    safety,
    workspaces,
)
from cspkit.cli.options import app
from cspkit.errors import BAD_INPUT, CspkitError

VERBS = (
    workspaces,
    exporting,
    ranks,
    plans,
    runs,
    results,
    letters,
    safety,
    reconciling,
    rehearsing,
)

__all__ = ["VERBS", "app", "main"]


def main() -> None:
    """Run the command line; an error on purpose is one line and its exit code."""
    try:
        app()
    except (CspkitError, OSError) as error:
        if "--debug" in sys.argv[1:]:
            raise
        told = "; ".join([str(error), *getattr(error, "__notes__", [])])
        print(f"cspkit: {told}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, CspkitError) else BAD_INPUT)
