"""`cspkit hold`, `release`, `adopt`, `confirm-absent` and `doctor`."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cspkit.cli.opening import ledger_of, settings_of
from cspkit.cli.options import AsJson, Config, Debug, app
from cspkit.cli.saying import print_json, result, say
from cspkit.errors import DONE, REFUSED, LedgerError, SettingsError

_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Customer = Annotated[
    str | None, typer.Argument(metavar="CUSTOMER", help="Tenant id of the customer.")
]
Everyone = Annotated[bool, typer.Option("--all", help="Everyone, not one customer.")]
By = Annotated[str, typer.Option("--by", help="Who decides this; asked for.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept, and asked for.")]
MoveId = Annotated[str, typer.Argument(metavar="MOVE", help="The move that waits, mv-…")]


@app.command()
def hold(
    customer: Customer = None,
    everyone: Everyone = False,
    by: By = "",
    reason: Why = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Stop every operator before the next outside call for a customer, or for everyone.

    Example: `cspkit hold 11111111-0000-4000-8000-000000000001 --reason "dispute" --by "Ana Ruiz"`
    """
    whom = _whom(customer, everyone)
    by, reason = asked(by, reason)
    with ledger_of(settings_of(config)) as ledger:
        ledger.hold(whom, reason=reason, by=by)
        held = next(one for one in ledger.holds() if one.customer_id == whom)
    value = {"held": whom, "by": held.by, "reason": held.reason, "since": held.held_at.isoformat()}
    since = f"since {held.held_at:%Y-%m-%d %H:%M} UTC by {held.by}: {held.reason}"
    result(as_json, value, f"{_named(whom)} is on hold {since}")


@app.command()
def release(
    customer: Customer = None,
    everyone: Everyone = False,
    by: By = "",
    reason: Why = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """End the hold on a customer, or the one on everyone.

    Example: `cspkit release --all --reason "stock-taking done" --by "Ana Ruiz"`
    """
    whom = _whom(customer, everyone)
    by, reason = asked(by, reason)
    with ledger_of(settings_of(config)) as ledger:
        ended = ledger.release(whom, by=by, reason=reason)
        others = [one for one in ledger.holds() if one.customer_id == "*"] if not everyone else []
    words = f"{_named(whom)} was not on hold" if not ended else f"{_named(whom)} is released"
    if others:
        words += f"; everyone is still on hold by {others[0].by}: {others[0].reason}"
    result(as_json, {"released": whom, "was_held": ended, "all_held": bool(others)}, words)


@app.command()
def adopt(
    move: MoveId,
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order of this move.")],
    by: By = "",
    reason: Why = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Settle a move that waits for a person: this order, seen at the service, is its own.

    Example: `cspkit adopt mv-6022af6bfb54d2cd 8b2c… --by "Ana Ruiz" --reason "seen in the portal"`
    """
    by = _settled(config, move, by, reason, order.strip())
    words = f"{move} has the order {order}; `cspkit run verify` goes on with it"
    result(as_json, {"move": move, "state": "ordered", "order": order, "by": by}, words)


@app.command("confirm-absent")
def confirm_absent(
    move: MoveId,
    by: By = "",
    reason: Why = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Settle a move that waits for a person: nothing was ordered, so it is planned again.

    Example: `cspkit confirm-absent mv-6022af6bfb54d2cd --by "Ana Ruiz" --reason "audit: no order"`
    """
    by = _settled(config, move, by, reason, None)
    words = f"{move} is planned again; `cspkit run provision` orders it"
    result(as_json, {"move": move, "state": "planned", "by": by}, words)


@app.command()
def doctor(
    trust: Annotated[
        bool, typer.Option("--trust-ledger", help="Say that a moved or restored ledger is right.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update-ledger", help="Bring an older ledger up to this version.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Who trusts the ledger.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    kernel: Annotated[bool, typer.Option(help="Start a real kernel, too.")] = True,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Look at versions, kernel, ledger, sign-in, roles and clock, and say what to do.

    Example: `cspkit doctor`; exit 3 when a run must not start
    """
    from cspkit import doctor as looking

    settings = settings_of(config)
    if update:
        from cspkit.ledger import Ledger

        Ledger(settings.ledger_url, update=True).close()
    if trust:
        by, reason = asked(by, reason)
        with ledger_of(settings) as ledger:
            ledger.trust(by=by, reason=reason)
    findings = looking.check(settings, kernel=kernel)
    if as_json:
        print_json([asdict(one) for one in findings])
    for one in [] if as_json else findings:
        say(f"{one.result:<8} {one.what}: {one.found}" + (f" -> {one.advice}" * bool(one.advice)))
    failed = any(one.result == looking.FAILED for one in findings)
    raise typer.Exit(REFUSED if failed else DONE)


def _whom(customer: str | None, everyone: bool) -> str:
    """Read whom a hold is about; a mistyped id would hold nobody and look as if it did."""
    if everyone == (customer is not None):
        raise SettingsError("command line", "CUSTOMER", "expected a tenant id or --all, not both")
    whom = "*" if customer is None else customer.strip().lower()
    if not everyone and not _TENANT.fullmatch(whom):
        problem = f"expected a tenant id of 32 hexadecimal digits with dashes, found {customer!r}"
        raise SettingsError("command line", "CUSTOMER", problem)
    return whom


def asked(by: str, reason: str) -> tuple[str, str]:
    """Ask whoever sits there for what was left out; a script is told what to give."""
    given = []
    for option, value, question in (("--by", by, "Your name"), ("--reason", reason, "The reason")):
        if not value.strip() and sys.stdin.isatty():
            value = typer.prompt(question)
        if not value.strip():
            raise SettingsError("command line", option, "expected words, found none")
        given.append(value.strip())
    return given[0], given[1]


def _named(whom: str) -> str:
    return "everyone" if whom == "*" else whom


def _settled(config: Path | None, move: str, by: str, reason: str, order: str | None) -> str:
    """Settle a move; return who did."""
    if order == "":
        raise SettingsError("command line", "ORDER", "expected an order id, found none")
    with ledger_of(settings_of(config)) as ledger:
        row = ledger.move(move)
        if row is None:
            raise SettingsError("command line", "MOVE", f"the ledger has no move {move!r}")
        by, reason = asked(by, reason)
        if not ledger.settle_by_hand(move, by=by, reason=reason, order_id=order):
            raise LedgerError(f"{move} is {row.state.value}, it does not wait for a person")
    return by
