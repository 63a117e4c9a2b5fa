"""What must be true before a run may write: mode, service, plan, ledger, approval, horizon."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from urllib.parse import urlsplit

from cspkit.errors import PlanRefused, SettingsError
from cspkit.ledger import Approval, Ledger
from cspkit.planning import Plan, PlannedMove
from cspkit.policy import DAY, Policy, Workdays
from cspkit.settings import FILE, Settings
from cspkit.tables import Mode
from cspkit.wire import TokenProvider, has_mfa

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
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
    for field in ("partner_center", "graph"):
        host = urlsplit(getattr(service, field)).hostname
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


def check_approval(
    plan: Plan, ledger: Ledger, moves: Iterable[PlannedMove], by: str, policy: Policy
) -> None:
    """Refuse a plan that nobody else approved, and moves beyond what the approval covers."""
    approval = ledger.approval(plan.hash)
    if approval is None:
        raise PlanRefused(
            f"plan {plan.hash[:12]} is not approved: somebody other than its author approves it "
            "with `cspkit approve`"
        )
    end = horizon_end(plan, approval, policy)
    beyond = [move for move in moves if _day(move, by) > end]
    if beyond:
        first = min(beyond, key=lambda move: (_day(move, by), move.move_id))
        raise PlanRefused(
            f"{len(beyond)} moves lie beyond {end}, the end of the approval of "
            f"{approval.approved_at:%Y-%m-%d}; first {first.move_id} on {_day(first, by)}: "
            "have the plan approved again nearer to that day"
        )


def horizon_end(plan: Plan, approval: Approval, policy: Policy) -> date:
    """Return the last day an approval covers: working days from the later of start and approval."""
    first = max(plan.document.start, approval.approved_at.date())
    return Workdays(policy).after(first - DAY, policy.approval_horizon_days)


def check_sign_in(tokens: TokenProvider, settings: Settings) -> None:
    """Refuse live writes without multi-factor authentication in the token."""
    service = settings.service
    token = tokens.token(service.partner_center, service.partner_tenant, True)
    if not has_mfa(token):
        raise SettingsError(
            "mode live",
            "sign-in",
            "the token carries no multi-factor authentication: sign in with MFA",
        )


def _day(move: PlannedMove, by: str) -> date:
    """The day on which a step of a move is due; what follows the order goes with the order."""
    own: date | None = getattr(move, by)
    return move.date if own is None else min(own, move.date)
