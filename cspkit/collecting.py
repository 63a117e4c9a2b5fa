"""Let the collector of reference cycles rest where expressions are built by the thousand."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
