"""Warm kernels: as fresh as any, one for each run, gone with it, and stock where they cannot be."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import psutil
import pytest

from cspkit.clock import FixedClock
from cspkit.errors import RunbookError
from cspkit.kernels import saving, warming
from cspkit.kernels.engine import NAME, Engine
from cspkit.reporting import receipts
from cspkit.runbooks import kernel
from cspkit.settings import STOCK, WARM

pytestmark = pytest.mark.skipif(not warming.possible(), reason="warm kernels are for Linux")

MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
# What one run may leave behind, each as what changes it and what tells whether it was changed.
TRACES: dict[str, tuple[str, str]] = {
    "a global": ("left = 1", "'left' in globals()"),
    "a built-in name": ("import builtins; builtins.left = 1", "hasattr(builtins, 'left')"),
    "a module": ("import zipapp", "'zipapp' in sys.modules"),
    "a name in a module": ("import json; json.left = 1", "hasattr(json, 'left')"),
    "a replaced function": (
        "import textwrap; textwrap.shorten = None",
        "__import__('textwrap').shorten is None",
    ),
    "a class of ours": (
        "from cspkit.policy import Policy; Policy.left = 1",
        "hasattr(Policy, 'left')",
    ),
    "the environment": ("os.environ['CSPKIT_LEFT'] = 's3cret'", "'CSPKIT_LEFT' in os.environ"),
    "the folder": ("os.chdir('/')", "os.getcwd() == '/'"),
    "the path": ("sys.path.append('/left')", "'/left' in sys.path"),
    "a warnings filter": (
        "import warnings; warnings.simplefilter('error')",
        "any(one[0] == 'error' for one in warnings.filters)",
    ),
    "a logging handler": (
        "import logging; logging.getLogger().addHandler(logging.NullHandler())",
        "any(type(one) is logging.NullHandler for one in logging.getLogger().handlers)",
    ),
    "an option of pandas": (
        "import pandas as pd; pd.set_option('display.max_rows', 7)",
        "pd.get_option('display.max_rows') == 7",
    ),
    "errors of numpy": (
        "import numpy as np; np.seterr(all='raise')",
        "np.geterr()['over'] == 'raise'",
    ),
    "decimal precision": (
        "import decimal; decimal.getcontext().prec = 3",
        "decimal.getcontext().prec == 3",
    ),
    "a locale": (
        "import locale; locale.setlocale(locale.LC_ALL, 'C')",
        "locale.setlocale(locale.LC_CTYPE) == 'C'",
    ),
    "a time zone": (
        "import time; os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()",
        "time.timezone == -32400",
    ),
    "a thread": (
        "import threading; threading.Thread("
        "target=threading.Event().wait, name='left', daemon=True).start()",
        "any(one.name == 'left' for one in threading.enumerate())",
    ),
    "an open file": ("kept = open(left_file, 'w')", "left_file in map(os.path.realpath, links())"),
    "the recursion limit": ("sys.setrecursionlimit(3456)", "sys.getrecursionlimit() == 3456"),
    "the umask": ("os.umask(0o077)", "(os.umask(0o022), os.umask(0o022))[0] == 0o077"),
    "a signal": (
        "import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN",
    ),
    "a hook of IPython": (
        "get_ipython().events.register('pre_run_cell', print)",
        "print in get_ipython().events.callbacks['pre_run_cell']",
    ),
    "a formatter": (
        "get_ipython().display_formatter.formatters['text/plain'].for_type(complex, repr)",
        "complex in get_ipython().display_formatter.formatters['text/plain'].type_printers",
    ),
}
PROBE = """
import builtins, decimal, json, locale, logging, os, random, signal, sys, threading, time
import uuid, warnings
import numpy as np, pandas as pd
from cspkit.policy import Policy

def links():
    for one in os.listdir('/proc/self/fd'):
        try:
            yield os.readlink(f'/proc/self/fd/{one}')
        except OSError:
            pass
"""


@pytest.fixture(scope="module")
def server() -> Iterator[warming.Server]:
    """One server for the tests of this file, as a run of many batches has it."""
    with warming.warm() as made:
        assert made is not None
        yield made


def run(folder: Path, *cells: str, engine: str = WARM, name: str = "out") -> list[str]:
    """Run cells as a notebook in a kernel of its own; give what each printed."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )
    source, output = folder / "10-probe.ipynb", folder / f"{name}.ipynb"
    nbformat.write(book, source)
    job = kernel.Job(source, output, folder, {}, FixedClock(MORNING), engine=engine)
    kernel.execute(job, receipts.Record("try", "dry", MORNING, "ana"))
    done = nbformat.read(output, as_version=4).cells
    return ["".join(out.get("text", "") for out in cell.outputs).strip() for cell in done]


