"""The change itself: users in one call each, groups as a whole; a look tells what came of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from cspkit import graph
from cspkit.errors import ApiRefused, ApiUnclear
from cspkit.graph import Pool
from cspkit.ledger import Intent, Lease
from cspkit.moves.desk import Desk
from cspkit.moves.licensing import losing
from cspkit.moves.licensing.covering import NOTHING, SWAP, Change
from cspkit.moves.licensing.surveying import GROUP_VERB, USER_VERB, Survey
from cspkit.wire import BUSY

THROTTLED = 429
PATIENCE = 4
MOST_REFUSALS = 5


def change(desk: Desk, found: Survey, lease: Lease) -> list[str]:
    """Change users first, then groups; give the words of the service where it refused.

    A user's own licence that a group gives too is taken before the group changes: two different
    mailboxes would exclude each other. Stops after some refusals. Raises ApiRefused when the
    service asks to wait once too often, and whatever else stops a call.
    """
    assert found.new is not None
    refused: list[str] = []
    for one in found.changes:
        if one.own != NOTHING and len(refused) < MOST_REFUSALS:
            refused += _user(desk, found, one, found.new, lease)
    for group, members in found.groups.items():
        if not refused:
            disabled = members[0].states if members else ()
            off = [state.disabled_plans for state in disabled if state.group_id == group]
            plans = losing.carried(off[0] if off else (), found.new)
            refused += _group(desk, found, group, plans, lease)
    return refused


def _user(desk: Desk, found: Survey, one: Change, new: Pool, lease: Lease) -> list[str]:
    """Swap in one call, so that no mailbox is ever without; what is there stays as it is."""
    row, own = found.row, one.user.own(found.asked.old)
    plans = losing.carried(own.disabled_plans if own else (), new)
    add = new.sku_id if one.own == SWAP else ""
    path = graph.licences_path(one.user.id)
    body = graph.licences_body(add, plans if add else [], found.asked.old)
    intent = Intent(row.move_id, row.customer_id, f"{USER_VERB}{one.user.id}", path, body)
    send = partial(desk.graph.change_licences, row.customer_id, path, body)
    return _patiently(desk, intent, lease, send)


def _group(desk: Desk, found: Survey, group: str, plans: list[str], lease: Lease) -> list[str]:
    """Swap what a group gives, unless an earlier run did: its members follow by themselves."""
    row = found.row
    if found.asked.old not in desk.graph.group(row.customer_id, group).licences:
        return []
    path = graph.group_licences_path(group)
    body = graph.licences_body(found.asked.new, plans, found.asked.old)
    intent = Intent(row.move_id, row.customer_id, f"{GROUP_VERB}{group}", path, body)
    send = partial(desk.graph.change_group_licences, row.customer_id, path, body)
    return _patiently(desk, intent, lease, send)


def _patiently(desk: Desk, intent: Intent, lease: Lease, send: Callable[[str], Any]) -> list[str]:
    """Send a change again while the directory is busy; the wire waits as long as it is told.

    A change of licences sets what shall be, so that sending it twice does no harm.
    """
    for tried in range(PATIENCE):
        try:
            desk.write(intent, lease, send, repeatable=True)
        except (ApiRefused, ApiUnclear) as error:
            busy = error.status == THROTTLED or error.code == BUSY
            if busy and tried < PATIENCE - 1:
                continue
            if busy:
                raise
            return [] if isinstance(error, ApiUnclear) else [str(error)]
        return []
    return []
