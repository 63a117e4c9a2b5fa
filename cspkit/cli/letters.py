"""`cspkit letters`: how each letter stands; `send`, `mark` and `bounces`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cspkit.cli.opening import decisions_of, ledger_of, settings_of, user
from cspkit.cli.options import AsJson, Config, Debug, app
from cspkit.cli.safety import By, Why, asked
from cspkit.cli.saying import print_json, result, say
from cspkit.errors import DONE, FAILED_MOVES, LedgerError, SettingsError

if TYPE_CHECKING:
    from cspkit.ledger import Ledger, Letter

letters = typer.Typer(
    help="Say how each letter stands, send what waits, settle what is unclear.",
    invoke_without_command=True,
)
app.add_typer(letters, name="letters")
SAID = {"sent": "sent", "again": "waiting", "bounced": "bounced"}


@letters.callback()
def listed(
    context: typer.Context,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List the letters of the ledger: drafts, what was sent, and what a person must look at.

    Example: `cspkit letters --json`
    """
    if context.invoked_subcommand is not None:
        return
    from cspkit.moves import mailing

    with ledger_of(settings_of(config)) as ledger:
        rows = [
            {
                "customer_id": letter.customer_id,
                "letter": letter.letter,
                "cycle": letter.cycle,
                "state": mail.state if mail else "draft",
                "file": letter.file,
                "standing": mailing.standing(letter, mail),
            }
            for letter, mail in ledger.correspondence()
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        say(f"{row['state']:<9} {row['customer_id']} {row['standing']}")
    say(f"{len(rows)} letters")


@letters.command()
def send(
    mode: Annotated[str, typer.Option(help="dry, rehearsal or live")] = "dry",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Send the letters that wait, each once; dry unless told otherwise.

    Example: `cspkit letters send --mode live`
    """
    from cspkit.moves import guard, mailing, opening
    from cspkit.tables import Mode

    settings, chosen = settings_of(config), opening.read_mode(mode)
    guard.check_mode(chosen, settings)
    if chosen is not Mode.DRY and not mailing.sends(settings, chosen):
        problem = "names no server that this mode may use, so letters stay drafts in the outbox"
        raise SettingsError(settings.root / "cspkit.toml", "letters.smtp_host", problem)
    outbox = settings.reports / "outbox"
    decided = decisions_of(settings).customer_table.to_pylist()
    held = {row["customer_id"] for row in decided if row["hold"]}
    with ledger_of(settings) as ledger:
        ledger.check_binding(settings.service.id)
        rows = []
        for letter in mailing.waiting(ledger):
            why_not = "on hold in the decisions" if letter.customer_id in held else ""
            try:
                if chosen is not Mode.DRY and not why_not:
                    about: Any = {"outbox": outbox, "clock": ledger.clock, "run_id": ""}
                    mailing.send(ledger, settings, letter, **about)
            except SettingsError as error:
                # what is wrong with the server is so for every letter
                if error.field.startswith("letters."):
                    raise
                why_not = str(error)
            mail = ledger.mail(letter)
            state = mail.state if mail else "draft"
            rows.append({"file": letter.file, "state": state})
            if not as_json:
                said = "; ".join(filter(None, (mailing.standing(letter, mail), why_not)))
                say(f"{state:<9} {letter.customer_id} {said}")
    sent = sum(row["state"] == "sent" for row in rows)
    result(as_json, {"sent": sent, "letters": rows}, f"{sent} of {len(rows)} letters sent")
    late = chosen is not Mode.DRY and sent < len(rows)
    raise typer.Exit(FAILED_MOVES if late else DONE)


@letters.command()
def mark(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Tenant id.")],
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="Such as invitation.")],
    outcome: Annotated[str, typer.Argument(metavar="OUTCOME", help="sent, again or bounced")],
    cycle: Annotated[str, typer.Option(help="Which one, where there are several.")] = "1",
    by: By = "",
    reason: Why = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say what became of a letter by mail: it was sent, is to go out again, or came back.

    Example: `cspkit letters mark 11111111-0000-4000-8000-000000000001 invitation again
    --by "Ana Ruiz" --reason "not in the server's log"`
    """
    from cspkit.moves import mailing

    if outcome not in SAID:
        problem = f"expected {', '.join(SAID)}, found {outcome!r}"
        raise SettingsError("command line", "OUTCOME", problem)
    with ledger_of(settings_of(config)) as ledger:
        found = _letter(ledger, customer.strip().lower(), letter, cycle)
        by, reason = asked(by, reason)
        mail = ledger.decide_mail(found, SAID[outcome], by=by, reason=reason)
        words = mailing.standing(found, mail)
    if mail.state == "waiting":
        words += "; `cspkit letters send`, or the next run of its step, sends it"
    result(as_json, {"file": found.file, "state": mail.state, "by": by}, words)


@letters.command()
def bounces(
    paths: Annotated[list[Path], typer.Argument(help="Saved mails (.eml), or folders of them.")],
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read mails that came back, and note which letters did not arrive.

    Example: `cspkit letters bounces returned/`
    """
    from cspkit.moves import mailing

    rows = []
    with ledger_of(settings_of(config)) as ledger:
        for file in _mails(paths):
            letter, words = mailing.came_back(ledger, file, by=user())
            named = letter.file if letter else ""
            rows.append({"mail": str(file), "letter": named, "noted": words})
            if not as_json:
                say(f"{file}: {words}")
    if as_json:
        print_json(rows)


def _mails(paths: list[Path]) -> list[Path]:
    """List the mails named, and those of the folders named."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*.eml")) if path.is_dir() else [path]
        if not inside:
            raise SettingsError(path, "folder", "expected saved mails (.eml), found none")
        found += inside
    return found


def _letter(ledger: Ledger, customer: str, letter: str, cycle: str) -> Letter:
    found = ledger.letter(customer, letter, cycle)
    if found is None:
        known = [one for one in _others(ledger, customer)]
        others = f"; it has {', '.join(known)}" if known else ""
        what = f"the ledger has no letter {letter!r} (cycle {cycle!r}) to {customer!r}{others}"
        raise LedgerError(what)
    return found


def _others(ledger: Ledger, customer: str) -> list[str]:
    rows = ledger.letters()
    mine = rows[rows["customer_id"] == customer]
    return [f"{row.letter} (cycle {row.cycle!r})" for row in mine.itertuples()][:5]