def look(folder: Path) -> str:
    """Make the code that prints which traces it sees."""
    told = ", ".join(f"{name!r}: {test}" for name, (_, test) in TRACES.items())
    file = str((folder / "left").resolve())
    return f"left_file = {file!r}\nprint([name for name, found in {{{told}}}.items() if found])"


def leave(folder: Path) -> str:
    """Make the cell that looks, changes everything, and looks again."""
    changed = "\n".join(change for change, _ in TRACES.values())
    chance = "print(random.random(), np.random.random(), uuid.uuid4(), os.getpid())"
    return "\n".join([PROBE, look(folder), chance, changed, look(folder)])


def servers() -> list[psutil.Process]:
    """List the servers that this process started."""
    mine = psutil.Process().children()
    return [one for one in mine if "cspkit.kernels.server" in " ".join(one.cmdline())]


# These two have servers of their own, so they come before the one that the others share.


def test_the_server_holds_no_secret_and_ends_with_its_last_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What forks the kernels of a run has no password, and is not there any more after it."""
    monkeypatch.setenv("CSPKIT_SMTP_PASSWORD", "s3cret")
    monkeypatch.setenv("CSPKIT_PLAIN", "plain")
    before = set(servers())
    first, second = ExitStack(), ExitStack()
    made = first.enter_context(warming.warm())
    same = second.enter_context(warming.warm())
    (process,) = set(servers()) - before
    held = process.environ()
    first.close()
    running = process.is_running()
    second.close()

    assert made is same and running
    assert (held["CSPKIT_PLAIN"], "CSPKIT_SMTP_PASSWORD" in held) == ("plain", False)
    assert not process.is_running()


def parent(folder: Path) -> int:
    """Run a warm notebook and give the number of the process that its kernel has for a parent."""
    (said,) = run(folder, "import os; print(os.getppid())")
    return int(said)


def test_where_a_kernel_cannot_be_forked_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another shape of interpreter, another Python, no server any more: the run goes on as ever."""
    with warming.warm() as server:
        assert server is not None
        (process,) = servers()
        forked = parent(tmp_path)
        monkeypatch.setenv("PYTHONUTF8", "1")
        started = parent(tmp_path)
        monkeypatch.delenv("PYTHONUTF8")
        another = tmp_path / "python"
        another.symlink_to(sys.executable)
        odd = [[str(another), "-m", "ipykernel_launcher"], [sys.executable, "-c", "pass"]]
        refused = [server.fork(command, "/", os.environ) for command in odd]
        process.kill()
        process.wait()
        lost = parent(tmp_path)

    assert (forked, started, lost) == (process.pid, os.getpid(), os.getpid())
    assert refused == [None, None]


def test_nothing_of_a_run_reaches_the_next(tmp_path: Path, server: warming.Server) -> None:
    """One kernel changes all that a process has; the next sees what a stock kernel sees."""
    first, second = (run(tmp_path, leave(tmp_path))[0].splitlines() for _ in range(2))
    stock = run(tmp_path, leave(tmp_path), engine=STOCK)[0].splitlines()

    assert str(list(TRACES)) == first[2] == second[2] == stock[2]
    assert stock[0] == first[0] == second[0]
    assert not set(first[1].split()) & set(second[1].split())


