"""What the rehearsal remembers: customers, subscriptions, carts, orders, users, access."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cspkit.rehearsal.products import Product

PARTNER_TENANT = "00000000-0000-4000-8000-000000000001"


@dataclass(slots=True)
class Customer:
    """One tenant, and how far its relationship to the partner has come."""

    id: str
    name: str
    domain: str
    market: str
    language: str
    first_name: str
    last_name: str
    related_at: datetime | None = None
    dual_partner: bool = False
    direct_signed_at: datetime | None = None
    attestations: list[dict[str, Any]] = field(default_factory=list)
    delivered_at: datetime | None = None
    in_graph_export: bool = False

    @property
    def related(self) -> bool:
        """Say whether the customer accepted the reseller relationship."""
        return self.related_at is not None

    @property
    def email(self) -> str:
        """Give the address that invitations go to."""
        return f"it@{self.domain}"


@dataclass(slots=True)
class Subscription:
    """One subscription of a tenant, whoever sold it; dates are whole UTC days, inclusive."""

    id: str
    customer_id: str
    channel: str
    product: Product
    seats: int
    term: str
    cycle: str
    starts_on: date
    ends_on: date
    auto_renew: bool
    status: str
    created: datetime
    price: Decimal | None
    currency: str
    owner_tenant: str | None
    assigned: int = 0
    is_trial: bool = False
    agreement: str = ""
    listed_in: str = ""
    parent_id: str = ""
    friendly_name: str = ""
    availability_id: str = ""
    order_id: str = ""
    usable_from: datetime | None = None
    cancel_until: datetime | None = None
    added: list[tuple[int, datetime]] = field(default_factory=list)
    scheduled: list[dict[str, Any]] = field(default_factory=list)
    extended: bool = False
    version: int = 1

    @property
    def ours(self) -> bool:
        """Say whether the rehearsal's partner sold it, so that Partner Center shows it."""
        return self.owner_tenant == PARTNER_TENANT

    @property
    def offer_id(self) -> str:
        """Give the offer id as Partner Center shows it."""
        if self.channel == "csp_legacy":
            return self.product.legacy_offer.upper()
        return f"{self.product.offer}:{self.availability_id}"
