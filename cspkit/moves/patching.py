"""One change of a subscription of ours: its whole resource goes back, and a look follows."""

from __future__ import annotations

from functools import partial
from typing import Any

from cspkit.errors import ApiUnclear
from cspkit.ledger import Intent, Lease, MoveRow
from cspkit.moves.desk import Desk
from cspkit.partner_center import Subscription, change_path


def put_back(
    desk: Desk,
    row: MoveRow,
    found: Subscription,
    body: dict[str, Any],
    *,
    verb: str,
    lease: Lease,
) -> None:
    """Send a whole resource with its change; after an unclear answer the caller looks as well.

    With the etag it was read with, so that nobody's change in between is lost. Raises as
    `desk.write` does for what is clear.
    """
    path = change_path(row.customer_id, found.id)
    change = partial(desk.partner_center.change_subscription, path, body, etag=found.etag)
    try:
        intent = Intent(row.move_id, row.customer_id, verb, path, body)
        desk.write(intent, lease, change, repeatable=True)
    except ApiUnclear:
        return
