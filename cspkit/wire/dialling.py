"""From settings to wires: which addresses, whose tokens, which pace."""

from __future__ import annotations

import os
from pathlib import Path

from requests.adapters import BaseAdapter

from cspkit.errors import SettingsError
from cspkit.settings import FILE, Service
from cspkit.wire.limits import Limiter
from cspkit.wire.sessions import Wire
from cspkit.wire.signing_in import SecureApp, TokenFile
from cspkit.wire.tokens import AzureTokens, FixedTokens, TokenProvider

SECRET = "CSPKIT_CLIENT_SECRET"
# Partner Center takes 500 calls a minute of one tenant; the rest is room for people beside us.
PARTNER_CENTER_PACE = 480.0
# Graph counts units: 3,500 in 10 s for a small tenant, 3 for the dearest call we make.
GRAPH_PACE = 1_200.0
PRICE_SHEETS = "https://api.partner.microsoft.com"
AZURE = "https://management.azure.com"


def sign_in(service: Service, root: Path, *, ask: bool) -> TokenProvider:
    """Give the tokens that the settings mean; a person is asked to sign in only with `ask`.

    Raises SettingsError when something is missing. The app's secret is in the environment.
    """
    if service.kind == "rehearsal":
        return FixedTokens()
    if service.client_id:
        return _secure_app(service, root)
    how = AzureTokens.sign_in if ask else AzureTokens.default
    return how(service.partner_tenant, service.authority)


def dial(
    service: Service, field: str, tokens: TokenProvider, *, adapter: BaseAdapter | None = None
) -> Wire:
    """Make the wire to `partner_center` or `graph`; one in this process never waits for real."""
    limiter = Limiter(_pace(service, field))
    if adapter is not None:
        limiter = Limiter(sleep=lambda _: None)
    return Wire(
        getattr(service, field),
        tokens=tokens,
        audience=service.audience(field),
        allowed_hosts=service.allowed_hosts,
        connect_timeout=service.connect_timeout,
        read_timeout=service.read_timeout,
        limiter=limiter,
        adapter=adapter,
    )


def dial_price_sheets(
    service: Service, tokens: TokenProvider, *, adapter: BaseAdapter | None = None
) -> Wire:
    """Make the wire to the price sheets, whose address and audience are their own."""
    own = service.partner_center if service.kind == "rehearsal" else PRICE_SHEETS
    return Wire(
        service.price_sheets or own,
        tokens=tokens,
        connect_timeout=service.connect_timeout,
        read_timeout=service.read_timeout,
        adapter=adapter,
    )


def dial_azure(
    service: Service, tokens: TokenProvider, *, adapter: BaseAdapter | None = None
) -> Wire:
    """Make the wire to the Azure billing of customers, where the settings name no other place."""
    own = f"{service.partner_center}/azure" if service.kind == "rehearsal" else AZURE
    return Wire(
        service.azure_billing or own,
        tokens=tokens,
        allowed_hosts=service.allowed_hosts,
        connect_timeout=service.connect_timeout,
        read_timeout=service.read_timeout,
        adapter=adapter,
    )


def _pace(service: Service, field: str) -> float | None:
    """Give the calls a minute; a rehearsal is as fast as it can unless the settings say a pace."""
    said = service.calls_per_minute if field == "partner_center" else service.graph_calls_per_minute
    if said is not None or service.kind == "rehearsal":
        return said
    return PARTNER_CENTER_PACE if field == "partner_center" else GRAPH_PACE


def _secure_app(service: Service, root: Path) -> SecureApp:
    secret = os.environ.get(SECRET, "")
    if not secret:
        problem = f"expected the app's secret in the environment variable {SECRET}, found none"
        raise SettingsError(root / FILE, "service.client_id", problem)
    kept = TokenFile(root / service.refresh_token_file) if service.refresh_token_file else None
    return SecureApp(
        service.client_id,
        secret,
        read=kept.read if kept else None,
        keep=kept.keep if kept else None,
        authority=service.authority,
    )
