"""One run of one step: look, carry out side by side, stop in time, and say what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from cspkit.clock import Clock, SystemClock
from cspkit.errors import ApiError, ApiUnclear, SettingsError
from cspkit.ledger import Lease, Line
from cspkit.moves import checklist, rows
from cspkit.moves.desk import Desk, Overtaken
from cspkit.moves.limits import Limits
from cspkit.moves.passes import THROTTLED
from cspkit.moves.posting import NotPosted
from cspkit.moves.rows import Done, Look, Outcome, Subject
from cspkit.moves.stopping import Stop
from cspkit.tables import Mode
from cspkit.tables import Step as CustomerStep

BEFORE = "of the done before this run"
FAILED_FILE = "failed.csv"
_IN_TIME = "the run stopped at"
_TOLD = 200
_BAD = (Outcome.FAILED, Outcome.HUMAN)
Progress = Callable[[int, int, Mapping[str, int]], None]


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


class Work:
    """One run of one step: `preview()`, then `carry_out()`, then `close()`.

    `notes` say what the run leaves out, `stopped` why it began nothing more; `wall` is the clock
    of this computer, by which it stops.
    """

    def __init__(
        self,
        desk: Desk,
        step: Step,
        subjects: list[Subject],
        *,
        name: str = "",
        limits: Limits | None = None,
        notes: Iterable[str] = (),
        wall: Clock | None = None,
    ) -> None:
        """Hold what `begin` put together."""
        self._desk = desk
        desk.crowd, desk.stop = len({one.customer_id for one in subjects}), Stop()
        self._step, self._name = step, name
        self._subjects = subjects
        self._limits = limits or Limits()
        self._wall = wall or SystemClock()
        self._ends_at = self._limits.ends_at(self._wall.now())
        self._results: dict[int, Done] = {}
        self._looks: dict[int, Look] = {}
        self._held_back = ""
        self._others: dict[int, tuple[Any, ...]] = {}
        self._failed_before: set[tuple[str, str]] = set()
        self.notes = list(notes)
        if self._ends_at is not None:
            self.notes.append(f"nothing begins after {_told(self._ends_at)}")

    def preview(self) -> pd.DataFrame:
        """Show what is and what would be done, reading only: columns of `rows.PREVIEW`."""
        return rows.preview((one, self._look(one)) for one in self._subjects)

    def carry_out(self, progress: Progress | None = None) -> pd.DataFrame:
        """Do the step for each subject and give one row for each: columns of `rows.OUTCOMES`.

        Begins nothing more once there were too many failures, the time is up, or the run was
        interrupted; `progress` hears how many of how many, and the outcomes so far. In mode dry
        nothing is done or written. Raises LedgerError, and stops, when the ledger fails.
        """
        self._results, self._others = {}, {}
        if self._desk.mode is not Mode.DRY:
            self._failed_before = self._desk.ledger.failures(self._desk.plan.hash)
        with self._desk.stop.on_interrupt():
            if self._limits.parallel == 1:
                self._one_by_one(progress)
            else:
                self._side_by_side(progress)
            self._once_more()
        return rows.outcomes(self.results)

    @property
    def results(self) -> list[tuple[Subject, Done]]:
        """Give each subject so far with what came of it."""
        return [(self._subjects[number], done) for number, done in sorted(self._results.items())]

    @property
    def stopped(self) -> str:
        """Say why the run began nothing more; empty when it went to its end."""
        return self._desk.stop.reason or self._held_back

    @property
    def unfinished(self) -> bool:
        """Say whether the run was stopped by hand or by failures, and not by its time."""
        return bool(self.stopped) and not self.stopped.startswith(_IN_TIME)

    def counts(self) -> dict[str, int]:
        """Count the outcomes so far, by word."""
        found = [done.outcome for done in list(self._results.values())]
        return {word.value: found.count(word) for word in Outcome if word in found}

    def summary(self) -> str:
        """Say in one line what came of the run and what it left out; a dry one says its diff first.

        Of a long diff only the beginning: `diff` has all.
        """
        counted = ", ".join(f"{number} {word}" for word, number in self.counts().items())
        said = [f"mode {self._desk.mode}: {counted or 'nothing to do'}", *self._all_notes()]
        line = "; ".join([*said, self.stopped] if self.stopped else said)
        diff = self.diff()
        more = [f"... and {len(diff) - _TOLD} more"] if len(diff) > _TOLD else []
        return "\n".join([*diff[:_TOLD], *more, line])

    def _all_notes(self) -> list[str]:
        """Give the notes, and for how many of the done ones this run had nothing to do."""
        again = sum(done.again for _, done in self.results)
        return [*self.notes, f"{again} {BEFORE}"] if again else self.notes

    def failed(self) -> pd.DataFrame:
        """Give the rows that failed or wait for a person."""
        return rows.outcomes((one, done) for one, done in self.results if done.outcome in _BAD)

    def left(self) -> pd.DataFrame:
        """Give the rows that failed, wait for a person or were skipped: a file for `only`."""
        bad = (*_BAD, Outcome.SKIPPED)
        return rows.outcomes((one, done) for one, done in self.results if done.outcome in bad)

    def diff(self) -> list[str]:
        """Say for each subject of a dry run what is and what would be."""
        makes = getattr(self._step, "makes", "")
        found = sorted(self._looks.items())
        return [rows.change(self._subjects[number], look, makes) for number, look in found]

    def close(self, result_file: str = "") -> dict[str, int]:
        """End the run in the ledger, close all, and return the counts.

        Where a file is named it gets counts, notes, head of the events and diff as JSON; what
        failed or was skipped is written beside it as failed.csv, which `only` takes.
        """
        counts, head = self.counts(), ""
        try:
            self._tell_by_hand(result_file)
            if self._desk.mode is not Mode.DRY:
                head = self._desk.ledger.end_run(self._desk.run_id, counts)
            if result_file:
                self._write(Path(result_file), head)
        finally:
            self._desk.close()
        return counts

    def _tell_by_hand(self, result_file: str) -> None:
        """Write the lines that were issued by hand beside the receipt, or else among reports."""
        lines: Mapping[str, Line] = getattr(self._step, "lines", {})
        if not lines:
            return
        own = self._desk.settings.reports / "by_hand" / self._desk.run_id
        folder = Path(result_file).parent if result_file else own
        made = checklist.write(lines.values(), folder)
        pairs = sorted(str(file) for file in made if file.name == checklist.TABLE)
        self.notes.append(f"{len(lines)} lines by hand in {', '.join(pairs)}")

    def _write(self, file: Path, head: str) -> None:
        left = self.left() if self._desk.mode is not Mode.DRY else rows.outcomes([])
        if len(left):
            told = {name: left[name].map(checklist.cell) for name in ("name", "reason")}
            left.assign(**told).to_csv(file.with_name(FAILED_FILE), index=False)
        result: dict[str, Any] = {"counts": self.counts(), "chain_head": head}
        result["notes"] = self._all_notes()
        result |= {"stopped": self.stopped, "unfinished": self.unfinished, "diff": self.diff()}
        result["left"] = FAILED_FILE if len(left) else ""
        file.write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")

    def _one_by_one(self, progress: Progress | None) -> None:
        for number in range(len(self._subjects)):
            self._do(number)
            if progress is not None:
                progress(number + 1, len(self._subjects), self.counts())

    def _side_by_side(self, progress: Progress | None) -> None:
        """Work on several customers at once; the moves of one customer stay in their order."""
        groups: dict[str, list[int]] = {}
        for number, one in enumerate(self._subjects):
            groups.setdefault(one.customer_id, []).append(number)

        def work(group: list[int]) -> None:
            try:
                for number in group:
                    self._do(number)
            except BaseException as error:
                # At once, and from here: this worker would begin the next customer.
                self._desk.stop.ask(f"another worker failed: {error}")
                raise

        with ThreadPoolExecutor(self._limits.parallel, thread_name_prefix="cspkit") as crew:
            waiting: set[Future[None]] = {crew.submit(work, group) for group in groups.values()}
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                if progress is not None:
                    progress(len(self._results), len(self._subjects), self.counts())

    def _do(self, number: int) -> None:
        self._results[number] = self._outcome(number, self._subjects[number])

    def _once_more(self) -> None:
        """Come back to what another worker had: do what they left, tell what they went on with."""
        for number, seen in sorted(self._others.items()):
            one, before = self._subjects[number], self._results[number]
            if self._standing(one) == seen:
                self._do(number)
            else:
                reason = f"{before.reason}, and went on with it: see their receipt"
                self._results[number] = replace(before, reason=reason)

    def _standing(self, one: Subject) -> tuple[Any, ...]:
        """Say how far a subject is, as far as any step may bring it."""
        ledger = self._desk.ledger
        if not self._step.about_moves:
            return tuple(ledger.step(one.customer_id, step).state for step in CustomerStep)
        row, ends = ledger.move(one.id), self._desk.ends(one.planned)
        return (row and row.state, *((end.state, end.seen_at) for end in ends))

    def _look(self, one: Subject) -> Look:
        hold = self._desk.hold(one.customer_id)
        if hold:
            return Look("hold", "nothing", hold, Outcome.SKIPPED)
        try:
            return self._step.look(one)
        except (ApiError, SettingsError) as error:
            return Look("unknown", "nothing", str(error), Outcome.FAILED)

    def _outcome(self, number: int, one: Subject) -> Done:
        why_not = self._why_not(one)
        if why_not:
            return Done("", "", Outcome.SKIPPED, why_not)
        if self._desk.mode is Mode.DRY:
            look = self._looks[number] = self._look(one)
            return _dry(look)
        hold = self._desk.hold(one.customer_id)
        if hold:
            return Done("", "", Outcome.SKIPPED, hold)
        done = self._leased(number, one)
        self._remember(one, done)
        return done

    def _why_not(self, one: Subject) -> str:
        """Say why nothing more begins, or not this; empty when it goes on."""
        stop = self._desk.stop
        if self._ends_at is not None and self._wall.now() >= self._ends_at:
            stop.ask(f"{_IN_TIME} {_told(self._ends_at)}")
        if not stop.reason and self._desk.mode is not Mode.DRY:
            return self._too_many_failures(one)
        return stop.reason

    def _too_many_failures(self, one: Subject) -> str:
        """Count this run's failures, or those of all runs of the plan where that was asked for.

        What has failed already may be tried again: it adds no failure, and can take one away.
        """
        limit = self._limits.max_failures
        if not limit:
            limit = self._desk.settings.policy.max_failures
            if self.counts().get(Outcome.FAILED, 0) < limit:
                return ""
            self._desk.stop.ask(f"the run stopped after {limit} failures")
            return self.stopped
        failed = self._desk.ledger.failures(self._desk.plan.hash)
        if len(failed) < limit or (self._name, one.id) in failed:
            return ""
        why = f"the run stopped: {len(failed)} failures stand over all batches of the plan"
        self._held_back = f"{why}, the limit is {limit}; what failed may be tried again"
        return self._held_back

    def _remember(self, one: Subject, done: Done) -> None:
        """Note a failure, and the end of an earlier one, where every run of the plan sees it."""
        bad = done.outcome in _BAD
        went_on = done.outcome is Outcome.DONE or (
            done.outcome is Outcome.WAITING and done.after != done.before
        )
        if bad or (went_on and (self._name, one.id) in self._failed_before):
            run_id, ledger = self._desk.run_id, self._desk.ledger
            ledger.note_failure(run_id, one.id, one.customer_id, reason=done.reason, mended=not bad)

    def _leased(self, number: int, one: Subject) -> Done:
        """Act under the customer's lease, or say who has it."""
        desk = self._desk
        lease = desk.ledger.lease(one.customer_id, desk.holder)
        if lease.holder != desk.holder:
            self._others[number] = self._standing(one)
            reason = f"{lease.holder} works on this customer since {lease.since:%H:%M} UTC"
            return Done("", "", Outcome.WAITING, reason)
        desk.begin_with(lease)
        try:
            return self._step.act(one, lease)
        except Overtaken:
            if desk.stop.reason:
                return Done("", "", Outcome.SKIPPED, f"{desk.stop.reason}, before its next call")
            reason = desk.hold(one.customer_id) or "another worker went on with it"
            return Done("", "", Outcome.WAITING, reason)
        except NotPosted as stop:
            return Done("", "", stop.outcome, stop.reason)
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
    acts = outcome is Outcome.DRY and rows.acts(look)
    reason = f"would {look.would_do}: {look.reason}" if acts else look.reason
    return Done(look.state, look.state, outcome, reason)


def _told(instant: datetime) -> str:
    return f"{instant:%H:%M %Z on %Y-%m-%d} ({instant:%z} from UTC)"
