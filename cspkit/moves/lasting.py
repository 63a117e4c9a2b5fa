"""How long access lasts, and how long the moves of a customer still need it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial

from cspkit import graph
from cspkit.errors import ApiRefused
from cspkit.graph import Relationship
from cspkit.ledger import Intent, Lease
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Subject

# asked for anew so early that the customer has time, and not years ahead
SOON = timedelta(days=60)


def needed_until(desk: Desk, customer_id: str) -> date | None:
    """Give the day after the last original of a customer ends: until then we look and verify."""
    ends = [one.expires_on for one in desk.planned.get(customer_id, [])]
    return max(ends) + timedelta(days=1) if ends else None


def too_short(found: Relationship, until: date | None) -> bool:
    """Say whether access ends by itself before it is needed no more."""
    ends = found.ends_at
    return not (found.extends_itself or ends is None or until is None or ends.date() > until)


def longest(found: list[Relationship]) -> Relationship:
    """Choose the relationship that goes on longest."""
    return max(found, key=lambda one: (one.extends_itself, _end(one), one.id))


def _end(found: Relationship) -> float:
    return found.ends_at.timestamp() if found.ends_at else float("inf")


def is_soon(found: Relationship, now: datetime) -> bool:
    """Say whether access ends within two months."""
    return found.ends_within(SOON.days, now)


def extended(desk: Desk, one: Subject, found: Relationship, lease: Lease) -> bool:
    """Let a relationship go on by half years, where the service allows it; False where not."""
    if not found.may_extend_itself:
        return False
    path, body = graph.relationship_path(found.id), graph.extension_body()
    intent = Intent(found.id, one.customer_id, "gdap-extend", path, body)
    try:
        send = partial(desk.graph.extend, path, body, found.etag)
        desk.write(intent, lease, send, repeatable=True)
    except ApiRefused:
        return False
    return True
