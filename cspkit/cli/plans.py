"""`cspkit plan` and `cspkit approve`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cspkit.cli.opening import day, decisions_of, exports_of, ledger_of, settings_of, user
from cspkit.cli.options import AsJson, Config, Debug, app
from cspkit.cli.saying import print_json, result, say, show, warn
from cspkit.errors import PlanRefused, SettingsError
from cspkit.names import person

if TYPE_CHECKING:
    from cspkit.decisions import Decisions
    from cspkit.planning import Difference, Plan
    from cspkit.settings import Settings

HEAD = 10


@app.command()
def plan(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Export files, or folders of them.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="No order before this day, YYYY-MM-DD.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The plan file, .json.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Day of the facts; today UTC.")] = None,
    author: Annotated[str, typer.Option("--author", help="Who makes the plan.")] = "",
    old: Annotated[
        Path | None,
        typer.Option("--from", help="The plan to take over from: what is in flight stays."),
    ] = None,
    diff: Annotated[
        tuple[Path, Path] | None, typer.Option("--diff", help="Only compare two plan files.")
    ] = None,
    layout: Annotated[
        Path | None, typer.Option(help="How the provider wants its csv files, .toml.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Choose a working day for each move at least cost, and write the plan file.

    Beside it stand the same as .xlsx for people, and a folder with a csv of orders per batch.

    Example: `cspkit plan exports/ --as-of 2026-11-20 --start 2026-11-23 --out plan.json`
    """
    from cspkit import planning

    if diff is not None:
        before, after = (planning.Plan.read(path) for path in diff)
        _tell(planning.difference(before, after), as_json)
        return
    settings, file = settings_of(config), _plan_file(paths, out)
    known_on, from_day = day(as_of), day(_needed("--start", start), "--start")
    said = decisions_of(settings)
    steps, moves = _ledger_facts(settings)
    previous = None if old is None else planning.Plan.read(old)
    made = planning.plan(
        exports_of(paths or [], settings),
        as_of=known_on,
        start=from_day,
        settings=settings,
        decisions=said,
        steps=steps,
        before=None if previous is None else planning.Before.of(previous, moves, steps),
        made_by=author or user(),
        made_at=datetime.now(UTC),
    )
    made.save(file)
    left = _for_people(made, file, said, layout)
    if as_json:
        placed, unplaced = len(made.moves), len(made.unplaced)
        print_json({"plan": str(file), "hash": made.hash, "moves": placed, "unplaced": unplaced})
        return
    _summary(made, file, left)
    if previous is not None:
        _tell(planning.difference(previous, made), as_json)


def _needed(option: str, value: str | None) -> str:
    if value is None:
        raise SettingsError("command line", option, "expected a value, found none")
    return value


def _plan_file(paths: list[str] | None, out: Path | None) -> Path:
    if not paths:
        raise SettingsError("command line", "PATH", "expected export files, found none")
    file = Path(_needed("--out", None if out is None else str(out)))
    if file.suffix != ".json":
        raise SettingsError("command line", "--out", f"expected a .json file, found {file.name!r}")
    return file


def _ledger_facts(settings: Settings) -> tuple[Any, Any]:
    """Read what the ledger has seen of customers and moves; nothing is written."""
    from cspkit.errors import LedgerError
    from cspkit.ledger import Ledger
    from cspkit.ledger.opening import address_of, file_of

    file = file_of(address_of(settings.ledger_url))
    if file is not None and not file.exists():
        return None, None
    try:
        with Ledger(settings.ledger_url, read_only=True) as ledger:
            return ledger.steps(), ledger.moves()
    except LedgerError as error:
        warn(f"the ledger was not read, so what is under way is not known: {error}")
        return None, None


def _for_people(made: Plan, file: Path, said: Decisions, layout: Path | None) -> int:
    """Write the workbook and the csv of each batch; return the moves without a consent."""
    from cspkit.reporting import handwork, planbook

    originals = {row["subscription_id"]: row for row in said.original_table.to_pylist()}
    wanted = handwork.Layout.read(layout)
    today = made.document.as_of
    planbook.write(made, file.with_suffix(".xlsx"), originals=originals, today=today)
    folder = file.with_name(f"{file.stem}-batches")
    _, left = handwork.write(made, folder, originals=originals, today=today, layout=wanted)
    return left


