"""Reports for managers: the figures in one place, a page, a workbook, and receipts of runs."""

from __future__ import annotations

from pathlib import Path

from cspkit import collecting
from cspkit.errors import ExportError
from cspkit.reporting.summary import Status, status
from cspkit.reporting.workbook import write_table

__all__ = ["Status", "status", "write", "write_table"]


@collecting.rested()
def write(
    status: Status,
    out: Path,
    lang: str = "en",
    *,
    brand: Path | None = None,
    share_from: Path | None = None,
) -> Path:
    """Write index.html and status.xlsx into the folder out; return the page.

    `brand` is a TOML file with name, logo and colour. `share_from` is the workspace whose key
    hides names, ids and people. What stood where is kept under the workspace's reports, for the
    next report to compare with, and reports/index.html is written anew.

    Raises SettingsError for a language there is no translation of or a wrong brand, ExportError
    when the folder cannot be written.
    """
    from cspkit.reporting import branding, changes, figures, page, sharing, shelf, workbook
    from cspkit.reporting.words import Words

    words = Words(lang)
    look = branding.read(brand) if brand else branding.Brand()
    shown = sharing.shared(status, share_from, words) if share_from else status
    index = Path(out) / "index.html"
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_text(page.render(shown, index.resolve(), words, look), encoding="utf-8")
        workbook.write(shown, index.with_name("status.xlsx"), words)
        rows = figures.records(status.moves)
        changes.keep(status.kept, rows, status.as_of, status.plan_hash, status.service)
        shelf.note(index, as_of=status.as_of.isoformat(), lang=lang, plan=status.plan_hash)
        shelf.write(status.kept.parent)
    except OSError as error:
        raise ExportError(index, [f"cannot be written: {error.strerror or error}"]) from error
    return index
