"""Why a run begins nothing more: a signal, an error elsewhere in it, or its time is up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

BY_HAND = "the run was stopped by hand"


class Stop:
    """A request to stop that every worker of a run sees; the first reason counts."""

    def __init__(self) -> None:
        """Begin without any reason to stop."""
        self.reason = ""

    def ask(self, reason: str) -> None:
        """Let no worker begin anything more; what is on its way out is finished."""
        self.reason = self.reason or reason

    @contextmanager
    def on_interrupt(self) -> Iterator[None]:
        """Take an interrupt as a request to stop; a second one ends everything at once.

        Only the main thread of a process can be told; anywhere else the interrupt stays as it is.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def heard(_number: int, _frame: Any) -> None:
            if self.reason == BY_HAND:
                raise KeyboardInterrupt
            self.ask(BY_HAND)

        before = signal.signal(signal.SIGINT, heard)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
