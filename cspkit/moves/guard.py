"""What must be true before a run may write: mode, service, plan, ledger, approval, horizon."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from urllib.parse import urlsplit

from cspkit.errors import ApiError, ApiRefused, PlanRefused, SettingsError
from cspkit.ledger import Approval, Ledger
from cspkit.names import person
from cspkit.planning import Plan, PlannedMove, horizon, names_needed
from cspkit.policy import Policy
from cspkit.settings import FILE, Settings
from cspkit.tables import Mode
from cspkit.wire import TokenProvider, has_mfa

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What begins something new; the other steps finish what was begun, under whichever plan.
BEGINNING = ("invite", "access", "renewal-safe", "provision")
_KIND = {Mode.REHEARSAL: "rehearsal", Mode.LIVE: "tenant"}


def check_mode(mode: Mode, settings: Settings) -> None:
    """Refuse a mode that the settings' service is not for; dry goes with every service."""
    service = settings.service
    if mode is Mode.DRY:
        return
    if service.kind != _KIND[mode]:
        raise SettingsError(
            settings.root / FILE,
            "service.kind",
            f"mode {mode} needs {_KIND[mode]!r}, found {service.kind!r}",
        )
    for field in ("partner_center", "graph", "azure_billing"):
        host = urlsplit(getattr(service, field) or service.partner_center).hostname
        if mode is Mode.REHEARSAL and host not in _LOOPBACK:
            problem = f"a rehearsal is on this machine, found {host!r}"
            raise SettingsError(settings.root / FILE, f"service.{field}", problem)


def check_plan(plan: Plan, settings: Settings) -> None:
    """Refuse a plan that was made for another service."""
    if plan.document.service != settings.service.id:
        raise PlanRefused(
            f"the plan was made for {plan.document.service!r}, the settings name "
            f"{settings.service.id!r}: use the settings of that service, or plan again"
        )


def superseded(plan: Plan, ledger: Ledger) -> str:
    """Say which approved plan took over from this one, or nothing."""
    newer = ledger.newest(plan.hash)
    if newer is None:
        return ""
    file = f" ({newer.plan_path})" if newer.plan_path else ""
    return (
        f"plan {plan.hash[:12]} is superseded by {newer.plan_hash[:12]}{file},"
        f" approved by {newer.by} on {newer.approved_at:%Y-%m-%d}"
    )


def check_newest(step: str, plan: Plan, ledger: Ledger) -> None:
    """Refuse to begin anything by a plan that another one took over from."""
    said = superseded(plan, ledger) if step in BEGINNING else ""
    if said:
        raise PlanRefused(f"{said}: run {step} by that plan")


def check_approval(
    plan: Plan, ledger: Ledger, moves: Iterable[PlannedMove], by: str, policy: Policy
) -> None:
    """Refuse a plan that nobody else approved, and moves beyond what the approvals cover."""
    ends = _ends_by_name(plan, ledger.approvals_of(plan.hash), policy)
    needed = names_needed(plan.document, policy)
    if not ends:
        raise PlanRefused(
            f"plan {plan.hash[:12]} is not approved: somebody other than its author approves it "
            "with `cspkit approve`"
        )
    if len(ends) < needed:
        raise PlanRefused(
            f"plan {plan.hash[:12]} is approved by {', '.join(sorted(ends))}, and it may commit"
            f" more than {policy.second_name_above:,} (policy.second_name_above): somebody else"
            " approves it too, with `cspkit approve`"
        )
    end = sorted(ends.values(), reverse=True)[needed - 1]
    beyond = [move for move in moves if _day(move, by) > end]
    if beyond:
        first = min(beyond, key=lambda move: (_day(move, by), move.move_id))
        raise PlanRefused(
            f"{len(beyond)} moves lie beyond {end}, the end of what was approved;"
            f" first {first.move_id} on {_day(first, by)}: "
            "have the plan approved again nearer to that day"
        )


def _ends_by_name(plan: Plan, approvals: list[Approval], policy: Policy) -> dict[str, date]:
    """Give the last day that each person's approvals of a plan cover, its author left out.

    The author is outside the hash: whoever an approval names as the author is one too.
    """
    ends: dict[str, date] = {}
    authors = {person(name) for name in (plan.document.made_by, *(a.made_by for a in approvals))}
    for one in approvals:
        name = person(one.by)
        if name not in authors:
            ends[name] = max(ends.get(name, date.min), horizon_end(plan, one, policy))
    return ends


def horizon_end(plan: Plan, approval: Approval, policy: Policy) -> date:
    """Return the last day an approval covers: as it says, else counted by the policy."""
    if approval.covers_until is not None:
        return approval.covers_until
    return horizon(plan.document.start, approval.approved_at.date(), policy)


def check_sign_in(tokens: TokenProvider, settings: Settings) -> None:
    """Refuse live writes without multi-factor authentication in the token."""
    service = settings.service
    token = tokens.token(service.audience("partner_center"), service.partner_tenant, True)
    if not has_mfa(token):
        raise SettingsError(
            "mode live",
            "sign-in",
            "the token carries no multi-factor authentication: sign in with MFA",
        )


def check_role(ask: Callable[[], object], settings: Settings) -> None:
    """Refuse a run when the service does not let us ask what only a selling role may ask.

    Any other trouble is left to the calls that follow: it may have passed by then.
    """
    try:
        ask()
    except ApiRefused as error:
        if error.status in (401, 403):
            problem = f"{error}: have the user given the role Admin agent or Sales agent"
            raise SettingsError(settings.service.id, "credentials", problem) from error
    except ApiError:
        return


def _day(move: PlannedMove, by: str) -> date:
    """The day on which a step of a move is due; what follows the order goes with the order."""
    own: date | None = getattr(move, by)
    return move.date if own is None else min(own, move.date)
