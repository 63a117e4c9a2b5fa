"""What people decide and what runs are noted: approvals, holds, runs, settling by hand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from cspkit.clock import SystemClock
from cspkit.errors import LedgerError, PlanRefused
from cspkit.ledger import backups, chain, health, leases, schema, states
from cspkit.ledger.failing import Failing
from cspkit.ledger.health import Health
from cspkit.ledger.records import Approval, Broken, Hold, canonical
from cspkit.names import person
from cspkit.tables import Mode, MoveState

# An event: somebody knows of a difference and wants it as it is.
ACCEPTED = "accepted"


class People(Failing):
    """Record who approved, held, released or settled what, and which runs there were."""

    def approve(
        self,
        plan_hash: str,
        *,
        by: str,
        plan_path: str = "",
        made_by: str = "",
        covers_until: date | None = None,
        margins: bool = False,
        replaces: str = "",
    ) -> None:
        """Record who approves a plan; raise PlanRefused when its author does.

        `replaces` is the hash of the plan that must not begin anything any more from now on.
        """
        by, made_by = by.strip(), made_by.strip()
        if not person(by):
            raise PlanRefused("an approval needs the name of the person who gives it")
        if person(by) == person(made_by):
            raise PlanRefused(f"{by!r} made this plan: somebody else must approve it")
        at = self.clock.now()
        row: dict[str, Any] = {"plan_hash": plan_hash, "by": by, "made_by": made_by}
        row |= {"plan_path": plan_path, "approved_at": at, "covers_until": covers_until}
        row |= {"os_user": leases.user(), "host": leases.host(), "margins": margins}
        detail = {name: str(row[name]) for name in ("by", "os_user", "host", "covers_until")}
        detail |= {"replaces": replaces} if replaces else {}
        with self._write() as connection:
            connection.execute(sa.insert(schema.approvals).values(row))
            chain.append(connection, "approved", plan_hash, at=at, detail=detail)

    def approval(self, plan_hash: str) -> Approval | None:
        """Return the latest approval of a plan."""
        return next(reversed(self.approvals_of(plan_hash)), None)

    def approvals_of(self, plan_hash: str) -> list[Approval]:
        """List every approval of a plan, oldest first."""
        table = schema.approvals
        query = sa.select(table).where(table.c.plan_hash == plan_hash)
        with self._read() as connection:
            found = connection.execute(query.order_by(table.c.approval_id)).mappings()
            return [Approval.of(row) for row in found]

    def newest(self, plan_hash: str) -> Approval | None:
        """Return the latest approval of the plan that took over from this one, and so on; or none.

        Where two took over from the same plan, the one approved last counts.
        """
        table, after = schema.events, dict[str, str]()
        query = sa.select(table.c.subject, table.c.detail).where(table.c.kind == "approved")
        with self._read() as connection:
            for subject, detail in connection.execute(query.order_by(table.c.event_id)):
                before = json.loads(detail).get("replaces")
                if not before or before == subject:
                    continue
                # the same content, planned again from a later plan, is the newest once more
                if before in _line(subject, after):
                    after.pop(subject, None)
                after[before] = subject
        last = _line(plan_hash, after)[-1]
        return None if last == plan_hash else self.approval(last)

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
        """Note that a run began; a run id that is known already is continued.

        A live run of a ledger on disk begins with a backup.
        """
        if mode == Mode.LIVE and self.file is not None and not self.distrust:
            backups.take(self.file, "live", SystemClock().now())
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

    def observe(
        self, kind: str, subject: str, *, customer_id: str, run_id: str, detail: Mapping[str, Any]
    ) -> None:
        """Keep in a run's chain what was seen outside; no state changes by it."""
        at = self.clock.now()
        about: dict[str, Any] = {"at": at, "run_id": run_id, "customer_id": customer_id}
        with self._write() as connection:
            chain.append(connection, kind, subject, detail=dict(detail), **about)

    def accepted(self) -> dict[str, dict[str, str]]:
        """Map each difference that a person accepted to who did, when and why; the latest counts.

        A difference is known by its fact, as `reconciling` words it.
        """
        table = schema.events
        query = sa.select(table.c.at, table.c.detail).where(table.c.kind == ACCEPTED)
        with self._read() as connection:
            rows = connection.execute(query.order_by(table.c.event_id)).all()
        found = [(at, json.loads(detail)) for at, detail in rows]
        return {
            one["fact"]: {"by": one["by"], "reason": one["reason"], "on": f"{at:%Y-%m-%d}"}
            for at, one in found
        }

    def candidates(self) -> dict[str, set[str]]:
        """Map each move that ever waited for a person to the orders that person was shown."""
        table, found = schema.events, dict[str, set[str]]()
        waited = (table.c.kind == "state") & (table.c.after == MoveState.HUMAN)
        query = sa.select(table.c.subject, table.c.detail).where(waited)
        with self._read() as connection:
            for subject, detail in connection.execute(query.order_by(table.c.event_id)):
                shown = json.loads(detail).get("candidates") or ()
                found.setdefault(subject, set()).update(str(one) for one in shown)
        return found

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

    def head(self, run_id: str) -> str:
        """Return the hash of a run's last event, to be printed where the ledger cannot reach."""
        with self._read() as connection:
            return chain.head(connection, run_id)

    def verify(self, run_id: str | None = None, *, printed: str = "") -> list[Broken]:
        """Find every event of a run, or of all, that was altered, removed or put in.

        `printed` is the head on a receipt or report of that run: it must still be there.
        """
        with self._read() as connection:
            which = chain.run_ids(connection) if run_id is None else [run_id]
            found = [chain.verify(connection, one, printed=printed) for one in which]
        return [broken for one in found for broken in one]

    def health(self) -> Health:
        """Look at settings, file, log, rules and backups; writes nothing."""
        with self._read() as connection:
            return health.look(connection, self.file)

    def hold(self, customer_id: str, *, reason: str, by: str) -> None:
        """Stop everyone before their next outside call for a customer, or for all (`*`).

        A second hold of the same changes nothing. Raises LedgerError without name or reason.
        """
        if not by.strip() or not reason.strip():
            raise LedgerError("a hold needs a name and a reason")
        at = self.clock.now()
        row = {"customer_id": customer_id, "reason": reason, "by": by, "held_at": at}
        with self._write(anyway=True) as connection:
            if states.hold(connection, row):
                chain.append(
                    connection, "held", customer_id, at=at, detail={"reason": reason, "by": by}
                )

    def release(self, customer_id: str, *, by: str, reason: str = "") -> bool:
        """End the hold on a customer, or the one on all (`*`); False when there was none."""
        if not by.strip():
            raise LedgerError("a release needs the name of the person who says so")
        at = self.clock.now()
        table = schema.holds
        mine = sa.update(table).where(table.c.customer_id == customer_id)
        with self._write() as connection:
            open_hold = mine.where(table.c.released_at.is_(None))
            ended = connection.execute(open_hold.values(released_by=by, released_at=at))
            if ended.rowcount == 1:
                detail = {"by": by, "reason": reason}
                chain.append(connection, "released", customer_id, at=at, detail=detail)
        return bool(ended.rowcount == 1)

    def holds(self) -> list[Hold]:
        """List the holds that are on, oldest first."""
        table = schema.holds
        query = sa.select(table).where(table.c.released_at.is_(None)).order_by(table.c.hold_id)
        with self._read() as connection:
            return [Hold.of(row) for row in connection.execute(query).mappings()]

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
        # what another order made says nothing of this one
        columns["subscription_id"] = None
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


def _line(plan_hash: str, after: Mapping[str, str]) -> list[str]:
    """Follow a plan to those that took over from it, one after the other."""
    line = [plan_hash]
    while (newer := after.get(line[-1])) is not None and newer not in line:
        line.append(newer)
    return line
