"""Microsoft Graph: access by GDAP in the partner's tenant, licences in the customer's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cspkit.errors import ApiRefused, ApiUnavailable
from cspkit.wire import Answer, Record, Wire, plain

# The least roles that read a tenant's licences and change those of its users.
DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
LICENSE_ADMINISTRATOR = "4d6ac14f-3453-41d0-bef9-a3e0c569773a"
ROLES = (DIRECTORY_READERS, LICENSE_ADMINISTRATOR)
DURATION = "P730D"
_RELATIONSHIPS = "/v1.0/tenantRelationships/delegatedAdminRelationships"
_USERS = "/v1.0/users"
_USER_FIELDS = "id,usageLocation,assignedLicenses,licenseAssignmentStates"


@dataclass(frozen=True)
class Relationship:
    """A GDAP relationship: what the partner asked for and how far the customer went."""

    id: str
    name: str
    status: str
    customer_id: str
    roles: tuple[str, ...]
    ends_at: datetime | None

    @property
    def approval_link(self) -> str:
        """Give the page on which the customer approves it."""
        page = "https://admin.microsoft.com/AdminPortal/Home#/partners/invitation"
        return f"{page}/granularAdminRelationships/{self.id}"


@dataclass(frozen=True)
class Assignment:
    """Roles of a relationship given to a security group of the partner."""

    id: str
    status: str
    group_id: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Pool:
    """The seats of one skuId in a tenant, whoever sold them, and how many are used."""

    sku_id: str
    enabled: int
    consumed: int
    warning: int
    status: str
    plans: frozenset[str]
    subscription_ids: frozenset[str]


@dataclass(frozen=True)
class Owned:
    """One subscription of a tenant, from whatever channel."""

    id: str
    commerce_id: str
    sku_id: str
    status: str
    seats: int | None
    next_change_at: datetime | None

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
class User:
    """One user: an id, never a name."""

    id: str
    usage_location: str
    licences: tuple[Licence, ...]

    def licence(self, sku_id: str) -> Licence | None:
        """Return the user's licence of a skuId."""
        return next((one for one in self.licences if one.sku_id == sku_id), None)


class Graph:
    """Microsoft Graph; each call names the tenant whose token it carries."""

    def __init__(self, wire: Wire, partner_tenant: str) -> None:
        """Speak over a wire as a user of the partner."""
        self._wire = wire
        self._partner = partner_tenant

    def relationships(self, customer_id: str) -> list[Relationship]:
        """List the GDAP relationships with a customer."""
        query = {"$filter": f"customer/tenantId eq '{customer_id}'"}
        found = (_relationship(item) for item in self._pages(_RELATIONSHIPS, self._partner, query))
        mine = [one for one in found if one.customer_id in ("", customer_id)]
        return sorted(mine, key=lambda one: one.id)

    def create_relationship(self, body: Any, request_id: str) -> Relationship:
        """Ask for a relationship; its name is unique, so a second one is refused."""
        return _relationship(self._post(_RELATIONSHIPS, self._partner, body, request_id).record)

    def lock_for_approval(self, path: str, body: Any, request_id: str) -> None:
        """Finish a relationship so that the customer can approve it."""
        self._post(path, self._partner, body, request_id)

    def assignments(self, relationship_id: str) -> list[Assignment]:
        """List which groups have which roles of a relationship."""
        pages = self._pages(assignments_path(relationship_id), self._partner)
        return [_assignment(item) for item in pages]

    def assign(self, path: str, body: Any, request_id: str) -> None:
        """Give roles of an active relationship to a group."""
        self._post(path, self._partner, body, request_id)

    def owned(self, customer_id: str) -> list[Owned]:
        """List all subscriptions of a tenant, whoever sold them."""
        pages = self._pages("/v1.0/directory/subscriptions", customer_id)
        return [_owned(item) for item in pages]

    def pools(self, customer_id: str) -> dict[str, Pool]:
        """Map each skuId of a tenant to its seats."""
        pages = self._pages("/v1.0/subscribedSkus", customer_id)
        return {pool.sku_id: pool for pool in map(_pool, pages) if pool.sku_id}

    def users(self, customer_id: str) -> Iterator[User]:
        """Yield the users of a tenant with their licences, page by page."""
        query = {"$select": _USER_FIELDS, "$top": "999"}
        for item in self._pages(_USERS, customer_id, query):
            yield _user(item)

    def user(self, customer_id: str, user_id: str) -> User:
        """Read one user with their licences."""
        path = f"{_USERS}/{quote(user_id, safe='')}"
        params = {"$select": _USER_FIELDS}
        return _user(self._wire.read(path, tenant=customer_id, params=params).record)

    def change_licences(self, customer_id: str, path: str, body: Any, request_id: str) -> None:
        """Add and remove licences of a user in one call, so that no mailbox is ever without."""
        self._post(path, customer_id, body, request_id)

    def can_read(self, customer_id: str) -> bool:
        """Say whether the customer's tenant lets us read its licences now."""
        try:
            self._wire.read("/v1.0/subscribedSkus", tenant=customer_id)
        except ApiRefused as error:
            if error.status in (401, 403):
                return False
            raise
        return True

    def _post(self, path: str, tenant: str, body: Any, request_id: str) -> Answer:
        return self._wire.write("POST", path, tenant=tenant, request_id=request_id, body=body)

    def _pages(
        self, path: str, tenant: str, params: dict[str, str] | None = None
    ) -> Iterator[Record]:
        """Yield the items of all pages; a link that comes twice is an error, not a loop."""
        record = self._wire.read(path, tenant=tenant, params=params).record
        seen: set[str] = set()
        while True:
            yield from record.records("value")
            link = record.text("@odata.nextLink")
            if not link:
                return
            if link in seen:
                raise ApiUnavailable(
                    f"{path}: the pages go round in a circle", method="GET", url=path
                )
            seen.add(link)
            record = self._wire.read(link, tenant=tenant).record


