"""What people decide and what runs are noted: approvals, holds, runs, settling by hand."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import sqlalchemy as sa

from cspkit.errors import LedgerError, PlanRefused
from cspkit.ledger import chain, leases, schema, states
from cspkit.ledger.opened import Opened
from cspkit.ledger.records import Approval, Hold, canonical
from cspkit.tables import MoveState


class People(Opened):
    """Record who approved, held, released or settled what, and which runs there were."""

    def approve(self, plan_hash: str, *, by: str, plan_path: str = "", made_by: str = "") -> None:
        """Record who approves a plan; raise PlanRefused when its author does."""
        by, made_by = by.strip(), made_by.strip()
        if not by:
            raise PlanRefused("an approval needs the name of the person who gives it")
        if by.casefold() == made_by.casefold():
            raise PlanRefused(f"{by!r} made this plan: somebody else must approve it")
        at = self.clock.now()
        row: dict[str, Any] = {"plan_hash": plan_hash, "by": by, "made_by": made_by}
        row |= {"plan_path": plan_path, "approved_at": at}
        with self._write() as connection:
            connection.execute(sa.insert(schema.approvals).values(row))
            chain.append(connection, "approved", plan_hash, at=at, detail={"by": by})

    def approval(self, plan_hash: str) -> Approval | None:
        """Return the latest approval of a plan."""
        table = schema.approvals
        query = sa.select(table).where(table.c.plan_hash == plan_hash)
        return self._one(Approval, query.order_by(table.c.approval_id.desc()).limit(1))

    def begin_run(
        self,
        step: str,
        *,
        mode: str,
        plan_hash: str,
        batch: str = "",
        due: date | None = None,
        run_id: str | None = None,
    ) -> str:
        """Note that a run began; a run id that is known already is continued."""
        run_id = run_id or f"run-{uuid.uuid4().hex[:16]}"
        at = self.clock.now()
        row: dict[str, Any] = {"run_id": run_id, "step": step, "mode": mode, "due": due}
        row |= {"plan_hash": plan_hash, "batch": batch, "started_at": at}
        row |= {"by": leases.user(), "host": leases.host()}
        known = sa.select(schema.runs.c.run_id).where(schema.runs.c.run_id == run_id)
        with self._write() as connection:
            if connection.execute(known).scalar_one_or_none() is None:
                connection.execute(sa.insert(schema.runs).values(row))
            chain.append(
                connection, "run_began", run_id, at=at, run_id=run_id, detail={"step": step}
            )
        return run_id

    def end_run(self, run_id: str, counts: dict[str, int]) -> str:
        """Note how a run ended; return the head of its chain of events."""
        at = self.clock.now()
        table = schema.runs
        with self._write() as connection:
            head = chain.append(
                connection, "run_ended", run_id, at=at, run_id=run_id, detail=dict(counts)
            )
            ended = {"ended_at": at, "counts": canonical(counts), "chain_head": head}
            connection.execute(sa.update(table).where(table.c.run_id == run_id).values(ended))
        return head

    def altered_events(self, run_id: str) -> list[int]:
        """List the events of a run that were altered since they were written."""
        with self._read() as connection:
            return chain.altered(connection, run_id)

    def hold(self, customer_id: str, *, reason: str, by: str) -> None:
        """Stop everyone before their next outside call for a customer, or for all (`*`)."""
        at = self.clock.now()
        row = {"customer_id": customer_id, "reason": reason, "by": by, "held_at": at}
        with self._write() as connection:
            found = states.held(connection, customer_id)
            if found is None or found.customer_id != customer_id:
                connection.execute(sa.insert(schema.holds).values(row))
                chain.append(
                    connection, "held", customer_id, at=at, detail={"reason": reason, "by": by}
                )

    def release(self, customer_id: str, *, by: str) -> None:
        """End the hold on a customer, or the one on all (`*`)."""
        at = self.clock.now()
        table = schema.holds
        mine = sa.update(table).where(table.c.customer_id == customer_id)
        with self._write() as connection:
            open_hold = mine.where(table.c.released_at.is_(None))
            connection.execute(open_hold.values(released_by=by, released_at=at))
            chain.append(connection, "released", customer_id, at=at, detail={"by": by})

    def held(self, customer_id: str) -> Hold | None:
        """Return the hold that stops a customer, their own or the one on everyone."""
        with self._read() as connection:
            return states.held(connection, customer_id)

    def settle_by_hand(
        self, move_id: str, *, by: str, reason: str, order_id: str | None = None
    ) -> bool:
        """Settle a move that waits for a person: adopt an order, or (no order id) confirm none.

        Without an order the move is planned again. The name and the reason are kept.
        """
        if not by.strip() or not reason.strip():
            raise LedgerError("settling a move by hand needs a name and a reason")
        at = self.clock.now()
        adopted = order_id is not None
        columns = {"cart_id": None, "order_id": order_id, "ordered_at": at if adopted else None}
        with self._write() as connection:
            return states.advance(
                connection,
                move_id,
                MoveState.HUMAN,
                MoveState.ORDERED if adopted else MoveState.PLANNED,
                at=at,
                reason=f"{by.strip()}: {reason.strip()}",
                columns=columns,
            )