def test_a_warm_kernel_is_what_a_stock_one_is(
    tmp_path: Path, server: warming.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same interpreter, folder, path, arguments, input and environment: that of this run."""
    monkeypatch.setenv("CSPKIT_OF_THIS_RUN", "yes")
    monkeypatch.setenv("TZ", "America/Lima")
    told = (
        "import importlib, locale, logging, os, signal, sys, time, warnings",
        "from cspkit.kernels.server import IMPORTED",
        "modules = [importlib.import_module(name) for name in IMPORTED]",
        "print(sys.executable, sys.path, sys.flags, sys.argv[1], os.getcwd(), __name__)",
        "print(sorted(item for item in os.environ.items() if item[0] != 'JPY_PARENT_PID'))",
        "print(time.timezone, locale.setlocale(locale.LC_ALL), os.getpgrp() == os.getpid())",
        "print([signal.getsignal(one) for one in (signal.SIGINT, signal.SIGCHLD, signal.SIGTERM)])",
        "print(sorted(map(str, warnings.filters)), logging.getLogger().handlers)",
        "print(sys.stdin, sys.getrecursionlimit(), os.umask(0o22))",
    )

    warm, stock = (run(tmp_path, "\n".join(told), engine=one)[0] for one in (WARM, STOCK))

    assert stock.splitlines() == warm.splitlines()
    assert "CSPKIT_OF_THIS_RUN" in warm and "18000" in warm


def test_a_run_is_told_when_its_kernel_dies(tmp_path: Path, server: warming.Server) -> None:
    """A kernel that ends by itself breaks its run and nobody else's."""
    with pytest.raises(RunbookError, match="the kernel was lost"):
        run(tmp_path, "import os; os._exit(9)")

    assert run(tmp_path, "print(1 + 1)") == ["2"]


def test_what_a_kernel_leaves_for_its_end_is_done(tmp_path: Path, server: warming.Server) -> None:
    """Folders that go with the process go, although the process does not tidy its memory."""
    made = "import tempfile; kept = tempfile.TemporaryDirectory(); print(kept.name)"
    last = "import atexit, pathlib; atexit.register(pathlib.Path('ended').touch)"
    (name, _) = run(tmp_path, made, last)

    assert not Path(name).exists()
    assert (tmp_path / "ended").exists()


def test_nothing_outlives_a_launcher_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the launcher ends the server at once and its kernel within seconds."""
    cell = "import os, time; open('at-work', 'w').close(); time.sleep(120)"
    script = (
        f"from pathlib import Path; from tests.test_kernels import run; run(Path.cwd(), {cell!r})"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    latest = time.monotonic() + 60
    while not (tmp_path / "at-work").exists():
        assert launcher.poll() is None and time.monotonic() < latest
        time.sleep(0.05)
    left = psutil.Process(launcher.pid).children(recursive=True)
    launcher.kill()
    launcher.wait()

    assert len(left) == 2
    assert psutil.wait_procs(left, timeout=20)[1] == []


def test_a_notebook_is_written_at_most_once_a_second_and_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is written with the next message after that, or when all is over."""
    cell = nbformat.v4.new_code_cell("1", metadata={"tags": []})
    book = nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {}})
    output = tmp_path / "out.ipynb"

    def written(source: str) -> bool:
        cell.source = source
        return bool(nbformat.read(output, as_version=4).cells[0].source == source)

    notebook = saving.Saved(book, output_path=str(output), progress_bar=False)
    notebook.notebook_start()
    begun = written("1")
    cell.source = "2"
    notebook.save()
    too_soon = written("2")
    monkeypatch.setattr(saving, "_EVERY", 0.0)
    notebook.autosave_cell()
    due = written("2")
    monkeypatch.setattr(saving, "_EVERY", 3600.0)
    cell.source = "3"
    notebook.notebook_complete()

    assert (begun, too_soon, due, written("3")) == (True, False, True, True)


def test_the_engine_can_be_switched_off(tmp_path: Path, server: warming.Server) -> None:
    """A stock kernel is started by the launcher itself, also where a server is there."""
    (said,) = run(tmp_path, "import os; print(os.getppid())", engine=STOCK)

    assert os.getpid() == int(said)


def test_plain_papermill_with_the_engine_opens_no_port(tmp_path: Path) -> None:
    """Over ports anybody on the machine could listen: kernels of today warn of it on each run."""
    source, output = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    code = "print(get_ipython().kernel.parent.transport)"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbformat.write(book, source)
    command = [sys.executable, "-m", "papermill", str(source), str(output)]
    command += ["--engine", NAME, "-k", "python3", "--no-progress-bar"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert nbformat.read(output, as_version=4).cells[0].outputs[0].text == "ipc\n"
    assert "TCP" not in done.stderr


def test_the_engine_is_registered_and_costs_an_import_nothing() -> None:
    """`papermill --engine cspkit` finds it; a program that only imports papermill loads no more."""
    (point,) = importlib.metadata.entry_points(group="papermill.engine", name=NAME)
    script = (
        "import sys; sys.modules['rfc3987_syntax'] = None\n"
        "from papermill.engines import papermill_engines\n"
        f"print(papermill_engines.get_engine({NAME!r}).__name__)\n"
        "print(sorted(one for one in sys.modules if one.startswith('cspkit')))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert point.load() is Engine
    loaded = ["cspkit", "cspkit.kernels", "cspkit.kernels.engine"]
    assert ["Engine", str(loaded)] == told.stdout.splitlines()
