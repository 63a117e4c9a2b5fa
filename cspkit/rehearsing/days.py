"""Day by day: what operators do on a working day of the plan, until all is done or time is up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from cspkit import runbooks
from cspkit.errors import RunbookError
from cspkit.moves.rows import Subject
from cspkit.planning import Plan, PlannedMove
from cspkit.policy import DAY, Workdays
from cspkit.rehearsal.world import World
from cspkit.rehearsing.office import Office
from cspkit.rehearsing.staging import end_of, start_of
from cspkit.settings import Settings
from cspkit.tables import EndState

STEPS = ("invite", "access", "renewal-safe", "provision", "verify", "reassign", "retire")
LATER = timedelta(hours=2)
LOOKED_AT_DAILY = timedelta(days=30)
ENDS_DAILY = timedelta(days=10)


class Days:
    """The work of one rehearsal: what is due, who is through with which step."""

    def __init__(self, plan: Plan, office: Office, settings: Settings) -> None:
        """Take the plan and the people who carry it out."""
        self._plan = plan
        self._office = office
        self._settings = settings
        self._customers = {one.customer_id: one for one in plan.customers}
        self._open: dict[str, set[str]] = {step: set() for step in STEPS}
        for move in plan.document.moves:
            for step in ("renewal-safe", "provision", "verify", "retire"):
                self._open[step].add(move.move_id)
            if not move.same_offer:
                self._open["reassign"].add(move.move_id)
        for one in plan.customers:
            for step in ("invite", "access"):
                self._open[step].add(one.customer_id)
        self.sampled: list[str] = []
        self.failures: list[str] = []

    @property
    def idle(self) -> bool:
        """Say whether everything is done."""
        return not any(self._open.values())

    def walk(self, world: World, days: int) -> Iterator[date]:
        """Go through the working days of the plan, each at its morning; stop when all is done."""
        workdays = Workdays(self._settings.policy)
        for number in range(days):
            day = start_of(self._plan).date() + number * DAY
            if self.idle:
                break
            if workdays.is_workday(day):
                world.move_to(max(world.now, start_of(self._plan) + number * DAY))
                yield day
        world.move_to(max(world.now, end_of(self._plan, days)))

    def work(self, world: World, day: date) -> None:
        """Do a day's work: letters and access, orders, two hours later the rest of them."""
        self._office.approve()
        self._run("invite", self._to_invite(day))
        self._office.carry_letters(self._settings.reports / "outbox")
        self._run("access", self._to_access(day))
        heard = self._office.answers.type_in()
        self._run("renewal-safe", self._to_stop(day, heard))
        self._run("provision", self._moves("provision", day))
        world.move_to(world.now + LATER)
        self._run("access", self._to_access(day))
        self._run("provision", self._moves("provision", day))
        self._run("verify", self._ordered(day))
        self._run("reassign", self._ordered(day, "reassign"))
        self._run("retire", self._to_retire(day, heard))
        self._office.answers.carry(self._settings.reports / "outbox")

    def sample(self, day: date, *, batch: str, plan_file: Path) -> None:
        """Let one batch go through notebooks and kernels, each step on the day it is due.

        A runbook that fails is noted like one that succeeds: its moves stay open.
        """
        moves = [move for move in self._plan.document.moves if move.batch == batch]
        for step in STEPS:
            if step in self.sampled or not moves or day < _first(step, moves, self._settings):
                continue
            self.sampled.append(step)
            self._office.answers.write_down(self._settings.decisions)
            try:
                runbooks.run(
                    step, plan=plan_file, settings=self._settings, batch=batch, mode="rehearsal"
                )
            except RunbookError as error:
                self.failures.append(str(error))

    def _run(self, step: str, subjects: Iterable[Subject]) -> None:
        """Run a step, and leave alone from now on what is through with it or needs a new plan."""
        through, stuck = self._office.run(step, subjects)
        self._open[step] -= through | stuck
        if step == "invite":
            self._open["access"] -= stuck
        if step == "provision":
            self._open["verify"] -= stuck
        if step in ("provision", "verify"):
            self._open["reassign"] -= stuck
        if step in ("provision", "verify", "reassign"):
            self._open["retire"] -= stuck

    def _to_invite(self, day: date) -> list[Subject]:
        """Everybody whose invitation is due; who never answers is looked at weekly in the end."""
        found = []
        for key in sorted(self._open["invite"]):
            due = self._customers[key].invite_on or day
            if due <= day and (day - due <= LOOKED_AT_DAILY or day.weekday() == 0):
                found.append(self._customer(key))
        return found

    def _to_access(self, day: date) -> list[Subject]:
        """Everybody who accepted and needs access within the days that it usually takes."""
        until = day + timedelta(days=self._settings.policy.access_days)
        return [
            self._customer(key)
            for key in sorted(self._open["access"] - self._open["invite"])
            if self._customers[key].access_by <= until
        ]

    def _to_stop(self, day: date, heard: set[str]) -> list[Subject]:
        """Everybody who accepted, whenever their moves are due; who was asked, when they answer."""
        found = []
        for move in self._plan.document.moves:
            if move.expires_on < day:
                self._open["renewal-safe"].discard(move.move_id)
            if move.move_id not in self._open["renewal-safe"]:
                continue
            last = self._office.outcomes.get(("renewal-safe", move.move_id))
            waits = last is not None and last.after == EndState.ASKED
            if move.customer_id in self._open["invite"]:
                continue
            if not waits or heard & set(move.subscription_ids):
                found.append(self._subject(move))
        return found

    def _to_retire(self, day: date, heard: set[str]) -> list[Subject]:
        """Every move whose users are over: once, when somebody answers, and around its end.

        In between an end that was found in order rests while `retire` lets it.
        """
        early = self._open["verify"] | self._open["reassign"]
        return [
            one
            for one in self._moves("retire", day)
            if one.id not in early
            and (
                ("retire", one.id) not in self._office.outcomes
                or heard & set(one.planned.subscription_ids)
                or self._looks_again(one.planned, day)
            )
        ]

    def _looks_again(self, move: PlannedMove, day: date) -> bool:
        return _around(move.end_scheduled_by, day) and not self._office.rests(move)

    def _moves(self, step: str, day: date) -> list[Subject]:
        return [
            self._subject(move)
            for move in self._plan.document.moves
            if move.move_id in self._open[step] and move.date <= day
        ]

    def _ordered(self, day: date, step: str = "verify") -> list[Subject]:
        before = "provision" if step == "verify" else "verify"
        return [one for one in self._moves(step, day) if one.id not in self._open[before]]

    def _subject(self, move: PlannedMove) -> Subject:
        return Subject(move.move_id, self._customers[move.customer_id], move)

    def _customer(self, key: str) -> Subject:
        return Subject(key, self._customers[key])


def _around(due: date, day: date) -> bool:
    """Say whether an end is looked at: daily once it is due, weekly where it does not come."""
    return day >= due and (day - due <= ENDS_DAILY or day.weekday() == 0)


def _first(step: str, moves: list[PlannedMove], settings: Settings) -> date:
    """Give the day on which a step of a batch is due for the first time."""
    if step == "invite":
        return min(move.invite_on or move.access_by for move in moves)
    if step == "access":
        return min(move.access_by for move in moves)
    if step == "renewal-safe":
        return min(move.renewal_safe_on for move in moves)
    if step == "retire":
        return min(move.end_scheduled_by for move in moves)
    return min(move.date for move in moves)
