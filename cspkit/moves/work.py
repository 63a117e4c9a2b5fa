"""Begin a run: which step, which subjects, and may it run at all?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cspkit.clock import Clock
from cspkit.errors import SettingsError
from cspkit.moves import guard, opening
from cspkit.moves.access import Access
from cspkit.moves.inviting import Invite
from cspkit.moves.issuing import Issue
from cspkit.moves.limits import Limits, choose
from cspkit.moves.provisioning import Provision
from cspkit.moves.reassigning import Reassign
from cspkit.moves.renewal_safe import RenewalSafe
from cspkit.moves.retiring import Retire
from cspkit.moves.rows import Subject
from cspkit.moves.running import Step, Work
from cspkit.moves.undoing import Undo
from cspkit.moves.verifying import Verify
from cspkit.planning import Plan, PlannedMove
from cspkit.settings import Settings
from cspkit.tables import Mode
from cspkit.wire import TokenProvider

__all__ = ["STEPS", "Selection", "Step", "Work", "begin", "select"]

STEPS: dict[str, Callable[..., Step]] = {
    "invite": Invite,
    "access": Access,
    "renewal-safe": RenewalSafe,
    "provision": Provision,
    "verify": Verify,
    "reassign": Reassign,
    "retire": Retire,
    "undo": Undo,
}


def begin(
    step: str,
    *,
    plan: str | Path,
    batch: str | None = None,
    due: date | str | None = None,
    mode: str = "dry",
    config: str | Path | None = None,
    settings: Settings | None = None,
    run_id: str | None = None,
    tokens: TokenProvider | None = None,
    limits: Limits | None = None,
    said: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
) -> Work:
    """Begin one step for a batch, for what is due, for both, or for what a file names.

    `said` is what one step alone is told: asked_by, agreed_by and seats of an undo; `clock` dates
    work by hand, for which no service tells the time.

    Nothing is done yet. Raises PlanRefused for a plan that is edited, unapproved, superseded, of
    another service or beyond its approved horizon, LedgerError for a ledger of another service, and
    SettingsError where mode and settings do not belong together.
    """
    if step not in STEPS:
        raise SettingsError("run", "step", f"expected {', '.join(STEPS)}, found {step!r}")
    chosen = opening.read_mode(mode)
    day = opening.read_day(due)
    limits = limits or Limits()
    if chosen is not Mode.DRY and batch is None and day is None and not limits.only:
        problem = f"mode {mode} needs a batch or a due day, or a file, found none"
        raise SettingsError("run", "batch", problem)
    check_said(step, chosen, limits, said or {})
    found = Plan.read(plan)
    desk = opening.open_desk(
        found, chosen, settings or opening.read_settings(config), tokens, clock=clock
    )
    try:
        made = STEPS[step](desk, **(said or {}))
        early = getattr(made, "early", None)
        if desk.by_hand:
            made = Issue(desk, step, made)
        rests = getattr(made, "rests", None)
        about = select(found, step, limits, batch=batch, due=day, early=early, rests=rests)
        if chosen is not Mode.DRY:
            policy = desk.settings.policy
            guard.check_newest(step, found, desk.ledger)
            guard.check_approval(found, desk.ledger, about.moves, made.by, policy)
            if not desk.by_hand:
                guard.check_role(lambda: desk.invitation_link, desk.settings)
            desk.run_id = desk.ledger.begin_run(
                step,
                mode=chosen,
                plan_hash=found.hash,
                batch=batch or "",
                due=day,
                run_id=run_id,
            )
    except BaseException:
        desk.close()
        raise
    return Work(desk, made, about.subjects, name=step, limits=limits, notes=about.notes)


def check_said(step: str, mode: Mode, limits: Limits, said: Mapping[str, Any]) -> None:
    """Refuse what one step alone must be told, before anything is opened.

    Raises SettingsError or PlanRefused as the step does.
    """
    kind: Any = STEPS[step]
    if mode is Mode.DRY or not hasattr(kind, "check"):
        return
    if kind.by_name_only and not limits.only:
        problem = f"{step} needs a csv that names the moves, found none"
        raise SettingsError("run", "only", problem)
    kind.check(**said)


@dataclass(frozen=True)
class Selection:
    """What a run is about, in moves and in subjects, and what is told about those left out."""

    moves: list[PlannedMove]
    subjects: list[Subject]
    notes: list[str]


def select(
    plan: Plan,
    step: str,
    limits: Limits,
    *,
    batch: str | None = None,
    due: date | None = None,
    early: Callable[[PlannedMove], bool] | None = None,
    rests: Callable[[PlannedMove], bool] | None = None,
) -> Selection:
    """Choose what a run of a step is about.

    With `early`, what is not due yet may come along: a step that can be taken back needs no
    approval nearer to its day, so those moves are not among `moves`. With `rests`, a run by due
    day alone leaves what cannot have changed; a batch or a file names what is looked at anyway.
    Raises SettingsError for a file of moves that cannot be read or names what is not there.
    """
    kind: Any = STEPS[step]
    moves = plan.select(batch, due, kind.by)
    parts = [f"batch {batch}" if batch else "", f"what is due by {due}" if due else ""]
    where = " and ".join(filter(None, parts)) or "the plan"
    noun = "moves" if kind.about_moves else "customers"
    more = []
    if due is not None and early is not None:
        later = plan.select(batch, None, kind.by)
        due_ids = {move.move_id for move in moves}
        more = [move for move in later if move.move_id not in due_ids and early(move)]
    resting: set[str] = set()
    if rests is not None and batch is None and not limits.only:
        resting = {move.move_id for move in moves if rests(move)}
        moves = [move for move in moves if move.move_id not in resting]
    every = _subjects(plan, [*moves, *more], kind.about_moves)
    subjects, notes = choose(every, limits, where=where, noun=noun)
    if more:
        notes.append(f"{len(more)} moves come along before their day: nothing is in their way")
    if resting:
        notes.append(f"{len(resting)} moves were found in order lately, and rest")
    ids = {one.id for one in subjects}
    about = [move for move in moves if not ids.isdisjoint((move.move_id, move.customer_id))]
    return Selection(about, subjects, notes)


def _subjects(plan: Plan, moves: list[PlannedMove], about_moves: bool) -> list[Subject]:
    """Make the subjects of a step, in the plan's order: moves, or each customer once."""
    customers = {one.customer_id: one for one in plan.customers}
    if about_moves:
        return [Subject(move.move_id, customers[move.customer_id], move) for move in moves]
    ids = dict.fromkeys(move.customer_id for move in moves)
    return [Subject(customer_id, customers[customer_id]) for customer_id in ids]
