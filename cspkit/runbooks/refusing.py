"""What is refused before a kernel starts: the same that it would refuse at once, only sooner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cspkit.clock import SystemClock
from cspkit.errors import LedgerError, UnknownParameter
from cspkit.runbooks.parameters import Value
from cspkit.settings import Settings
from cspkit.tables import Mode

if TYPE_CHECKING:
    from cspkit.planning import Plan

_WHICH = ("plan", "batch", "due", "mode")


def check_mode(mode: str, *, chosen: bool) -> str:
    """Return a mode that exists; what writes is told what it is about."""
    if mode not in list(Mode):
        raise UnknownParameter(f"mode expects {', '.join(Mode)}, found {mode!r}")
    if mode != Mode.DRY and not chosen:
        wanted = "a batch or a due date, or a file of moves"
        raise UnknownParameter(f"mode {mode} needs {wanted}, found none")
    return str(mode)


def check_run(
    step: str, plan: Plan, given: Mapping[str, Value], settings: Settings, *, acts: bool = True
) -> None:
    """Refuse a plan, a selection, limits, settings and a ledger that do not go together.

    What only reads checks the rest itself: it is no step of moves, and may open a closed ledger.
    Nothing is written and nobody is asked outside. Raises UnknownParameter, SettingsError,
    PlanRefused or LedgerError.
    """
    from cspkit.moves import Limits, guard, opening, work
    from cspkit.planning import naming

    mode, batch = Mode(str(given["mode"])), str(given["batch"])
    guard.check_mode(mode, settings)
    guard.check_plan(plan, settings)
    if batch:
        naming.one(plan.batch_names, batch)
    if not acts:
        return
    names = ("canary", "max_failures", "only", "parallel", "until")
    limits = Limits(**{name: given[name] for name in names})  # type: ignore[arg-type]
    limits.ends_at(SystemClock().now())
    own = {name: given[name] for name in given.keys() - {*names, *_WHICH}}
    work.check_said(step, mode, limits, own)
    due = opening.read_day(str(given["due"]) or None)
    work.select(plan, step, limits, batch=batch or None, due=due)
    _check_ledger(step, plan, mode, settings)


def _check_ledger(step: str, plan: Plan, mode: Mode, settings: Settings) -> None:
    """Refuse a ledger in a place where none is safe, of another service, or not to be trusted.

    And a plan that, as the ledger knows, another one took over from.
    """
    from cspkit.ledger import Ledger
    from cspkit.ledger.opening import address_of, file_of
    from cspkit.ledger.place import refuse_shared
    from cspkit.moves import guard

    file = file_of(address_of(settings.ledger_url))
    if file is not None:
        refuse_shared(file)
    with Ledger.glance(settings.ledger_url) as ledger:
        ledger.check_binding(settings.service.id)
        if mode is not Mode.DRY and ledger.distrust:
            problem = f"ledger {ledger.place}: {ledger.distrust}: nothing is sent"
            raise LedgerError(f"{problem}; see `cspkit doctor`")
        if mode is not Mode.DRY:
            guard.check_newest(step, plan, ledger)
