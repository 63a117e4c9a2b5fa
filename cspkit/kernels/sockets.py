"""How one speaks to a kernel: over files that only this user has, not over ports of the machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from traitlets.config import Config

# The name of a socket file has about 100 characters at most; Windows has none.
_LONGEST = 80


@contextmanager
def over_files() -> Iterator[Config]:
    """Have the settings of a kernel that listens at files: nobody else hears, no two collide.

    Where there can be none the settings are empty, and it listens at ports as ever.
    """
    with tempfile.TemporaryDirectory(prefix="cspkit-") as folder:
        if os.name == "nt" or len(folder) > _LONGEST:
            yield Config()
        else:
            yield Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