def relationship_body(customer_id: str, name: str) -> dict[str, Any]:
    """Make the body that asks a customer for the least roles."""
    return {
        "displayName": name,
        "duration": DURATION,
        "customer": {"tenantId": customer_id},
        "accessDetails": {"unifiedRoles": [{"roleDefinitionId": role} for role in ROLES]},
        "autoExtendDuration": "PT0S",
    }


def relationships_path() -> str:
    """Give the path of all GDAP relationships."""
    return _RELATIONSHIPS


def requests_path(relationship_id: str) -> str:
    """Give the path of the requests about a relationship."""
    return f"{_RELATIONSHIPS}/{quote(relationship_id, safe='')}/requests"


def assignments_path(relationship_id: str) -> str:
    """Give the path of the access assignments of a relationship."""
    return f"{_RELATIONSHIPS}/{quote(relationship_id, safe='')}/accessAssignments"


def assignment_body(group_id: str) -> dict[str, Any]:
    """Make the body that gives our roles to a security group."""
    return {
        "accessContainer": {"accessContainerId": group_id, "accessContainerType": "securityGroup"},
        "accessDetails": {"unifiedRoles": [{"roleDefinitionId": role} for role in ROLES]},
    }


def licences_path(user_id: str) -> str:
    """Give the path that changes the licences of a user."""
    return f"{_USERS}/{quote(user_id, safe='')}/assignLicense"


def licences_body(add: str, disabled_plans: list[str], remove: str) -> dict[str, Any]:
    """Make the body that swaps one licence for another."""
    return {
        "addLicenses": [{"skuId": add, "disabledPlans": disabled_plans}],
        "removeLicenses": [remove],
    }


def _roles(record: Record) -> tuple[str, ...]:
    found = record.record("accessDetails").records("unifiedRoles")
    return tuple(one.id("roleDefinitionId") for one in found)


def _relationship(record: Record) -> Relationship:
    return Relationship(
        record.text("id"),
        plain(record.text("displayName")),
        record.id("status"),
        record.record("customer").id("tenantId"),
        _roles(record),
        record.instant("endDateTime"),
    )


def _assignment(record: Record) -> Assignment:
    group = record.record("accessContainer").id("accessContainerId")
    return Assignment(record.text("id"), record.id("status"), group, _roles(record))


def _pool(record: Record) -> Pool:
    units, ids = record.record("prepaidUnits"), record.get("subscriptionIds")
    return Pool(
        record.id("skuId"),
        units.whole("enabled") or 0,
        record.whole("consumedUnits") or 0,
        units.whole("warning") or 0,
        record.id("capabilityStatus"),
        frozenset(plan.id("servicePlanId") for plan in record.records("servicePlans")),
        frozenset(str(one).lower() for one in ids) if isinstance(ids, list) else frozenset(),
    )


def _owned(record: Record) -> Owned:
    return Owned(
        record.id("id"),
        record.id("commerceSubscriptionId"),
        record.id("skuId"),
        record.id("status"),
        record.whole("totalLicenses"),
        record.instant("nextLifecycleDateTime"),
    )


def _user(record: Record) -> User:
    states = record.records("licenseAssignmentStates")
    licences = []
    for one in record.records("assignedLicenses"):
        sku_id, plans = one.id("skuId"), one.get("disabledPlans")
        disabled = [str(plan).lower() for plan in plans] if isinstance(plans, list) else []
        sources = [state.text("assignedByGroup") for state in states if state.id("skuId") == sku_id]
        licences.append(
            Licence(sku_id, frozenset(disabled), by_group=bool(sources) and all(sources))
        )
    return User(record.text("id"), record.text("usageLocation"), tuple(licences))
