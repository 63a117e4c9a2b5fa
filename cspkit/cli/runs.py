"""`cspkit run`, `cspkit status` and `cspkit report`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cspkit.cli.opening import day, exports_of, ledger_of, settings_of
from cspkit.cli.options import AsJson, Config, Debug, app
from cspkit.cli.saying import live_line, print_json, result, say
from cspkit.errors import DONE, FAILED_MOVES

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.ledger import Ledger
    from cspkit.planning import Plan
    from cspkit.runbooks import Receipt
    from cspkit.settings import Settings


@app.command()
def run(
    runbook: Annotated[str, typer.Argument(help="invite, access, renewal-safe, provision, ...")],
    plan_file: Annotated[Path, typer.Option("--plan", help="The approved plan file.")],
    batch: Annotated[
        list[str] | None, typer.Option(help="A batch, or B002-B004; may be given again.")
    ] = None,
    due: Annotated[str | None, typer.Option(help="All that is due by this day.")] = None,
    mode: Annotated[str, typer.Option(help="dry, rehearsal or live")] = "dry",
    canary: Annotated[int, typer.Option(help="Only so many of the first.")] = 0,
    max_failures: Annotated[
        int, typer.Option(help="Stop at so many, over all batches; 0: the policy's, in this run.")
    ] = 0,
    only: Annotated[
        Path | None, typer.Option(help="Only these: a csv of ids, such as a failed.csv.")
    ] = None,
    parallel: Annotated[int, typer.Option(help="Customers at the same time, 1 to 16.")] = 1,
    until: Annotated[
        str, typer.Option(help="Begin nothing after HH:MM by this computer's clock.")
    ] = "",
    asked_by: Annotated[str, typer.Option(help="undo: who asks for it.")] = "",
    agreed_by: Annotated[str, typer.Option(help="undo: who agrees, another person.")] = "",
    seats: Annotated[int, typer.Option(help="undo: seats that are left; 0 cancels.")] = 0,
    engine: Annotated[str, typer.Option(help="Kernels: warm or stock; the settings'.")] = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Carry out one step of a batch, or of several, as runbooks; dry unless told otherwise.

    Ctrl-C finishes the call in hand, writes the receipt and exits with 1; a second one kills.

    Example: `cspkit run provision --plan plan.json --batch B001 --mode rehearsal`
    """
    from cspkit.kernels import interrupts, warming

    settings = settings_of(config)
    done: list[Receipt] = []
    # Before all else: it imports what a kernel needs while this process imports what it needs.
    warm = (engine or settings.runs.engine) == "warm"
    with interrupts.heard(), warming.warm(warm):
        from cspkit import runbooks
        from cspkit.moves.stopping import BY_HAND

        told = {"asked_by": asked_by, "agreed_by": agreed_by, "seats": seats}
        begin = partial(
            runbooks.run_batches,
            runbook,
            batches=batch or [""],
            plan=plan_file,
            due=due,
            mode=mode,
            canary=canary,
            max_failures=max_failures,
            only=only,
            parallel=parallel,
            until=until,
            said={name: value for name, value in told.items() if value},
            settings=settings,
            engine=engine,
        )
        try:
            _each(begin, done, quiet=as_json)
        finally:
            # Also when a later batch breaks: what was done before it is told.
            if as_json and done:
                _print(done, batch or [""])
    whole = all(receipt.ok and receipt.stopped != BY_HAND for receipt in done)
    raise typer.Exit(DONE if whole else FAILED_MOVES)


def _each(begin: Callable[..., Iterator[Receipt]], done: list[Receipt], *, quiet: bool) -> None:
    """Run batch by batch; say how far each is, and what came of it as soon as it is over."""
    heard: list[Callable[[str], object]] = []
    runs = begin(progress=lambda line: heard and heard[-1](line))
    while True:
        # A line for each: what is said while one is drawn would be taken for a part of it.
        with live_line(quiet=quiet) as said:
            heard[:] = [said] if said else []
            receipt = next(runs, None)
        if receipt is None:
            return
        done.append(receipt)
        if not quiet:
            say(_words(receipt))


def _print(done: list[Receipt], named: list[str]) -> None:
    """Print one value where one batch was named, as ever; what names several gives a list."""
    values = [_value(receipt) for receipt in done]
    print_json(values[0] if named == [done[0].batch] else values)


def _value(receipt: Receipt) -> dict[str, Any]:
    value: dict[str, Any] = {"runbook": receipt.name, "mode": receipt.mode, "batch": receipt.batch}
    value |= {"counts": receipt.counts, "receipt": str(receipt.html)}
    value |= {"notes": receipt.notes, "stopped": receipt.stopped, "diff": receipt.diff}
    value["failed"] = str(receipt.left) if receipt.left else None
    return value


def _words(receipt: Receipt) -> str:
    """Say what came of a run: what a dry one would change, the counts, and where more stands."""
    counts = ", ".join(f"{count} {name}" for name, count in receipt.counts.items()) or "nothing"
    words = [f"{receipt.name} ({receipt.mode}): {counts}", *receipt.notes]
    words += [receipt.stopped] if receipt.stopped else []
    words += [f"failed or skipped: {receipt.left}"] if receipt.left else []
    return "\n".join([*receipt.diff, "; ".join([*words, f"receipt {receipt.html}"])])


