"""What the ledger says of one customer, in the words that a comparison needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cspkit.ledger import EndRow, Ledger, MoveRow
from cspkit.ledger.lines import BY_HAND
from cspkit.moves import readback
from cspkit.partner_center import Order
from cspkit.planning import Plan
from cspkit.tables import EndState, MoveState

FREED = (MoveState.REFUSED, MoveState.UNDONE)
SETTLED = (MoveState.PLANNED, MoveState.CLOSED, *FREED)
WATCHED = timedelta(days=40)
UNSENT = (MoveState.PLANNED, MoveState.CART, MoveState.REFUSED, MoveState.UNDONE)
_WORD = re.compile(r"\[([a-z2-7]{6})\]$")
# A checkout may have its effect late, and its order may show later still; then it is another's.
_OWN_DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Unclear:
    """A write other than a checkout whose outcome nobody knows."""

    subject: str
    verb: str
    request_id: str
    sent_at: datetime


@dataclass
class Known:
    """The moves of one customer, and what else the ledger knows of them.

    `words` maps the word in an order's name to its move, `shown` a move to the orders that a
    person was shown; `past` are orders of ours that were undone, too.
    """

    customer_id: str
    rows: list[MoveRow] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    request_ids: dict[str, list[str]] = field(default_factory=dict)
    last_sent: dict[str, datetime] = field(default_factory=dict)
    originals: dict[str, list[str]] = field(default_factory=dict)
    ends: list[EndRow] = field(default_factory=list)
    shown: dict[str, set[str]] = field(default_factory=dict)
    past: set[str] = field(default_factory=set)
    unclear: list[Unclear] = field(default_factory=list)

    @property
    def orders(self) -> dict[str, MoveRow]:
        """Map the order ids that the moves have, lower-cased, to the moves."""
        return {row.order_id.lower(): row for row in self.rows if row.order_id}

    def row(self, move_id: str) -> MoveRow | None:
        """Return a move by its id; None for one that only a plan knows."""
        return next((row for row in self.rows if row.move_id == move_id), None)

    def replacing(self, original: str) -> MoveRow | None:
        """Return the move that replaces an original; one that was given up only for want of it.

        Of several parts the one that is not over yet: all of them together are the replacement.
        """
        found = [row for row in self.rows if original in self.originals.get(row.move_id, ())]
        return min(
            found, key=lambda row: (row.state in FREED, is_over(row), row.move_id), default=None
        )

    @property
    def minded(self) -> list[EndRow]:
        """List the ends that the ledger minds, and those of originals that were ordered anew."""
        rows = {row.original: row for row in self.ends}
        for row in self.rows:
            for one in self.originals.get(row.move_id, ()) if _replaces(row) else ():
                new = EndRow(row.customer_id, one, EndState.OPEN, plan_expires_on=row.expires_on)
                rows.setdefault(one, new)
        return [rows[original] for original in sorted(rows)]

    def watched(self, now: datetime) -> list[EndRow]:
        """List the ends that are still read: until seen ended, and forty days more."""
        return [row for row in self.minded if row.ended_at is None or now < row.ended_at + WATCHED]

    def goes_on(self, now: datetime) -> bool:
        """Say whether anything was done for the customer that can still turn out otherwise."""
        moving = any(row.state not in SETTLED for row in self.rows)
        return moving or bool(self.unclear) or bool(self.watched(now))

    def owner(self, order: Order) -> str:
        """Name the move that an order is for: by its word, else by what was ordered, and when.

        Empty for an order that is not ours by either.
        """
        word = word_of(order)
        if word:
            return self.words.get(word, "")
        fitting = [row for row in self.rows if _fits(order, row) and not self._refused(order, row)]
        free = [row for row in fitting if row.order_id is None]
        return (free or fitting)[0].move_id if fitting else ""

    def _refused(self, order: Order, row: MoveRow) -> bool:
        """Say whether a person was shown this order and settled the move without it."""
        shown = self.shown.get(row.move_id, set())
        return row.state is not MoveState.HUMAN and order.id in shown


def word_of(order: Order) -> str:
    """Read our word at the end of an order's name; empty where there is none."""
    found = _WORD.search(order.friendly_name)
    return found[1] if found else ""


def read(ledger: Ledger, plans: Iterable[Plan]) -> dict[str, Known]:
    """Read everything that the ledger and the plans know of moves, by customer."""
    found: dict[str, Known] = {}
    for row in ledger.move_rows():
        mine = _of(found, row.customer_id)
        mine.rows.append(row)
        mine.words[readback.token(row.move_id)] = row.move_id
    for end in ledger.end_rows():
        _of(found, end.customer_id).ends.append(end)
    for plan in plans:
        for move in plan.document.moves:
            mine = _of(found, move.customer_id)
            mine.words.setdefault(readback.token(move.move_id), move.move_id)
    moves, shown = ledger.moves(), ledger.candidates()
    for customer_id, move_id, originals in zip(
        moves["customer_id"], moves["move_id"], moves["subscription_ids"], strict=True
    ):
        found[customer_id].originals[move_id] = str(originals).split()
        found[customer_id].shown[move_id] = shown.get(move_id, set())
    for customer_id, mine in found.items():
        if any(row.undone_at is not None for row in mine.rows):
            mine.past = {one.lower() for one in ledger.orders(customer_id)}
    _calls(ledger, found)
    return found


def _of(found: dict[str, Known], customer_id: str) -> Known:
    if customer_id not in found:
        found[customer_id] = Known(customer_id)
    return found[customer_id]


def _calls(ledger: Ledger, found: dict[str, Known]) -> None:
    """Sort the outside writes to their customers: the checkouts' ids, and what stayed unclear."""
    last: dict[tuple[str, str], Any] = {}
    for call in ledger.outside_calls().to_dict("records"):
        mine = _of(found, str(call["customer_id"]))
        subject, verb = str(call["subject"]), str(call["verb"])
        last[subject, verb] = call
        if verb.startswith("checkout"):
            mine.request_ids.setdefault(subject, []).append(str(call["request_id"]))
            if call["outcome"] not in ("refused", "unsent"):
                mine.last_sent[subject] = call["sent_at"].to_pydatetime()
    for (subject, verb), call in sorted(last.items()):
        # A lost cart is nothing, and a checkout is settled by its move.
        if call["outcome"] not in ("done", "refused", "unsent") and _matters(verb):
            sent_at = call["sent_at"].to_pydatetime()
            one = Unclear(subject, verb, str(call["request_id"]), sent_at)
            found[str(call["customer_id"])].unclear.append(one)


def is_over(row: MoveRow) -> bool:
    """Say whether a replacement is there, verified, and with its users."""
    there = row.state in (MoveState.VERIFIED, MoveState.REASSIGNED, MoveState.CLOSED)
    return there and (row.same_offer or row.reassigned_at is not None)


def _replaces(row: MoveRow) -> bool:
    return row.order_id is not None and row.state not in FREED


def _matters(verb: str) -> bool:
    return verb != "cart" and not verb.startswith(("checkout", BY_HAND))


def _fits(order: Order, row: MoveRow) -> bool:
    """Say whether an order without a word of ours can be this move's, by content and time."""
    since = row.cart_made_at or row.sent_at or row.created_at
    until = row.ordered_at or row.sent_at
    made = order.created_at
    if made is None or since is None or made < since - readback.CLOCK_MARGIN:
        return False
    if until is not None and made > until + _OWN_DAY:
        return False
    return bool(readback.matching([order], row, set()))
