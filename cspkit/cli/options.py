"""The application and the options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="cspkit",
    help="Move licence-based subscriptions into the Cloud Solution Provider programme.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

Config = Annotated[
    Path | None, typer.Option("--config", help="cspkit.toml, or the workspace that holds it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Day = Annotated[str, typer.Option(help="A day, YYYY-MM-DD.")]
# Text, since a path would lose a slash of an address before it can be refused.
Files = Annotated[list[str], typer.Argument(help="Export files, or folders of them.")]
