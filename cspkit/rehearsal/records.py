"""What the rehearsal remembers: customers, subscriptions, carts, orders, users, access."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cspkit.rehearsal.lifecycle import Rule, rule_of
from cspkit.rehearsal.products import Product

PARTNER_TENANT = "00000000-0000-4000-8000-000000000001"
MPN_ID = "4847383"
# the indirect resellers of the partner: name and partner number; the last one signed nothing
RESELLERS = {
    "3f1b6f1e-6f0c-4c8e-9d7a-2a51b0c4d701": ("Distrito Sur Sistemas SL", "5357564"),
    "9b7e2c44-1d35-4a8b-8f02-6c1de8a9f502": ("Nuvole Srl", "5139005"),
}


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
    billing: dict[str, Any] = field(default_factory=dict)
    billing_role: bool = True

    @property
    def reseller_id(self) -> str:
        """Name the indirect reseller of every fifth customer; empty for the others."""
        number = int(self.id[:2], 16)
        return list(RESELLERS)[number % 2] if number % 5 == 0 else ""

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
    visible_from: datetime | None = None
    usable_from: datetime | None = None
    cancel_until: datetime | None = None
    added: list[tuple[int, datetime]] = field(default_factory=list)
    scheduled: list[dict[str, Any]] = field(default_factory=list)
    next_term: dict[str, Any] = field(default_factory=dict)
    partner_id: str = MPN_ID
    migrated_from: str = ""
    promotion_id: str = ""
    extended: bool = False
    held_days: int = 0
    version: int = 1

    @property
    def rule(self) -> Rule:
        """Say what happens at the end of the present term."""
        return rule_of(
            self.channel,
            term=self.term,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            trial=self.is_trial,
        )

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


@dataclass(slots=True)
class CartLine:
    """One line of a cart; `error` is a cart error code and its text."""

    number: int
    catalog_item: str
    quantity: int
    term: str
    cycle: str
    friendly_name: str
    sent: dict[str, Any]
    product: Product | None = None
    error: tuple[str, str] | None = None
    parent_id: str = ""
    addons: list[CartLine] = field(default_factory=list)

    @property
    def availability_id(self) -> str:
        """Give the last part of the catalogue item."""
        return self.catalog_item.rpartition(":")[2]


@dataclass(slots=True)
class Cart:
    """A cart, Active until it is checked out or its week is over."""

    id: str
    customer_id: str
    created: datetime
    modified: datetime
    expires: datetime
    lines: list[CartLine]
    order_ids: list[str] = field(default_factory=list)
    order_errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Say Active or Ordered."""
        return "Ordered" if self.order_ids else "Active"


@dataclass(slots=True)
class OrderLine:
    """One line of an order and the subscription it made."""

    number: int
    product: Product
    catalog_item: str
    quantity: int
    term: str
    friendly_name: str
    subscription_id: str
    parent_id: str = ""
    reseller_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Order:
    """An order that really happened; others see it from `listed_from`."""

    id: str
    customer_id: str
    cart_id: str
    cycle: str
    currency: str
    created: datetime
    listed_from: datetime
    completed_from: datetime
    lines: list[OrderLine]
    request_id: str = ""


@dataclass(slots=True)
class Licence:
    """One licence of one user; `own_disabled` when it is their own beside a group's."""

    since: datetime
    disabled_plans: list[str] = field(default_factory=list)
    by_group: str | None = None
    error: str = "None"
    own_disabled: list[str] | None = None

    @property
    def effective(self) -> list[str]:
        """List the plans that no source of the licence gives."""
        if self.by_group is None or self.own_disabled is None:
            return self.disabled_plans
        return [plan for plan in self.disabled_plans if plan in self.own_disabled]


@dataclass(slots=True)
class User:
    """One user of a tenant; a shared mailbox is one that may not sign in."""

    id: str
    name: str
    principal: str
    usage_location: str | None
    licences: dict[str, Licence] = field(default_factory=dict)
    enabled: bool = True


@dataclass(slots=True)
class Assignment:
    """A security group of the partner that holds roles in the customer's tenant."""

    id: str
    group_id: str
    roles: list[str]
    created: datetime
    active_from: datetime


@dataclass(slots=True)
class Access:
    """A granular admin relationship (GDAP) between the partner and a customer."""

    id: str
    customer_id: str
    display_name: str
    days: int
    duration: str
    roles: list[str]
    created: datetime
    modified: datetime
    status: str = "created"
    auto_extend: str = "PT0S"
    activated: datetime | None = None
    ends: datetime | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
