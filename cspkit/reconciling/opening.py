"""Open a ledger and a service for a comparison, also a ledger that may not be written."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from cspkit.clock import SystemClock
from cspkit.errors import ApiError, SettingsError
from cspkit.ledger import Ledger
from cspkit.moves import guard, opening
from cspkit.moves.desk import Desk
from cspkit.moves.limits import Limits, choose
from cspkit.moves.rows import Subject
from cspkit.planning import Plan, PlanFile
from cspkit.reconciling.work import Work
from cspkit.settings import Settings
from cspkit.tables import Mode
from cspkit.wire import TokenProvider


def begin(
    settings: Settings,
    *,
    plan: str | Path | None = None,
    batch: str | None = None,
    due: date | str | None = None,
    mode: str | None = None,
    limits: Limits | None = None,
    run_id: str | None = None,
    tokens: TokenProvider | None = None,
    adapter: Any = None,
) -> Work:
    """Open ledger and service for a comparison; nothing is compared or written yet.

    Every plan that was approved is read from where it was; `plan` names one more, and `batch`,
    `due` and `limits` keep to some of its customers. In mode dry nothing is recorded, and a
    service that cannot be reached is said; without a mode, what was seen is recorded. Raises
    SettingsError, PlanRefused, LedgerError where they do not belong together.
    """
    usual = Mode.LIVE if settings.service.kind == "tenant" else Mode.REHEARSAL
    chosen = usual if mode is None else opening.read_mode(mode)
    named = Plan.read(plan) if plan else None
    if named is not None:
        guard.check_plan(named, settings)
    day, limits = opening.read_day(due), limits or Limits()
    only = _only(named, batch, day, limits)
    desk = opening.reach(named or _no_plan(settings), chosen, settings, tokens, adapter=adapter)
    try:
        _look_out(desk)
        _ = desk.said
        desk.ledger = _ledger(settings, chosen, desk)
        desk.ledger.check_binding(settings.service.id)
    except BaseException:
        desk.close()
        raise
    work = Work(desk, named, only=only, run_id=run_id, batch=batch or "", due=day)
    if limits.parallel > 1:
        work.workers = limits.parallel
    return work


def _ledger(settings: Settings, mode: Mode, desk: Desk) -> Ledger:
    """Open the ledger; one that was never made is not made now."""
    seen = Ledger.glance(settings.ledger_url, clock=desk.clock)
    if mode is Mode.DRY or (seen.file is None and seen.place == "sqlite://"):
        return seen
    seen.close()
    ledger = Ledger(settings.ledger_url, clock=desk.clock)
    opening.share_pace(desk, ledger)
    return ledger


def _only(
    plan: Plan | None, batch: str | None, due: date | None, limits: Limits
) -> frozenset[str] | None:
    """Name the customers to keep to; None for all. Raises SettingsError for what cannot be."""
    if limits.until or limits.max_failures:
        field = "until" if limits.until else "max_failures"
        raise SettingsError("reconcile", field, "it only reads, so there is nothing to stop")
    chosen = batch is not None or due is not None or bool(limits.only or limits.canary)
    if not chosen:
        return None
    if plan is None:
        problem = "a batch, a day, a file of moves or a canary is of a plan: name the plan"
        raise SettingsError("reconcile", "plan", problem)
    by_id = {one.customer_id: one for one in plan.customers}
    moves = plan.select(batch, due, "date")
    subjects = [Subject(move.move_id, by_id[move.customer_id], move) for move in moves]
    found, _ = choose(subjects, limits, where="the plan", noun="moves")
    return frozenset(one.customer_id for one in found)


def _look_out(desk: Desk) -> None:
    """Reach the service; only a dry run goes on without it, and says so."""
    if not desk.online and desk.mode is not Mode.DRY:
        raise SettingsError("reconcile", "sign-in", desk.why_offline)
    try:
        if desk.online:
            desk.clock.now()
    except (ApiError, SettingsError) as error:
        if desk.mode is not Mode.DRY:
            raise
        desk.why_offline = str(error)
    if not desk.online:
        desk.clock = SystemClock()


def _no_plan(settings: Settings) -> Plan:
    """Stand in for a plan where none is named: it moves nobody."""
    day = SystemClock().now().date()
    empty: dict[str, Any] = {"moves": [], "batches": [], "customers": []}
    more: dict[str, Any] = {"unplaced": [], "savings": [], "objective": "none"}
    return Plan(
        PlanFile(service=settings.service.id, as_of=day, start=day, policy={}, **empty, **more)
    )
