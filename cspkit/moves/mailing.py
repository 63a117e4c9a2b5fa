"""Mail: a letter of the outbox goes out at most once, and what nobody knows waits for a person."""

from __future__ import annotations

import os
from pathlib import Path

from cspkit import letters
from cspkit.clock import Clock
from cspkit.errors import SettingsError
from cspkit.ledger import Ledger, Letter, Mail
from cspkit.settings import FILE, Settings
from cspkit.tables import Mode

OPEN = ("sending", "unclear")
BACK = ("refused", "bounced")


def sends(settings: Settings, mode: Mode) -> bool:
    """Say whether letters go out by themselves; a rehearsal mails nobody beyond this machine."""
    wanted = settings.letters
    if not wanted.smtp_host or mode is Mode.DRY:
        return False
    return mode is Mode.LIVE or wanted.on_this_machine


def send(
    ledger: Ledger, settings: Settings, letter: Letter, *, outbox: Path, clock: Clock, run_id: str
) -> Mail | None:
    """Send a waiting letter; return how it stands, which may be as before.

    The intent is committed before the server is asked and the outcome after, so a run that is
    killed in between leaves a letter that is never sent again by itself. Raises SettingsError
    where the server cannot be used as the settings say; the letter waits.
    """
    mail = ledger.mail(letter)
    if mail is None or mail.state != "waiting":
        return mail
    file = outbox / letter.file
    message = letters.outgoing(file, settings.letters, address=mail.address, at=clock.now())
    if not ledger.begin_mail(letter, run_id=run_id):
        return ledger.mail(letter)
    password = os.environ.get(letters.PASSWORD, "")
    carried = letters.carry(message, settings.letters, password)
    answer = carried.answer.replace(mail.address, "the address")
    ledger.settle_mail(letter, carried.fate, answer, run_id=run_id)
    if carried.fate is letters.Fate.SENT:
        letters.keep(file, message)
    if carried.field:
        raise SettingsError(settings.root / FILE, f"letters.{carried.field}", answer)
    return ledger.mail(letter)


def standing(letter: Letter, mail: Mail | None) -> str:
    """Say in words how a letter stands, and what a person does about it."""
    named = f"the {letter.letter} letter"
    if mail is None:
        return f"{named} is in the outbox"
    cycle = f" --cycle {letter.cycle}" if letter.cycle != letters.FIRST else ""
    mark = f"`cspkit letters mark {letter.customer_id} {letter.letter}{cycle}"
    why = f": {mail.answer}" if mail.answer else ""
    if mail.state in OPEN:
        known = f"nobody knows whether {named} went out{why}"
        return f"{known}; look at the mail server, then {mark} sent` or {mark} again`"
    if mail.state in BACK:
        said = "was refused" if mail.state == "refused" else "came back"
        return f"{named} {said}{why}; enter another address in decisions.xlsx, or {mark} again`"
    return f"{named} {'was sent' if mail.state == 'sent' else 'waits to be sent'}{why}"
