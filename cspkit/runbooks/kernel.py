"""The only papermill: one kernel for one notebook, and what it leaves behind."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cspkit import errors, writing
from cspkit.clock import Clock
from cspkit.errors import RunbookError
from cspkit.kernels import engine, sockets
from cspkit.kernels.interrupts import Asked
from cspkit.moves.stopping import BY_HAND
from cspkit.reporting import receipts
from cspkit.reporting.receipts import Record
from cspkit.runbooks.interrupting import StoppedEarly, Watched, later
from cspkit.runbooks.parameters import SECRET, Value
from cspkit.runbooks.progress import Heard, Say
from cspkit.settings import STOCK, WARM

# An outside call has its own, much shorter limit; this one only ends a kernel that hangs.
CELL_SECONDS = 4 * 3600
EARLY = "stopped by hand before it began to act: run it again"
LATE = "stopped by hand after its moves; its evidence is not whole: run it again"
KILLED = "killed by a second interrupt; run it again: nothing is done twice"


@dataclass(frozen=True)
class Job:
    """One notebook to execute: where from, where to, with what."""

    notebook: Path
    output: Path
    workspace: Path
    given: dict[str, Value]
    clock: Clock
    progress: Say | None = None
    engine: str = STOCK
    asked: Asked | None = None


def execute(job: Job, record: Record) -> tuple[Record, dict[str, Any]]:
    """Execute a notebook; return its finished record and what it wrote of itself.

    Whatever happens, the executed notebook, its record and its HTML receipt are kept, each whole
    or not at all. Raises RunbookError when a cell fails, the kernel is lost or stopped early, or
    the disk takes no more; the ledger knows by then what was done.
    """
    record = replace(
        record,
        notebook=job.output.name,
        notebook_sha256=hashlib.sha256(job.notebook.read_bytes()).hexdigest(),
        version=version("cspkit"),
    )
    # The reader of a half-written notebook would take it for a finished one.
    part = job.output.with_name(f".part-{job.output.name}")
    result: dict[str, Any] = {}
    problem: RunbookError | None = None
    try:
        record.save(job.output.with_suffix(receipts.RECORD))
        asked = _papermill(job, part)
        result = _result(job.given.get("result_file"))
        _fill(record, result)
        # The signal came when nothing was left to stop here: nothing more begins, all the same.
        record.stopped = record.stopped or (BY_HAND if asked else "")
    except RunbookError as error:
        problem = error
        _fill(record, _result(job.given.get("result_file")))
    except OSError as error:
        problem = _not_kept(job, error)
    if problem is not None:
        record.status, record.error = receipts.BROKEN, str(problem)
    try:
        with later():
            _leave(job, record, part)
    except OSError as error:
        problem = problem or _not_kept(job, error)
    if problem is not None:
        raise problem
    return record, result


def _leave(job: Job, record: Record, part: Path) -> None:
    """Keep record, executed notebook and HTML receipt; what is half written goes away."""
    record.ended = job.clock.now()
    try:
        record.save(job.output.with_suffix(receipts.RECORD))
        if part.exists() and _keep(part, job.output):
            receipts.to_html(job.output, job.output.with_suffix(".html"), record)
    finally:
        part.unlink(missing_ok=True)


def _not_kept(job: Job, error: OSError) -> RunbookError:
    why = error.strerror or str(error)
    return RunbookError(
        f"{job.notebook.stem}: its receipt cannot be written ({why}); make room and run it again:"
        " the ledger knows what was done, and nothing is done twice",
        notebook=job.notebook.stem,
        receipt=job.output,
    )


def _papermill(job: Job, output: Path) -> bool:
    """Execute a notebook; say whether somebody asked meanwhile that it stops."""
    with receipts.without_iri_grammars():
        import papermill
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
    # What it logs comes back as an error with our words; without a handler it is printed too.
    logging.getLogger("papermill").addHandler(logging.NullHandler())
    watched = Watched(job.progress, job.asked)
    try:
        with sockets.over_files() as config:
            run = partial(
                papermill.execute_notebook,
                _literal(job.notebook),
                _literal(output),
                job.given,
                kernel_name="python3",
                engine_name=_engine(job.engine),
                progress_bar=False,
                stdout_file=Heard(job.progress) if job.progress else None,
                execution_timeout=CELL_SECONDS,
                # The kernel's folder; papermill's own `cwd` would move this whole process.
                resources={"metadata": {"path": str(job.workspace)}},
                config=config,
                # What goes wrong in a cell is in the notebook; the terminal gets one line of ours.
                extra_arguments=["--log-level=CRITICAL"],
                **watched.options(),
            )
            watched.run(run)
    except papermill.PapermillExecutionError as error:
        if watched.asked.on and error.ename == "KeyboardInterrupt":
            acted = _result(job.given.get("result_file"))
            raise _failed(job, None, "", LATE if acted else EARLY) from None
        raise _failed(job, error.exec_count, error.ename, error.evalue) from error
    except StoppedEarly:
        raise _failed(job, None, "", EARLY) from None
    # A kernel that does not answer at all is a plain RuntimeError of jupyter_client.
    except (CellTimeoutError, DeadKernelError, NoSuchKernel, RuntimeError) as error:
        why = f"the kernel was lost ({error})".splitlines()[0]
        why = KILLED if watched.killed else EARLY if watched.asked.on else why
        raise _failed(job, None, type(error).__name__, why) from error
    return watched.asked.on


def _engine(wanted: str) -> str | None:
    """Name papermill's engine; ours is there too where an older install did not announce it."""
    if wanted != WARM:
        return None
    from papermill.engines import papermill_engines

    papermill_engines.register(engine.NAME, engine.Engine)
    return engine.NAME


def _failed(job: Job, cell: int | None, name: str, why: str) -> RunbookError:
    """Turn the error of a cell into ours, with the exit code that its cause has."""
    where = "" if cell is None else f", cell [{cell}]"
    why = " ".join(why.split())
    error = RunbookError(
        f"{job.notebook.stem}{where}: {why or name}; see {job.output}",
        notebook=job.notebook.stem,
        cell=cell,
        receipt=job.output,
    )
    cause = getattr(errors, name, None)
    if isinstance(cause, type) and issubclass(cause, errors.CspkitError):
        error.exit_code = cause.exit_code
    return error


def _result(result_file: Value | None) -> dict[str, Any]:
    """Read what the run said of itself: counts, the head of its events in the ledger, and more."""
    file = Path(str(result_file or ""))
    if not file.is_file():
        return {}
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return result if "counts" in result else {"counts": result}


def _fill(record: Record, result: dict[str, Any]) -> None:
    """Finish a record: what failed, or was stopped for a reason, is not done."""
    record.counts = {word: int(number) for word, number in result.get("counts", {}).items()}
    record.chain_head = result.get("chain_head", "")
    record.notes, record.stopped = list(result.get("notes", ())), result.get("stopped", "")
    record.left = result.get("left", "")
    bad = record.counts.get("failed", 0) + record.counts.get("human", 0)
    record.status = receipts.FAILED if bad or result.get("unfinished") else receipts.DONE


def _keep(part: Path, output: Path) -> bool:
    """Give the executed notebook its name, with anything that looks like a secret blotted out.

    False, and what was there before stays, for one that a full disk has cut off.
    """
    try:
        text = part.read_text(encoding="utf-8")
        json.loads(text)
    except ValueError:
        return False
    writing.write(output, SECRET.sub("***", text))
    return True


def _literal(path: Path) -> str:
    """Write a path so that papermill's own templating of paths leaves it alone."""
    return str(path).replace("{", "{{").replace("}", "}}")
