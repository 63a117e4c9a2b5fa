"""The indirect model: through which reseller a customer is served, and may it be sold through."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from threading import Lock
from typing import Any

from cspkit.partner_center import PartnerCenter, Reseller

UNKNOWN, UNSIGNED = "reseller_unknown", "reseller_agreement_unsigned"


class Resellers:
    """The resellers that the decisions name, found among those of the partner.

    `reseller_id` of a customer is the reseller's tenant id or its partner number (PLA, once MPN).
    Nothing is asked of the service where no customer has one.
    """

    def __init__(
        self, partner_center: PartnerCenter, said: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Look things up for these decisions, by customer id."""
        self._center = partner_center
        self._said = said
        self._signed: dict[str, bool] = {}
        self._links: dict[str, str] = {}
        self._lock = Lock()

    def named(self, customer_id: str) -> str:
        """Give what people typed as the reseller of a customer; empty for a customer of our own."""
        return str(self._said.get(customer_id, {}).get("reseller_id") or "").strip()

    @property
    def any(self) -> bool:
        """Say whether any customer has a reseller."""
        return any(row.get("reseller_id") for row in self._said.values())

    def of(self, customer_id: str) -> Reseller | None:
        """Find the reseller of a customer; None for one of our own, or a stranger's."""
        typed = self.named(customer_id).lower()
        return self._known.get(typed) if typed else None

    def number_of(self, customer_id: str) -> str:
        """Give the partner number that an order line names; empty for a customer of our own."""
        found = self.of(customer_id)
        return found.mpn_id if found else ""

    def refusal(self, customer_id: str) -> str:
        """Say why nothing may be bought through a customer's reseller, its code first."""
        typed = self.named(customer_id)
        if not typed:
            return ""
        found = self.of(customer_id)
        if found is None or not found.mpn_id:
            what = f"{typed!r} is none of our resellers"
            return f"{UNKNOWN}: {what}: correct reseller_id in decisions.xlsx"
        if not self._has_signed(found):
            who = f"{found.name} ({found.mpn_id})"
            return f"{UNSIGNED}: {who} has not signed its agreement with Microsoft: have it signed"
        return ""

    def link(self, customer_id: str, own: str) -> str:
        """Give the invitation link of a customer's reseller; `own` where it has none."""
        found = self.of(customer_id)
        if found is None:
            return own
        with self._lock:
            if found.id not in self._links:
                self._links[found.id] = self._center.relationship_link(found.id)
            return self._links[found.id]

    def _has_signed(self, found: Reseller) -> bool:
        with self._lock:
            if not self._signed.get(found.mpn_id):
                self._signed[found.mpn_id] = self._center.agreement_signed(mpn_id=found.mpn_id)
            return self._signed[found.mpn_id]

    @cached_property
    def _known(self) -> dict[str, Reseller]:
        listed = list(self._center.resellers())
        by_number = {one.mpn_id.lower(): one for one in listed if one.mpn_id}
        return by_number | {one.id.lower(): one for one in listed}
