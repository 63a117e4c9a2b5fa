"""What comes over without a purchase: transfers between partners, migrations of legacy licences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cspkit.partner_center.buying import offer_of
from cspkit.partner_center.calling import Caller, Query, route
from cspkit.wire import Listed, Record, by_header, plain

NEW_COMMERCE = 3


@dataclass(frozen=True)
class TransferLine:
    """One subscription of a transfer."""

    subscription_id: str
    offer: str
    seats: int | None
    status: str


@dataclass(frozen=True)
class Transfer:
    """A transfer of subscriptions from one partner to another."""

    id: str
    status: str
    customer_id: str
    from_tenant: str
    to_tenant: str
    created_at: datetime | None
    expires_at: datetime | None
    lines: tuple[TransferLine, ...]


@dataclass(frozen=True)
class Transferable:
    """Whether one subscription could be transferred, and in words why not."""

    id: str
    eligible: bool
    reason: str


@dataclass(frozen=True)
class Migratable:
    """Whether a legacy subscription could be migrated, to which offer, or why not."""

    eligible: bool
    offer: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Migration:
    """A migration of one legacy subscription into new commerce."""

    id: str
    status: str
    subscription_id: str
    offer: str
    seats: int | None
    term: str
    billing_cycle: str
    new_subscription_id: str
    new_order_id: str
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True)
class MigrationEvent:
    """One thing that happened in a migration."""

    id: str
    name: str
    at: datetime | None


class Transferring(Caller):
    """Verbs of transfers and migrations."""

    def transfers(self, customer_id: str) -> Listed[Transfer]:
        """List the transfers of a customer, theirs to us and ours to others."""
        return self._listed("transfers", _listed_transfer, customer=customer_id)

    def transfer(self, customer_id: str, transfer_id: str) -> Transfer | None:
        """Read one transfer; None when there is none of this id."""
        found = self._found("transfer", customer=customer_id, transfer=transfer_id)
        return None if found is None else _transfer(found)

    def transferable(self, customer_id: str) -> Listed[Transferable]:
        """List which subscriptions of ours could go to another partner."""
        query: Query = {"transferType": NEW_COMMERCE}
        return self._listed("transfer_eligibility", _transferable, query, customer=customer_id)

    def create_transfer(self, path: str, body: Any, request_id: str) -> Transfer:
        """Ask another partner for its subscriptions of a customer."""
        return _transfer(self._write("transfer_create", path, request_id, body).record)

    def migratable(self, customer_id: str, body: Any) -> Migratable:
        """Ask whether a legacy subscription could be migrated; it changes nothing."""
        record = self._read("migration_validate", body=body, customer=customer_id).record
        problems = record.records("errors")
        return Migratable(
            record.flag("isEligible") is True,
            offer_of(record.text("catalogItemId")),
            tuple(plain(f"{one.text('code')} {one.text('description')}") for one in problems),
        )

    def create_migration(self, path: str, body: Any, request_id: str) -> Migration:
        """Begin a migration; it takes minutes and there is no way back."""
        return _migration(self._write("migration_create", path, request_id, body).record)

    def migration(self, customer_id: str, migration_id: str) -> Migration | None:
        """Read how far a migration is; None when there is none of this id."""
        found = self._found("migration", customer=customer_id, migration=migration_id)
        return None if found is None else _migration(found)

    def migration_events(self, customer_id: str, migration_id: str) -> Listed[MigrationEvent]:
        """List what happened in a migration so far."""
        query: Query = {"migration_id": migration_id}
        return self._listed("migration_events", _event, query, customer=customer_id)

    def migrations(self, customer_id: str) -> Listed[Migration]:
        """List the migrations of a customer."""
        query: Query = {"CustomerTenantId": customer_id}
        return self._listed("migrations", _listed_migration, query, follow=by_header)


def transfer_path(customer_id: str) -> str:
    """Give the path of a customer's transfers."""
    return route("transfer_create").at(customer=customer_id)


def transfer_body(from_tenant: str, from_name: str, *, email: str) -> dict[str, Any]:
    """Make the body that asks the present partner; email is the customer's who must know."""
    return {
        "sourcePartnerTenantId": from_tenant,
        "sourcePartnerName": from_name,
        "customerEmailId": email,
        "transferType": NEW_COMMERCE,
    }


def migration_path(customer_id: str) -> str:
    """Give the path of a customer's migrations."""
    return route("migration_create").at(customer=customer_id)


def migration_body(
    subscription_id: str,
    *,
    seats: int | None = None,
    term: str = "",
    billing_cycle: str = "",
    full_term: bool = False,
    reference: str = "",
    addons: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Make the body of a migration; what is not said stays as it is on the subscription."""
    wanted = {
        "quantity": seats,
        "termDuration": term,
        "billingCycle": billing_cycle,
        "purchaseFullTerm": full_term,
        "externalReferenceId": reference,
        "addOnMigrations": [{"currentSubscriptionId": one} for one in addons],
    }
    return {"currentSubscriptionId": subscription_id} | {k: v for k, v in wanted.items() if v}


def _listed_transfer(record: Record) -> Transfer:
    record.needed("id")
    return _transfer(record)


def _transfer(record: Record) -> Transfer:
    return Transfer(
        record.id("id"),
        record.id("status"),
        record.id("customerTenantId"),
        record.id("sourcePartnerTenantId"),
        record.id("targetPartnerTenantId"),
        record.instant("createdTime"),
        record.instant("expirationTime"),
        tuple(_transfer_line(one) for one in record.records("lineItems")),
    )


def _transfer_line(record: Record) -> TransferLine:
    return TransferLine(
        record.id("subscriptionId"),
        offer_of(record.text("offerId")),
        record.whole("quantity"),
        record.id("status"),
    )


def _transferable(record: Record) -> Transferable:
    eligible = record.flag("isEligible") is True
    return Transferable(record.needed("id"), eligible, plain(record.text("reason")))


def _listed_migration(record: Record) -> Migration:
    record.needed("id")
    return _migration(record)


def _migration(record: Record) -> Migration:
    return Migration(
        record.id("id"),
        record.id("status"),
        record.id("currentSubscriptionId"),
        offer_of(record.text("catalogItemId")),
        record.whole("quantity"),
        record.text("termDuration").upper(),
        record.id("billingCycle"),
        record.id("newCommerceSubscriptionId"),
        record.id("newCommerceOrderId"),
        record.instant("startedTime"),
        record.instant("completedTime"),
    )


def _event(record: Record) -> MigrationEvent:
    return MigrationEvent(
        record.needed("id"), record.text("eventName"), record.instant("createdTime")
    )
