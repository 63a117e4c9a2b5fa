"""The renewal of one original as its service shows it now, and the one call that stops it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from cspkit import azure_billing, partner_center
from cspkit.azure_billing import BillingSubscription
from cspkit.errors import ApiRefused, ApiUnclear
from cspkit.ledger import Intent, Lease
from cspkit.moves.desk import Desk
from cspkit.partner_center import Subscription
from cspkit.tables import Channel

VERB = "renewal-off"
PATCH, AZURE = "patch", "azure"
# Partner Center says 400/2055 where HTTP has 412; either means that somebody was there between.
STALE = ((412, ""), (400, "2055"))
NO_ACCESS = (401, 403)
TRIES = 2
_SOLD = (Channel.CSP_NCE, Channel.CSP_LEGACY, Channel.UNKNOWN)
_BILLED = (Channel.DIRECT_MCA, Channel.MCA_E, Channel.UNKNOWN)


@dataclass(frozen=True)
class Renewal:
    """Whether an original renews, by whom it is shown; `on` None where that is not said."""

    way: str
    on: bool | None
    status: str
    ends_on: date | None
    found: Subscription | BillingSubscription
    account: str = ""

    @property
    def runs(self) -> bool:
        """Say whether its term still runs."""
        return self.status in ("active", "pending", "none", "")

    @property
    def told(self) -> str:
        """Say what is, for a diff."""
        ends = f", ends on {self.ends_on}" if self.ends_on else ""
        return f"auto-renew {_switch(self.on)}{ends}"


def read(desk: Desk, customer_id: str, original: str, channel: Channel) -> Renewal | None:
    """Read an original where we may change it; None where no service shows it to us.

    Only where its channel has it is asked; of one that nobody knows, everywhere.
    """
    found = None
    if channel in _SOLD:
        found = _sold(desk, customer_id, original)
    if found is None and channel in _BILLED:
        found = next(_billed(desk, customer_id, original), None)
    return found


def stop(desk: Desk, customer_id: str, renewal: Renewal, lease: Lease) -> Renewal | None:
    """Switch the renewal off, and return how it is shown afterwards.

    Of our own subscriptions the whole resource goes back, with its etag; where somebody changed
    it in between it is read again, and sent once more only while it still renews as before.
    """
    seen: Renewal | None = renewal
    for _ in range(TRIES):
        if seen is None or not _same(seen, renewal):
            return seen
        try:
            _send(desk, customer_id, seen, lease)
        except ApiUnclear:
            # whatever became of it is read now; setting a value twice does no harm
            return _again(desk, customer_id, renewal)
        except ApiRefused as error:
            if not _stale(error):
                raise
            seen = _again(desk, customer_id, renewal)
            continue
        # taken on, and perhaps not done yet: the next run looks again
        return _again(desk, customer_id, renewal)
    return seen


def sent(desk: Desk, original: str) -> bool:
    """Say whether a call of ours may have switched it off, in this run or one that was killed."""
    return any(call.may_have_acted for call in desk.ledger.calls(original, VERB))


def _sold(desk: Desk, customer_id: str, original: str) -> Renewal | None:
    found = desk.partner_center.subscription(customer_id, original)
    if found is None:
        return None
    ends = found.ends_at.date() if found.ends_at else None
    on = True if found.renews_as_scheduled else found.auto_renew
    return Renewal(PATCH, on, found.status, ends, found)


def _billed(desk: Desk, customer_id: str, original: str) -> Iterator[Renewal]:
    """Look for a direct purchase where the customer lets us into their billing."""
    said = desk.said.get(customer_id, {})
    if desk.azure is None or not said.get("billing_consent_by"):
        return
    try:
        for account in desk.once(desk.azure.accounts, customer_id):
            found = desk.azure.subscription(customer_id, account.id, original)
            if found is not None:
                ends = found.ends_at.date() if found.ends_at else None
                yield Renewal(AZURE, found.auto_renew, found.status, ends, found, account.id)
    except ApiRefused as error:
        # consent without a role in their billing: then it is asked for by letter
        if error.status not in NO_ACCESS:
            raise


def _again(desk: Desk, customer_id: str, renewal: Renewal) -> Renewal | None:
    if renewal.way == PATCH:
        return _sold(desk, customer_id, renewal.found.id)
    return next(_billed(desk, customer_id, renewal.found.id), None)


def _same(seen: Renewal, checked: Renewal) -> bool:
    """Say whether it still renews, at the end that was checked."""
    return seen.on is not False and seen.runs and seen.ends_on == checked.ends_on


def _send(desk: Desk, customer_id: str, seen: Renewal, lease: Lease) -> None:
    path, body, send = _call(desk, customer_id, seen)
    intent = Intent(seen.found.id, customer_id, VERB, path, body)
    desk.write(intent, lease, send, repeatable=True)


def _call(desk: Desk, customer_id: str, seen: Renewal) -> tuple[str, dict[str, Any], Any]:
    found = seen.found
    if isinstance(found, Subscription):
        path = partner_center.change_path(customer_id, found.id)
        body = partner_center.not_renewing(found)
        change = desk.partner_center.change_subscription
        return path, body, partial(change, path, body, etag=found.etag)
    assert desk.azure is not None
    path, body = azure_billing.change_path(seen.account, found.id), azure_billing.not_renewing()
    return path, body, partial(desk.azure.change, customer_id, path, body)


def _stale(error: ApiRefused) -> bool:
    return any(
        error.status == status and (not code or error.code == code) for status, code in STALE
    )


def _switch(flag: bool | None) -> str:
    return "unknown" if flag is None else "on" if flag else "off"
