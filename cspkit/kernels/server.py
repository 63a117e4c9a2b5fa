"""The process that imports first and then forks one kernel for each run.

Its one argument is the number of an open socket to its launcher. It only imports: no other
socket, no client, no credential, one thread of Python. It ends with its launcher, and a kernel
ends with it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

# What notebooks import, and what that imports at its first use; `ipykernel` reads the number of
# its parent when it is imported, so it comes after that is set.
IMPORTED = (
    *("cspkit.moves", "cspkit.reconciling", "cspkit.runbooks", "cspkit.widgets"),
    *("cspkit.rehearsal.samples", "holidays.countries", "openpyxl"),
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.debugger"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.oinspect"),
    *("IPython.core.logger", "IPython.extensions.storemagic", "tornado.platform.asyncio"),
)
_LAST_WORD = 1.0


def main() -> None:
    """Import, then fork until the launcher is gone; return in each forked kernel alone."""
    # The first that is registered is the last that is called.
    atexit.register(_leave, os.getpid())
    asked = Connection(int(sys.argv[1]))
    os.environ["JPY_PARENT_PID"] = str(os.getpid())
    # A debugger is imported with every kernel, and says at length that it would be slower.
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    plain = dict(os.environ)
    _import()
    added = {name: value for name, value in os.environ.items() if name not in plain}
    if threading.active_count() > 1:
        return
    # What is there now is shared by all kernels, as long as nobody writes marks on it.
    gc.collect()
    gc.freeze()
    while True:
        wanted = _next(asked)
        if wanted is None:
            return
        # Those that ended are forgotten only now, so that nobody else got their number so far.
        _reap()
        child = os.fork()
        if child == 0:
            asked.close()
            become_kernel(wanted, added)
            return
        asked.send_bytes(str(child).encode())


def _import() -> None:
    for name in IMPORTED:
        # What is not there, or broken, fails where a notebook imports it, and says so there.
        with suppress(Exception):
            importlib.import_module(name)


def _next(asked: Connection) -> dict[str, Any] | None:
    try:
        wanted: dict[str, Any] = json.loads(asked.recv_bytes())
    except (EOFError, OSError):
        return None
    return wanted


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def become_kernel(wanted: dict[str, Any], added: dict[str, str]) -> None:
    """Turn this fresh copy of the server into the kernel of one run, until it is shut down.

    Its environment is that of the run, and what imports added to that of the server.
    """
    os.setsid()
    server = os.environ["JPY_PARENT_PID"]
    os.environ.clear()
    os.environ.update(added | wanted["env"] | {"JPY_PARENT_PID": server})
    time.tzset()
    os.chdir(wanted["cwd"])
    if "numpy" in sys.modules:
        # The random numbers of the standard library begin anew by themselves after a fork.
        sys.modules["numpy"].random.seed()
    sys.argv = ["ipykernel_launcher.py", *wanted["arguments"]]
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize(wanted["arguments"])
    app.start()
    # Its last answer is on the way, and waits ten seconds for a channel that is closed too early.
    app.control_thread.join(_LAST_WORD)


def _leave(server: int) -> None:
    """Leave a kernel at once, when all that ends with it has ended: only its memory is left."""
    if os.getpid() != server:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0)
