"""Rows put together for the report: what is in the way, what was read, batches, runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from cspkit import blockers as codes
from cspkit.reporting import figures, receipts
from cspkit.reporting.figures import Row, Standing
from cspkit.reporting.words import WORDS


def end_of(move: Row) -> tuple[date, str]:
    """Give what sorts moves by their end, those without one last."""
    return move["expires_on"] or date.max, move["move_id"]


def blockers(moves: Iterable[Row]) -> list[Row]:
    """Group the moves without a day by who must act and what is in the way, the oldest first."""
    by_code: dict[str, list[Row]] = {}
    for move in moves:
        if not move["batch"]:
            by_code.setdefault(move["why"], []).append(move)
    known = codes.table()
    rows = [
        {
            "code": code,
            "who": own[0]["who"],
            "reason": known[code].sentence if code in known else _general("why", code, own),
            "would_fit": known[code].clears if code in known else _general("fits", code, own),
            "moves": len(own),
            "seats": figures.seats(own),
            "customers": len({move["customer_id"] for move in own}),
            "first_expiration": min(own, key=end_of)["expires_on"],
        }
        for code, own in by_code.items()
    ]
    return sorted(
        rows, key=lambda row: (row["who"], row["first_expiration"] or date.max, row["code"])
    )


def _general(family: str, code: str, own: list[Row]) -> str:
    """Say what holds for all moves of a code that the planner found; each has its own words."""
    column = "reason" if family == "why" else "would_fit"
    return WORDS.get(f"{family} {code}") or str(own[0][column] or "")


def sources(files: Iterable[Row]) -> list[Row]:
    """Add up the row counts of the files of each known format."""
    rows: dict[str, Row] = {}
    for file in files:
        row = rows.setdefault(file["profile"], {"profile": file["profile"], "files": 0})
        row["files"] += 1
        for count in ("read", "accepted", "rejected", "set_aside"):
            row[count] = row.get(count, 0) + file[count]
    return [rows[profile] for profile in sorted(rows)]


def batches(moves: Iterable[Row], planned: Iterable[Row]) -> list[Row]:
    """Count the moves of each batch by standing."""
    counts: dict[tuple[str, str], int] = {}
    for move in moves:
        key = (move["batch"], str(move["standing"]))
        counts[key] = counts.get(key, 0) + 1
    return [
        {**batch, **{str(s): counts.get((batch["batch"], str(s)), 0) for s in Standing}}
        for batch in planned
    ]


def runs(ledger: Iterable[Row], kept: Iterable[Row]) -> list[Row]:
    """Join the ledger's runs with the receipts of their notebooks; a dry run has only those."""
    rows = {row["run_id"]: {**row, "step": row["name"], "receipt": row["html"]} for row in kept}
    for run in ledger:
        row = rows.setdefault(run["run_id"], {"run_id": run["run_id"]})
        row.update({name: run[name] for name in ("step", "mode", "batch", "due", "by")})
        # The ledger has the time of the service's clock, which a rehearsal moves.
        row.update(started=run["started_at"], ended=run["ended_at"], chain_head=run["chain_head"])
        row.setdefault("status", receipts.DONE if run["ended_at"] else receipts.RUNNING)
        row.setdefault("counts", json.loads(run["counts"] or "{}"))
    ordered = sorted(rows.values(), key=lambda row: (row["started"], row["run_id"]), reverse=True)
    return [{**row, "receipt": _there(row.get("receipt"))} for row in ordered]


def _there(receipt: Path | None) -> Path | None:
    return receipt if receipt and receipt.exists() else None
