"""Undo: take back what we ordered, while the service allows it and nobody needs the seats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cspkit import partner_center
from cspkit.errors import PlanRefused, SettingsError
from cspkit.ledger import Lease, MoveRow
from cspkit.moves import delivery, holdings
from cspkit.moves.desk import Desk, Overtaken
from cspkit.moves.gates import Gate
from cspkit.moves.holdings import Tenant
from cspkit.moves.patching import put_back
from cspkit.moves.pool import Verdict
from cspkit.moves.rows import Done, Look, Outcome, Subject, by_a_person
from cspkit.names import person
from cspkit.partner_center import Subscription
from cspkit.policy import Workdays
from cspkit.tables import EndState, Mode, MoveState

VERB = "undo"
UNORDERED = (MoveState.PLANNED, MoveState.CART, MoveState.REFUSED)
CANCELLED = "deleted"
AGAIN = "its originals still end with their term: plan again"


@dataclass(frozen=True)
class Todo:
    """What would be done about one order; `outcome` is set when nothing would be."""

    what: str
    reason: str
    outcome: Outcome | None = None


class Undo:
    """Cancel the subscription of a move, or leave it fewer seats."""

    by = "date"
    about_moves = True
    makes = MoveState.UNDONE
    by_name_only = True

    def __init__(
        self, desk: Desk, *, asked_by: str = "", agreed_by: str = "", seats: int = 0
    ) -> None:
        """Work at a desk; raise PlanRefused without two names of two people, unless it is dry."""
        if desk.mode is not Mode.DRY:
            self.check(asked_by=asked_by, agreed_by=agreed_by, seats=seats)
        self._desk, self.seats = desk, seats
        self.who = f"asked by {asked_by.strip()}, agreed by {agreed_by.strip()}"
        self._gate = Gate(desk)

    @staticmethod
    def check(*, asked_by: str = "", agreed_by: str = "", seats: int = 0) -> None:
        """Refuse to take anything back on the word of one person; nothing is read for that."""
        if seats < 0:
            raise SettingsError("run", "seats", f"expected 0 or more, found {seats!r}")
        for name, value in (("asked_by", asked_by), ("agreed_by", agreed_by)):
            if not person(value):
                raise PlanRefused(f"undo needs two names, {name} is {value!r}: say who")
        if person(asked_by) == person(agreed_by):
            raise PlanRefused(f"{agreed_by!r} asked for this: somebody else must agree (agreed_by)")

    def look(self, one: Subject) -> Look:
        """Say what would be taken back, until when that is possible, and who would miss it."""
        row = self._desk.ledger.move(one.id)
        state = row.state if row else MoveState.PLANNED
        if row is None or row.state in UNORDERED:
            return Look(state, "nothing", "nothing was ordered", Outcome.SKIPPED)
        if row.state in (MoveState.HUMAN, MoveState.UNDONE):
            return delivery.standing(row)
        if not self._desk.online:
            return Look(state, "take it back", f"live state was not read: {self._desk.why_offline}")
        todo = self._decide(one, row, self._found(row))
        return Look(state, todo.what, todo.reason, todo.outcome)

    def act(self, one: Subject, lease: Lease) -> Done:
        """Take it back; only what is read back counts, and a killed run is gone on with."""
        row = self._desk.ledger.move(one.id)
        before = row.state if row else MoveState.PLANNED
        if row is None or row.state in UNORDERED:
            return Done(before, before, Outcome.SKIPPED, "nothing was ordered")
        if row.state is MoveState.HUMAN:
            return Done(before, before, Outcome.HUMAN, by_a_person(row.move_id, row.reason))
        if row.state is MoveState.UNDONE:
            return Done(before, before, Outcome.DONE, row.reason, again=True)
        found = self._found(row)
        if not self._is_done(row, found):
            todo = self._decide(one, row, found)
            if todo.outcome is not None or found is None:
                return Done(before, before, todo.outcome or Outcome.WAITING, todo.reason)
            self._send(row, found, lease)
            found = self._found(row)
        if found is None or not self._is_done(row, found):
            return Done(before, before, Outcome.WAITING, "it was asked for and is not shown yet")
        return self._record(row, found, lease)

    # what is, and what may be done

    def _found(self, row: MoveRow) -> Subscription | None:
        """Read the subscription that an order made, by its own id, else by the order's."""
        service = self._desk.partner_center
        if row.subscription_id:
            return service.subscription(row.customer_id, row.subscription_id)
        if not row.order_id:
            return None
        made = service.subscriptions(row.customer_id, order_id=row.order_id)
        return made[0] if len(made) == 1 else None

    def _is_done(self, row: MoveRow, found: Subscription | None) -> bool:
        """Say whether the service shows it taken back: by us before we could note it, or others."""
        if found is None:
            return False
        if not self.seats:
            return found.status == CANCELLED
        return found.status == "active" and found.seats == self.seats < row.seats

    def _decide(self, one: Subject, row: MoveRow, found: Subscription | None) -> Todo:
        if row.state is MoveState.SENT or found is None:
            why = (
                f"order {row.order_id or 'not read back'} shows no subscription yet: run provision"
            )
            return Todo("wait", why, Outcome.WAITING)
        if row.state is MoveState.CLOSED:
            why = "the move is closed: its originals ended, and its users have nothing else"
            return Todo("nothing", why, Outcome.SKIPPED)
        if self._is_done(row, found):
            return Todo("note that it is undone", f"{found.id} is {_shown(found)}")
        late = self._too_late(found)
        if late:
            return Todo("nothing", late, Outcome.SKIPPED)
        verdict = self._verdict(one, row, found)
        if not verdict.covered:
            return _needed(found, verdict)
        what = f"leave {found.id} {self.seats} seats" if self.seats else f"cancel {found.id}"
        until = _until(found, self.seats)
        return Todo(what, f"{_shown(found)}, possible until {until}; {verdict.reason}; {AGAIN}")

    def _too_late(self, found: Subscription) -> str:
        """Say what the service does not take back any more, with its own date."""
        now, name = self._desk.clock.now(), f"{found.id} ({_shown(found)})"
        if found.status != "active":
            return f"{name} is not active: nothing of it can be changed"
        if not self.seats:
            if found.cancel_until is None:
                return f"{name}: the service names no day until which it can be cancelled"
            if found.cancel_until <= now:
                return f"{name} could be cancelled until {_instant(found.cancel_until)}"
            return ""
        fewer = (found.seats or 0) - self.seats
        if fewer <= 0:
            return f"{name} has no more than {self.seats} seats"
        open_ones = [one for one in found.refundable if one.until is not None and one.until > now]
        if sum(one.seats for one in open_ones) < fewer:
            back = ", ".join(f"{one.seats} until {_instant(one.until)}" for one in open_ones)
            return f"{name}: the service takes back {back or 'no seats'}, asked for {fewer}"
        return ""

    def _verdict(self, one: Subject, row: MoveRow, found: Subscription) -> Verdict:
        """Judge the pool without what is taken back and what ends before a new order could come.

        An original whose end is scheduled is as good as gone: only its replacement carries on.
        """
        tenant = holdings.read(self._desk, row.customer_id)
        names, taken = lost(tenant, found, self.seats)
        return self._gate.without(
            tenant,
            row.target_sku_id,
            self._new_order_by(),
            customer_id=row.customer_id,
            leaving=names.union(self._going(one, tenant)),
            taken=taken,
        )

    def _going(self, one: Subject, tenant: Tenant) -> list[str]:
        """List what ends for sure, of other moves too: they share the pool that is left."""
        gone = self._desk.ledger.end_rows(one.customer_id, EndState.SCHEDULED)
        return [alias for end in gone for alias in tenant.names(end.original)]

    def _new_order_by(self) -> date:
        policy = self._desk.settings.policy
        days = 1 + policy.verify_days + policy.repair_days
        return Workdays(policy).after(self._desk.today, days)

    # doing it

    def _send(self, row: MoveRow, found: Subscription, lease: Lease) -> None:
        body = partner_center.with_status(found, CANCELLED)
        if self.seats:
            body = partner_center.with_seats(found, self.seats)
        verb = f"{VERB} to {self.seats} seats, {self.who}"
        put_back(self._desk, row, found, body, verb=verb, lease=lease)

    def _record(self, row: MoveRow, found: Subscription, lease: Lease) -> Done:
        """Write down what is gone now, and who wanted it so."""
        ledger, run_id = self._desk.ledger, self._desk.run_id
        reason = f"{found.id} is {_shown(found)}; {self.who}"
        if self.seats:
            done = ledger.resize(row, self.seats, run_id=run_id, lease=lease, reason=reason)
            after = row.state
        else:
            evidence = {"order": row.order_id, "subscription": found.id}
            about = (row.move_id, row.state, MoveState.UNDONE)
            done = ledger.advance(
                *about, run_id=run_id, lease=lease, reason=reason, evidence=evidence
            )
            after = MoveState.UNDONE
        if not done:
            raise Overtaken
        return Done(row.state, after, Outcome.DONE, f"{reason}; {AGAIN}")


def lost(tenant: Tenant, found: Subscription, left: int) -> tuple[frozenset[str], int]:
    """Say what a pool loses: a subscription by its name there, or so many seats of it.

    One that the tenant lists by another id is not found by name, and its seats go all the same.
    """
    whole = found.seats or 0
    if left:
        return frozenset(), whole - left
    listed = any(found.id in one.ids for one in tenant.owned)
    return (tenant.names(found.id), 0) if listed else (frozenset(), whole)


def _needed(found: Subscription, verdict: Verdict) -> Todo:
    if verdict.missing is None:
        return Todo("wait", f"{found.id}: {verdict.reason}", Outcome.WAITING)
    why = f"{verdict.missing} seats would be missing without it ({verdict.reason})"
    advice = "give those users another licence first, then run again"
    return Todo("wait for a person", f"{found.id}: {why}: {advice}", Outcome.HUMAN)


def _shown(found: Subscription) -> str:
    return f"{found.status}, {found.seats} seats"


def _until(found: Subscription, seats: int) -> str:
    if not seats:
        return _instant(found.cancel_until)
    ends = [one.until for one in found.refundable if one.until is not None]
    return _instant(min(ends, default=None))


def _instant(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else "an unknown day"
