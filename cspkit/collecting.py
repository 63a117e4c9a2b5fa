"""Let the collector of reference cycles rest where expressions are built by the thousand."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def settle() -> None:
    """Leave what there is out of every later look, the last one too; for a command, at its start.

    What was imported stays to the end anyway. Not where somebody works on: what is garbage by now
    would stay as well. Not after DuckDB is imported, which complains of what it finds at the end.
    """
    gc.freeze()


@contextmanager
def rested() -> Iterator[None]:
    """Pause the collector, and leave it as it was found, whatever happens inside.

    Expressions live until they have run, so that every look at them frees nothing; it took a
    seventh of the processor time of a load and a ranking.
    """
    resting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if resting:
            gc.enable()
