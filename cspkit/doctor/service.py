"""The service: who is signed in, with a second factor, in which role, and what time it is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cspkit.doctor.findings import FAILED, OK, WARNING, Finding
from cspkit.errors import ApiError, ApiRefused, SettingsError
from cspkit.settings import FILE, Settings
from cspkit.wire import Answer, ServiceClock, TokenProvider, Wire, dial, has_mfa, sign_in

# Any partner user in a role that sells may read this, and reading it changes nothing.
ASKED = "/v1/customers/relationshiprequests"
_ROLES = "have an administrator give the user the role Admin agent or Sales agent, no more"
_MFA = "sign in again with a second factor: since 2026 Partner Center takes no other user"
_CLOCK = "let the computer's clock be set by the network: leases and evidence depend on it"
SLOW, WRONG = 5, 60


def reached(settings: Settings, tokens: TokenProvider | None = None) -> Iterator[Finding]:
    """Look at credentials, second factor, role and clock by one harmless read."""
    service = settings.service
    try:
        tokens = tokens or sign_in(service, settings.root, ask=False)
        token = tokens.token(service.audience("partner_center"), service.partner_tenant, True)
    except SettingsError as error:
        advice = f"`az login --tenant {service.partner_tenant}`, or service.client_id in {FILE}"
        yield Finding("credentials", FAILED, str(error), advice)
        return
    yield Finding("credentials", OK, f"a user's token for {service.id}")
    if service.kind == "tenant":
        there = has_mfa(token)
        said = "the token says mfa" if there else "the token does not say mfa"
        yield Finding("second factor", OK if there else FAILED, said, "" if there else _MFA)
    yield from _asked(settings, tokens)


def _asked(settings: Settings, tokens: TokenProvider) -> Iterator[Finding]:
    service = settings.service
    wire = dial(service, "partner_center", tokens)
    try:
        answer = wire.read(ASKED, tenant=service.partner_tenant)
    except ApiRefused as error:
        yield Finding("role", FAILED, str(error), _ROLES)
        return
    except (ApiError, SettingsError) as error:
        advice = "is it started? `cspkit rehearse serve`"
        if service.kind == "tenant":
            advice = f"network, proxy, or service.partner_center in {FILE}"
        yield Finding("service", FAILED, str(error), advice)
        return
    else:
        yield Finding("role", OK, "it reads what only a selling role may read")
        yield _clock(settings, answer, wire)
    finally:
        wire.close()


def _clock(settings: Settings, answer: Answer, wire: Wire) -> Finding:
    if settings.service.kind == "rehearsal":
        told = ServiceClock(wire).now()
        return Finding("clock", OK, f"the rehearsal's own: {told:%Y-%m-%d %H:%M} UTC")
    if answer.at is None:
        return Finding("clock", WARNING, "the service told no time", "run it again later")
    off = abs((datetime.now(UTC) - answer.at).total_seconds())
    result = OK if off <= SLOW else WARNING if off <= WRONG else FAILED
    return Finding(
        "clock", result, f"{off:.0f} s off the service's", "" if result == OK else _CLOCK
    )
