"""Run packaged notebooks with checked parameters, and keep what they leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cspkit.clock import Clock, SystemClock
from cspkit.kernels import warming
from cspkit.reporting import receipts
from cspkit.runbooks import kernel
from cspkit.runbooks.calling import Call, Receipt, chosen, receipt_of, record_of
from cspkit.runbooks.finding import RUNBOOKS, find, folder, notebooks
from cspkit.runbooks.parameters import Value, check, declared
from cspkit.runbooks.progress import Say, tell
from cspkit.runbooks.settling import read_settings, seen_steps, settle
from cspkit.settings import STOCK, WARM, Settings

__all__ = [
    "RUNBOOKS",
    "Receipt",
    "execute",
    "find",
    "folder",
    "notebooks",
    "read_settings",
    "run",
    "run_batches",
    "seen_steps",
    "settle",
    "tell",
]


def run(
    name: str,
    *,
    plan: str | Path,
    settings: Settings,
    batch: str | None = None,
    due: date | str | None = None,
    mode: str = "dry",
    canary: int = 0,
    max_failures: int = 0,
    only: str | Path | None = None,
    parallel: int = 1,
    until: str = "",
    said: Mapping[str, Value] | None = None,
    progress: Say | None = None,
    clock: Clock | None = None,
    engine: str = "",
) -> Receipt:
    """Carry out one runbook for a batch, for what is due, or for what a file names.

    `said` is what one runbook alone is told, by the names of its parameters: of an undo asked_by,
    agreed_by and seats. The limits are those of `moves.Limits`; `progress` hears a line whenever
    something is through. `engine` is how the kernel starts, warm or stock; empty: as the settings
    say.

    Leaves a folder below `<reports>/receipts/`: the executed notebook, an HTML receipt, the
    settings it ran with and its counts, also when it fails. Raises UnknownParameter and
    PlanRefused before a kernel starts, RunbookError (with the exit code of its cause) after.
    """
    call = _call(
        name,
        plan,
        settings,
        due=due,
        mode=mode,
        canary=canary,
        max_failures=max_failures,
        only=only,
        parallel=parallel,
        until=until,
        said=said,
        progress=progress,
        clock=clock,
        engine=engine,
    )
    (receipt,) = call.run([batch or ""])
    return receipt


def run_batches(
    name: str,
    *,
    batches: Iterable[str],
    plan: str | Path,
    settings: Settings,
    **how: Any,
) -> Iterator[Receipt]:
    """Carry out one runbook for several batches, one after the other; give each its receipt.

    `B002-B004` names those from one to the other; all else is as for `run`. All are checked
    before the first begins. After a run that was stopped, or once as many failed in all as
    max_failures, or else the policy, allows, no further one begins. A batch that breaks raises
    as `run` does, and is the last.
    """
    yield from _call(name, plan, settings, **how).run(list(batches), several=True)


def _call(
    name: str,
    plan: str | Path,
    settings: Settings,
    *,
    due: date | str | None = None,
    mode: str = "dry",
    only: str | Path | None = None,
    said: Mapping[str, Value] | None = None,
    progress: Say | None = None,
    clock: Clock | None = None,
    engine: str = "",
    **limits: Value,
) -> Call:
    given: dict[str, Value] = {"canary": 0, "max_failures": 0, "parallel": 1, "until": ""}
    given |= {"due": str(due or ""), "mode": mode, **limits, **(said or {})}
    given["only"] = Path(only).resolve().as_posix() if only else ""
    return Call(name, Path(plan), settings, given, clock or SystemClock(), progress, engine)


def execute(
    notebook_name: str,
    output: str | Path,
    /,
    *,
    workspace: Path | None = None,
    progress: Say | None = None,
    engine: str = "",
    **given: object,
) -> Receipt:
    """Execute any packaged notebook into output; its HTML receipt and record stand beside it.

    Relative paths in its parameters start from workspace, or else from the folder of output. Its
    kernel is warm where a server for more than this one notebook is there, or `engine` says so.
    """
    engine = chosen(engine or (WARM if warming.shared() else STOCK))
    notebook, output, clock = find(notebook_name), Path(output).resolve(), SystemClock()
    checked = check(notebook, given)
    receipts.writable(output.parent)
    place = workspace or output.parent
    job = kernel.Job(notebook, output, place, checked, clock, progress, engine)
    defaults = {name: parameter.default for name, parameter in declared(notebook).items()}
    with warming.warm(engine == WARM):
        return receipt_of(job, record_of(notebook_name, clock.now(), defaults | checked))
