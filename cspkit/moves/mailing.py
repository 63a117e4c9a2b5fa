"""Mail: a letter of the outbox goes out at most once, and what nobody knows waits for a person."""

from __future__ import annotations

import os
import re
import shlex
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


def waiting(ledger: Ledger) -> list[Letter]:
    """List the letters that wait to be sent, in the order in which they were asked for."""
    return [
        letter
        for letter, mail in ledger.correspondence()
        if mail is not None and mail.state == "waiting"
    ]


def came_back(ledger: Ledger, file: Path, *, by: str) -> tuple[Letter | None, str]:
    """Note a mail that came back; give the letter, if it is one of ours, and what was done."""
    found = letters.bounce(file)
    if found is None:
        return None, "no report of a mail that failed for good"
    mails = ledger.mails()
    mine = mails[(mails["message_id"] == found.message_id) & (mails["state"] != "waiting")]
    if mine.empty:
        return None, "about no letter of this ledger"
    row = mine.iloc[0]
    letter = ledger.letter(row["customer_id"], row["letter"], row["cycle"])
    assert letter is not None
    if found.address and found.address != str(row["address"]).lower():
        return letter, "about an address that it does not go to any more"
    if row["state"] in BACK:
        return letter, "known already"
    reason = re.sub(re.escape(row["address"]), "the address", found.reason, flags=re.IGNORECASE)
    mail = ledger.decide_mail(letter, "bounced", by=by, reason=reason)
    return letter, standing(letter, mail)


def standing(letter: Letter, mail: Mail | None) -> str:
    """Say in words how a letter stands, and what a person does about it."""
    named = f"the {letter.letter} letter"
    if mail is None:
        return f"{named} is in the outbox"
    cycle = f" --cycle {shlex.quote(letter.cycle)}" if letter.cycle != letters.FIRST else ""
    mark = f"`cspkit letters mark {letter.customer_id} {letter.letter}{cycle}"
    why = f": {mail.answer}" if mail.answer else ""
    if mail.state in OPEN:
        known = f"nobody knows whether {named} went out{why}"
        return f"{known}; look at the mail server, then {mark} sent` or {mark} again`"
    if mail.state in BACK:
        said = "was refused" if mail.state == "refused" else "came back"
        return f"{named} {said}{why}; enter another address in decisions.xlsx, or {mark} again`"
    return f"{named} {'was sent' if mail.state == 'sent' else 'waits to be sent'}{why}"
