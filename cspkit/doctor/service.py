"""The services: who is signed in, with a second factor, in which roles, and what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cspkit.doctor.findings import FAILED, OK, WARNING, Finding
from cspkit.errors import ApiError, ApiRefused, SettingsError
from cspkit.settings import FILE, Settings
from cspkit.wire import Answer, ServiceClock, TokenProvider, Wire, dial, has_mfa, sign_in

_MFA = "sign in again with a second factor: since 2026 Partner Center takes no other user"
_CLOCK = "let the computer's clock be set by the network: leases and evidence depend on it"
_AGAIN = "sign in again: the service does not take this token"
_STARTED = "is it started? `cspkit rehearse serve`"
_INSTALL = "azure-identity"
SLOW, WRONG = 5, 60
UNKNOWN_CALLER = 401


@dataclass(frozen=True)
class Right:
    """Something that a run must be allowed to do, told by a read that changes nothing."""

    what: str
    field: Literal["partner_center", "graph"]
    path: str
    found: str
    advice: str
    params: tuple[tuple[str, str], ...] = ()


RIGHTS = (
    Right(
        "role",
        "partner_center",
        "/v1/customers/relationshiprequests",
        "it reads what only a selling role may read",
        "have an administrator give the user the role Admin agent or Sales agent, no more",
    ),
    Right(
        "audit",
        "partner_center",
        "/v1/auditrecords",
        "it reads the activity log, which reconcile needs",
        "have an administrator give the user the role Admin agent",
        (("startDate", "{today}"), ("size", "1")),
    ),
    Right(
        "role in Graph",
        "graph",
        "/v1.0/tenantRelationships/delegatedAdminRelationships",
        "it reads relationships of delegated access",
        "have an administrator consent to DelegatedAdminRelationship.ReadWrite.All for this"
        " sign-in, and give the user the role Admin agent",
        (("$top", "1"),),
    ),
)


def reached(settings: Settings, tokens: TokenProvider | None = None) -> Iterator[Finding]:
    """Look at credentials, second factor, clock and roles by harmless reads."""
    service = settings.service
    if service.by_hand:
        yield Finding("service", OK, "work is done by hand, so nobody is asked")
        return
    try:
        tokens = tokens or sign_in(service, settings.root, ask=False)
        token = tokens.token(service.audience("partner_center"), service.partner_tenant, True)
    except SettingsError as error:
        yield Finding("credentials", FAILED, str(error), _sign_in(settings, error))
        return
    yield Finding("credentials", OK, f"a user's token for {service.id}")
    if service.kind == "tenant":
        there = has_mfa(token)
        said = "the token says mfa" if there else "the token does not say mfa"
        yield Finding("second factor", OK if there else FAILED, said, "" if there else _MFA)
    yield from _asked(settings, tokens)


def _sign_in(settings: Settings, error: SettingsError) -> str:
    """Say how to come to a token, by what it is that is missing."""
    if error.field == _INSTALL:
        return "python -m pip install 'cspkit[live]', in the same environment"
    if error.field == "refresh token":
        return "keep the token of the first sign-in in that file, for its owner alone (chmod 600)"
    login = f"`az login --tenant {settings.service.partner_tenant}`"
    return f"{login}, or service.client_id in {FILE}"


def _asked(settings: Settings, tokens: TokenProvider) -> Iterator[Finding]:
    """Ask each service for what a run will ask for; one that does not answer is asked once."""
    silent: set[str] = set()
    for right in RIGHTS:
        if right.field in silent:
            continue
        wire = dial(settings.service, right.field, tokens)
        try:
            yield from _right(settings, right, wire)
        except ApiRefused as error:
            yield Finding("sign-in", FAILED, str(error), _AGAIN)
            return
        except (ApiError, SettingsError) as error:
            silent.add(right.field)
            name = "service" if right.field == "partner_center" else "Graph"
            found, _, advice = str(error).partition("; ")
            yield Finding(name, FAILED, found, advice or _reach(settings, right.field))
        finally:
            wire.close()


def _right(settings: Settings, right: Right, wire: Wire) -> Iterator[Finding]:
    service = settings.service
    told = ServiceClock(wire).now if service.kind == "rehearsal" else lambda: datetime.now(UTC)
    params = {name: value for name, value in right.params}
    if "{today}" in params.values():
        params = {k: v.format(today=told().date().isoformat()) for k, v in params.items()}
    try:
        answer = wire.read(right.path, tenant=service.partner_tenant, params=params or None)
    except ApiRefused as error:
        if error.status == UNKNOWN_CALLER:
            raise
        yield Finding(right.what, FAILED, str(error), right.advice)
    else:
        yield Finding(right.what, OK, right.found)
        if right is RIGHTS[0]:
            yield _clock(settings, answer, wire)


def _reach(settings: Settings, field: str) -> str:
    if settings.service.kind == "tenant":
        return f"network, proxy, or service.{field} in {FILE}"
    return _STARTED


def _clock(settings: Settings, answer: Answer, wire: Wire) -> Finding:
    if settings.service.kind == "rehearsal":
        try:
            told = ServiceClock(wire).now()
        except ApiError as error:
            return Finding("clock", FAILED, str(error), _STARTED)
        return Finding("clock", OK, f"the rehearsal's own: {told:%Y-%m-%d %H:%M} UTC")
    if answer.at is None:
        return Finding("clock", WARNING, "the service told no time", "run it again later")
    off = abs((datetime.now(UTC) - answer.at).total_seconds())
    result = OK if off <= SLOW else WARNING if off <= WRONG else FAILED
    return Finding(
        "clock", result, f"{off:.0f} s off the service's", "" if result == OK else _CLOCK
    )
