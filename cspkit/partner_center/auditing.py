"""The audit records of Partner Center: who did what, by its own account."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime

from cspkit.partner_center.calling import PAGE, Caller, Query
from cspkit.wire import Listed, Record

DAYS_KEPT = 90


@dataclass(frozen=True)
class AuditRecord:
    """One operation; `resource` is what the record says of the thing after it."""

    customer_id: str
    at: datetime | None
    operation: str
    status: str
    kind: str
    by: str
    correlation_id: str
    resource: Record
    customized: Record = field(default_factory=lambda: Record(None))

    @property
    def order_id(self) -> str:
        """Name the order that the record is about; empty when it names none.

        The whole resource carries it as its own id, a shorter record under a name of its own.
        """
        return self._id("order", "orderId")

    @property
    def subscription_id(self) -> str:
        """Name the subscription that the record is about; empty when it names none."""
        return self._id("subscription", "subscriptionId")

    def _id(self, kind: str, name: str) -> str:
        named = self.resource.id(name) or self.customized.id(name)
        return named or (self.resource.id("id") if self.kind == kind else "")


class Auditing(Caller):
    """The verb of the audit."""

    def audit_records(
        self, since: date, until: date | None = None, *, customer_id: str = ""
    ) -> Listed[AuditRecord]:
        """List what was done since a day (the service keeps 90) and to a day inclusive."""
        query: Query = {"startDate": since.isoformat(), "size": PAGE}
        if until is not None:
            query["endDate"] = until.isoformat()
        if customer_id:
            wanted = {"Field": "CustomerId", "Value": customer_id, "Operator": "equals"}
            query["filter"] = json.dumps(wanted)
        return self._listed("audit_records", _record, query)


def _record(item: Record) -> AuditRecord:
    return AuditRecord(
        item.id("customerId"),
        item.instant("operationDate"),
        item.needed("operationType"),
        item.id("operationStatus"),
        item.id("resourceType"),
        item.text("userPrincipalName"),
        item.id("originalCorrelationId"),
        _inside(item.text("resourceNewValue")),
        Record({one.text("key"): one.get("value") for one in item.records("customizedData")}),
    )


def _inside(text: str) -> Record:
    """Read the JSON that stands in a text; anything else is an empty record."""
    try:
        return Record(json.loads(text))
    except ValueError:
        return Record(None)
