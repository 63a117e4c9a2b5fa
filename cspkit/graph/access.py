"""Access by GDAP: asked for in the partner's tenant, approved by the customer, ends by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cspkit.graph.calling import Caller, Query, route
from cspkit.wire import Listed, Record, plain

# The least roles that read a tenant's licences and change those of its users.
DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
LICENSE_ADMINISTRATOR = "4d6ac14f-3453-41d0-bef9-a3e0c569773a"
ROLES = (DIRECTORY_READERS, LICENSE_ADMINISTRATOR)
DURATION = "P730D"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
EXTENSION = "P180D"


@dataclass(frozen=True)
class Relationship:
    """A GDAP relationship: what the partner asked for and how far the customer went."""

    id: str
    name: str
    status: str
    customer_id: str
    roles: tuple[str, ...]
    ends_at: datetime | None
    extends_itself: bool = False
    etag: str = ""

    @property
    def may_extend_itself(self) -> bool:
        """Say whether it can be let go on by half years; never with a global administrator."""
        return self.status == "active" and GLOBAL_ADMINISTRATOR not in self.roles

    @property
    def approval_link(self) -> str:
        """Give the page on which the customer approves it."""
        page = "https://admin.microsoft.com/AdminPortal/Home#/partners/invitation"
        return f"{page}/granularAdminRelationships/{self.id}"

    def ends_within(self, days: int, now: datetime) -> bool:
        """Say whether access ends within some days from now; one without an end does not."""
        return self.ends_at is not None and self.ends_at <= now + timedelta(days=days)


@dataclass(frozen=True)
class Assignment:
    """Roles of a relationship given to a security group of the partner."""

    id: str
    status: str
    group_id: str
    roles: tuple[str, ...]


class Access(Caller):
    """Verbs of GDAP; all carry a token of the partner's tenant."""

    def relationships(self, customer_id: str = "") -> Listed[Relationship]:
        """List the GDAP relationships with a customer, or with all of them."""
        query: Query | None = None
        if customer_id:
            query = {"$filter": f"customer/tenantId eq '{customer_id}'"}
        found = self._listed("relationships", self._partner, _listed_one, query)
        mine = [one for one in found if not customer_id or one.customer_id in ("", customer_id)]
        return Listed(sorted(mine, key=lambda one: one.id), found.bad, found.repeated)

    def relationship(self, relationship_id: str) -> Relationship:
        """Read how far one relationship is."""
        return self._one("relationship", self._partner, _relationship, relationship=relationship_id)

    def create_relationship(self, body: Any, request_id: str) -> Relationship:
        """Ask for a relationship; its name is unique, so a second one is refused."""
        path = relationships_path()
        answer = self._write("relationship_create", path, self._partner, body, request_id)
        return _relationship(answer.record)

    def lock_for_approval(self, path: str, body: Any, request_id: str) -> None:
        """Finish a relationship so that the customer can approve it."""
        self._write("relationship_request", path, self._partner, body, request_id)

    def extend(self, path: str, body: Any, etag: str, request_id: str) -> None:
        """Let an active relationship go on by half years until somebody ends it."""
        headers = {"If-Match": etag} if etag else None
        self._write("relationship_change", path, self._partner, body, request_id, headers)

    def assignments(self, relationship_id: str) -> Listed[Assignment]:
        """List which groups have which roles of a relationship."""
        return self._listed("assignments", self._partner, _assignment, relationship=relationship_id)

    def assign(self, path: str, body: Any, request_id: str) -> None:
        """Give roles of an active relationship to a group."""
        self._write("assign", path, self._partner, body, request_id)


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
    return route("relationship_create").path


def relationship_path(relationship_id: str) -> str:
    """Give the path of one relationship."""
    return route("relationship_change").at(relationship=relationship_id)


def extension_body() -> dict[str, Any]:
    """Make the body that lets a relationship go on by half years."""
    return {"autoExtendDuration": EXTENSION}


def requests_path(relationship_id: str) -> str:
    """Give the path of the requests about a relationship."""
    return route("relationship_request").at(relationship=relationship_id)


def assignments_path(relationship_id: str) -> str:
    """Give the path of the access assignments of a relationship."""
    return route("assign").at(relationship=relationship_id)


def assignment_body(group_id: str) -> dict[str, Any]:
    """Make the body that gives our roles to a security group."""
    return {
        "accessContainer": {"accessContainerId": group_id, "accessContainerType": "securityGroup"},
        "accessDetails": {"unifiedRoles": [{"roleDefinitionId": role} for role in ROLES]},
    }


def _roles(record: Record) -> tuple[str, ...]:
    found = record.record("accessDetails").records("unifiedRoles")
    return tuple(one.id("roleDefinitionId") for one in found)


def _listed_one(record: Record) -> Relationship:
    record.needed("id")
    return _relationship(record)


def _relationship(record: Record) -> Relationship:
    return Relationship(
        record.text("id"),
        plain(record.text("displayName")),
        record.id("status"),
        record.record("customer").id("tenantId"),
        _roles(record),
        record.instant("endDateTime"),
        record.id("autoExtendDuration") == EXTENSION.lower(),
        record.text("@odata.etag"),
    )


def _assignment(record: Record) -> Assignment:
    record.needed("id")
    group = record.record("accessContainer").id("accessContainerId")
    return Assignment(record.text("id"), record.id("status"), group, _roles(record))
