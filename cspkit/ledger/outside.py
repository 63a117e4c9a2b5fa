"""Outside writes: the intent before, the outcome after, one request id for one attempt group."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cspkit.errors import LedgerError
from cspkit.ledger import chain
from cspkit.ledger.records import Call, canonical, digest
from cspkit.ledger.schema import binding
from cspkit.ledger.schema import calls as table

_NAMESPACE = uuid.UUID("6f1d5c1e-0f0c-5c59-9a35-6b2f2f7a4a10")


@dataclass(frozen=True)
class Intent:
    """A write that is going to leave: about what, which verb, where to, and its body."""

    subject: str
    customer_id: str
    verb: str
    path: str
    body: Any

    @property
    def body_hash(self) -> str:
        """Hash path and body: the same request id may never carry another."""
        return digest(self.path, canonical(self.body))


def intend(
    connection: sa.Connection,
    intent: Intent,
    *,
    run_id: str,
    at: datetime,
    repeatable: bool = False,
) -> Call:
    """Write the intent; silence and unclear answers keep the request id, any other renews it."""
    abandon(connection, intent.subject, intent.verb, at=at)
    earlier = calls(connection, intent.subject, intent.verb)
    last = earlier[-1] if earlier else None
    same = last is not None and last.body_hash == intent.body_hash
    if last is not None and last.unclear and not same and not repeatable:
        raise LedgerError(
            f"{intent.verb} of {intent.subject}: the call {last.request_id} is not settled and "
            "had another body; it is refused, reconcile first"
        )
    keep = last is not None and same and last.outcome in ("unclear", "unsent")
    grp = 1 if last is None else last.grp if keep else last.grp + 1
    service = connection.execute(sa.select(binding.c.service)).scalar_one()
    name = "/".join((service, intent.subject, intent.verb, str(grp)))
    row: dict[str, Any] = {
        "subject": intent.subject,
        "customer_id": intent.customer_id,
        "verb": intent.verb,
        "grp": grp,
        "request_id": str(uuid.uuid5(_NAMESPACE, name)),
        "path": intent.path,
        "body_hash": intent.body_hash,
        "run_id": run_id,
        "sent_at": at,
    }
    made = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    assert made is not None
    about = {"run_id": run_id, "customer_id": intent.customer_id}
    detail = {"verb": intent.verb, "path": intent.path, "body_hash": intent.body_hash}
    about["request_id"] = row["request_id"]
    chain.append(connection, "intent", intent.subject, at=at, detail=detail, **about)
    return Call.of(row, call_id=int(made[0]), outcome=None)


def settle(
    connection: sa.Connection,
    call: Call,
    outcome: str,
    status: int | None,
    code: str | None,
    detail: str,
    at: datetime,
) -> None:
    """Write the outcome of a call, once."""
    values = {"outcome": outcome, "status": status, "code": code, "detail": detail}
    mine = sa.update(table).where(table.c.call_id == call.call_id, table.c.outcome.is_(None))
    if connection.execute(mine.values(**values, answered_at=at)).rowcount != 1:
        return
    about = {"run_id": call.run_id, "customer_id": call.customer_id}
    about["request_id"] = call.request_id
    said = {"verb": call.verb, **values}
    chain.append(connection, "outcome", call.subject, at=at, detail=said, **about)


def abandon(connection: sa.Connection, subject: str, verb: str, *, at: datetime) -> None:
    """Call unclear what a run that died left without an answer."""
    mine = (table.c.subject == subject) & (table.c.verb == verb) & table.c.outcome.is_(None)
    detail = "the run ended before an answer was written"
    values = {"outcome": "unclear", "detail": detail, "answered_at": at}
    connection.execute(sa.update(table).where(mine).values(values))


def checkout_of(cart_id: str | None) -> str:
    """Name the checkout of one cart: a new cart begins with a clean sheet."""
    return f"checkout {cart_id}"


def calls(connection: sa.Connection, subject: str, verb: str, *, whole: bool = True) -> list[Call]:
    """List the calls of a subject and verb, or of all verbs that begin so, oldest first."""
    mine = table.c.verb == verb if whole else table.c.verb.startswith(verb, autoescape=True)
    query = sa.select(table).where(table.c.subject == subject, mine)
    rows = connection.execute(query.order_by(table.c.call_id)).mappings()
    return [Call.of(row) for row in rows]
