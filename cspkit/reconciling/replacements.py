"""Replacements: what was sold is there as sold, and the seats of the tenant cover their use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from cspkit.ledger import MoveRow
from cspkit.partner_center import Subscription
from cspkit.reconciling.differences import Difference, Kind
from cspkit.reconciling.known import Known
from cspkit.reconciling.seeing import Seen
from cspkit.tables import MoveState

THERE = (MoveState.PROVISIONED, MoveState.VERIFIED, MoveState.REASSIGNED, MoveState.CLOSED)
COUNTED = (MoveState.VERIFIED, MoveState.REASSIGNED, MoveState.CLOSED)
_ACTIVE = ("active", "pending", "none", "")
_UPDATE = ("update_subscription", "update_subscription_quantity")
_ENDED_BY = {
    "suspended": ("suspend_subscription",),
    "deleted": ("cancel_subscription", "delete_customer_subscription"),
}

ACCEPT = "or, as the customer chose it, `cspkit reconcile --accept {move} --by NAME --reason TEXT`"
_MORE = "have the customer's consent for the others"
_FEWER = (
    "add them in Partner Center before an original ends; or, as the customer wants it, take the"
    " others off the ledger: `cspkit run undo --plan PLAN --only FILE --seats {seats} --asked-by"
    " NAME --agreed-by NAME --mode MODE`, where FILE names {move}"
)


def compare(known: Known, seen: Seen, *, now: datetime, settle: timedelta) -> Iterator[Difference]:
    """Compare the replacements of a customer with the subscriptions and the pools of seats."""
    for row in known.rows:
        if row.subscription_id and row.state in THERE:
            yield from _there(known, seen, row, now - settle)
        elif row.subscription_id and row.state is MoveState.UNDONE:
            yield from _undone(known, seen, row, now - settle)
    yield from _pools(known, seen)


def _there(known: Known, seen: Seen, row: MoveRow, before: datetime) -> Iterator[Difference]:
    assert row.subscription_id is not None
    found = seen.subscription(row.subscription_id)
    about = (known.customer_id, row.move_id)
    ids = (row.subscription_id, *filter(None, [row.order_id]))
    if found is None:
        if not seen.bad and (row.provisioned_at is None or row.provisioned_at <= before):
            ledger = f"{row.state}, subscription {row.subscription_id}"
            to_do = "look for it in Partner Center, and ask Microsoft's support with the order id"
            yield Difference(
                Kind.LOST_SUBSCRIPTION, *about, ledger, "no such subscription", to_do, ids
            )
        return
    if found.status not in _ACTIVE:
        by = seen.by(row.subscription_id, *_ENDED_BY.get(found.status, ()))
        to_do = "reactivate it in Partner Center; a deleted one is ordered again by a newer plan"
        said = f"{found.status}{_who(by)}"
        yield Difference(
            Kind.SUBSCRIPTION_ENDED, *about, f"{row.state}, active", said, to_do, (*ids, *by[1:])
        )
        return
    # What a customer changes after all is over is their own business.
    if row.state is not MoveState.CLOSED:
        yield from _as_sold(seen, row, found, about, ids)


def _as_sold(
    seen: Seen,
    row: MoveRow,
    found: Subscription,
    about: tuple[str, str],
    ids: tuple[str, ...],
) -> Iterator[Difference]:
    by = seen.by(found.id, *_UPDATE)
    if found.seats is not None and found.seats != row.seats:
        fewer = found.seats < row.seats
        yield Difference(
            Kind.SEATS_DIFFER,
            *about,
            f"{row.seats} seats",
            f"{found.seats} seats{_who(by)}",
            (_FEWER if fewer else f"{_MORE}; {ACCEPT}").format(move=row.move_id, seats=found.seats),
            (*ids, *by[1:]),
            # what retires the originals goes by the ledger's seats: fewer have to stand there
            fact="" if fewer else f"{row.move_id}: {found.seats} seats, not {row.seats}",
        )
    wanted = row.auto_renew
    if wanted is not None and found.auto_renew is not None and found.auto_renew != wanted:
        shown, until = _switch(found.auto_renew), ""
        if found.ends_at:
            until = f" before {found.ends_at:%Y-%m-%d}"
        yield Difference(
            Kind.AUTO_RENEW_DIFFERS,
            *about,
            f"auto-renew {_switch(wanted)}",
            f"auto-renew {shown}{_who(by)}",
            f"switch it {_switch(wanted)} in Partner Center{until}; {ACCEPT}".format(
                move=row.move_id
            ),
            (*ids, *by[1:]),
            fact=f"{row.move_id}: auto-renew {shown}{until}",
        )


def _undone(known: Known, seen: Seen, row: MoveRow, before: datetime) -> Iterator[Difference]:
    assert row.subscription_id is not None
    found = seen.subscription(row.subscription_id)
    old = row.undone_at is None or row.undone_at <= before
    if found is None or found.status != "active" or not old:
        return
    if found.seats is not None and found.seats < row.seats:
        return
    until = f" until {found.cancel_until:%Y-%m-%d %H:%M} UTC" if found.cancel_until else ""
    yield Difference(
        Kind.UNDONE_ALIVE,
        known.customer_id,
        row.move_id,
        "undone",
        f"subscription {found.id} is active with {found.seats} seats",
        f"cancel it in Partner Center, which it allows{until or ' for seven days'}",
        (found.id,),
    )


def _pools(known: Known, seen: Seen) -> Iterator[Difference]:
    """Compare the tenant's seats with their use, and with what verified replacements brought."""
    if seen.pools is None:
        return
    brought: dict[str, int] = {}
    for row in known.rows:
        if row.state in COUNTED and row.target_sku_id:
            brought[row.target_sku_id] = brought.get(row.target_sku_id, 0) + row.seats
    for sku_id, seats in sorted(brought.items()):
        pool = seen.pools.get(sku_id)
        enabled, used = (pool.enabled, pool.consumed) if pool else (0, 0)
        if used > enabled or seats > enabled:
            yield Difference(
                Kind.POOL_BELOW,
                known.customer_id,
                sku_id,
                f"{seats} seats of verified replacements",
                f"{enabled} seats enabled, {used} in use",
                "add seats in Partner Center, or take licences from users, before anything ends",
                (sku_id,),
            )


def _who(by: tuple[str, ...]) -> str:
    return f" ({by[0]})" if by else ""


def _switch(value: bool) -> str:
    return "on" if value else "off"
