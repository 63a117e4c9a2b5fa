"""The audit pack of one customer: what was approved, sent, answered and changed, as one zip."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cspkit import writing
from cspkit.errors import ExportError, SettingsError
from cspkit.reporting.figures import Row, records

if TYPE_CHECKING:
    from cspkit.ledger import Ledger

TABLES = {
    "moves": (
        *("move_id", "subscription_ids", "part", "batch", "state", "reason", "target_offer"),
        *("seats", "term", "billing_cycle", "expires_on", "cart_id", "order_id"),
        *("subscription_id", "sent_at", "ordered_at", "verified_at", "reassigned_at", "by_hand"),
    ),
    "ends": (
        *("original", "state", "way", "reason", "plan_expires_on", "seen_expires_on", "seen_at"),
        *("asked_at", "safe_at", "scheduled_at", "ended_at", "renewed_at", "evidence"),
    ),
    "steps": ("step", "state", "reason", "asked_at", "done_at", "evidence"),
    "calls": (
        *("sent_at", "subject", "verb", "path", "request_id", "outcome", "status", "code"),
        *("answered_at", "detail", "body_hash", "run_id"),
    ),
    "letters": (
        *("letter", "cycle", "language", "claimed_at", "written_at", "file"),
        *("mail", "address", "sending_at", "answer"),
    ),
    "events": (
        *("at", "kind", "subject", "before", "after", "request_id", "detail", "run_id", "hash"),
    ),
}
RUNS = ("run_id", "step", "mode", "batch", "by", "host", "started_at", "ended_at", "chain_head")
APPROVALS = ("plan_hash", "by", "made_by", "approved_at")
_STILL = (1980, 1, 1, 0, 0, 0)


def pack(ledger: Ledger, customer_id: str, out: Path, *, name: str = "", outbox: Path) -> Path:
    """Write audit-CUSTOMER.zip into the folder out: a page, the tables as csv, the letters.

    It holds what concerns this customer and nobody else: a run is named with its head, its
    receipt, which shows other customers too, stays at home. Cells that a spreadsheet would take
    for a formula begin with an apostrophe. Raises SettingsError for a customer the ledger does
    not know, ExportError when the file cannot be written.
    """
    tables = _tables(ledger, customer_id)
    if not any(tables[table] for table in TABLES):
        raise SettingsError("ledger", "customer", f"knows nothing of {customer_id!r}")
    target = Path(out) / f"audit-{customer_id}.zip"
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, "index.html", _page(tables, customer_id, name))
            for table, rows in tables.items():
                _add(archive, f"{table}.csv", _csv(rows))
            for letter in tables["letters"]:
                text = outbox / Path(str(letter["file"])).with_suffix(".txt").name
                if text.is_file():
                    _add(archive, f"letters/{text.name}", text.read_text(encoding="utf-8"))
        part.replace(target)
    except OSError as error:
        raise ExportError(target, [f"cannot be written: {error.strerror or error}"]) from error
    return target


def _tables(ledger: Ledger, customer_id: str) -> dict[str, list[Row]]:
    frames = {
        "moves": ledger.moves(),
        "ends": ledger.ends(),
        "steps": ledger.steps(),
        "calls": ledger.outside_calls(),
        "letters": _letters(ledger),
        "events": ledger.events(),
    }
    found = {
        table: _rows(frame[frame["customer_id"] == customer_id], TABLES[table])
        for table, frame in frames.items()
    }
    own = frames["moves"][frames["moves"]["customer_id"] == customer_id]
    ran = {row["run_id"] for table in ("calls", "events") for row in found[table]}
    runs, approvals = ledger.runs(), ledger.approvals()
    hashes = {*own["plan_hash"], *runs[runs["run_id"].isin(ran)]["plan_hash"]}
    approved = approvals[approvals["plan_hash"].isin(hashes)]
    return {
        "approvals": _rows(approved, APPROVALS),
        "runs": _rows(runs[runs["run_id"].isin(ran)], RUNS),
        **found,
    }


def _letters(ledger: Ledger) -> pd.DataFrame:
    """Put what became of each letter by mail beside it."""
    key = ["customer_id", "letter", "cycle"]
    mails = ledger.mails().rename(columns={"state": "mail"})
    return ledger.letters().merge(mails[[*key, *TABLES["letters"][-4:]]], how="left", on=key)


def _rows(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[Row]:
    known = [column for column in columns if column in frame.columns]
    return records(frame[known])


def _page(tables: dict[str, list[Row]], customer_id: str, name: str) -> str:
    from cspkit.reporting.layout import environment, style

    template = environment().get_template("audit.html")
    return template.render(tables=tables, customer_id=customer_id, name=name, style=style())


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(rows[0] if rows else ["nothing"])
    for row in rows:
        writer.writerow([_plain(value) for value in row.values()])
    return "\ufeff" + text.getvalue()


def _plain(value: object) -> str:
    return "" if value is None else str(writing.harmless(value))


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    """Add a file with a still time, so that the same evidence gives the same bytes."""
    entry = zipfile.ZipInfo(name, _STILL)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, text.encode("utf-8"))
