"""What a run leaves behind: its folder, its record and the HTML receipt of its notebook."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from cspkit import writing
from cspkit.errors import SettingsError

RUNNING, DONE, FAILED, BROKEN = "running", "done", "failed", "broken"
FOLDER = "receipts"
RECORD = ".receipt.json"

_TEMPLATES = Path(__file__).parent / "templates"
# What text cells and tables are made of; nbconvert's own list would drop headings and headers.
_TAGS = [
    *("h1", "h2", "h3", "h4", "p", "div", "span", "ul", "ol", "li", "a", "code", "pre", "br", "hr"),
    *("strong", "b", "em", "i", "blockquote"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
]
_ATTRIBUTES = {"*": ["class"], "a": ["href", "title"], "th": ["scope", "colspan", "rowspan"]}
# What a page without scripts can show of an output, the best first; a widget stands there as the
# table that it brings along.
_SHOWN = ["text/html", "image/svg+xml", "image/png", "text/markdown", "text/latex", "text/plain"]
_STYLE = re.compile(r"<style\b[^>]*>.*?</style>", re.DOTALL | re.IGNORECASE)


@dataclass
class Record:
    """One run as a JSON file beside its notebook; a killed run stays `running` in it."""

    name: str
    mode: str
    started: datetime
    by: str
    batch: str = ""
    due: str = ""
    status: str = RUNNING
    ended: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    error: str = ""
    notebook: str = ""
    notebook_sha256: str = ""
    chain_head: str = ""
    version: str = ""
    notes: list[str] = field(default_factory=list)
    stopped: str = ""
    left: str = ""
    process: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")

    def save(self, file: Path) -> None:
        """Write the record, whole or not at all."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False, default=datetime.isoformat)
        writing.write(file, text + "\n")


def make_folder(reports: Path, started: datetime, *words: str) -> Path:
    """Make the folder of one run; its name is the run's name, here and in the ledger.

    It says when and what; four more letters keep apart what two people start in one second.
    """
    said = [started.strftime("%Y%m%dT%H%M%SZ"), *map(_slug, filter(None, words))]
    place = reports / FOLDER / "-".join([*said, secrets.token_hex(2)])
    writable(place)
    return place


def writable(folder: Path) -> None:
    """Make a folder and prove that it can be written to, before anything runs."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        proof = folder / ".write-test"
        proof.touch()
        proof.unlink()
    except OSError as error:
        raise _not_writable(folder, error.strerror or str(error)) from None


def _not_writable(folder: Path, why: str) -> SettingsError:
    problem = f"receipts cannot be written here ({why}); set paths.reports in cspkit.toml"
    return SettingsError(folder, "reports", problem)


def _slug(word: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-")[:40] or "x"


def read(reports: Path) -> pd.DataFrame:
    """Return one row per run found below a reports folder, newest first.

    Columns: run_id, name, mode, batch, due, status, started, ended, by, counts, error, html,
    process.
    """
    rows = [_row(file) for file in sorted((reports / FOLDER).glob(f"*/*{RECORD}"))]
    columns = ["run_id", "name", "mode", "batch", "due", "status", "started", "ended", "by"]
    rows.sort(key=lambda row: (row["started"], row["run_id"]), reverse=True)
    columns += ["counts", "error", "html", "process"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def at_work(process: str) -> bool:
    """Say whether the process of a run may still be there; on another computer nobody can see."""
    host, _, number = process.rpartition(":")
    return bool(host) and (host != socket.gethostname() or psutil.pid_exists(int(number)))


def _row(file: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return {"process": "", **record} | {
        "run_id": file.parent.name,
        "started": datetime.fromisoformat(record["started"]),
        "ended": record["ended"] and datetime.fromisoformat(record["ended"]),
        "html": file.with_name(record["notebook"]).with_suffix(".html"),
    }


def to_html(notebook: Path, out: Path, record: Record) -> Path:
    """Write the HTML receipt of an executed notebook: outputs and text, no code, no scripts.

    Sanitized, under a policy that lets nothing run or load, so that a hostile name in an output
    stays text in a browser.
    """
    with without_iri_grammars():
        import nbformat

    book = nbformat.read(notebook, as_version=4)
    given = book.metadata.get("papermill", {}).get("parameters", {})
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    page, _ = _exporter().from_notebook_node(
        book, {"cspkit": {"record": record, "parameters": given, "style": style}}
    )
    writing.write(out, page)
    return out


@cache
def _exporter() -> Any:
    """Make what turns notebooks into receipts; its templates take most of the time, once."""
    with without_iri_grammars():
        from nbconvert import HTMLExporter
        from nbconvert.preprocessors.sanitize import SanitizeHTML
    from traitlets.config import Config

    exporter = HTMLExporter(
        template_name="receipt",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        sanitize_html=True,
        embed_images=True,
        config=Config({"NbConvertBase": {"display_data_priority": _SHOWN}}),
    )
    cleaner = SanitizeHTML(tags=_TAGS, attributes=_ATTRIBUTES)
    # The style that pandas puts before each table would be shown as text.
    exporter.register_filter(
        "sanitized", lambda html: cleaner.sanitize_html_tags(_STYLE.sub("", html))
    )
    return exporter


@contextmanager
def without_iri_grammars() -> Iterator[None]:
    """Import notebook libraries without the IRI grammars that no notebook schema uses.

    jsonschema compiles them on import when `rfc3987_syntax` is there: three quarters of the
    start-up of papermill and nbconvert.
    """
    absent = "rfc3987_syntax" not in sys.modules
    if absent:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if absent:
            sys.modules.pop("rfc3987_syntax", None)
