"""One reconciliation: open what can be opened, compare, record, trust a ledger again."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from cspkit.clock import SystemClock
from cspkit.errors import DONE, FAILED_MOVES, SERVICE_FAILED, SettingsError
from cspkit.ledger import new_holder
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Outcome
from cspkit.names import person
from cspkit.partner_center.service import WORKERS
from cspkit.planning import Plan
from cspkit.reconciling import differences
from cspkit.reconciling.comparing import Comparison, compare
from cspkit.reconciling.differences import Difference
from cspkit.reconciling.originals import Originals, plans_of
from cspkit.reconciling.recording import Recorder
from cspkit.tables import Mode

STEP = "reconcile"
OUTCOMES = ("customer_id", "outcome", "differences", "reason")
NO_LEDGER = "there is no ledger yet"


class Work:
    """One reconciliation: `compare()`, then `record()`, then `close()`; looking twice is free.

    `notes` say what else a reader should know; `trusted` whether this run opened the ledger.
    """

    def __init__(
        self,
        desk: Desk,
        plan: Plan | None,
        *,
        only: Collection[str] | None,
        run_id: str | None,
        batch: str,
        due: date | None,
    ) -> None:
        """Hold what `begin` put together."""
        self._desk, self._only, self._run_id = desk, only, run_id
        self._began_at = SystemClock().now()
        self._which: dict[str, Any] = {"batch": batch, "due": due}
        approvals = desk.ledger.approvals()
        paths = zip(approvals["plan_hash"], approvals["plan_path"], strict=True)
        service = desk.settings.service.id
        self.plans = [plan] if plan else []
        self.plans += [
            one
            for one in plans_of(paths, desk.settings, service)
            if plan is None or one.hash != plan.hash
        ]
        self._facts = Originals(desk.settings, self.plans)
        self._recorded = False
        self._newly: dict[str, dict[str, str]] = {}
        self.workers = WORKERS
        self.notes: list[str] = []
        self.trusted = False
        if self.has_no_ledger:
            self.notes.append(f"{NO_LEDGER}: every order that bears our word is a stranger")

    @property
    def has_no_ledger(self) -> bool:
        """Say whether the ledger is an empty one in memory, since none was ever made."""
        return self._desk.ledger.file is None and self._desk.ledger.place == "sqlite://"

    @property
    def distrust(self) -> str:
        """Say why the ledger may not be written; empty when it may."""
        return self._desk.ledger.distrust

    @cached_property
    def found(self) -> Comparison:
        """Compare both books, once. Raises ApiError when the service fails as a whole."""
        if not self._desk.online:
            return Comparison(unread={"the service": self._desk.why_offline})
        return compare(self._desk, self.plans, self._facts, only=self._only, workers=self.workers)

    @property
    def differences(self) -> list[Difference]:
        """List what differs, the most urgent first."""
        return self.found.differences

    @property
    def exit_code(self) -> int:
        """Give 4 where something could not be read, 1 where anything differs, else 0."""
        if self.found.unread:
            return SERVICE_FAILED
        return FAILED_MOVES if self.differences or self.distrust else DONE

    def preview(self) -> pd.DataFrame:
        """Show what differs, writing nothing: columns of `differences.COLUMNS`."""
        return differences.frame(self.differences)

    def carry_out(
        self, *, by: str = "", reason: str = "", accept: Collection[str] = ()
    ) -> pd.DataFrame:
        """Record what was seen and say how each customer came out: columns of OUTCOMES.

        A ledger that may not be written is trusted again where that is safe, or where `by` and
        `reason` say who takes it upon them. Where `accept` names moves, they say who wants what
        differs there as it is: just that is told apart from then on. Nothing outside is changed,
        however often it runs. Raises SettingsError, before a word is written, for what cannot be
        accepted.
        """
        if accept:
            self._accept(set(accept), by.strip(), reason.strip())
            by = reason = ""
        if not self._recorded and self._desk.mode is not Mode.DRY and not self.has_no_ledger:
            self._trust(by.strip(), reason.strip())
            if not self.distrust:
                self._record()
        self._recorded = True
        return self.outcomes()

    def _accept(self, moves: set[str], by: str, reason: str) -> None:
        """Let differences of moves be as they are; the record of it is written with the others."""
        closed = self._desk.mode is Mode.DRY or self.has_no_ledger or self.distrust
        found = [one for one in self.differences if one.subject in moves and one.fact]
        lacking = sorted(moves - {one.subject for one in found})
        problem = ""
        if not person(by) or not reason:
            problem = "needs --by NAME and --reason TEXT: who wants it so, and why"
        elif closed:
            problem = f"needs a ledger that is written: {self.distrust or 'a dry run writes none'}"
        elif lacking:
            problem = (
                f"expected a move with a difference that may be accepted, found {lacking[0]!r}"
            )
            others = [one.to_do for one in self.differences if one.subject == lacking[0]]
            problem += f": {others[0]}" if others else ""
        if problem:
            raise SettingsError("reconcile", "--accept", problem)
        on = f"{self._desk.clock.now():%Y-%m-%d}"
        self._newly = {one.fact: {"by": by, "on": on, "reason": reason} for one in found}
        self.found.set_apart(self._newly)

    def outcomes(self) -> pd.DataFrame:
        """Give one row per customer: done where nothing differs, waiting where unread."""
        rows = []
        for customer_id in self.found.customers:
            mine = [one for one in self.differences if one.customer_id == customer_id]
            unread = self.found.unread.get(customer_id, "")
            outcome = Outcome.WAITING if unread else Outcome.FAILED if mine else Outcome.DONE
            why = unread or "; ".join(sorted({one.kind.value for one in mine}))
            rows.append((customer_id, outcome.value, len(mine), why))
        return pd.DataFrame(rows, columns=list(OUTCOMES))

    def summary(self) -> str:
        """Say in one line what came of it, and what a reader should know beside."""
        customers, found = len(self.found.customers), len(self.differences)
        unread = [f"not read: {name}: {why}" for name, why in sorted(self.found.unread.items())]
        said = f"{customers} customers compared: {found or 'no'} differences"
        return "; ".join([said, *unread, *self.told])

    @property
    def told(self) -> list[str]:
        """List what a reader should know beside the differences: what is accepted, and notes."""
        return [*(one.line for one in self.found.accepted), *self.notes]

    def counts(self) -> dict[str, int]:
        """Count the customers by outcome, by word."""
        found = self.outcomes()["outcome"]
        return {word: int((found == word).sum()) for word in Outcome if (found == word).any()}

    def as_json(self) -> dict[str, Any]:
        """Give everything that was found as plain values."""
        return {
            "customers": len(self.found.customers),
            "differences": [one.as_json() for one in self.differences],
            "accepted": [one.as_json() for one in self.found.accepted],
            "unread": self.found.unread,
            "ledger": "none" if self.has_no_ledger else self.distrust or "trusted",
            "trusted_now": self.trusted,
            "notes": self.notes,
        }

    def close(self, result_file: str = "") -> dict[str, int]:
        """End the run in the ledger, write counts and head as JSON where asked, close all."""
        counts, head = self.counts(), ""
        try:
            if self._desk.run_id:
                head = self._desk.ledger.end_run(self._desk.run_id, counts)
            if result_file:
                result = {"counts": counts, "chain_head": head, "notes": self.told}
                text = json.dumps(result, ensure_ascii=False)
                Path(result_file).write_text(text, encoding="utf-8")
        finally:
            self._desk.close()
        return counts

    def abandon(self) -> None:
        """Close everything after a failure, without a word in the ledger."""
        self._desk.close()

    def _record(self) -> None:
        desk = self._desk
        if desk.ledger.service is None:
            # Nothing was ever done with it, and whoever acts first binds it.
            return
        desk.run_id = desk.ledger.begin_run(
            STEP,
            mode=desk.mode,
            plan_hash=desk.plan.hash,
            run_id=self._run_id,
            **self._which,
        )
        recorder = Recorder(desk, self.plans, self._facts)
        recorder.accept(one for one in self.found.accepted if one.difference.fact in self._newly)
        recorder.record(self.found)
        self.notes += recorder.notes

    def _trust(self, by: str, reason: str) -> None:
        """Let a ledger be written again: by a clean comparison, or by a person with a reason."""
        ledger, why = self._desk.ledger, self._desk.ledger.distrust
        if not why:
            return
        said = f"{len(self.differences)} differences in {len(self.found.customers)} customers"
        if by and reason:
            if self.found.unread:
                self.notes.append("not everything could be read, so the ledger stays closed")
                return
            ledger.trust(by=by, reason=f"{reason} (reconciled: {said})")
        elif wait := self._not_yet():
            self.notes.append(f"the ledger stays closed: {why}; {wait}")
            return
        else:
            ledger.trust(by=f"cspkit reconcile, {new_holder()}", reason=f"reconciled: {said}")
        self.trusted = True
        self.notes.append(f"the ledger is trusted again, which was closed: {why}")

    def _not_yet(self) -> str:
        """Say what keeps a clean comparison from opening the ledger by itself."""
        ledger, settings = self._desk.ledger, self._desk.settings
        if not self.found.clean:
            return "settle what differs, or say who takes it with --by NAME --reason TEXT"
        if self._only is not None:
            return "it was compared for some customers only: compare all"
        if "copied or moved" in ledger.distrust:
            # No comparison can see that the other copy is still used.
            return "nothing differs; say that no other copy is used, with --by NAME --reason TEXT"
        settle = timedelta(minutes=settings.policy.settle_minutes)
        noted = ledger.noted_at
        until = None if noted is None else noted + settle
        # a person may look at what was read for long before it is recorded
        if settings.service.kind == "tenant" and until is not None and self._began_at < until:
            return f"an order may still be hidden: compare again after {until:%H:%M} UTC"
        return ""
