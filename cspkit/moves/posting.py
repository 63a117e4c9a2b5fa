"""Post: a letter to a customer, written once per cycle into the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cspkit import letters
from cspkit.ledger import Letter
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Subject


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
    known: dict[str, letters.Field] = {
        "company": said.get("name") or one.name,
        "domain": one.customer.domain or one.customer_id,
        "contact": said.get("contact_name") or "",
        "signature": said.get("owner") or "",
        "invoicer": settings.invoicer,
        "support": settings.support,
    }
    folder = desk.settings.path(settings.own) if settings.own else None
    text = letters.write(kind, language, {**known, **fields}, channel=channel, own=folder)
    return Composed(text, said.get("contact_name") or "", said.get("contact_email") or "")


def post(
    desk: Desk,
    one: Subject,
    kind: str,
    fields: Mapping[str, letters.Field],
    cycle: str = "",
    *,
    channel: str = "",
) -> Letter:
    """Put a letter to a customer into the outbox, once per (customer, kind, cycle).

    A file that is missing is written again. What a letter is about goes into the cycle, such as
    an original and its end, wherever a customer may get the same kind of letter for another.
    """
    made = compose(desk, one, kind, fields, channel=channel)
    file = letters.file_name(one.customer_id, kind, cycle)
    letter = desk.ledger.claim_letter(
        one.customer_id,
        kind,
        language=made.text.language,
        file=file,
        run_id=desk.run_id,
        cycle=cycle or letters.FIRST,
    )
    if letter.written_at is None:
        letters.put(
            desk.outbox,
            made.text,
            customer_id=one.customer_id,
            contact=made.contact,
            address=made.address,
            at=letter.claimed_at,
            cycle=cycle,
        )
        desk.ledger.letter_written(letter, run_id=desk.run_id)
    return letter
