"""Retire: originals end with their term once their replacement is verified, and never before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property

from cspkit import letters, partner_center
from cspkit.ledger import EndRow, Lease, MoveRow
from cspkit.moves import announcing, delivery, ending, holdings
from cspkit.moves.desk import Desk
from cspkit.moves.ending import Act, Facts, Todo
from cspkit.moves.gates import Gate, too_early
from cspkit.moves.holdings import Life, Tenant
from cspkit.moves.patching import put_back
from cspkit.moves.pool import Verdict
from cspkit.moves.posting import NotPosted, licences, post
from cspkit.moves.renewal_asking import letter_for
from cspkit.moves.resting import Resting
from cspkit.moves.rows import Done, Look, Outcome, Subject, by_a_person
from cspkit.planning import PlannedMove
from cspkit.tables import EndState, MoveState

DAY = timedelta(days=1)
CLOSED = "all its originals ended"
VERB = "end-at-term"
CELLS = "end_scheduled_on and end_scheduled_evidence"
BY_PATCH, BY_EVIDENCE = "patch", "evidence"
_OUTCOMES = {
    Act.PERSON: Outcome.HUMAN,
    Act.CANCEL: Outcome.WAITING,
    Act.WRITE: Outcome.WAITING,
    Act.WAIT: Outcome.WAITING,
}


class Retire:
    """Schedule the end of a move's originals, and close the move when all are seen ended.

    It is asked for once the replacement is in use, however long before its day: it can be taken
    back, and who has to end an original elsewhere needs days for it.
    """

    by = "end_scheduled_by"
    about_moves = True
    makes = MoveState.CLOSED

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk
        self._gate, self._resting = Gate(desk), Resting(desk)

    def look(self, one: Subject) -> Look:
        """Say what is and what would be done about each original."""
        row = self._desk.ledger.move(one.id)
        state = row.state if row else MoveState.PLANNED
        if row is not None and row.state in (MoveState.HUMAN, MoveState.CLOSED, MoveState.UNDONE):
            return delivery.standing(row)
        early = too_early(row)
        if row is None or early:
            return Look(state, "wait", early)
        if not self._desk.online:
            return Look(state, Act.CANCEL, f"live state was not read: {self._desk.why_offline}")
        names = one.planned.subscription_ids
        todos = [self._shown(one, row, name, self._tenant(one, row, name)) for name in names]
        if all(todo.ended for todo in todos):
            return Look(state, "close the move", _reasons(todos))
        worst = _worst(todos)
        stop = {Act.PERSON: Outcome.HUMAN, Act.NOTHING: Outcome.SKIPPED}.get(worst)
        return Look(state, worst, _reasons(todos), stop)

    def act(self, one: Subject, lease: Lease) -> Done:
        """Do what is due about each original; what was seen is written down in any case."""
        row = self._desk.ledger.move(one.id)
        before = row.state if row else MoveState.PLANNED
        if row is not None and row.state is MoveState.CLOSED:
            unsaid = announcing.done(self._desk, one)
            told = "; ".join(filter(None, (CLOSED, unsaid)))
            return Done(before, before, Outcome.DONE, told, again=True)
        if row is not None and row.state is MoveState.UNDONE:
            return Done(before, before, Outcome.SKIPPED, delivery.UNDONE)
        if row is not None and row.state is MoveState.HUMAN:
            why = by_a_person(row.move_id, row.reason)
            return Done(before, before, Outcome.HUMAN, why)
        early = too_early(row)
        if row is None or early:
            return Done(before, before, Outcome.WAITING, early)
        todos = []
        for name in one.planned.subscription_ids:
            # anew after each end that was scheduled: it takes seats from the next
            tenant = self._tenant(one, row, name)
            self._note(one, name, tenant)
            todos.append(self._do(one, row, name, tenant, lease))
        if all(todo.ended for todo in todos):
            self._desk.move(row, MoveState.CLOSED, lease, reason=CLOSED)
            unsaid = announcing.done(self._desk, one)
            reason = "; ".join(filter(None, (CLOSED, unsaid)))
            return Done(before, MoveState.CLOSED, Outcome.DONE, reason)
        worst = _worst(todos)
        outcome, again = _OUTCOMES.get(worst, Outcome.DONE), worst is Act.NOTHING
        return Done(before, before, outcome, _reasons(todos), again=again)

    def early(self, move: PlannedMove) -> bool:
        """Say whether a move is to be worked on before its day: replaced, and not at rest."""
        row = self._rows.get(move.move_id)
        over = row is None or row.state is MoveState.CLOSED or too_early(row)
        return not over and not self.rests(move)

    @cached_property
    def _rows(self) -> dict[str, MoveRow]:
        return {row.move_id: row for row in self._desk.ledger.move_rows()}

    def rests(self, move: PlannedMove) -> bool:
        """Say whether nothing about its ends can be new, so that a run by due day leaves it."""
        return self._resting.rests(move)

    def _tenant(self, one: Subject, row: MoveRow, name: str) -> Tenant:
        """Read what is to be judged: of one that is over or went on, no more than that."""
        end, today = self._desk.end(one.customer_id, name), self._desk.today
        if end.state is EndState.ENDED:
            return Tenant((), why_not=holdings.GLIMPSED)
        if _ends_on(end, one.planned) < today:
            ours = self._desk.rule(one.planned).channel in ending.OURS
            shown = holdings.glimpse(self._desk, one.customer_id, name, ours=ours)
            if ending.beyond(self._facts(one, row, name, shown)):
                return shown
        return self._completed(one, row, name, holdings.read(self._desk, one.customer_id))

    def _completed(self, one: Subject, row: MoveRow, name: str, tenant: Tenant) -> Tenant:
        """Ask by itself for what we sold and our list lacks: a list may leave one out for once.

        Without that an end that is scheduled would be written down as lost.
        """
        ours = self._desk.rule(one.planned).channel in ending.OURS
        wanted = [row.subscription_id or "", name if ours else ""]
        missing = [each for each in wanted if each and tenant.sold_one(each) is None]
        service = self._desk.partner_center
        found = [service.subscription(one.customer_id, each) for each in missing]
        return replace(tenant, sold=(*tenant.sold, *(each for each in found if each)))

    def _shown(self, one: Subject, row: MoveRow, name: str, tenant: Tenant) -> Todo:
        """Decide as a run would, one who was asked already being waited for."""
        todo = self._decide(one, row, name, tenant)
        return (self._asked_since(one, name) if todo.act is Act.WRITE else None) or todo

    def _decide(self, one: Subject, row: MoveRow, name: str, tenant: Tenant) -> Todo:
        """Decide about one original from what is shown now."""
        todo = ending.decide(self._facts(one, row, name, tenant))
        if todo.evidence and not todo.ended and self._gate.unfinished(one.customer_id, name):
            # told, and recorded after the last part: the database takes no end before that
            act = Act.WAIT if todo.act is Act.NOTE_SCHEDULED else todo.act
            return replace(todo, act=act, evidence="")
        return todo

    def _facts(self, one: Subject, row: MoveRow, name: str, tenant: Tenant) -> Facts:
        move, seen = one.planned, tenant.seen(name)
        end = self._desk.end(one.customer_id, name)
        ends_on = seen.ends_on if seen and seen.ends_on else move.expires_on
        sku_id = (seen.sku_id if seen else "") or row.sku_id or move.sku_id or ""
        verdict = self._gate.without(
            tenant, sku_id, ends_on + DAY, customer_id=one.customer_id, leaving=tenant.names(name)
        )
        others = self._gate.unfinished(one.customer_id, name)
        return Facts(
            original=name,
            end=end,
            seen=seen,
            rule=self._desk.rule(move),
            verdict=Verdict(others) if others else verdict,
            said=self._desk.originals.get(name, {}),
            expires_on=move.expires_on,
            today=self._desk.today,
            wrong=_wrong(row, tenant),
        )

    def _note(self, one: Subject, name: str, tenant: Tenant) -> None:
        """Begin to mind an end, and write down which one was read, once a day."""
        desk, seen = self._desk, tenant.seen(name)
        end = desk.ledger.track_end(
            one.customer_id, name, expires_on=one.planned.expires_on, run_id=desk.run_id
        )
        now = desk.clock.now()
        known = end.seen_at is not None and end.seen_at.date() == now.date()
        if seen is not None and not (known and end.seen_expires_on == seen.ends_on):
            desk.ledger.see_end(end, seen_expires_on=seen.ends_on, at=now, run_id=desk.run_id)

    def _do(self, one: Subject, row: MoveRow, name: str, tenant: Tenant, lease: Lease) -> Todo:
        """Do what is due, and note whether all was in order: then it may rest for a while."""
        decided = self._decide(one, row, name, tenant)
        todo = self._carried_out(one, row, name, tenant, decided, lease)
        quiet = decided.covered and todo.act in (Act.NOTHING, Act.NOTE_SCHEDULED)
        end = self._desk.end(one.customer_id, name)
        told = self._resting.looked(end, in_order=quiet)
        if told and end.state is not EndState.ENDED:
            run_id = self._desk.run_id
            self._desk.ledger.note_end(end, run_id=run_id, lease=lease, evidence=told)
        return todo

    def _carried_out(
        self, one: Subject, row: MoveRow, name: str, tenant: Tenant, todo: Todo, lease: Lease
    ) -> Todo:
        if todo.lost:
            self._take_back(one, name, todo, tenant, lease)
        if todo.act is Act.NOTE_ENDED:
            self._move(self._desk.end(one.customer_id, name), EndState.ENDED, lease, todo)
        elif todo.act is Act.NOTE_SCHEDULED or (todo.act is Act.PERSON and todo.evidence):
            way = BY_PATCH if tenant.sold_one(name) else BY_EVIDENCE
            self._scheduled(one, name, lease, todo, way)
        elif todo.act is Act.CANCEL:
            return self._cancel(one, row, name, lease, todo)
        elif todo.act is Act.WRITE:
            try:
                return self._write(one, name, todo)
            except NotPosted as stop:
                # the other originals of the move wait for nobody's address
                if stop.outcome is Outcome.FAILED:
                    raise
                act = Act.PERSON if stop.outcome is Outcome.HUMAN else Act.WRITE
                return Todo(act, f"{name}: {stop.reason}")
        return todo

    def _cancel(self, one: Subject, row: MoveRow, name: str, lease: Lease, todo: Todo) -> Todo:
        """Schedule the end of a subscription of ours; only what is read back counts."""
        service, customer_id = self._desk.partner_center, one.customer_id
        found = service.subscription(customer_id, name)
        if found is None or holdings.at_home(found).life is not Life.RUNNING:
            return Todo(Act.WAIT, f"{name} is shown otherwise than a moment ago: run again")
        if not found.ends_with_its_term:
            body, verb = partner_center.ending(found), f"{VERB} {found.id}"
            put_back(self._desk, row, found, body, verb=verb, lease=lease)
            found = service.subscription(customer_id, name)
        if found is None or not found.ends_with_its_term:
            return Todo(Act.WAIT, f"{name}: its end was asked for and is not shown yet")
        self._scheduled(one, name, lease, todo, BY_PATCH)
        return Todo(Act.NOTE_SCHEDULED, todo.reason)

    def _write(self, one: Subject, name: str, todo: Todo) -> Todo:
        """Ask by letter, once for each end, and once more after a scheduled one was lost."""
        rule, move, end = (
            self._desk.rule(one.planned),
            one.planned,
            self._desk.end(one.customer_id, name),
        )
        place = letter_for(rule)
        if place is None:
            return self._asked_since(one, name) or todo
        if self._asked_since(one, name) is None:
            by = min(max(move.end_scheduled_by, self._desk.today), _ends_on(end, move))
            fields: dict[str, letters.Field] = {"originals": licences([move]), "by": by}
            about = (self._desk, one, ending.LETTERS[rule.stopped_by], fields, _cycle(end, move))
            post(*about, channel=place.channel)
        return self._asked_since(one, name) or todo

    def _asked_since(self, one: Subject, name: str) -> Todo | None:
        """Say since when somebody was asked by letter; None when nobody was yet."""
        rule, move = self._desk.rule(one.planned), one.planned
        end, place = self._desk.end(one.customer_id, name), letter_for(rule)
        if place is None:
            return Todo(Act.WAIT, f"{name}: {rule.stop_how}; then {CELLS} in decisions.xlsx")
        kind = ending.LETTERS[rule.stopped_by]
        letter = self._desk.ledger.letter(one.customer_id, kind, _cycle(end, move))
        since = letter.claimed_at if letter and letter.written_at else None
        if since is None:
            return None
        why = f"{name}: asked by letter {kind} on {since:%Y-%m-%d}"
        return Todo(Act.WAIT, f"{why}; then {CELLS} in decisions.xlsx")

    def _take_back(self, one: Subject, name: str, todo: Todo, tenant: Tenant, lease: Lease) -> None:
        """Write down that a scheduled end is gone, and whether the renewal is on again."""
        self._move(self._desk.end(one.customer_id, name), EndState.SAFE, lease, todo, todo.lost)
        sold = tenant.sold_one(name)
        if sold is not None and sold.auto_renew is not False:
            self._move(self._desk.end(one.customer_id, name), EndState.OPEN, lease, todo, todo.lost)

    def _scheduled(self, one: Subject, name: str, lease: Lease, todo: Todo, way: str) -> None:
        """Record a scheduled end; what ends with its term cannot renew either."""
        end = self._desk.end(one.customer_id, name)
        if end.state is EndState.SCHEDULED:
            return
        if end.state is not EndState.SAFE:
            why = "its end is scheduled, so it cannot renew"
            self._move(end, EndState.SAFE, lease, todo, why, way=way)
        self._move(self._desk.end(one.customer_id, name), EndState.SCHEDULED, lease, todo)

    def _move(
        self,
        end: EndRow,
        after: EndState,
        lease: Lease,
        todo: Todo,
        reason: str = "",
        **columns: str,
    ) -> None:
        why = reason or todo.reason
        proof = {str(after): todo.evidence or todo.reason}
        self._desk.move_end(end, after, lease, reason=why, evidence=proof, **columns)


def _wrong(row: MoveRow, tenant: Tenant) -> str:
    """Name what is amiss with the replacement by now."""
    found = tenant.sold_one(row.subscription_id)
    name = f"its replacement {row.subscription_id}"
    if found is None:
        return f"{name} is not shown by Partner Center"
    if found.status != "active":
        return f"{name} is {found.status}"
    if found.seats is None or found.seats < row.seats:
        return f"{name} has {found.seats} seats, not {row.seats}"
    return ""


def _cycle(end: EndRow, move: PlannedMove) -> str:
    """Name a letter by the end that it is about, anew after a scheduled one was lost."""
    again = f" after {end.scheduled_at:%Y-%m-%d}" if end.scheduled_at else ""
    return f"{end.original} {_ends_on(end, move)}{again}"


def _ends_on(end: EndRow, move: PlannedMove) -> date:
    return end.seen_expires_on or move.expires_on


def _worst(todos: list[Todo]) -> Act:
    """Give the act that matters most, in the order of Act."""
    order = list(Act)
    return min((todo.act for todo in todos), key=order.index)


def _reasons(todos: list[Todo]) -> str:
    return "; ".join(todo.reason for todo in todos)
