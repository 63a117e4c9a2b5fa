"""Who does the work where nobody calls the service, and by which link they invite customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cspkit.errors import SettingsError
from cspkit.moves.reselling import Resellers
from cspkit.partner_center import PartnerCenter, Reseller
from cspkit.settings import FILE, Settings


class Providers(Resellers):
    """The resellers that decisions name, taken at their word: no list of them can be read."""

    def __init__(
        self, center: PartnerCenter, said: Mapping[str, Mapping[str, Any]], settings: Settings
    ) -> None:
        """Know the links of the settings."""
        super().__init__(center, said)
        self._settings = settings

    def of(self, customer_id: str) -> Reseller | None:
        """Know nothing of a reseller but its name."""
        return None

    def refusal(self, customer_id: str) -> str:
        """Refuse nobody: whether a reseller has signed is for the provider to see."""
        return ""

    def link(self, customer_id: str, own: str) -> str:
        """Give the invitation link of a customer's reseller, or `own`; never that of another.

        Raises SettingsError where the settings have none.
        """
        typed = self.named(customer_id)
        links = {key.strip().lower(): link for key, link in self._links_by_hand.items()}
        found = links.get(typed.lower(), "") if typed else own
        if not found:
            field = f"service.invitation_links.{typed}" if typed else "service.invitation_link"
            problem = "expected the link by which customers accept, found none"
            raise SettingsError(self._settings.root / FILE, field, problem)
        return found

    @property
    def _links_by_hand(self) -> dict[str, str]:
        return self._settings.service.invitation_links
