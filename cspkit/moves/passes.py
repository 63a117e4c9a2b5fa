"""One pass over one move: what its stages share, and what keeps it from turning into a loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cspkit.errors import ApiRefused
from cspkit.ledger import Call, Lease, MoveRow
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Done, Outcome, Subject
from cspkit.tables import MoveState

CART_MARGIN = timedelta(hours=1)
THROTTLED = 429


@dataclass
class Pass:
    """A move under a lease; `carts`, `sends` and `silences` count what this pass did already.

    `pending`: its order was placed just now and the answer says that the seats come later.
    """

    desk: Desk
    one: Subject
    lease: Lease
    before: str
    carts: int = 0
    sends: int = 0
    silences: int = 0
    request_id: str = ""
    pending: bool = False

    def move(
        self,
        row: MoveRow,
        after: MoveState,
        reason: str = "",
        *,
        evidence: Mapping[str, object] | None = None,
        **columns: object,
    ) -> None:
        """Change the state of the move; raise Overtaken when it is not the one expected."""
        self.desk.move(row, after, self.lease, reason=reason, evidence=evidence, **columns)

    def end(self, row: MoveRow, outcome: Outcome, reason: str) -> Done:
        """End the pass with what the ledger holds now."""
        now = self.desk.ledger.move(row.move_id)
        after = now.state if now else row.state
        return Done(self.before, after, outcome, reason, self.request_id)

    def nothing_happened(self, row: MoveRow, error: ApiRefused) -> Done:
        """End the pass after an answer that is about the call, not about the move."""
        outcome = Outcome.WAITING if error.status == THROTTLED else Outcome.FAILED
        return self.end(row, outcome, str(error))

    def acted(self, row: MoveRow) -> list[Call]:
        """List the checkouts of the move's cart that had their effect, or may have had it."""
        return [call for call in self.desk.ledger.checkouts(row) if call.may_have_acted]

    def settles_at(self, since: datetime) -> datetime:
        """Say when silence since an instant counts as no order."""
        return since + timedelta(minutes=self.desk.settings.policy.settle_minutes)

    def settled(self, since: datetime, asked_at: datetime) -> bool:
        """Say whether silence since an instant counts as no order.

        What counts is when it was asked for: answers, retries and reads after it take their time.
        """
        return asked_at >= self.settles_at(since)

    def expired(self, row: MoveRow) -> bool:
        """Say whether the cart is at its end, with a margin for the way there."""
        ends = row.cart_expires_at
        return ends is not None and self.desk.clock.now() >= ends - CART_MARGIN