def _summary(made: Plan, file: Path, left: int) -> None:
    show(made.batches.head(HEAD), f"The first batches of {len(made.batches)}")
    for saving in made.savings.to_dict("records"):
        say(_saved(saving))
    placed, unplaced = len(made.moves), len(made.unplaced)
    say(f"{placed} moves placed, {unplaced} not placed; plan {made.hash[:12]} written to {file}")
    say(
        f"beside it: {file.with_suffix('.xlsx').name}, and {file.stem}-batches with the orders for"
        f" work by hand; {left} moves wait for a consent in decisions.xlsx and are not in them"
    )


def _saved(saving: Mapping[Hashable, Any]) -> str:
    unit = saving["unit"]
    served = saving["saved_against_first_come"]
    if unit == "seat_days":
        return (
            f"{saving['moves']} moves have no known price: {saving['saved']:,.0f} seat-days less"
            f" are paid twice than on the first possible day, {served:,.0f} less than first come,"
            " first served"
        )
    priced = f"; {saving['stand_in_prices']} of them at the original's price"
    return (
        f"{saving['moves']} moves cost {saving['planned']:,.2f} {unit} twice instead of"
        f" {saving['everyone_first_day']:,.2f} on the first possible day, {served:,.2f} less than"
        f" first come, first served{priced}"
    )


def _tell(found: Difference, as_json: bool) -> None:
    """Say what changed between two plans: counts and cost, then each change."""
    if as_json:
        changes = found.frame.astype(object).to_dict("records")
        costs = {unit: str(cost) for unit, cost in found.costs.items()}
        print_json({"changes": changes, "cost_change": costs, "same": found.same})
        return
    for line in found.lines():
        say(line)
    if found.changes:
        columns = ["change", "name", "was", "now", "days", "differs", "move_id"]
        show(found.frame[columns].astype(object).head(2 * HEAD), "What changed")
        if len(found.changes) > 2 * HEAD:
            say(f"... and {len(found.changes) - 2 * HEAD} more; --json lists all")


@app.command()
def approve(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan file.")],
    by: Annotated[str, typer.Option("--by", help="Who approves; not the author.")],
    margins: Annotated[
        bool, typer.Option("--margins", help="A manager accepts margins below the policy.")
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Record in the ledger that a named person approved this plan, for the coming working days.

    Example: `cspkit approve plan.json --by "Ana Ruiz"`
    """
    from cspkit import planning

    settings = settings_of(config)
    policy, made = settings.policy, planning.Plan.read(plan_file)
    _may_approve(made, by, margins, settings)
    with ledger_of(settings) as ledger:
        until = planning.horizon(made.document.start, ledger.clock.now().date(), policy)
        names = {person(one.by) for one in ledger.approvals_of(made.hash)} | {person(by)}
        missing = planning.names_needed(made.document, policy) - len(names)
        ledger.approve(
            made.hash,
            by=by,
            plan_path=str(plan_file),
            made_by=made.document.made_by,
            covers_until=until,
            margins=margins,
            # while a name is missing this plan cannot run, and the older one goes on
            replaces=made.document.replaces if missing <= 0 else "",
        )
    covered = sum(move.date <= until for move in made.document.moves)
    words = f"plan {made.hash[:12]} approved by {by} until {until}: {covered} of {len(made.moves)}"
    wait = "; a second person must approve it too" if missing > 0 else ""
    facts = {"hash": made.hash, "approved_by": by, "covers_until": str(until), "moves": covered}
    result(as_json, facts | {"names_missing": max(missing, 0)}, f"{words} moves{wait}")


def _may_approve(made: Plan, by: str, margins: bool, settings: Settings) -> None:
    """Refuse to approve what no run would do, and margins by one who is no manager."""
    from cspkit import planning

    policy = settings.policy
    excess = planning.over_caps(made.document, policy)
    over = excess.whole or next(iter(excess.customers.values()), "")
    if over:
        raise PlanRefused(f"the plan needs policy.{over}: plan again, or change the policy")
    if margins and person(by) not in {person(name) for name in policy.managers}:
        raise PlanRefused(
            f"--margins is for policy.managers ({', '.join(policy.managers)}): {by!r}"
        )
    if made.document.service != settings.service.id:
        raise PlanRefused(
            f"the plan was made for {made.document.service!r}, the settings name"
            f" {settings.service.id!r}: approve it where it will run"
        )
