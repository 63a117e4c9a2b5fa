"""Judge each row of a results file against the ledger: what follows from it, or why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from cspkit.errors import ExportError
from cspkit.exports import units
from cspkit.ledger import EndChange, Ledger, Line, MoveChange, MoveRow, Returned, StepChange
from cspkit.ledger.by_hand import Change
from cspkit.ledger.lines import DONE, OPEN, ORDERING, REFUSED
from cspkit.moves import telling
from cspkit.moves.checklist import TOLD, cell, value
from cspkit.moves.returned import File, ResultsRefused, Row
from cspkit.settings import Settings
from cspkit.tables import EndState, MoveState, Step

_THERE = (MoveState.PROVISIONED, MoveState.VERIFIED, MoveState.REASSIGNED, MoveState.CLOSED)
_ORDERED = (MoveState.ORDERED, *_THERE)
_CHECKED = (MoveState.VERIFIED, MoveState.REASSIGNED, MoveState.CLOSED)
_CUSTOMERS = {telling.RELATIONSHIP: Step.RELATIONSHIP, telling.AGREEMENT: Step.AGREEMENT}
# What must come back as it was told; days and skus are left out, since spreadsheets rewrite them.
_KEPT = ("step", "move_id", "tenant_id", "offer", "quantity", "term", "billing_cycle")
# What a row may say beside day, name and reason, by step: more than that is a misunderstanding.
_TAKES = {
    ORDERING: ("order_id", "subscription_id", "seats", "evidence"),
    telling.VERIFY: (
        *("subscription_id", "seats", "evidence"),
        *("licence_export", "licence_export_on", "statement"),
    ),
}


def _order(move: MoveRow | None) -> str:
    return ((move and move.order_id) or "").lower()


class Wrong(Exception):
    """What is wrong with one row, the column first."""


class Check:
    """All rows of one file against the ledger as it is now."""

    def __init__(self, ledger: Ledger, settings: Settings, file: File, by: str) -> None:
        """Read what the ledger knows of lines and moves."""
        self._ledger, self._settings, self._file, self._by = ledger, settings, file, by.strip()
        self._lines = {one.line: one for one in ledger.line_rows()}
        self._moves = {row.move_id: row for row in ledger.move_rows()}
        self._now = ledger.clock.now()
        self._met: dict[str, int] = {}
        self._orders: dict[str, int] = {}

    def whole(self) -> list[Returned]:
        """Give the rows that are new; raise ResultsRefused with all that is wrong."""
        found, problems = [], []
        for row in self._file.rows:
            try:
                line = self._line(row)
                one = self._one(row, line)
                if one is not None:
                    found.append(one)
            except Wrong as wrong:
                problems.append(f"row {row.number}, column {wrong}")
        if problems:
            raise ResultsRefused(self._file.path, problems)
        return found

    def _line(self, row: Row) -> Line:
        """Find the line of a row, and that what stands beside it was not changed."""
        name = row.get("line")
        if name:
            line = self._lines.get(name)
        else:
            key = (row.get("move_id"), row.get("step"))
            same = [one for one in self._lines.values() if (one.subject, one.step) == key]
            line = same[-1] if same else None
        if line is None:
            what = name or f"{row.get('move_id')} {row.get('step')}"
            raise Wrong(f"{'line' if name else 'move_id'}: the ledger issued no {what!r}")
        if line.line in self._met:
            raise Wrong(f"line: {line.line} stands in row {self._met[line.line]} too")
        self._met[line.line] = row.number
        for column in _KEPT:
            given = row.get(column)
            wanted = cell(value(line, TOLD[column])).removeprefix("'").strip()
            if given and given.casefold() != wanted.casefold():
                raise Wrong(f"{column}: {line.line} was issued with {wanted!r}, found {given!r}")
        return line

    def _one(self, row: Row, line: Line) -> Returned | None:
        """Judge one row; None for one that was taken already."""
        if line.state != OPEN:
            if row.said == line.answer.get("said"):
                return None
            raise Wrong(
                f"line: {line.line} has another result, {line.state} by "
                f"{line.answer.get('done_by')} on {line.answer.get('done_on')}: a person settles it"
            )
        self._check_day(row, line)
        answer = {
            **{"done_on": row.get("done_on"), "done_by": row.get("done_by")},
            **{"taken_by": self._by, "file": self._file.path.name, "row": row.number},
            **{"sha256": self._file.sha256, "said": row.said},
        }
        who = f"by hand, {row.get('done_by')} on {row.get('done_on')}, taken by {self._by}"
        if row.get("refused"):
            return self._refused(row, line, answer, who)
        self._check_cells(row, line)
        changes = tuple(self._changes(row, line))
        return Returned(line, DONE, answer, f"{line.step} done {who}", changes)

    def _refused(self, row: Row, line: Line, answer: dict[str, Any], who: str) -> Returned:
        more = [name for name in ("order_id", "subscription_id", "seats") if row.get(name)]
        if more:
            raise Wrong(f"refused: a refused line has no {more[0]}, found {row.get(more[0])!r}")
        changes: tuple[Change, ...] = ()
        if line.step == ORDERING:
            move = self._move(line, MoveState.SENT)
            changes = (MoveChange(move.move_id, MoveState.SENT, MoveState.REFUSED),)
        reason = f"{line.step} refused {who}: {row.get('refused')}"
        return Returned(line, REFUSED, answer, reason, changes)

    def _check_day(self, row: Row, line: Line) -> None:
        day = row.day("done_on")
        if day is None or day < line.issued_at.date():
            raise Wrong(
                f"done_on: {line.line} was issued on {line.issued_at:%Y-%m-%d}, found {day}"
            )
        if day > self._now.date():
            raise Wrong(f"done_on: expected a day until {self._now:%Y-%m-%d}, found {day}")

    def _check_cells(self, row: Row, line: Line) -> None:
        takes = {*_TAKES.get(line.step, ("evidence", "statement")), "done_on", "done_by"}
        for name in row.said:
            if name not in takes:
                raise Wrong(f"{name}: step {line.step} has none, found {row.get(name)!r}")
        if line.step not in _TAKES and not row.get("evidence") and not row.get("statement"):
            raise Wrong("evidence: expected what shows it, or a statement, found none")

    def _changes(self, row: Row, line: Line) -> Iterator[Change]:
        if line.step in _CUSTOMERS:
            yield StepChange(line.customer_id, _CUSTOMERS[line.step])
        elif line.step == ORDERING:
            yield from self._ordered(row, line)
        elif line.step == telling.VERIFY:
            yield from self._verified(row, line)
        elif line.step == telling.REASSIGN:
            move = self._move(line, MoveState.VERIFIED, further=(MoveState.REASSIGNED,))
            if move.state is MoveState.VERIFIED:
                yield MoveChange(move.move_id, move.state, MoveState.REASSIGNED)
        elif line.step == telling.RENEWAL_SAFE:
            yield from self._ends(line, EndState.SAFE)
        elif line.step == telling.UNDO:
            yield from self._undone(line)
        else:
            yield from self._ended(row, line)

    def _ordered(self, row: Row, line: Line) -> Iterator[Change]:
        order_id, made = row.get("order_id"), row.get("subscription_id")
        if not order_id:
            raise Wrong("order_id: expected the order's id, or why under refused, found none")
        move = self._move(line, MoveState.SENT, further=_ORDERED)
        self._check_order(row, move, order_id)
        if row.seats != move.seats:
            raise Wrong(f"seats: expected the {move.seats} that were issued, found {row.seats}")
        if move.state is not MoveState.SENT:
            if _order(move) != order_id.lower():
                raise Wrong(f"order_id: the ledger has {move.order_id!r}: a person settles it")
            return
        on = self._instant(row, line)
        columns = {"order_id": order_id, "ordered_at": on}
        yield MoveChange(move.move_id, MoveState.SENT, MoveState.ORDERED, columns)
        if made:
            about = {"subscription_id": made, "provisioned_at": on}
            yield MoveChange(move.move_id, MoveState.ORDERED, MoveState.PROVISIONED, about)

    def _check_order(self, row: Row, move: MoveRow, order_id: str) -> None:
        """Refuse an order that is another move's, in the ledger or in this file."""
        key = order_id.lower()
        if key in self._orders:
            raise Wrong(f"order_id: {order_id!r} stands in row {self._orders[key]} too")
        self._orders[key] = row.number
        for other in self._moves.values():
            if _order(other) == key and other.move_id != move.move_id:
                raise Wrong(f"order_id: {order_id!r} is the order of {other.move_id}")
        past = {one.lower() for one in self._ledger.orders(move.customer_id)}
        if key in past and key not in (_order(move), _order(self._ledger.move(move.move_id))):
            raise Wrong(f"order_id: {order_id!r} was an order before, and was taken back")

    def _verified(self, row: Row, line: Line) -> Iterator[Change]:
        move = self._move(line, MoveState.ORDERED, further=_THERE)
        made = row.get("subscription_id") or move.subscription_id or ""
        if not made:
            raise Wrong("subscription_id: expected that of the new seats, found none")
        if move.subscription_id and made.lower() != move.subscription_id.lower():
            raise Wrong(f"subscription_id: the ledger has {move.subscription_id!r}, found {made!r}")
        if row.seats is None or row.seats < move.seats:
            raise Wrong(f"seats: expected at least {move.seats} seen, found {row.seats}")
        self._proven(row, line, move)
        on = self._instant(row, line)
        if move.state is MoveState.ORDERED:
            about = {"subscription_id": made, "provisioned_at": on}
            yield MoveChange(move.move_id, MoveState.ORDERED, MoveState.PROVISIONED, about)
        if move.state not in _CHECKED:
            about = {"verified_at": on}
            yield MoveChange(move.move_id, MoveState.PROVISIONED, MoveState.VERIFIED, about)

    def _proven(self, row: Row, line: Line, move: MoveRow) -> None:
        """Ask for what shows the seats: the customer's dated licence export, or who saw them."""
        name, on = row.get("licence_export"), row.day("licence_export_on")
        if not name:
            if not row.get("statement"):
                raise Wrong("statement: expected one, or a licence_export with its day, found none")
            return
        since = move.ordered_at.date() if move.ordered_at else line.issued_at.date()
        if on is None or not since <= on <= self._now.date():
            raise Wrong(f"licence_export_on: expected a day from {since} until today, found {on}")
        folder = self._settings.exports.resolve()
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):
            raise Wrong(f"licence_export: expected a file in {folder.name}/, found {name!r}")
        try:
            seen = units.read(file).get(move.target_sku_id)
        except ExportError as error:
            raise Wrong(f"licence_export: {error}") from error
        running = [
            int(seats)
            for ends, seats in json.loads(line.facts.get("running", "[]"))
            if date.fromisoformat(ends) >= on
        ]
        others = self._ledger.replaced_seats(
            move.customer_id, move.target_sku_id, besides=move.move_id
        )
        needed, enabled = move.seats + others + sum(running), seen.enabled if seen else 0
        if enabled < needed:
            what = f"{name} shows {enabled} seats of {move.target_sku_id}, not {needed}"
            raise Wrong(f"licence_export: {what}")

    def _undone(self, line: Line) -> Iterator[Change]:
        before = (MoveState.PROVISIONED, MoveState.VERIFIED, MoveState.REASSIGNED)
        move = self._move(line, MoveState.ORDERED, further=before)
        going = (EndState.SCHEDULED, EndState.ENDED)
        for name in line.facts["originals"].split():
            end = self._ledger.end(move.customer_id, name)
            if end is not None and end.state in going:
                raise Wrong(f"line: original {name} is {end.state} by now: a person settles it")
        yield MoveChange(move.move_id, move.state, MoveState.UNDONE)

    def _ended(self, row: Row, line: Line) -> Iterator[Change]:
        """Let ends be scheduled or ended only once the replacement is verified and in use."""
        move = self._moves.get(line.subject)
        over = (MoveState.REASSIGNED, MoveState.CLOSED)
        if move is None or not (
            move.state in over or (move.state is MoveState.VERIFIED and move.same_offer)
        ):
            state = move.state if move else "unknown"
            raise Wrong(f"line: its move is {state}: nothing ends before it is verified")
        if line.step == telling.RETIRE:
            yield from self._ends(line, EndState.SCHEDULED)
            return
        expires, day = date.fromisoformat(line.facts["expires_on"]), row.day("done_on")
        if day is None or day <= expires:
            raise Wrong(f"done_on: the original runs until {expires}, found {day}")
        yield from self._ends(line, EndState.ENDED)
        if move.state is not MoveState.CLOSED:
            yield MoveChange(move.move_id, move.state, MoveState.CLOSED)

    def _ends(self, line: Line, after: EndState) -> Iterator[Change]:
        expires = date.fromisoformat(line.facts["expires_on"])
        for name in line.facts["originals"].split():
            yield EndChange(line.customer_id, name, after, expires)

    def _move(
        self, line: Line, wanted: MoveState, *, further: tuple[MoveState, ...] = ()
    ) -> MoveRow:
        """Give the move of a line in the state wanted or further; all else is for a person."""
        move = self._moves.get(line.subject)
        if move is None or move.state not in (wanted, *further):
            state = move.state if move else "unknown"
            why = f" ({move.reason})" if move and move.reason else ""
            raise Wrong(f"line: {line.subject} is {state}{why}, not {wanted}: a person settles it")
        return move

    def _instant(self, row: Row, line: Line) -> datetime:
        """Date a fact by the day it was done, within what the ledger knows of that day."""
        day = row.day("done_on")
        assert day is not None
        return max(datetime.combine(day, time(), UTC), line.issued_at)
