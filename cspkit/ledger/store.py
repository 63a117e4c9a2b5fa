"""The ledger: every intent and every outcome, written before and after each outside call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from cspkit.errors import LedgerError
from cspkit.ledger import chain, frames, leases, outside, schema, states
from cspkit.ledger.by_hand import Hand
from cspkit.ledger.mails import Mails
from cspkit.ledger.opened import RuleBroken
from cspkit.ledger.outside import Intent
from cspkit.ledger.records import Call, Claim, Lease, Letter, MoveRow, StepRow
from cspkit.tables import MoveState, StepState


class Ledger(Hand, Mails):
    """The database that remembers what was done; opening it creates what is missing.

    `clock` dates what happens in the programme (a rehearsal has its own); `wall` times the
    leases, and is the server's own clock on PostgreSQL unless given. A method that changes a
    state returns False, or None, and writes nothing when another worker was first or a hold is
    on.
    """

    def lease(self, customer_id: str, holder: str) -> Lease:
        """Take the lease of a customer; the result names whoever has it, perhaps another."""
        with self._write() as connection:
            now = leases.now(connection, self._wall)
            return leases.acquire(connection, customer_id, holder, now)

    def fence(self, customer_id: str, holder: str) -> int | None:
        """Tell how often the lease of a customer was taken; None while another has it."""
        with self._read() as connection:
            return leases.fence(connection, customer_id, holder)

    def release_lease(self, lease: Lease) -> None:
        """Give a lease back."""
        with self._write() as connection:
            leases.release(connection, lease, leases.now(connection, self._wall))

    def claim(self, wanted: Claim, *, run_id: str, lease: Lease) -> MoveRow | None:
        """Reserve the originals of a move for it; return the move that has them.

        That is another move when one of the originals is already being moved, or was. An
        unsent move takes over the content of a newer plan; a refused one is planned again.
        """
        service = self.service
        if service is None:
            raise LedgerError("the ledger is bound to no service yet: bind it first")
        try:
            return self._claim(wanted, service, run_id, lease)
        except RuleBroken:
            # A server lets two claim at once and refuses the later: now it sees the earlier.
            return self._claim(wanted, service, run_id, lease)

    def _claim(self, wanted: Claim, service: str, run_id: str, lease: Lease) -> MoveRow | None:
        at = self.clock.now()
        with self._write() as connection:
            if not self._keep(connection, lease):
                return None
            return states.claim(connection, wanted, service=service, run_id=run_id, at=at)

    def move(self, move_id: str) -> MoveRow | None:
        """Return where a move stands."""
        return self._one(MoveRow, sa.select(schema.moves).where(schema.moves.c.move_id == move_id))

    def move_rows(self, customer_id: str | None = None) -> list[MoveRow]:
        """List where every move stands, of one customer or all, in the order of their ids."""
        query = sa.select(schema.moves).order_by(schema.moves.c.move_id)
        if customer_id is not None:
            query = query.where(schema.moves.c.customer_id == customer_id)
        with self._read() as connection:
            return [MoveRow.of(row) for row in connection.execute(query).mappings()]

    def moves_of(self, customer_id: str, original: str) -> list[MoveRow]:
        """List the moves that have an original, refused and undone ones apart."""
        with self._read() as connection:
            return states.moves_of(connection, customer_id, original)

    def advance(
        self,
        move_id: str,
        before: MoveState,
        after: MoveState,
        *,
        run_id: str,
        lease: Lease,
        reason: str = "",
        evidence: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> bool:
        """Change the state of a move if it is still the one expected and the lease is ours."""
        at = self.clock.now()
        with self._write() as connection:
            return self._keep(connection, lease) and states.advance(
                connection,
                move_id,
                before,
                after,
                at=at,
                run_id=run_id,
                reason=reason,
                evidence=evidence,
                columns=columns,
            )

    def resize(self, move: MoveRow, seats: int, *, run_id: str, lease: Lease, reason: str) -> bool:
        """Note that a move has fewer seats by now, if it still is as in `move`."""
        at = self.clock.now()
        with self._write() as connection:
            return self._keep(connection, lease) and states.resize(
                connection, move, seats, run_id=run_id, at=at, reason=reason
            )

    def send(self, move: MoveRow, path: str, *, run_id: str, lease: Lease) -> Call | None:
        """Commit that a cart is about to be checked out: state and intent in one transaction."""
        at = self.clock.now()
        with self._write() as connection:
            if not self._may_act(connection, lease):
                return None
            if move.state is MoveState.CART and not states.advance(
                connection,
                move.move_id,
                MoveState.CART,
                MoveState.SENT,
                at=at,
                run_id=run_id,
                columns={"sent_at": at},
            ):
                return None
            verb = outside.checkout_of(move.cart_id)
            intent = Intent(move.move_id, move.customer_id, verb, path, None)
            return outside.intend(connection, intent, run_id=run_id, at=at)

    def intend(
        self, intent: Intent, *, run_id: str, lease: Lease, repeatable: bool = False
    ) -> Call | None:
        """Commit that a write is about to leave.

        A call without a clear answer keeps its request id; another body for it is refused with
        LedgerError unless the call is `repeatable` without harm.
        """
        at = self.clock.now()
        with self._write() as connection:
            if not self._may_act(connection, lease):
                return None
            return outside.intend(connection, intent, run_id=run_id, at=at, repeatable=repeatable)

    def settle(
        self,
        call: Call,
        outcome: str,
        *,
        status: int | None = None,
        code: str | None = None,
        detail: str = "",
    ) -> None:
        """Record what came of a call: done, refused, unclear, or unsent."""
        at = self.clock.now()
        with self._write() as connection:
            outside.settle(connection, call, outcome, status, code, detail, at)

    def calls(self, subject: str, verb: str) -> list[Call]:
        """List the calls of one subject whose verb begins like this, oldest first."""
        with self._read() as connection:
            return outside.calls(connection, subject, verb, whole=False)

    def checkouts(self, move: MoveRow) -> list[Call]:
        """List the checkouts of the cart that a move has now, oldest first."""
        with self._read() as connection:
            return outside.calls(connection, move.move_id, outside.checkout_of(move.cart_id))

    def holder_of(self, customer_id: str, originals: Iterable[str], part: int) -> MoveRow | None:
        """Find a move that has sent an order for one of these originals, if there is one."""
        with self._read() as connection:
            found = states.holder(connection, customer_id, originals, part)
        return found if found and found.state not in states.UNSENT else None

    def step(self, customer_id: str, step: str) -> StepRow:
        """Return where a customer step stands; one that never began is still to do."""
        with self._read() as connection:
            return states.step(connection, customer_id, step)

    def advance_step(
        self,
        row: StepRow,
        after: StepState,
        *,
        run_id: str,
        lease: Lease,
        reason: str = "",
        evidence: dict[str, Any] | None = None,
    ) -> bool:
        """Change the state of a customer step if it is still the one in `row`."""
        at = self.clock.now()
        about: dict[str, Any] = {"run_id": run_id, "reason": reason, "evidence": evidence or {}}
        with self._write() as connection:
            return self._keep(connection, lease) and states.advance_step(
                connection, row, after, at=at, **about
            )

    def claim_letter(
        self,
        customer_id: str,
        letter: str,
        *,
        language: str,
        file: str,
        run_id: str,
        cycle: str = "1",
    ) -> Letter:
        """Reserve a letter to a customer and cycle; whoever asks again gets the same one."""
        at = self.clock.now()
        about = {"language": language, "file": file, "run_id": run_id, "cycle": cycle}
        with self._write() as connection:
            return states.claim_letter(connection, customer_id, letter, at=at, **about)

    def letter_written(self, letter: Letter, *, run_id: str) -> None:
        """Note that the file of a letter is complete in the outbox."""
        at = self.clock.now()
        with self._write() as connection:
            states.letter_written(connection, letter, run_id=run_id, at=at)

    def orders(self, customer_id: str) -> set[str]:
        """List the order ids that moves of a customer have, or had before they were undone."""
        with self._read() as connection:
            return states.orders(connection, customer_id)

    def replaced_seats(self, customer_id: str, sku_id: str, *, besides: str) -> int:
        """Count the seats that other replacements have brought into a customer's pool."""
        with self._read() as connection:
            return states.replaced_seats(connection, customer_id, sku_id, besides)

    def moves(self) -> pd.DataFrame:
        """Give one row per move, with the columns of `frames.MOVES`."""
        with self._read() as connection:
            return frames.moves(connection)

    def told(self, subject: str, after: str) -> dict[str, Any]:
        """Give the detail of the last event that led a subject into a state; else nothing."""
        with self._read() as connection:
            return chain.told(connection, subject, after)

    def steps(self) -> pd.DataFrame:
        """Give one row per customer step: customer_id, step, state, reason, asked_at, done_at."""
        return self._frame(schema.steps)

    def events(self) -> pd.DataFrame:
        """Give the log, oldest first."""
        return self._frame(schema.events)

    def runs(self) -> pd.DataFrame:
        """Give one row per run: step, mode, plan_hash, batch, by, started_at, ended_at, counts."""
        return self._frame(schema.runs)

    def broken_off(self) -> list[str]:
        """Say which runs never ended, oldest first, while nobody of theirs is at work.

        A later run of the same step that ended has done what one of them left.
        """
        with self._read() as connection:
            rows = frames.rows(connection, schema.runs)
            working = leases.working(connection, leases.now(connection, self._wall))
        rows.sort(key=lambda row: (row["started_at"], row["run_id"]))
        same = ("step", "mode", "batch")
        done = {
            tuple(row[name] for name in same): row["started_at"] for row in rows if row["ended_at"]
        }
        return [
            f"{row['step']} {row['batch'] or row['due'] or ''} ({row['mode']}) of {row['by']}"
            f" since {row['started_at']:%Y-%m-%d %H:%M} UTC".replace("  ", " ")
            for row in rows
            if not row["ended_at"]
            and f"{row['by']}@{row['host']}" not in working
            and done.get(tuple(row[name] for name in same), row["started_at"]) <= row["started_at"]
        ]

    def approvals(self) -> pd.DataFrame:
        """Give one row per approval: plan_hash, by, made_by, plan_path, approved_at."""
        return self._frame(schema.approvals)

    def letters(self) -> pd.DataFrame:
        """Give one row per letter: customer_id, letter, cycle, language, file, written_at."""
        return self._frame(schema.letters)

    def outside_calls(self) -> pd.DataFrame:
        """Give one row per outside write: verb, request_id, sent_at, outcome, status, code."""
        return self._frame(schema.calls)

    def _may_act(self, connection: sa.Connection, lease: Lease) -> bool:
        return self._keep(connection, lease) and not states.held(connection, lease.subject)

    def _frame(self, table: sa.Table) -> pd.DataFrame:
        with self._read() as connection:
            return frames.table(connection, table)
