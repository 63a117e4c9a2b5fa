"""Work by hand: lines issued to a provider instead of calls, and the results that came back.

A line is a fact of the log: an event `issued` holds every value of it, an event `returned` what
came of it, by whom, and from which row of which file. Beside each stands a call, open until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from cspkit.errors import LedgerError
from cspkit.ledger import chain, ends, lines, outside, states
from cspkit.ledger.ends import Ends
from cspkit.ledger.lines import BY_HAND, DONE, ISSUED, LINES, OPEN, RETURNED, Line
from cspkit.ledger.outside import Intent
from cspkit.ledger.records import Lease, MoveRow, digest
from cspkit.ledger.schema import binding
from cspkit.tables import EndState, MoveState, StepState


@dataclass(frozen=True)
class MoveChange:
    """A move that goes from one state to another."""

    move_id: str
    before: MoveState
    after: MoveState
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EndChange:
    """An original whose end is to be at least so far, by the shortest way there."""

    customer_id: str
    original: str
    after: EndState
    expires_on: date | None = None


@dataclass(frozen=True)
class StepChange:
    """A customer step that is done."""

    customer_id: str
    step: str


Change = MoveChange | EndChange | StepChange


@dataclass(frozen=True)
class Returned:
    """One row of a results file: the line it answers, what it says, and what follows from it."""

    line: Line
    state: str
    answer: dict[str, Any]
    reason: str
    changes: tuple[Change, ...] = ()


class Hand(Ends):
    """Issue lines once, and take their results back whole."""

    def issue(
        self,
        facts: Mapping[str, str],
        *,
        step: str,
        subject: str,
        customer_id: str,
        run_id: str,
        lease: Lease,
        move: MoveRow | None = None,
    ) -> Line | None:
        """Commit that somebody is told to do a step; the same open line again where there is one.

        A `move` that is planned or in a cart is sent by it, in the same transaction. None, and
        nothing written, when another worker was first or a hold is on.
        """
        at = self.clock.now()
        with self._write() as connection:
            if not self._keep(connection, lease) or states.held(connection, lease.subject):
                return None
            earlier = lines.read(connection, subject=subject, step=step)
            made = next((one for one in earlier if one.state == OPEN), None)
            new = made is None
            if made is None:
                name = _name(connection, subject, step, len(earlier) + 1)
                made = Line(name, step, subject, customer_id, dict(facts), at)
            if move is not None and not _send(connection, move, made, at=at, run_id=run_id):
                return None
            if new:
                _write_line(connection, made, at=at, run_id=run_id)
            return made

    def line_of(self, subject: str, step: str) -> Line | None:
        """Return the newest line of a step of a move or customer."""
        with self._read() as connection:
            return next(reversed(lines.read(connection, subject=subject, step=step)), None)

    def line_rows(self) -> list[Line]:
        """List every line, in the order in which they were issued."""
        with self._read() as connection:
            return lines.read(connection)

    def lines(self) -> pd.DataFrame:
        """Give one row per line issued by hand, with the columns of `by_hand.LINES`.

        `state` is open, done or refused; `done_by` did it, `taken_by` brought the results, which
        stood in `row` of `file`.
        """
        rows = []
        for one in self.line_rows():
            told = {name: str(one.answer.get(name, "")) for name in LINES[-5:]}
            about = {"line": one.line, "step": one.step, "subject": one.subject}
            about |= {"customer_id": one.customer_id, "provider": one.provider}
            issued = {"state": one.state, "issued_at": one.issued_at}
            rows.append({**about, **issued, **told})
        return pd.DataFrame(rows, columns=list(LINES))

    def take(self, rows: Iterable[Returned], *, run_id: str, leases: Iterable[Lease]) -> None:
        """Write what came of lines, all in one transaction or nothing at all.

        Raises LedgerError, and nothing is written, when something changed since it was read or
        the database refuses a step, such as an end before its replacement is verified.
        """
        at = self.clock.now()
        with self._write() as connection:
            for lease in leases:
                if not self._keep(connection, lease):
                    raise LedgerError(f"{lease.subject}: another worker has it by now: run again")
            for one in rows:
                _take(connection, one, at=at, run_id=run_id)


def _name(connection: sa.Connection, subject: str, step: str, number: int) -> str:
    """Name a line by what it is about: a ledger restored from a copy gives the same name again."""
    service = connection.execute(sa.select(binding.c.service)).scalar_one()
    return f"L-{digest(str(service), subject, step, str(number))[:10]}"


def _send(
    connection: sa.Connection, move: MoveRow, line: Line, *, at: datetime, run_id: str
) -> bool:
    """Lead an unsent move to sent; a move that is sent by this line already stays."""
    about: dict[str, Any] = {"at": at, "run_id": run_id, "reason": f"issued {line.line}"}
    if move.state is MoveState.SENT:
        return move.cart_id == line.cart
    if move.state is MoveState.CART:
        planned = (move.move_id, MoveState.CART, MoveState.PLANNED)
        if not states.advance(connection, *planned, columns={"cart_id": None}, **about):
            return False
    cart = {"cart_id": line.cart, "cart_made_at": at, "cart_expires_at": None}
    to_cart = (move.move_id, MoveState.PLANNED, MoveState.CART)
    to_sent = (move.move_id, MoveState.CART, MoveState.SENT)
    return states.advance(connection, *to_cart, columns=cart, **about) and states.advance(
        connection, *to_sent, columns={"sent_at": at}, **about
    )


def _write_line(connection: sa.Connection, line: Line, *, at: datetime, run_id: str) -> None:
    intent = Intent(line.subject, line.customer_id, line.verb, BY_HAND, line.facts)
    outside.intend(connection, intent, run_id=run_id, at=at)
    chain.append(
        connection,
        ISSUED,
        line.subject,
        at=at,
        run_id=run_id,
        customer_id=line.customer_id,
        after=line.step,
        request_id=line.line,
        detail=dict(line.facts),
    )


def _take(connection: sa.Connection, one: Returned, *, at: datetime, run_id: str) -> None:
    line = one.line
    now = next(
        each for each in lines.read(connection, subject=line.subject) if each.line == line.line
    )
    if now.state != OPEN:
        raise LedgerError(f"{line.line}: its result was taken by another worker: run again")
    proof = {BY_HAND: {"line": line.line, **one.answer}}
    for change in one.changes:
        if not _change(connection, change, one.reason, proof, at=at, run_id=run_id):
            raise LedgerError(f"{line.line}: {line.subject} changed while it was read: run again")
    call = next(reversed(outside.calls(connection, line.subject, line.verb)), None)
    if call is not None:
        outcome = "done" if one.state == DONE else "refused"
        outside.settle(connection, call, outcome, None, None, one.reason, at)
    chain.append(
        connection,
        RETURNED,
        line.subject,
        at=at,
        run_id=run_id,
        customer_id=line.customer_id,
        before=line.step,
        after=one.state,
        request_id=line.line,
        detail=one.answer,
    )


def _change(
    connection: sa.Connection,
    change: Change,
    reason: str,
    proof: dict[str, Any],
    *,
    at: datetime,
    run_id: str,
) -> bool:
    about: dict[str, Any] = {"at": at, "run_id": run_id, "reason": reason}
    if isinstance(change, MoveChange):
        way = (change.move_id, change.before, change.after)
        columns = dict(change.columns)
        return states.advance(connection, *way, evidence=proof, columns=columns, **about)
    if isinstance(change, StepChange):
        row = states.step(connection, change.customer_id, change.step)
        if row.state is StepState.DONE:
            return True
        return states.advance_step(connection, row, StepState.DONE, evidence=proof, **about)
    return _lead_end(connection, change, proof, about)


def _lead_end(
    connection: sa.Connection, change: EndChange, proof: dict[str, Any], about: dict[str, Any]
) -> bool:
    """Bring an end as far as it was brought by hand; one that is further stays."""
    key = (change.customer_id, change.original)
    times = {"at": about["at"], "run_id": about["run_id"]}
    ends.track(connection, *key, expires_on=change.expires_on, **times)
    order = [EndState.SAFE, EndState.SCHEDULED, EndState.ENDED]
    row = ends.read(connection, *key)
    if row.state in order and order.index(row.state) >= order.index(change.after):
        return True
    steps = [change.after]
    if change.after is EndState.SCHEDULED and row.state is not EndState.SAFE:
        steps = [EndState.SAFE, EndState.SCHEDULED]
    for after in steps:
        row = ends.read(connection, *key)
        columns = {"way": BY_HAND} if after is EndState.SAFE else {}
        if not ends.advance(connection, row, after, evidence=proof, columns=columns, **about):
            return False
    return True