@app.command()
def status(
    plan_file: Annotated[
        Path | None, typer.Option("--plan", help="A plan, whose figures are those of its report.")
    ] = None,
    paths: Annotated[
        list[Path] | None, typer.Option("--exports", help="Export files; the workspace's.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Day of the figures; today UTC.")] = None,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Count moves, customer steps and ends of originals by state; say what waits for a person.

    Example: `cspkit status --json`
    """
    from cspkit import planning, reconciling
    from cspkit.moves import guard

    settings = settings_of(config)
    plan = planning.Plan.read(plan_file) if plan_file else None
    with ledger_of(settings) as ledger:
        counts = {
            "moves": _count(ledger.moves(), ["state"]),
            "steps": _count(ledger.steps(), ["step", "state"]),
            "ends": _count(ledger.ends(), ["state"]),
        }
        lines = ledger.lines()
        if len(lines):
            counts["by hand"] = _count(lines, ["step", "state"])
        now = datetime.combine(day(as_of), time(tzinfo=UTC)) if as_of else None
        waits = reconciling.waiting(ledger, now, settings)
        last = reconciling.last_reconciled(ledger)
        figures = _figures(plan, paths, day(as_of), ledger, settings) if plan else {}
        open_runs = ledger.broken_off()
        superseded = guard.superseded(plan, ledger) if plan else ""
    if as_json:
        told = [one.as_json() for one in waits]
        about: dict[str, Any] = {"plan": figures, "superseded": superseded} if plan_file else {}
        about |= {"broken_off": open_runs} if open_runs else {}
        print_json({**counts, "waiting": told, "reconciled": last, **about})
        return
    if superseded:
        say(superseded)
    for standing, row in figures.get("standings", {}).items():
        say(f"{standing.replace('_', ' '):<12}{row['moves']:>9,} moves {row['seats']:>9,} seats")
    for name, states in counts.items():
        found = ", ".join(f"{state}: {number}" for state, number in states.items())
        say(f"{name}: {found or 'none yet'}")
    say(f"reconciled: {last['at'] if last else 'never; `cspkit reconcile` does it, daily'}")
    for said in open_runs:
        say(f"never ended: {said}; is it not at work? run it again")
    say(f"waiting for a person: {len(waits) or 'nothing'}")
    for one in waits:
        say(f"  {one.line}")


@app.command()
def report(
    plan_file: Annotated[Path, typer.Option("--plan", help="The plan file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")],
    paths: Annotated[
        list[Path] | None, typer.Option("--exports", help="Export files; the workspace's.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Day of the report; today UTC.")] = None,
    lang: Annotated[str, typer.Option(help="Language: en, es or it")] = "en",
    pdf: Annotated[bool, typer.Option("--pdf", help="As PDF too; needs Chromium.")] = False,
    share: Annotated[bool, typer.Option("--share", help="Hide names, ids and people.")] = False,
    brand: Annotated[
        Path | None, typer.Option("--brand", help="Name, logo and colour, .toml.")
    ] = None,
    audit: Annotated[
        str | None,
        typer.Option("--audit", metavar="CUSTOMER", help="Pack one customer's evidence instead."),
    ] = None,
    reseller: Annotated[
        str | None,
        typer.Option("--reseller", metavar="ID", help="Only the customers of one reseller."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the status report for managers: index.html and status.xlsx.

    Example: `cspkit report --plan plan.json --lang es --out reports/today`
    """
    from cspkit import planning, reporting
    from cspkit.moves import guard
    from cspkit.reporting import resold

    settings, known_on = settings_of(config), day(as_of)
    if audit is not None:
        packed = _audit(planning.Plan.read(plan_file), audit, out, settings)
        result(as_json, {"audit": str(packed)}, f"evidence packed in {packed}")
        return
    plan, loaded = planning.Plan.read(plan_file), exports_of(paths or [settings.exports], settings)
    about: Any = {"plan": plan, "exports": loaded, "as_of": known_on, "settings": settings}
    with ledger_of(settings) as ledger:
        superseded = guard.superseded(plan, ledger)
        if reseller is None:
            figures = reporting.status(**about, ledger=ledger)
        else:
            figures = resold.status(reseller, **about, ledger=ledger)
            orders = out / "orders"
            resold.orders(reseller, plan=plan, folder=orders, settings=settings, today=known_on)
    hidden_by = settings.root if share else None
    page = reporting.write(figures, out, lang=lang, brand=brand, share_from=hidden_by)
    made = {"report": str(page)}
    if pdf:
        from cspkit.reporting import printing

        made["pdf"] = str(printing.to_pdf(page))
    words = f"report written to {' and '.join(made.values())}"
    made |= {"superseded": superseded} if superseded else {}
    result(as_json, made, "; ".join(filter(None, [words, superseded])))


def _audit(plan: Plan, customer_id: str, out: Path, settings: Settings) -> Path:
    from cspkit.reporting import audit

    named = {one.customer_id: one.name or "" for one in plan.customers}
    wanted, outbox = customer_id.lower(), settings.reports / "outbox"
    with ledger_of(settings) as ledger:
        return audit.pack(ledger, wanted, out, name=named.get(wanted, ""), outbox=outbox)


def _figures(
    plan: Plan,
    paths: list[Path] | None,
    as_of: date,
    ledger: Ledger,
    settings: Settings,
) -> dict[str, dict[str, dict[str, int]]]:
    """Work out the figures of a plan as its report does."""
    from cspkit import reporting

    loaded = exports_of(paths or [settings.exports], settings)
    return reporting.status(
        plan=plan, ledger=ledger, exports=loaded, as_of=as_of, settings=settings
    ).counts()


def _count(frame: pd.DataFrame, by: list[str]) -> dict[str, int]:
    sizes = frame.groupby(by).size()
    return {" ".join(k) if isinstance(k, tuple) else str(k): int(n) for k, n in sizes.items()}
