"""Billing accounts and what was bought on them: read, and stop a renewal.

Every call carries the token of a user with a billing role in the customer's own tenant: access
by GDAP brings none. It was read in a third party's copy of the reference and never tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cspkit.errors import ApiRefused
from cspkit.wire import Answer, Listed, Record, Step, Wire, read_all
from cspkit.wire.routes import Route, routes

NOT_FOUND = 404
OFF = "Off"


@dataclass(frozen=True)
class Account:
    """A billing account of a customer; `id` is its name in paths."""

    id: str
    agreement: str


@dataclass(frozen=True)
class BillingSubscription:
    """Licences that a customer bought directly; `auto_renew` None where nothing says so."""

    id: str
    auto_renew: bool | None
    status: str
    seats: int | None
    starts_at: datetime | None
    ends_at: datetime | None


class AzureBilling:
    """The verbs that the programme needs of Azure billing."""

    def __init__(self, wire: Wire) -> None:
        """Speak over a wire to the management service."""
        self._wire = wire

    def accounts(self, tenant: str) -> Listed[Account]:
        """List the billing accounts that the signed-in user sees in a customer's tenant."""
        return self._listed("accounts", tenant, _account)

    def subscriptions(self, tenant: str, account: str) -> Listed[BillingSubscription]:
        """List what was bought on a billing account."""
        return self._listed("subscriptions", tenant, _subscription, account=account)

    def subscription(
        self, tenant: str, account: str, subscription_id: str
    ) -> BillingSubscription | None:
        """Read one subscription; None where the account has none of this id."""
        call = _route("subscription")
        where = call.at(account=account, subscription=subscription_id)
        try:
            found = self._wire.read(where, tenant=tenant, user=call.user)
        except ApiRefused as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return _subscription(found.record)

    def change(self, tenant: str, path: str, body: Any, request_id: str) -> None:
        """Change a subscription; what came of it is read, since the service may take its time."""
        call = _route("change")
        self._wire.write(
            call.method, path, tenant=tenant, request_id=request_id, user=call.user, body=body
        )

    def _listed(self, name: str, tenant: str, read: Any, **ids: str) -> Listed[Any]:
        call = _route(name)

        def ask(step: Step) -> Answer:
            return self._wire.read(step.where, tenant=tenant, user=call.user)

        return read_all(ask, Step(call.at(**ids)), _next_link, read)


def change_path(account: str, subscription_id: str) -> str:
    """Give the path that changes a subscription."""
    return _route("change").at(account=account, subscription=subscription_id)


def not_renewing() -> dict[str, Any]:
    """Make the body after which a subscription does not renew by itself."""
    return {"properties": {"autoRenew": OFF}}


def _route(name: str) -> Route:
    return routes(__package__)[name]


def _next_link(answer: Answer, step: Step) -> Step | None:
    link = answer.record.text("nextLink")
    return Step(link) if link else None


def _account(record: Record) -> Account:
    # its name is one part of paths, and nothing says that its case does not count
    record.needed("name")
    agreement = record.record("properties").text("agreementType")
    return Account(record.text("name").strip(), agreement)


def _subscription(record: Record) -> BillingSubscription:
    said = record.record("properties")
    return BillingSubscription(
        record.needed("name"),
        {"on": True, "off": False}.get(said.id("autoRenew")),
        said.id("status"),
        said.whole("quantity"),
        said.instant("termStartDate"),
        said.instant("termEndDate"),
    )
