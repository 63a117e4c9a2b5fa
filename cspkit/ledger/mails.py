"""Mails: each letter that is sent by us, at most once; the database knows its one state."""

from __future__ import annotations

from typing import Any

import pandas as pd
import sqlalchemy as sa

from cspkit.errors import LedgerError
from cspkit.ledger import chain, frames, states
from cspkit.ledger.people import People
from cspkit.ledger.records import Letter, Mail
from cspkit.ledger.schema import letters, mails
from cspkit.names import person

WAITING, SENDING, SENT = "waiting", "sending", "sent"
REFUSED, BOUNCED, UNCLEAR = "refused", "bounced", "unclear"


class Mails(People):
    """Record which letters go out by mail, and what became of each."""

    def letter(self, customer_id: str, letter: str, cycle: str) -> Letter | None:
        """Return a letter that was reserved."""
        return self._one(Letter, sa.select(letters).where(_of(letters, customer_id, letter, cycle)))

    def mail(self, letter: Letter) -> Mail | None:
        """Return what became of a letter by mail; None for one that is only a draft."""
        return self._one(Mail, sa.select(mails).where(_mine(letter)))

    def correspondence(self) -> list[tuple[Letter, Mail | None]]:
        """List every letter, the oldest first, with what became of it by mail."""
        asked = [letters.c.claimed_at, *letters.primary_key.columns]
        with self._read() as connection:
            rows = connection.execute(sa.select(letters).order_by(*asked)).mappings()
            found = [Letter.of(row) for row in rows]
            return [(letter, _read(connection, letter)) for letter in found]

    def mails(self) -> pd.DataFrame:
        """Give one row per letter that goes by mail: columns of the table."""
        with self._read() as connection:
            return frames.table(connection, mails)

    def queue_mail(
        self, letter: Letter, *, address: str, message_id: str, run_id: str = ""
    ) -> Mail:
        """Let a letter wait to be sent to an address; one that goes out or went out stays so."""
        at = self.clock.now()
        to = {"address": address, "message_id": message_id}
        with self._write() as connection:
            found = _read(connection, letter)
            if found is None:
                key = {"customer_id": letter.customer_id, "letter": letter.letter}
                new = {**key, "cycle": letter.cycle, "state": WAITING, "updated_at": at}
                connection.execute(sa.insert(mails).values(**new, **to))
            elif found.state in (SENDING, SENT, UNCLEAR) or found.waits_for(address):
                return found
            else:
                _set(connection, letter, found.state, at, state=WAITING, answer="", **to)
            _tell(connection, letter, at, found.state if found else "", WAITING, run_id, {})
            return _there(connection, letter)

    def begin_mail(self, letter: Letter, *, run_id: str = "") -> bool:
        """Note that a waiting letter goes out now; False when it does not wait, or is on hold."""
        at = self.clock.now()
        with self._write() as connection:
            if states.held(connection, letter.customer_id):
                return False
            began = _set(connection, letter, WAITING, at, state=SENDING, sending_at=at)
            if began:
                _tell(connection, letter, at, WAITING, SENDING, run_id, {})
            return began

    def settle_mail(self, letter: Letter, after: str, answer: str, *, run_id: str = "") -> None:
        """Note what became of a letter that went out."""
        at = self.clock.now()
        with self._write() as connection:
            if not _set(connection, letter, SENDING, at, state=after, answer=answer):
                raise LedgerError(f"letter {letter.file} is not being sent; look at it again")
            _tell(connection, letter, at, SENDING, after, run_id, {"answer": answer})

    def decide_mail(self, letter: Letter, after: str, *, by: str, reason: str) -> Mail:
        """Let a person say what became of a letter: sent, waiting (send it again) or bounced.

        Raises LedgerError for a letter of which that cannot be said, and without a name.
        """
        if not person(by) or not reason.strip():
            raise LedgerError("who says so, and why, is kept: both are needed")
        at = self.clock.now()
        with self._write() as connection:
            found = _read(connection, letter)
            before = found.state if found else ""
            if found is None or after not in _BY_HAND.get(before, ()):
                said = before or "a draft that was never sent by cspkit"
                raise LedgerError(f"letter {letter.file} is {said}; it cannot become {after}")
            _set(connection, letter, before, at, state=after, answer=reason.strip())
            said_by = {"by": by.strip(), "reason": reason.strip()}
            _tell(connection, letter, at, before, after, "", said_by)
            return _there(connection, letter)


_BY_HAND = {
    WAITING: (SENT, BOUNCED),
    SENDING: (SENT, WAITING, BOUNCED),
    UNCLEAR: (SENT, WAITING, BOUNCED),
    SENT: (BOUNCED,),
    REFUSED: (SENT, WAITING),
    BOUNCED: (SENT, WAITING),
}


def _of(table: sa.Table, customer_id: str, letter: str, cycle: str) -> sa.ColumnElement[bool]:
    mine = (table.c.customer_id == customer_id) & (table.c.letter == letter)
    return mine & (table.c.cycle == cycle)


def _mine(letter: Letter) -> sa.ColumnElement[bool]:
    return _of(mails, letter.customer_id, letter.letter, letter.cycle)


def _read(connection: sa.Connection, letter: Letter) -> Mail | None:
    found = connection.execute(sa.select(mails).where(_mine(letter))).mappings().one_or_none()
    return None if found is None else Mail.of(found)


def _there(connection: sa.Connection, letter: Letter) -> Mail:
    found = _read(connection, letter)
    assert found is not None
    return found


def _set(connection: sa.Connection, letter: Letter, before: str, at: Any, **values: Any) -> bool:
    """Change a mail that is still in one state."""
    mine = sa.update(mails).where(_mine(letter), mails.c.state == before)
    return connection.execute(mine.values(updated_at=at, **values)).rowcount == 1


def _tell(
    connection: sa.Connection,
    letter: Letter,
    at: Any,
    before: str,
    after: str,
    run_id: str,
    detail: dict[str, Any],
) -> None:
    """Write into the log; an address is in the mail's own row only, where it can be erased."""
    about: dict[str, Any] = {"at": at, "run_id": run_id, "customer_id": letter.customer_id}
    about |= {"before": before, "after": after, "detail": {"file": letter.file, **detail}}
    chain.append(connection, "mail", letter.letter, **about)
