"""Lines by hand on paper: a page to print and a csv to fill in, a pair for each provider.

Nothing of a customer is markup in the page or a formula in the csv, and nobody sees the customers
of another provider.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from cspkit import writing
from cspkit.errors import CspkitError
from cspkit.ledger.lines import Line

PAGE, TABLE = "checklist.html", "provider.csv"
# Heading and fact: what is typed, in the order in which it is needed.
TOLD = {
    "line": "line",
    "step": "step",
    "what": "what",
    "by": "by",
    "move_id": "move_id",
    "customer": "customer",
    "tenant_domain": "domain",
    "tenant_id": "customer_id",
    "offer": "offer",
    "product_id": "product_id",
    "sku": "sku",
    "title": "title",
    "quantity": "quantity",
    "term": "term",
    "billing_cycle": "billing_cycle",
    "auto_renew": "auto_renew",
    "custom_term_end": "custom_term_end",
    "friendly_name": "friendly_name",
    "originals": "originals",
    "originals_end_on": "expires_on",
    "link": "link",
    "ordered": "order_id",
    "delivered": "subscription_id",
}
RESULTS = (
    *("done_on", "done_by", "order_id", "subscription_id", "seats", "evidence"),
    *("licence_export", "licence_export_on", "statement", "refused"),
)
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; }}
body {{ margin: 2rem auto; padding: 0 1rem; }}
section {{ border: 1px solid #767676; padding: .6rem 1rem; margin: 1rem 0; break-inside: avoid; }}
h2 {{ font-size: 1.05rem; margin: .2rem 0 .5rem; }}
th {{ text-align: left; font-weight: 600; padding-right: 1.5rem; vertical-align: top; }}
td {{ overflow-wrap: anywhere; }}
.blank {{ border-bottom: 1px solid #767676; min-width: 16rem; height: 1.6rem; }}
@media print {{ body {{ margin: 0; max-width: none; }} }}
</style>
</head>
<body>
<main>
"""
_HOW = (
    "Type every value exactly as it stands here. Do each line once. Fill in the last columns of "
    f"{TABLE} (done_on as YYYY-MM-DD, done_by, and the ids), or say why under refused, and send "
    "it back. A line that is not done yet stays empty."
)


def write(lines: Iterable[Line], folder: Path) -> list[Path]:
    """Write page and csv of these lines into a folder, or a subfolder for each provider.

    Raises CspkitError when they cannot be written; the ledger knows the lines by then, and the
    same run again writes the same files.
    """
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.provider.strip().lower(), []).append(line)
    made = []
    for name in sorted(groups):
        mine = sorted(groups[name], key=lambda one: (one.facts["by"], one.customer_id, one.line))
        place = folder / "providers" / _folder(name) if len(groups) > 1 else folder
        made += [_keep(place / TABLE, table(mine)), _keep(place / PAGE, page(mine))]
    return made


def table(lines: Iterable[Line]) -> str:
    """Write lines as csv, the columns of the result empty and at the end."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*TOLD, *RESULTS])
    for line in lines:
        told = [cell(value(line, fact)) for fact in TOLD.values()]
        writer.writerow([*told, *([""] * len(RESULTS))])
    return "\ufeff" + text.getvalue()


def page(lines: list[Line]) -> str:
    """Write lines as a page with boxes to fill in; no script, no outside reference."""
    who = lines[0].provider if lines else ""
    title = f"{len(lines)} lines to do" + (f", for {who}" if who else "")
    parts = [_HEAD.format(title=escape(title)), f"<h1>{escape(title)}</h1>\n<p>{_HOW}</p>\n"]
    parts += [_section(line) for line in lines]
    return "".join([*parts, "</main>\n</body>\n</html>\n"])


def value(line: Line, fact: str) -> str:
    """Give a value of a line by the name of its fact."""
    own = {"line": line.line, "step": line.step, "customer_id": line.customer_id}
    return own.get(fact) or line.facts.get(fact, "")


def cell(text: str) -> str:
    """Write a text so that no spreadsheet takes it for a formula, on one line."""
    flat = " ".join(text.split()) if any(mark in text for mark in "\r\n\t") else text
    return str(writing.harmless(flat))


def _section(line: Line) -> str:
    head = f"{line.line}: {line.facts['what']}"
    shown = [(name, value(line, fact)) for name, fact in TOLD.items()]
    rows = [(name, text) for name, text in shown if text and name not in ("line", "what")]
    told = "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>\n" for name, text in rows)
    blank = "".join(f'<tr><th>{name}</th><td class="blank"></td></tr>\n' for name in _asked(line))
    return f"<section>\n<h2>☐ {escape(head)}</h2>\n<table>\n{told}{blank}</table>\n</section>\n"


def _asked(line: Line) -> tuple[str, ...]:
    """Name what is filled in for a step."""
    first, last = ("done_on", "done_by"), ("refused",)
    if line.step == "provision":
        return (*first, "order_id", "subscription_id", "seats", *last)
    if line.step == "verify":
        proof = ("licence_export", "licence_export_on", "statement")
        return (*first, "subscription_id", "seats", *proof, *last)
    return (*first, "evidence", *last)


def _folder(name: str) -> str:
    """Name a provider's folder; two of nearly the same name have two."""
    if not name:
        return "own"
    plain = re.sub("[^a-z0-9]+", "-", name)[:40].strip("-")
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _keep(file: Path, text: str) -> Path:
    """Write a file whole or not at all."""
    try:
        return writing.write(file, text)
    except OSError as error:
        why = error.strerror or error
        raise CspkitError(
            f"{file}: cannot be written: {why}; the ledger knows its lines: run again"
        ) from error
