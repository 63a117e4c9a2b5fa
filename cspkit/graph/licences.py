"""Licences in a customer's tenant: seats by skuId, who holds them, and how that is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cspkit.errors import ApiRefused
from cspkit.graph.calling import Caller, Query, route
from cspkit.wire import Listed, Record, Unreadable, plain

_FIELDS: Query = {
    "$select": "id,userPrincipalName,accountEnabled,usageLocation,assignedLicenses,"
    "licenseAssignmentStates"
}
_GROUP: Query = {"$select": "id,assignedLicenses"}
NO_ACCESS = (401, 403)


@dataclass(frozen=True)
class Pool:
    """The seats of one skuId in a tenant, whoever sold them, and how many are used.

    `plan_names` are the service plans that a user gets with it, by servicePlanId.
    """

    sku_id: str
    enabled: int
    consumed: int
    warning: int
    status: str
    plans: frozenset[str]
    subscription_ids: frozenset[str]
    plan_names: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Owned:
    """One subscription of a tenant, from whatever channel; the owner is the seller's tenant."""

    id: str
    commerce_id: str
    sku_id: str
    status: str
    seats: int | None
    next_change_at: datetime | None
    owner_tenant: str = ""
    is_trial: bool | None = None

    @property
    def ids(self) -> frozenset[str]:
        """Both ids it goes by: the directory's and the commerce one."""
        return frozenset(one for one in (self.id, self.commerce_id) if one)


@dataclass(frozen=True)
class Licence:
    """One licence of one user: its disabled plans, and whether a group gives it."""

    sku_id: str
    disabled_plans: frozenset[str]
    by_group: bool


@dataclass(frozen=True)
class State:
    """How one assignment of a licence went; `group_id` is empty when it is the user's own."""

    sku_id: str
    state: str
    error: str
    group_id: str
    disabled_plans: frozenset[str] = frozenset()

    @property
    def is_wrong(self) -> bool:
        """Say whether the service could not do what was asked."""
        return self.state not in ("", "active") or self.error not in ("", "none")


@dataclass(frozen=True)
class User:
    """One user, shared mailboxes and blocked accounts too; the sign-in name is never shown."""

    id: str
    usage_location: str
    licences: tuple[Licence, ...]
    states: tuple[State, ...] = ()
    enabled: bool = True
    principal: str = field(default="", repr=False)

    def licence(self, sku_id: str) -> Licence | None:
        """Return the user's licence of a skuId."""
        return next((one for one in self.licences if one.sku_id == sku_id), None)

    def own(self, sku_id: str) -> State | None:
        """Return the user's own assignment of a skuId, beside which groups may give it too."""
        found = [one for one in self.states if one.sku_id == sku_id]
        own = next((one for one in found if not one.group_id), None)
        held = self.licence(sku_id)
        if own is None and not found and held is not None:
            return State(sku_id, "active", "", "", held.disabled_plans)
        return own

    def groups(self, sku_id: str) -> tuple[str, ...]:
        """List the groups that give the user a skuId, or tried to."""
        found = {one.group_id for one in self.states if one.sku_id == sku_id and one.group_id}
        return tuple(sorted(found))


@dataclass(frozen=True)
class Group:
    """What a group gives to its members, whether they have it yet or not."""

    id: str
    licences: frozenset[str]


