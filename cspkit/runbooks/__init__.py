"""Run packaged notebooks with checked parameters, and keep what they leave."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cspkit.clock import Clock, SystemClock
from cspkit.errors import RunbookError, UnknownParameter
from cspkit.reporting import receipts
from cspkit.runbooks import kernel, refusing, settling
from cspkit.runbooks.parameters import Value, check, declared
from cspkit.runbooks.progress import Say, tell
from cspkit.runbooks.settling import read_settings, seen_steps, settle
from cspkit.settings import Settings

__all__ = [
    "RUNBOOKS",
    "Receipt",
    "execute",
    "find",
    "folder",
    "notebooks",
    "read_settings",
    "run",
    "seen_steps",
    "settle",
    "tell",
]

RUNBOOKS = {
    "invite": "40-invite",
    "access": "45-access",
    "renewal-safe": "48-renewal-safe",
    "provision": "50-provision",
    "verify": "60-verify",
    "reassign": "70-reassign",
    "retire": "80-retire",
    "undo": "85-undo",
    "reconcile": "90-reconcile",
}
# What acts on nothing needs no batch, and is what opens a ledger that may not be written.
READS = ("reconcile",)


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


def folder() -> Path:
    """Return the folder of the packaged notebooks, in a wheel or in a clone."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "notebooks", package.parent / "notebooks"):
        if (candidate / "runbooks").is_dir():
            return candidate
    raise RunbookError(f"no notebooks in or beside {package}; install cspkit again")


def notebooks() -> dict[str, Path]:
    """Map the name of every packaged notebook to its file, in the order of their numbers."""
    found = (path for path in folder().rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}


def find(name: str) -> Path:
    """Return a packaged notebook by its name; nothing else is ever run."""
    packaged = notebooks()
    if name not in packaged:
        raise UnknownParameter(f"no notebook {name!r}; there are {', '.join(packaged)}")
    return packaged[name]


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
) -> Receipt:
    """Carry out one runbook for a batch, for what is due, or for what a file names.

    `said` is what one runbook alone is told, by the names of its parameters: of an undo asked_by,
    agreed_by and seats. The limits are those of `moves.Limits`; `progress` hears a line whenever
    something is through.

    Leaves a folder below `<reports>/receipts/`: the executed notebook, an HTML receipt, the
    settings it ran with and its counts, also when it fails. Raises UnknownParameter and
    PlanRefused before a kernel starts, RunbookError (with the exit code of its cause) after.
    """
    from cspkit.planning import Plan

    notebook = _runbook(name)
    clock = clock or SystemClock()
    mode = refusing.check_mode(mode, chosen=bool(batch or due or only) or name in READS)
    which = {"batch": batch or "", "due": str(due or ""), "mode": mode}
    limits: dict[str, Any] = {
        "canary": canary,
        "max_failures": max_failures,
        "only": Path(only).resolve().as_posix() if only else "",
        "parallel": parallel,
        "until": until,
    }
    given = check(
        notebook, {"plan": Path(plan).resolve().as_posix(), **which, **limits, **(said or {})}
    )
    refusing.check_run(name, Plan.read(plan), given, settings, acts=name not in READS)
    started = clock.now()
    place = receipts.make_folder(
        settings.reports, started, name, which["batch"], which["due"], mode
    )
    own = {
        "config": settling.keep(settings, place).as_posix(),
        "run_id": place.name,
        "result_file": (place / "result.json").as_posix(),
    }
    output = place / notebook.name
    job = kernel.Job(notebook, output, settings.root, given | check(notebook, own), clock, progress)
    return _receipt(job, _record(name, started, which))


def execute(
    notebook_name: str,
    output: str | Path,
    /,
    *,
    workspace: Path | None = None,
    progress: Say | None = None,
    **given: object,
) -> Receipt:
    """Execute any packaged notebook into output; its HTML receipt and record stand beside it.

    Relative paths in its parameters start from workspace, or else from the folder of output.
    """
    notebook, output, clock = find(notebook_name), Path(output).resolve(), SystemClock()
    checked = check(notebook, given)
    receipts.writable(output.parent)
    job = kernel.Job(notebook, output, workspace or output.parent, checked, clock, progress)
    defaults = {name: parameter.default for name, parameter in declared(notebook).items()}
    return _receipt(job, _record(notebook_name, clock.now(), defaults | checked))


def _record(name: str, started: datetime, given: Mapping[str, Value]) -> receipts.Record:
    mode, batch, due = (str(given.get(word, "")) for word in ("mode", "batch", "due"))
    return receipts.Record(name, mode, started, by=_operator(), batch=batch, due=due)


def _receipt(job: kernel.Job, record: receipts.Record) -> Receipt:
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


def _runbook(name: str) -> Path:
    if name not in RUNBOOKS:
        raise UnknownParameter(f"no runbook {name!r}; there are {', '.join(RUNBOOKS)}")
    return find(RUNBOOKS[name])


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
