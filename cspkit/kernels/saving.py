"""The notebook while it is executed: kept up to date on disk, but not forty times a second."""

from __future__ import annotations

import time
from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager

_EVERY = 1.0
_OF_THE_NOTEBOOK = ("output_path", "progress_bar", "log_output", "autosave_cell_every")


class Saved(NotebookExecutionManager):  # type: ignore[misc]
    """Papermill's notebook, which it would write at the beginning and end of every cell.

    Here at most once a second, as soon as something happens after that, and always at its end.
    """

    _latest = float("-inf")
    _waits = _ended = False

    def save(self, **told: Any) -> None:
        """Write the notebook, or remember that it has to be written."""
        now = time.monotonic()
        self._waits = not self._ended and now - self._latest < _EVERY
        if not self._waits:
            self._latest = now
            super().save(**told)

    def autosave_cell(self) -> None:
        """Hear of a message of the kernel: what waits may be due by now."""
        if self._waits:
            self.save()
        super().autosave_cell()

    def notebook_complete(self, **told: Any) -> None:
        """Write all, however the notebook ended."""
        self._ended = True
        super().notebook_complete(**told)


def execute(nb: Any, kernel_name: str, options: dict[str, Any]) -> Any:
    """Execute a notebook as papermill's own engine does; return it with its outputs."""
    kept = {name: options.pop(name) for name in _OF_THE_NOTEBOOK if name in options}
    notebook = Saved(nb, **kept)
    notebook.notebook_start()
    try:
        log = {"log_output": kept.get("log_output", False)}
        NBClientEngine.execute_managed_notebook(notebook, kernel_name, **log, **options)
    finally:
        notebook.cleanup_pbar()
        notebook.notebook_complete()
    return notebook.nb