class Licences(Caller):
    """Verbs in the customer's tenant; all carry a token of that tenant."""

    def owned(self, customer_id: str) -> Listed[Owned]:
        """List all subscriptions of a tenant, whoever sold them."""
        return self._listed("owned", customer_id, _owned)

    def pools(self, customer_id: str) -> dict[str, Pool]:
        """Map each skuId of a tenant to its seats."""
        return {pool.sku_id: pool for pool in self._listed("pools", customer_id, _pool)}

    def users(self, customer_id: str) -> Listed[User]:
        """List the users of a tenant with their licences."""
        return self._listed("users", customer_id, _listed_user, {**_FIELDS, "$top": "999"})

    def user(self, customer_id: str, user_id: str) -> User:
        """Read one user with their licences."""
        return self._one("user", customer_id, _user, _FIELDS, user=user_id)

    def group(self, customer_id: str, group_id: str) -> Group:
        """Read which licences a group gives."""
        return self._one("group", customer_id, _group, _GROUP, group=group_id)

    def change_licences(self, customer_id: str, path: str, body: Any, request_id: str) -> None:
        """Add and remove licences of a user in one call, so that no mailbox is ever without."""
        self._write("user_licences", path, customer_id, body, request_id)

    def change_group_licences(
        self, customer_id: str, path: str, body: Any, request_id: str
    ) -> None:
        """Change what a group gives; it works later, member by member, see their states."""
        self._write("group_licences", path, customer_id, body, request_id)

    def can_read(self, customer_id: str) -> bool:
        """Say whether the customer's tenant lets us read its licences now."""
        try:
            self._listed("pools", customer_id, _pool)
        except ApiRefused as error:
            if error.status in NO_ACCESS:
                return False
            raise
        return True


def licences_path(user_id: str) -> str:
    """Give the path that changes the licences of a user."""
    return route("user_licences").at(user=user_id)


def group_licences_path(group_id: str) -> str:
    """Give the path that changes the licences a group gives."""
    return route("group_licences").at(group=group_id)


def licences_body(add: str, disabled_plans: list[str], remove: str) -> dict[str, Any]:
    """Make the body that swaps one licence for another; without `add` it only takes one.

    Both names must be there, one of them may be empty.
    """
    added = [{"skuId": add, "disabledPlans": disabled_plans}] if add else []
    return {"addLicenses": added, "removeLicenses": [remove]}


def _pool(record: Record) -> Pool:
    """Read a pool; raise Unreadable without its seats or their use: neither is ever taken for 0."""
    units = record.record("prepaidUnits")
    for where, name in ((units, "enabled"), (record, "consumedUnits")):
        if where.whole(name) is None:
            raise Unreadable(f"expected {name}, found {plain(where.get(name), 40)!r}")
    plans = record.records("servicePlans")
    return Pool(
        record.needed("skuId"),
        units.whole("enabled") or 0,
        record.whole("consumedUnits") or 0,
        units.whole("warning") or 0,
        record.id("capabilityStatus"),
        frozenset(plan.id("servicePlanId") for plan in plans),
        frozenset(one.lower() for one in record.texts("subscriptionIds")),
        {plan.id("servicePlanId"): plain(plan.text("servicePlanName"), 80) for plan in plans},
    )


def _owned(record: Record) -> Owned:
    if not record.id("commerceSubscriptionId"):
        record.needed("id")
    return Owned(
        record.id("id"),
        record.id("commerceSubscriptionId"),
        record.id("skuId"),
        record.id("status"),
        record.whole("totalLicenses"),
        record.instant("nextLifecycleDateTime"),
        record.id("ownerTenantId"),
        record.flag("isTrial"),
    )


def _listed_user(record: Record) -> User:
    record.needed("id")
    return _user(record)


def _user(record: Record) -> User:
    states = tuple(_state(one) for one in record.records("licenseAssignmentStates"))
    licences = tuple(_licence(one, states) for one in record.records("assignedLicenses"))
    return User(
        record.text("id"),
        record.text("usageLocation"),
        licences,
        states,
        record.flag("accountEnabled") is not False,
        record.text("userPrincipalName"),
    )


def _licence(record: Record, states: tuple[State, ...]) -> Licence:
    sku_id = record.id("skuId")
    sources = [state.group_id for state in states if state.sku_id == sku_id]
    disabled = frozenset(plan.lower() for plan in record.texts("disabledPlans"))
    return Licence(sku_id, disabled, by_group=bool(sources) and all(sources))


def _state(record: Record) -> State:
    return State(
        record.id("skuId"),
        record.id("state"),
        record.id("error"),
        record.id("assignedByGroup"),
        frozenset(plan.lower() for plan in record.texts("disabledPlans")),
    )


def _group(record: Record) -> Group:
    given = frozenset(one.id("skuId") for one in record.records("assignedLicenses"))
    return Group(record.needed("id"), given)
