"""One step of one batch: look, carry out, count. Killing it and running it again is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Protocol

import pandas as pd

from cspkit.errors import ApiError, ApiUnclear, SettingsError
from cspkit.ledger import Lease
from cspkit.moves import guard, opening, rows
from cspkit.moves.access import Access
from cspkit.moves.desk import Desk, Overtaken
from cspkit.moves.inviting import Invite
from cspkit.moves.passes import THROTTLED
from cspkit.moves.provisioning import Provision
from cspkit.moves.reassigning import Reassign
from cspkit.moves.rows import Done, Look, Outcome, Subject
from cspkit.moves.verifying import Verify
from cspkit.planning import Plan, PlannedMove
from cspkit.settings import Settings
from cspkit.tables import Mode
from cspkit.wire import TokenProvider

Progress = Callable[[int, int], None]


class Step(Protocol):
    """What one runbook does to one subject."""

    by: str
    about_moves: bool

    def look(self, one: Subject) -> Look:
        """Say what is and what would be done; reads only."""
        ...

    def act(self, one: Subject, lease: Lease) -> Done:
        """Do it, as far as it goes now."""
        ...


STEPS: dict[str, Callable[[Desk], Step]] = {
    "invite": Invite,
    "access": Access,
    "provision": Provision,
    "verify": Verify,
    "reassign": Reassign,
}


def begin(
    step: str,
    *,
    plan: str | Path,
    batch: str | None = None,
    due: date | str | None = None,
    mode: str = "dry",
    config: str | Path | None = None,
    settings: Settings | None = None,
    run_id: str | None = None,
    tokens: TokenProvider | None = None,
) -> Work:
    """Begin one step for a batch, for what is due, or for both.

    Nothing is done yet. Raises PlanRefused for a plan that is edited, unapproved, of another
    service or beyond its approved horizon, LedgerError for a ledger of another service, and
    SettingsError where mode and settings do not belong together.
    """
    if step not in STEPS:
        raise SettingsError("run", "step", f"expected {', '.join(STEPS)}, found {step!r}")
    chosen = opening.read_mode(mode)
    day = opening.read_day(due)
    if chosen is not Mode.DRY and batch is None and day is None:
        raise SettingsError(
            "run", "batch", f"mode {mode} needs a batch or a due day, found neither"
        )
    found = Plan.read(plan)
    desk = opening.open_desk(found, chosen, settings or opening.read_settings(config), tokens)
    try:
        made = STEPS[step](desk)
        moves = found.select(batch, day, made.by)
        if chosen is not Mode.DRY:
            policy = desk.settings.policy
            guard.check_approval(found, desk.ledger, moves, made.by, policy)
            desk.run_id = desk.ledger.begin_run(
                step,
                mode=chosen,
                plan_hash=found.hash,
                batch=batch or "",
                due=day,
                run_id=run_id,
            )
    except BaseException:
        desk.close()
        raise
    return Work(desk, made, _subjects(found, moves, made.about_moves))


class Work:
    """One run of one step: `preview()`, then `carry_out()`, then `close()`."""

    def __init__(self, desk: Desk, step: Step, subjects: list[Subject]) -> None:
        """Hold what `begin` put together."""
        self._desk = desk
        desk.crowd = len({one.customer_id for one in subjects})
        self._step = step
        self._subjects = subjects
        self._results: list[tuple[Subject, Done]] = []

    def preview(self) -> pd.DataFrame:
        """Show what is and what would be done, reading only: columns of `rows.PREVIEW`."""
        return rows.preview((one, self._look(one)) for one in self._subjects)

    def carry_out(self, progress: Progress | None = None) -> pd.DataFrame:
        """Do the step for each subject and give one row for each: columns of `rows.OUTCOMES`.

        Stops at the policy's number of failures; in mode dry nothing is done or written.
        """
        self._results = []
        for one in self._subjects:
            self._results.append((one, self._outcome(one)))
            if progress is not None:
                progress(len(self._results), len(self._subjects))
        return rows.outcomes(self._results)

    @property
    def results(self) -> list[tuple[Subject, Done]]:
        """Give each subject so far with what came of it."""
        return list(self._results)

    def counts(self) -> dict[str, int]:
        """Count the outcomes so far, by word."""
        found = [done.outcome for _, done in self._results]
        return {word.value: found.count(word) for word in Outcome if word in found}

    def failed(self) -> pd.DataFrame:
        """Give the rows that failed or wait for a person."""
        bad = (Outcome.FAILED, Outcome.HUMAN)
        return rows.outcomes((one, done) for one, done in self._results if done.outcome in bad)

    def close(self, result_file: str = "") -> dict[str, int]:
        """End the run in the ledger, write counts and head as JSON where asked, close all."""
        counts, head = self.counts(), ""
        try:
            if self._desk.mode is not Mode.DRY:
                head = self._desk.ledger.end_run(self._desk.run_id, counts)
            if result_file:
                result = {"counts": counts, "chain_head": head}
                Path(result_file).write_text(json.dumps(result), encoding="utf-8")
        finally:
            self._desk.close()
        return counts

    def _look(self, one: Subject) -> Look:
        hold = self._desk.hold(one.customer_id)
        if hold:
            return Look("hold", "nothing", hold, Outcome.SKIPPED)
        try:
            return self._step.look(one)
        except (ApiError, SettingsError) as error:
            return Look("unknown", "nothing", str(error), Outcome.FAILED)

    def _outcome(self, one: Subject) -> Done:
        if self._desk.mode is Mode.DRY:
            return _dry(self._look(one))
        limit = self._desk.settings.policy.max_failures
        if self.counts().get(Outcome.FAILED, 0) >= limit:
            return Done("", "", Outcome.SKIPPED, f"the run stopped after {limit} failures")
        hold = self._desk.hold(one.customer_id)
        if hold:
            return Done("", "", Outcome.SKIPPED, hold)
        return self._leased(one)

    def _leased(self, one: Subject) -> Done:
        """Act under the customer's lease, or say who has it."""
        desk = self._desk
        lease = desk.ledger.lease(one.customer_id, desk.holder)
        if lease.holder != desk.holder:
            reason = f"{lease.holder} works on this customer since {lease.since:%H:%M} UTC"
            return Done("", "", Outcome.WAITING, reason)
        try:
            return self._step.act(one, lease)
        except Overtaken:
            reason = desk.hold(one.customer_id) or "another worker went on with it"
            return Done("", "", Outcome.WAITING, reason)
        except ApiUnclear as error:
            return Done("", "", Outcome.WAITING, str(error), error.request_id or "")
        except ApiError as error:
            outcome = Outcome.WAITING if error.status == THROTTLED else Outcome.FAILED
            return Done("", "", outcome, str(error), error.request_id or "")
        except SettingsError as error:
            return Done("", "", Outcome.FAILED, str(error))
        finally:
            desk.ledger.release_lease(lease)


def _dry(look: Look) -> Done:
    outcome = look.stop if look.stop in (Outcome.SKIPPED, Outcome.HUMAN) else Outcome.DRY
    acts = outcome is Outcome.DRY and look.would_do not in ("nothing", "wait")
    reason = f"would {look.would_do}: {look.reason}" if acts else look.reason
    return Done(look.state, look.state, outcome, reason)


def _subjects(plan: Plan, moves: list[PlannedMove], about_moves: bool) -> list[Subject]:
    """Make the subjects of a step, in the plan's order: moves, or each customer once."""
    customers = {one.customer_id: one for one in plan.customers}
    if about_moves:
        return [Subject(move.move_id, customers[move.customer_id], move) for move in moves]
    ids = dict.fromkeys(move.customer_id for move in moves)
    return [Subject(customer_id, customers[customer_id]) for customer_id in ids]
