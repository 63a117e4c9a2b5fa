"""Ctrl-C on a whole command: heard from its first moment, and nothing more begins."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOPPING = "stopping after the call in hand; Ctrl-C once more kills"


@dataclass
class Asked:
    """Whether somebody asked that nothing more begins."""

    on: bool = False


_asked: Asked | None = None


@contextmanager
def handled(handler: Callable[[int, Any], object]) -> Iterator[None]:
    """Let a handler hear the signals that stop a run; in the main thread, which alone is told."""
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, one in before.items():
            signal.signal(number, one)


@contextmanager
def heard(say: Callable[[str], object] | None = None) -> Iterator[Asked]:
    """Take a signal as a request to begin nothing more; a second one ends everything at once.

    An exception, as Python raises it for Ctrl-C, can be lost where it comes: in what runs between
    two lines. One within another hears the same. Only the main thread of a process can be told.
    """
    global _asked
    if _asked is not None or threading.current_thread() is not threading.main_thread():
        yield _asked or Asked()
        return
    asked = _asked = Asked()

    def hear(_number: int, _frame: Any) -> None:
        if asked.on:
            raise KeyboardInterrupt
        asked.on = True
        if say is not None:
            say(STOPPING)

    try:
        with handled(hear):
            yield asked
    finally:
        _asked = None
