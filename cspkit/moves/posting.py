"""Post: a letter to a customer, written once per cycle, and sent where a server is set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cspkit import catalogue, letters
from cspkit.errors import SettingsError
from cspkit.ledger import Letter, Mail
from cspkit.moves import mailing
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Outcome, Subject
from cspkit.planning import PlannedMove

PARTNERS = ("partner", "partner-end")


class NotPosted(Exception):
    """A letter did not go out: it waits, or a person must look."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        self.outcome = outcome
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Composed:
    """A letter and whom it goes to; the address may be missing."""

    text: letters.Text
    contact: str
    address: str


def compose(
    desk: Desk,
    one: Subject,
    kind: str,
    fields: Mapping[str, letters.Field],
    *,
    channel: str = "",
) -> Composed:
    """Fill a letter from plan, settings and decisions.

    `channel` decides the steps of a letter that says where to click. Raises SettingsError that
    names the field that is missing.
    """
    said = desk.said.get(one.customer_id, {})
    own = said.get("language") or one.customer.language
    language = letters.language_for(own, one.customer.market)
    settings = desk.settings.letters
    contact, address = (said.get(name) or "" for name in _WHOM.get(kind, _CONTACT))
    known: dict[str, letters.Field] = {
        "company": said.get("name") or one.name,
        "domain": one.customer.domain or one.customer_id,
        "contact": contact,
        "signature": said.get("owner") or settings.sender_name,
        "invoicer": settings.invoicer,
        "support": settings.support,
    }
    folder = desk.settings.path(settings.own) if settings.own else None
    text = letters.write(kind, language, {**known, **fields}, channel=channel, own=folder)
    return Composed(text, contact, address)


_CONTACT = ("contact_name", "contact_email")
_WHOM = dict.fromkeys(PARTNERS, ("partner_contact", "partner_email"))


def post(
    desk: Desk,
    one: Subject,
    kind: str,
    fields: Mapping[str, letters.Field],
    cycle: str = "",
    *,
    channel: str = "",
) -> Letter:
    """Put a letter into the outbox, and send it where a server is set, once per cycle.

    What a letter is about goes into the cycle, such as an original and its end, wherever a
    customer may get the same kind of letter for another. A letter that came back is sent to
    another address once the decisions name one. Raises NotPosted where it did not go out, and
    SettingsError that names the field it lacks.
    """
    made = compose(desk, one, kind, fields, channel=channel)
    letter = desk.ledger.claim_letter(
        one.customer_id,
        kind,
        language=made.text.language,
        file=letters.file_name(one.customer_id, kind, cycle),
        run_id=desk.run_id,
        cycle=cycle or letters.FIRST,
    )
    mail = desk.ledger.mail(letter)
    if not mailing.sends(desk.settings, desk.mode):
        if letter.written_at is None:
            _draft(desk, letter, made)
            _written(desk, letter)
        return letter
    lost = mail is not None and not (desk.outbox / letter.file).exists()
    if letter.written_at is None or lost or _readdressed(mail, made):
        mail = _queue(desk, letter, made)
    if mail is None:
        return letter
    return _sent(desk, letter)


def tell(
    desk: Desk,
    one: Subject,
    kind: str,
    fields: Mapping[str, letters.Field],
    cycle: str = "",
    *,
    channel: str = "",
) -> str:
    """Post a letter that nothing waits for; say what kept it back, empty when nothing did."""
    try:
        post(desk, one, kind, fields, cycle, channel=channel)
    except NotPosted as stop:
        return stop.reason
    except SettingsError as error:
        return f"no {kind} letter: {error}"
    return ""


def licences(moves: Iterable[PlannedMove]) -> list[letters.Licences]:
    """Say which licences letters about moves speak of: seats, product and end of the originals."""
    return [
        letters.Licences(
            move.original_seats or move.seats,
            str((catalogue.find(move.sku_id) or {}).get("name") or ""),
            move.expires_on,
        )
        for move in moves
    ]


def _draft(desk: Desk, letter: Letter, made: Composed) -> None:
    letters.put(
        desk.outbox,
        made.text,
        customer_id=letter.customer_id,
        contact=made.contact,
        address=made.address,
        at=letter.claimed_at,
        cycle=letter.cycle,
    )


def _written(desk: Desk, letter: Letter) -> None:
    if letter.written_at is None:
        desk.ledger.letter_written(letter, run_id=desk.run_id)


def _readdressed(mail: Mail | None, made: Composed) -> bool:
    """Say whether a letter waits for, or came back from, another address than people now name."""
    there = mail is not None and mail.state in ("waiting", *mailing.BACK)
    return there and made.address not in ("", mail.address if mail else "")


def _queue(desk: Desk, letter: Letter, made: Composed) -> Mail:
    """Write the draft and let it wait to be sent, and only then count it as written.

    A letter that was written without a server stays a draft: somebody may have sent it by hand.
    """
    _draft(desk, letter, made)
    if not made.address:
        reason = f"the {letter.letter} letter is in the outbox without an address"
        raise NotPosted(Outcome.WAITING, f"{reason}; enter it in decisions.xlsx and run this again")
    domain = desk.settings.letters.sender_address.partition("@")[2]
    name = letters.message_id(letter.file, domain)
    to = {"address": made.address, "message_id": name}
    mail = desk.ledger.queue_mail(letter, **to, run_id=desk.run_id)
    _written(desk, letter)
    return mail


def _sent(desk: Desk, letter: Letter) -> Letter:
    try:
        mail = mailing.send(
            desk.ledger,
            desk.settings,
            letter,
            outbox=desk.outbox,
            clock=desk.clock,
            run_id=desk.run_id,
        )
    except SettingsError as error:
        raise NotPosted(Outcome.FAILED, str(error)) from error
    if mail is not None and mail.state != "sent":
        outcome = Outcome.WAITING if mail.state == "waiting" else Outcome.HUMAN
        raise NotPosted(outcome, mailing.standing(letter, mail))
    return letter
