"""`cspkit reconcile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cspkit.cli.opening import settings_of
from cspkit.cli.options import AsJson, Config, Debug, app
from cspkit.cli.saying import print_json, say, write_frame

if TYPE_CHECKING:
    from cspkit.reconciling import Work


@app.command()
def reconcile(
    out: Annotated[
        Path | None, typer.Option("--out", help="The differences as .csv, .xlsx or .parquet.")
    ] = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", help="A plan beside those that were approved.")
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="MOVE", help="What differs there is as it should be."),
    ] = None,
    by: Annotated[
        str, typer.Option("--by", help="Who accepts that, or trusts a closed ledger again.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compare the ledger with orders, subscriptions and audit of the service; run it daily.

    Changes nothing outside. Exit 1 where anything differs, 4 where the service failed, else 0.

    Example: `cspkit reconcile --out reports/differences.csv`
    """
    from cspkit import reconciling

    work = reconciling.begin(settings_of(config), plan=plan_file)
    try:
        work.carry_out(by=by, reason=reason, accept=accept or ())
    except BaseException:
        work.abandon()
        raise
    code = work.exit_code
    work.close()
    if out is not None:
        write_frame(work.preview(), out)
    _tell(work, as_json)
    raise typer.Exit(code)


def _tell(work: Work, as_json: bool) -> None:
    if as_json:
        print_json(work.as_json())
        return
    for one in work.differences:
        say(one.line)
    for customer_id, why in sorted(work.found.unread.items()):
        say(f"not read: {customer_id}: {why}")
    for note in work.told:
        say(note)
    customers, found = len(work.found.customers), len(work.differences)
    say(f"{customers} customers compared: {found or 'no'} differences")
