"""Work by hand: every step issues a line once, where it would call the service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from cspkit.ledger import Lease, Line, MoveRow
from cspkit.ledger.lines import OPEN, ORDERING, is_by_hand
from cspkit.moves import delivery, inviting, readiness, telling
from cspkit.moves.agreeing import agreed
from cspkit.moves.desk import Desk, Overtaken
from cspkit.moves.gates import too_early
from cspkit.moves.provisioning import claim_of
from cspkit.moves.rows import Done, Look, Outcome, Subject
from cspkit.tables import EndState, MoveState, Step, StepState

ISSUE = "issue a line"
RESULTS = "`cspkit results` takes back what came of it"
_FAR = (EndState.SAFE, EndState.SCHEDULED, EndState.ENDED)
_UNSENT = (MoveState.PLANNED, MoveState.CART, MoveState.REFUSED)


class ByApi(Protocol):
    """The step that calls; by hand it tells when it is due, and what it is told."""

    by: str
    about_moves: bool


@dataclass(frozen=True)
class Todo:
    """What is to be issued: which step by hand; or `look` says why nothing is."""

    step: str = ""
    look: Look | None = None
    more: str = ""


class Issue:
    """One step by hand; `lines` are those that its run told somebody, new or known."""

    makes = "issued"

    def __init__(self, desk: Desk, step: str, made: Any) -> None:
        """Stand in for a step at its desk."""
        self._desk, self._step, self._made = desk, step, made
        self.by, self.about_moves = made.by, made.about_moves
        self.lines: dict[str, Line] = {}

    def look(self, one: Subject) -> Look:
        """Say which line would be issued, or which was and waits for its result."""
        todo, state = self._todo(one), self._state(one)
        if todo.look is not None:
            return todo.look
        line = self._desk.ledger.line_of(one.id, todo.step)
        if line is not None and line.state == OPEN:
            return Look(state, "write its line again", self._waits(line))
        row = self._desk.ledger.move(one.id) if self.about_moves else None
        made = telling.facts(self._desk, one, todo.step, row=row, more=todo.more)
        return Look(state, f"{ISSUE} ({todo.step})", f"{made['what']}, by {made['by']}")

    def act(self, one: Subject, lease: Lease) -> Done:
        """Issue the line, or find the one that was issued; never two for the same."""
        todo, before = self._todo(one), self._state(one)
        if todo.look is not None:
            return Done(before, before, _outcome(todo.look), todo.look.reason)
        if self._step == "invite":
            done = self._made.act(one, lease)
            if done.outcome is not Outcome.WAITING:
                return Done(done.before, done.after, done.outcome, done.reason)
        row = self._claimed(one, lease) if todo.step == ORDERING else None
        if row is not None and row.move_id != one.id:
            reason = f"its original is {row.state} by {row.move_id} already"
            return Done(before, before, Outcome.SKIPPED, reason)
        known = row or (self._desk.ledger.move(one.id) if self.about_moves else None)
        facts = telling.facts(self._desk, one, todo.step, row=known, more=todo.more)
        if row is not None and (differs := self._differs(one, facts)):
            return Done(before, row.state, Outcome.HUMAN, differs)
        line = self._desk.ledger.issue(
            facts,
            step=todo.step,
            subject=one.id,
            customer_id=one.customer_id,
            run_id=self._desk.run_id,
            lease=lease,
            move=row,
        )
        if line is None:
            raise Overtaken
        self.lines[line.line] = line
        return Done(before, self._state(one), Outcome.WAITING, self._waits(line))

    def _claimed(self, one: Subject, lease: Lease) -> MoveRow:
        """Reserve the originals; what was sent already is left as it was sent."""
        self._desk.check_stop()
        claim = claim_of(one, self._desk.plan.hash)
        row = self._desk.ledger.claim(claim, run_id=self._desk.run_id, lease=lease)
        if row is None:
            raise Overtaken
        return row

    def _differs(self, one: Subject, facts: dict[str, str]) -> str:
        """Name a line of an earlier plan that somebody may still order by."""
        line, row = self._desk.ledger.line_of(one.id, ORDERING), self._desk.ledger.move(one.id)
        if line is None or line.state != OPEN or row is None or row.state is MoveState.SENT:
            return ""
        if all(line.facts.get(name) == facts.get(name) for name in telling.ORDER):
            return ""
        return f"{line.line} of an earlier plan is still open: have it refused by its provider"

    def _waits(self, line: Line) -> str:
        when = f"issued {line.issued_at:%Y-%m-%d}"
        return f"{telling.words(line)}, by {line.facts['by']} ({when}; {RESULTS})"

    def _state(self, one: Subject) -> str:
        if not self.about_moves:
            step = Step.RELATIONSHIP if self._step == "invite" else Step.AGREEMENT
            return self._desk.ledger.step(one.customer_id, step).state
        row = self._desk.ledger.move(one.id)
        return row.state if row else MoveState.PLANNED

    # what each step asks for

    def _todo(self, one: Subject) -> Todo:
        ways = {
            "invite": self._invite,
            "access": self._access,
            "renewal-safe": self._renewal_safe,
            "provision": self._provision,
            "verify": self._verify,
            "reassign": self._reassign,
            "retire": self._retire,
            "undo": self._undo,
        }
        return ways[self._step](one)

    def _invite(self, one: Subject) -> Todo:
        if self._desk.related(one.customer_id):
            return _nothing(StepState.DONE, inviting.ACCEPTED)
        self._desk.resellers.link(one.customer_id, self._desk.invitation_link)
        look = self._made.look(one)
        return Todo(telling.RELATIONSHIP, look if look.stop is not None else None)

    def _access(self, one: Subject) -> Todo:
        state = self._state(one)
        if not self._desk.related(one.customer_id):
            return Todo(look=Look(state, "wait", "the customer has not accepted the invitation"))
        if agreed(self._desk, one.customer_id):
            return _nothing(state, "relationship and agreement are there; no access is used")
        return Todo(telling.AGREEMENT)

    def _renewal_safe(self, one: Subject) -> Todo:
        move, ledger = one.planned, self._desk.ledger
        alarm = self._made.alarm(move)
        if alarm is not None:
            return Todo(look=replace(alarm, state=self._state(one)))
        stop = self._made.stands_still(move)
        if stop:
            return _nothing(self._state(one), stop)
        if not self._desk.related(one.customer_id):
            why = "the customer has not accepted the invitation yet"
            return Todo(look=Look(self._state(one), "wait", why))
        ends = [ledger.end(one.customer_id, name) for name in move.subscription_ids]
        if all(end is not None and end.state in _FAR for end in ends):
            return _nothing(self._state(one), "its originals do not renew")
        return Todo(telling.RENEWAL_SAFE)

    def _provision(self, one: Subject) -> Todo:
        row = self._desk.ledger.move(one.id)
        undone = row is not None and row.state is MoveState.UNDONE
        anew = row is not None and undone and row.plan_hash != self._desk.plan.hash
        if row is None or row.state in _UNSENT or anew:
            look = readiness.ready(self._desk, one, row.state if row else MoveState.PLANNED)
            acts = look.stop is None and look.would_do == readiness.ORDER
            return Todo(ORDERING, None if acts else look)
        if row.state is not MoveState.SENT:
            return Todo(look=delivery.standing(row))
        if not is_by_hand(row.cart_id):
            why = "it was sent to the service, which alone can say what came of it"
            return Todo(look=Look(row.state, "wait", why))
        return Todo(ORDERING)

    def _verify(self, one: Subject) -> Todo:
        row = self._desk.ledger.move(one.id)
        if row is None or row.order_id is None:
            return Todo(look=Look(self._state(one), "wait", "not ordered yet"))
        if row.state not in (MoveState.ORDERED, MoveState.PROVISIONED):
            return Todo(look=delivery.standing(row))
        return Todo(telling.VERIFY)

    def _reassign(self, one: Subject) -> Todo:
        row = self._desk.ledger.move(one.id)
        if one.planned.same_offer:
            return _nothing(self._state(one), "same offer: nobody is reassigned")
        if row is None or row.state not in (MoveState.VERIFIED, MoveState.REASSIGNED):
            why = "the new seats are not verified yet"
            return Todo(look=Look(self._state(one), "wait", why))
        if row.state is MoveState.REASSIGNED:
            return _nothing(row.state, "all users have the new licence")
        return Todo(telling.REASSIGN)

    def _retire(self, one: Subject) -> Todo:
        row, ledger = self._desk.ledger.move(one.id), self._desk.ledger
        if row is not None and row.state in (MoveState.HUMAN, MoveState.CLOSED, MoveState.UNDONE):
            return Todo(look=delivery.standing(row))
        early = too_early(row) or self._others(one)
        if early:
            return Todo(look=Look(self._state(one), "wait", early))
        ends = [ledger.end(one.customer_id, name) for name in one.planned.subscription_ids]
        far = (EndState.SCHEDULED, EndState.ENDED)
        if not all(end is not None and end.state in far for end in ends):
            return Todo(telling.RETIRE)
        if self._desk.today <= one.planned.expires_on:
            why = f"its end is scheduled; after {one.planned.expires_on} somebody looks again"
            return _nothing(self._state(one), why)
        return Todo(telling.ENDED)

    def _others(self, one: Subject) -> str:
        """Name another move that replaces a part of the same original and is not over."""
        for name in one.planned.subscription_ids:
            for row in self._desk.ledger.moves_of(one.customer_id, name):
                if why := too_early(row):
                    return f"{row.move_id} replaces a part of it: {why}"
        planned = [
            move
            for move in self._desk.planned.get(one.customer_id, [])
            if set(move.subscription_ids) & set(one.planned.subscription_ids)
        ]
        unknown = [m for m in planned if self._desk.ledger.move(m.move_id) is None]
        return f"{unknown[0].move_id} replaces a part of it: not ordered yet" if unknown else ""

    def _undo(self, one: Subject) -> Todo:
        row, ledger = self._desk.ledger.move(one.id), self._desk.ledger
        if row is None or row.state in _UNSENT:
            return _nothing(self._state(one), "nothing was ordered")
        if row.state in (MoveState.HUMAN, MoveState.UNDONE):
            return Todo(look=delivery.standing(row))
        if row.state is MoveState.SENT or row.order_id is None:
            why = "nobody said yet whether it was ordered: take its result back first"
            return Todo(look=Look(row.state, "wait", why))
        ends = [ledger.end(one.customer_id, name) for name in one.planned.subscription_ids]
        going = [end for end in ends if end and end.state in (EndState.SCHEDULED, EndState.ENDED)]
        if row.state is MoveState.CLOSED or going:
            why = "its originals end, and its users have nothing else"
            return _nothing(row.state, why)
        if self._made.seats:
            return _nothing(row.state, "by hand an order is taken back whole: leave seats out")
        return Todo(telling.UNDO, more=self._made.who)


def _nothing(state: str, why: str) -> Todo:
    return Todo(look=Look(state, "nothing", why, Outcome.SKIPPED))


def _outcome(look: Look) -> Outcome:
    return look.stop or Outcome.WAITING
