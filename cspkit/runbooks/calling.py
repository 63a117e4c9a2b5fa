"""One call of a runbook for one or more batches: checked whole, then run batch by batch."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cspkit.clock import Clock
from cspkit.errors import RunbookError, UnknownParameter
from cspkit.kernels import warming
from cspkit.kernels.interrupts import Asked, heard
from cspkit.moves.stopping import BY_HAND
from cspkit.reporting import receipts
from cspkit.runbooks import finding, kernel, refusing, settling
from cspkit.runbooks.parameters import Value, check
from cspkit.runbooks.progress import Say
from cspkit.settings import ENGINES, WARM, Settings

if TYPE_CHECKING:
    from cspkit.planning import Plan


@dataclass(frozen=True)
class Receipt:
    """What one run of a notebook left behind.

    `stopped` says why it began nothing more, `notes` what it left out, `diff` what a dry run
    would change; `left` is a csv of what failed or was skipped, for `only`.
    """

    name: str
    mode: str
    batch: str
    status: str
    counts: dict[str, int]
    notebook: Path
    html: Path
    started: datetime
    ended: datetime
    notes: tuple[str, ...] = ()
    stopped: str = ""
    diff: tuple[str, ...] = ()
    left: Path | None = None

    @property
    def ok(self) -> bool:
        """Tell whether the run ended with nothing failed."""
        return self.status == receipts.DONE

    @property
    def bad(self) -> int:
        """Count what failed or waits for a person."""
        return self.counts.get("failed", 0) + self.counts.get("human", 0)


@dataclass(frozen=True)
class Call:
    """A runbook, and what it is told for every batch alike."""

    name: str
    plan: Path
    settings: Settings
    given: Mapping[str, Value]
    clock: Clock
    progress: Say | None = None
    engine: str = ""

    def run(self, batches: list[str], *, several: bool = False) -> Iterator[Receipt]:
        """Run batches one after the other; nothing begins before all of them are checked.

        `several` lets a word name some of them, from one to another. Nothing more begins after a
        run that was stopped, or once as many failed in all as the limit says.
        """
        from cspkit.planning import Plan, naming

        warm = chosen(self.engine or self.settings.runs.engine) == WARM
        with warming.warm(warm), heard(self.progress) as asked:
            notebook = finding.runbook(self.name)
            for batch in batches:
                self._parameters(notebook, batch)
            plan = Plan.read(self.plan)
            batches = naming.named(plan.batch_names, batches) if several else batches
            if len(batches) > 1 and self.given["canary"]:
                raise UnknownParameter(f"a canary is for one batch, found {len(batches)}")
            ready = [self._checked(notebook, batch, plan) for batch in batches]
            limit = int(self.given["max_failures"]) or self.settings.policy.max_failures
            for number, given in enumerate(ready, start=1):
                left = ", ".join(batches[number:])
                if asked.on:
                    raise RunbookError(f"{self.name}: {BY_HAND}{_left(batches[number - 1 :])}")
                try:
                    receipt = self._one(notebook, given, asked)
                except RunbookError as error:
                    error.args = (f"{error}{_left(batches[number:])}",)
                    raise
                limit -= receipt.bad
                if asked.on:
                    receipt = replace(receipt, stopped=receipt.stopped or BY_HAND)
                if left and (receipt.stopped or limit <= 0):
                    yield replace(receipt, notes=(*receipt.notes, f"not begun: {left}"))
                    return
                yield receipt

    def _parameters(self, notebook: Path, batch: str) -> dict[str, Value]:
        mode = refusing.check_mode(
            str(self.given["mode"]),
            chosen=bool(batch or self.given["due"] or self.given["only"])
            or self.name in finding.READS,
        )
        told = {**self.given, "mode": mode, "batch": batch, "plan": self.plan.resolve().as_posix()}
        return check(notebook, told)

    def _checked(self, notebook: Path, batch: str, plan: Plan) -> dict[str, Value]:
        given = self._parameters(notebook, batch)
        acts = self.name not in finding.READS
        refusing.check_run(self.name, plan, given, self.settings, acts=acts)
        return given

    def _one(self, notebook: Path, given: dict[str, Value], asked: Asked) -> Receipt:
        """Run one batch in a kernel of its own, in a folder of its own."""
        started = self.clock.now()
        which = [str(given[word]) for word in ("batch", "due", "mode")]
        place = receipts.make_folder(self.settings.reports, started, self.name, *which)
        own = {
            "config": settling.keep(self.settings, place).as_posix(),
            "run_id": place.name,
            "result_file": (place / "result.json").as_posix(),
        }
        job = kernel.Job(
            notebook=notebook,
            output=place / notebook.name,
            workspace=self.settings.root,
            given=given | check(notebook, own),
            clock=self.clock,
            progress=self.progress,
            engine=self.engine or self.settings.runs.engine,
            asked=asked,
        )
        return receipt_of(job, record_of(self.name, started, given))


def _left(batches: list[str]) -> str:
    """Say which batches were not begun; a run by day has no name for what it is about."""
    named = [batch for batch in batches if batch]
    return f"; not begun: {', '.join(named)}" if named else ""


def chosen(engine: str) -> str:
    """Return an engine that exists; raise UnknownParameter for another word."""
    if engine not in ENGINES:
        raise UnknownParameter(f"engine expects {' or '.join(ENGINES)}, found {engine!r}")
    return engine


def record_of(name: str, started: datetime, given: Mapping[str, Value]) -> receipts.Record:
    """Begin the record of a run."""
    mode, batch, due = (str(given.get(word, "")) for word in ("mode", "batch", "due"))
    return receipts.Record(name, mode, started, by=_operator(), batch=batch, due=due)


def receipt_of(job: kernel.Job, record: receipts.Record) -> Receipt:
    """Execute a notebook and tell what came of it."""
    done, result = kernel.execute(job, record)
    return Receipt(
        name=done.name,
        mode=done.mode,
        batch=done.batch,
        status=done.status,
        counts=done.counts,
        notebook=job.output,
        html=job.output.with_suffix(".html"),
        started=done.started,
        ended=done.ended or job.clock.now(),
        notes=tuple(done.notes),
        stopped=done.stopped,
        diff=tuple(result.get("diff", ())),
        left=job.output.with_name(done.left) if done.left else None,
    )


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
