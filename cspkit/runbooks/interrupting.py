"""Ctrl-C on a run: the first lets the kernel finish the call in hand, the second kills it.

A kernel is in a process group of its own, so a terminal's signal reaches only its launcher, which
passes it on from here.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from cspkit.kernels.interrupts import STOPPING, Asked, handled
from cspkit.runbooks.progress import Say

# The one cell of a runbook that writes; the cells after it leave the evidence of what it did.
ACTS = "carry_out("
_LOOK_UP = 0.2


@contextmanager
def later() -> Iterator[None]:
    """Let a signal that comes now wait until the block is through."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    with handled(lambda number, _: came.append(number)):
        yield
    if came:
        signal.raise_signal(came[0])


class StoppedEarly(Exception):
    """The run was stopped by hand before its kernel began to act."""


class Watched:
    """One kernel that can be interrupted, then killed, by the signals of its launcher."""

    def __init__(self, say: Say | None, before: Asked | None = None) -> None:
        """Watch over a kernel that is still to start; `say` hears that it is stopping.

        What was asked `before` counts from its first cell on, and what is asked now is kept there.
        """
        self._say = say
        self.asked = before or Asked()
        self._manager: Any = None
        self._busy = self._acted = self._through = False
        self.killed = self._passed_on = False

    def options(self) -> dict[str, Any]:
        """Give what papermill's client needs so that its kernel is this one."""
        from jupyter_client.manager import AsyncKernelManager

        watched = self

        class Manager(AsyncKernelManager):  # type: ignore[misc]
            """A kernel manager that says which kernel it manages."""

            def __init__(self, *words: Any, **options: Any) -> None:
                super().__init__(*words, **options)
                watched._manager = self

        hooks = {"on_cell_execute": self._begins, "on_cell_executed": self._ended}
        return {"kernel_manager_class": Manager, **hooks}

    def run(self, job: Callable[[], object]) -> None:
        """Run a job while listening to signals, which only the main thread is told."""
        if threading.current_thread() is not threading.main_thread():
            job()
            return
        from jupyter_core.utils import ensure_event_loop

        problems: list[BaseException] = []

        def guarded() -> None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - raised again, where it is awaited
                problems.append(error)
            finally:
                # The one that jupyter_client made for this thread, and does not close.
                ensure_event_loop().close()

        worker = threading.Thread(target=guarded, name="cspkit-run", daemon=True)
        with handled(self._heard):
            worker.start()
            while worker.is_alive():
                # In steps: on Windows a signal does not end a wait without one.
                worker.join(_LOOK_UP)
        if problems:
            raise problems[0]

    def _heard(self, _number: int, _frame: Any) -> None:
        process = self._manager and self._manager.provisioner
        if self.asked.on and process:
            self.killed = True
            _at_once(process.kill())
        elif not self.asked.on:
            self.asked.on = True
            if self._say is not None:
                self._say(STOPPING)
            # What follows the acting cell is the evidence of what it did.
            if self._busy and process and not self._through:
                self._passed_on = True
                _at_once(process.send_signal(signal.SIGINT))

    def _begins(self, cell: Any, cell_index: int) -> None:
        # Between two cells a kernel hears nothing, so what came then counts from the next one on.
        if self.asked.on and not self._passed_on and not self._acted:
            raise StoppedEarly
        self._busy = True
        self._acted = self._acted or ACTS in cell.source

    def _ended(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        self._busy = False
        self._through = self._through or ACTS in cell.source


def _at_once(told: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine that waits for nothing, which a signal handler may do without a loop."""
    try:
        told.send(None)
    except StopIteration:
        return
