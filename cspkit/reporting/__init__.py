"""Reports for managers: the figures in one place, a page, a workbook, and receipts of runs."""

from __future__ import annotations

from pathlib import Path

from cspkit.errors import ExportError
from cspkit.reporting.summary import Status, status
from cspkit.reporting.workbook import write_table

__all__ = ["Status", "status", "write", "write_table"]


def write(status: Status, out: Path, lang: str = "en") -> Path:
    """Write index.html and status.xlsx into the folder out; return the page.

    What stood where is kept under the workspace's reports, for the next report to compare with.

    Raises SettingsError for a language there is no translation of, ExportError when the folder
    cannot be written.
    """
    from cspkit.reporting import changes, figures, page, workbook
    from cspkit.reporting.words import Words

    words = Words(lang)
    index = Path(out) / "index.html"
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_text(page.render(status, index.resolve(), words), encoding="utf-8")
    except OSError as error:
        raise ExportError(index, [f"cannot be written: {error.strerror or error}"]) from error
    workbook.write(status, index.with_name("status.xlsx"), words)
    try:
        rows = figures.records(status.moves)
        changes.keep(status.kept, rows, status.as_of, status.plan_hash, status.service)
    except OSError as error:
        raise ExportError(status.kept, [f"cannot be written: {error.strerror or error}"]) from error
    return index
