"""Renewal safe: no original of a move begins another term, by our hand, theirs, or by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from cspkit.ledger import EndRow, Lease
from cspkit.moves import consent, delivery, readiness, renewals
from cspkit.moves.desk import Desk
from cspkit.moves.posting import NotPosted
from cspkit.moves.renewal_asking import Asked, Letter, ask, letter_for
from cspkit.moves.renewal_deciding import (
    CELLS,
    STOPPED,
    WAYS_OUT,
    Todo,
    decide,
    on_its_end,
    typed,
    unordered,
)
from cspkit.moves.renewals import Renewal
from cspkit.moves.rows import Done, Look, Outcome, Subject
from cspkit.planning import PlannedMove
from cspkit.policy import Workdays
from cspkit.tables import EndState, MoveState, Step, StepState

NOT_RELATED = "the customer has not accepted the invitation yet"
# From the least safe: how far a move is that has several originals.
_FAR = (
    *(EndState.OPEN, EndState.RENEWED, EndState.ASKED),
    *(EndState.SAFE, EndState.SCHEDULED, EndState.ENDED),
)
_ASKABLE = (EndState.OPEN, EndState.RENEWED)
_STOPPED = (MoveState.REFUSED, MoveState.UNDONE)
_WORST = (Outcome.FAILED, Outcome.HUMAN, Outcome.WAITING, Outcome.SKIPPED, Outcome.DONE)


class RenewalSafe:
    """Switch the renewal of a move's originals off, or have it done by who can.

    It is asked for once the customer accepted, however long before its day: it can be taken
    back, and an original whose renewal was forgotten costs a whole term.
    """

    by = "renewal_safe_on"
    about_moves = True
    makes = EndState.SAFE

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk

    def early(self, move: PlannedMove) -> bool:
        """Say whether a move is to be worked on before its day: accepted, and still open."""
        if move.customer_id not in self._accepted or self.stands_still(move):
            return False
        ends = self._desk.ends(move)
        return any(
            end.state in _ASKABLE or (end.state is EndState.ASKED and typed(self._desk, end))
            for end in ends
        )

    def look(self, one: Subject) -> Look:
        """Say what is and what would be done about each original."""
        one = self._as_renewed(one)
        move = one.planned
        state = self._state(move)
        stop = self.alarm(move) or self._not_now(one)
        if stop is not None:
            return replace(stop, state=state)
        todos = [
            decide(self._desk, move, self._desk.end(move.customer_id, name), self._desk.rule(move))
            for name in move.subscription_ids
        ]
        acts = [todo.what for todo in todos if todo.outcome is None]
        reason = "; ".join(todo.reason for todo in todos)
        if acts:
            return Look(state, ", ".join(dict.fromkeys(acts)), reason)
        worst = _worst(todos)
        would_do = "wait" if worst is Outcome.WAITING else "nothing"
        return Look(state, would_do, reason, Outcome.SKIPPED if worst is Outcome.DONE else worst)

    def act(self, one: Subject, lease: Lease) -> Done:
        """Do it for each original; what was done before is seen and not done again."""
        one = self._as_renewed(one)
        before = self._state(one.planned)
        stop = self.alarm(one.planned) or self._not_now(one)
        if stop is not None:
            return Done(before, before, stop.stop or Outcome.WAITING, stop.reason)
        done = [self._do(one, name, lease) for name in one.planned.subscription_ids]
        reason = "; ".join(dict.fromkeys(todo.reason for todo in done))
        return Done(before, self._state(one.planned), _worst(done), reason)

    def alarm(self, move: PlannedMove) -> Look | None:
        """Tell of an original that ends soon, does not renew, and has nothing in its place."""
        move = self._on(move)
        desk, ends = self._desk, move.expires_on
        row = desk.ledger.move(move.move_id)
        ordered = row is not None and row.order_id is not None and row.state not in _STOPPED
        if ordered:
            return None
        off = [end for end in desk.ends(move) if end.state in STOPPED]
        late = unordered(move, desk.originals, desk.today, self._workdays) if off else ""
        if not late:
            return None
        is_asked = off[0].state is EndState.ASKED
        is_off = "was asked not to renew" if is_asked else "does not renew"
        why = f"{off[0].original} {is_off}, ends on {ends}, and nothing is ordered in its place"
        return Look("", "wait for a person", f"{why}; {late}: {WAYS_OUT}", Outcome.HUMAN)

    def _not_now(self, one: Subject) -> Look | None:
        """Say why nothing is done about a whole move; its state is filled in by the caller."""
        why_not = self.stands_still(one.planned)
        if why_not:
            return Look("", "nothing", why_not, Outcome.SKIPPED)
        if not self._desk.online:
            return Look("", "wait", f"live state was not read: {self._desk.why_offline}")
        if not self._desk.related(one.customer_id):
            return Look("", "wait", NOT_RELATED)
        drift = readiness.drifted(self._desk, one)
        if drift:
            return Look("", "nothing", f"drifted: {drift}; plan again", Outcome.SKIPPED)
        return None

    def stands_still(self, move: PlannedMove) -> str:
        """Name what keeps a move where it is, as far as ledger and decisions know.

        Without the customer's consent to a replacement a renewal is what keeps their users at
        work: then it is not for us to stop.
        """
        desk, move = self._desk, self._on(move)
        held = sorted(set(move.subscription_ids) & desk.held_originals)
        if held:
            return f"original {held[0]} is on hold in the decisions"
        if move.expires_on < desk.today:
            return f"the original ended on {move.expires_on}: reconcile says what became of it"
        row = desk.ledger.move(move.move_id)
        if row is not None and row.state in _STOPPED and row.plan_hash == desk.plan.hash:
            return delivery.UNDONE if row.state is MoveState.UNDONE else row.reason
        return consent.disagreement(move, desk.originals, desk.today)

    def _do(self, one: Subject, name: str, lease: Lease) -> Todo:
        row = self._tracked(one.planned, name)
        todo = decide(self._desk, one.planned, row, self._desk.rule(one.planned))
        self._see(row, todo.renewal)
        if todo.outcome is not None:
            return todo
        if todo.letter is not None:
            return self._ask(one, row, todo, lease)
        if todo.back_on:
            self._desk.move_end(row, EndState.OPEN, lease, reason=todo.reason)
            return replace(todo, outcome=Outcome.HUMAN)
        if todo.renewal is not None and todo.renewal.on is not False:
            return self._switch(one, row, todo, lease)
        return self._safe(one, row, todo, lease)

    def _switch(self, one: Subject, row: EndRow, todo: Todo, lease: Lease) -> Todo:
        """Switch it off; only what is read back counts."""
        assert todo.renewal is not None
        after = renewals.stop(self._desk, one.customer_id, todo.renewal, lease)
        self._see(row, after)
        if after is None or after.on is not False:
            shown = after.told if after else "not shown"
            wait = f"{todo.original}: switched off, still {shown}; run again"
            return replace(todo, outcome=Outcome.WAITING, reason=wait)
        return self._safe(one, row, todo, lease)

    def _safe(self, one: Subject, row: EndRow, todo: Todo, lease: Lease) -> Todo:
        """Record that it does not renew, how that is known, and what that does not settle."""
        rule = self._desk.rule(one.planned)
        evidence: dict[str, Any] = {
            "renewal_off": todo.reason,
            "rule": rule.name,
            # auto-renew off alone closes nothing where the term slides into a paid month
            "needs_scheduled_cancel": rule.needs_scheduled_cancel,
            "slides_into_paid_month": rule.slides_into_paid_month,
        }
        about: dict[str, Any] = {"reason": todo.reason, "way": todo.way, "evidence": evidence}
        self._desk.move_end(row, EndState.SAFE, lease, **about)
        return replace(todo, outcome=Outcome.DONE)

    def _ask(self, one: Subject, row: EndRow, todo: Todo, lease: Lease) -> Todo:
        assert todo.letter is not None
        # parts of one original are moves of their own
        open_ones = {end.original: (move, end) for move, end in self._open(one, todo.letter)}
        if row.original not in open_ones:
            why = f"{todo.original} changed while it was looked at: run again"
            return replace(todo, outcome=Outcome.WAITING, reason=why)
        try:
            file = ask(self._desk, one, todo.letter, list(open_ones.values()), row, lease)
        except NotPosted as stop:
            return replace(todo, outcome=stop.outcome, reason=stop.reason)
        reason = f"{todo.original}: asked by {file}; then {CELLS}"
        return replace(todo, outcome=Outcome.WAITING, reason=reason)

    def _open(self, one: Subject, letter: Letter) -> Iterator[Asked]:
        """List all originals of the customer, of any day, that the same letter may ask about."""
        for move in self._desk.planned.get(one.customer_id, []):
            if letter_for(self._desk.rule(move)) != letter:
                continue
            move = self._on(move)
            if self._not_now(Subject(move.move_id, one.customer, move)) is not None:
                continue
            for name in move.subscription_ids:
                row = self._tracked(move, name)
                todo = decide(self._desk, move, row, self._desk.rule(move))
                if row.state in _ASKABLE and todo.letter == letter:
                    yield move, row

    def _see(self, row: EndRow, renewal: Renewal | None) -> None:
        if renewal is not None:
            at, run_id = self._desk.clock.now(), self._desk.run_id
            self._desk.ledger.see_end(row, seen_expires_on=renewal.ends_on, at=at, run_id=run_id)

    def _as_renewed(self, one: Subject) -> Subject:
        return replace(one, move=self._on(one.planned))

    def _on(self, move: PlannedMove) -> PlannedMove:
        return on_its_end(move, self._desk.ends(move))

    def _tracked(self, move: PlannedMove, original: str) -> EndRow:
        return self._desk.ledger.track_end(
            move.customer_id, original, expires_on=move.expires_on, run_id=self._desk.run_id
        )

    def _state(self, move: PlannedMove) -> str:
        return str(min((end.state for end in self._desk.ends(move)), key=_FAR.index))

    @cached_property
    def _workdays(self) -> Workdays:
        return Workdays(self._desk.settings.policy)

    @cached_property
    def _accepted(self) -> set[str]:
        """Customers that accepted us, as far as plan and ledger know."""
        plan, steps = self._desk.plan.customers, self._desk.ledger.steps()
        done = steps[(steps["step"] == Step.RELATIONSHIP) & (steps["state"] == StepState.DONE)]
        related = {one.customer_id for one in plan if one.state != Step.RELATIONSHIP}
        return related | set(done["customer_id"])


def _worst(todos: Iterable[Todo]) -> Outcome:
    found = [todo.outcome for todo in todos if todo.outcome is not None]
    return min(found, key=_WORST.index)
