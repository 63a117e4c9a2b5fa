"""Whatever two workers do in whatever order, the database keeps the promises of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from cspkit.clock import FixedClock
from cspkit.errors import LedgerError
from cspkit.ledger import Intent, Lease, Ledger, MoveRow, schema
from cspkit.ledger.schema import events
from cspkit.tables import MOVE_TRANSITIONS, MoveState
from tests.ledgers import NOON, SERVICE, claim_of, sqlite

WORKERS = ("ana@here:x:1", "berta@there:x:2")
ORIGINALS = ("s1", "s2", "s3")
numbers = count(1)
S = MoveState
# Written again here, by hand, so that a slip in the tables of the product is seen.
NEEDS = {
    S.CART: {"cart_id"},
    S.SENT: {"cart_id", "sent_at"},
    S.ORDERED: {"order_id"},
    S.PROVISIONED: {"order_id", "subscription_id"},
    S.VERIFIED: {"order_id", "subscription_id"},
    S.REASSIGNED: {"order_id", "subscription_id"},
    S.CLOSED: {"order_id", "subscription_id"},
}
GIVES: dict[MoveState, str] = {
    S.CART: "cart_id",
    S.SENT: "sent_at",
    S.ORDERED: "order_id",
    S.PROVISIONED: "subscription_id",
}


class Work(RuleBasedStateMachine):
    """Two workers on one customer, and a model of what must be true of it."""

    ledger: Ledger
    wall: FixedClock

    def __init__(self) -> None:
        super().__init__()
        self.number = next(numbers)
        self.customer = f"c{self.number}"
        self.run = f"run-{self.number}"
        self.leases: dict[str, Lease] = {}
        self.owner = ""
        self.fence = 0
        self.held = False
        self.states: dict[str, MoveState] = {}
        self.body = 0

    @initialize(who=st.sampled_from(WORKERS), path=st.sampled_from(((), (S.CART, S.SENT))))
    def begin(self, who: str, path: tuple[MoveState, ...]) -> None:
        """Most is only possible with a lease and a move, some only when it was sent."""
        self.take(who=who)
        self.claim(who=who, number=1, originals={"s1"}, seats=1)
        for after in path:
            move_id = f"{self.customer}-mv-1"
            self.step(who, move_id, self.states[move_id], after)

    # what workers do

    @rule(who=st.sampled_from(WORKERS))
    def take(self, who: str) -> None:
        """A lease goes to one, and its fence grows with every change of hands."""
        got = self.ledger.lease(self.customer, who)
        free = self.owner in ("", who)
        assert (who if free else self.owner) == got.holder
        if free:
            assert got.fence > self.fence
            self.owner, self.fence = who, got.fence
            self.leases[who] = got

    @rule(who=st.sampled_from(WORKERS))
    def give_back(self, who: str) -> None:
        """Only the one who has it can give it back."""
        if who in self.leases:
            self.ledger.release_lease(self.leases[who])
            if self.owner == who and self.leases[who].fence == self.fence:
                self.owner = ""

    @rule()
    def sleep(self) -> None:
        """A lease runs out; who had it is fenced off once somebody else takes it."""
        self.wall.set(self.wall.now() + timedelta(hours=1))
        self.owner = ""

    @rule(
        who=st.sampled_from(WORKERS),
        number=st.integers(1, 4),
        originals=st.sets(st.sampled_from(ORIGINALS), min_size=1),
        seats=st.integers(1, 3),
    )
    def claim(self, who: str, number: int, originals: set[str], seats: int) -> None:
        """An original that was sent belongs to its move; an unsent one gives way."""
        move_id = f"{self.customer}-mv-{number}"
        wanted = claim_of(
            move_id, customer_id=self.customer, originals=tuple(sorted(originals)), seats=seats
        )
        row = self.act(who, lambda lease: self.ledger.claim(wanted, run_id=self.run, lease=lease))
        assert row is None or isinstance(row, MoveRow)
        self.look()
        if row is not None and row.move_id != move_id:
            assert row.state not in (S.PLANNED, S.CART, S.REFUSED, S.UNDONE)

    @precondition(lambda self: self.states)
    @rule(who=st.sampled_from(WORKERS), data=st.data(), stale=st.booleans())
    def go_on(self, who: str, data: st.DataObject, stale: bool) -> None:
        """A legal step is done by who has the lease, and never a second time from before."""
        move_id = data.draw(st.sampled_from(sorted(self.states)))
        before = self.states[move_id]
        nexts = [after for prev, after in MOVE_TRANSITIONS if prev is before]
        if not nexts:
            return
        after = data.draw(st.sampled_from(nexts))
        self.step(who, move_id, before, after)
        if stale and self.states[move_id] is not before:
            again = self.step(who, move_id, before, after, expected=self.states[move_id])
            assert not again, "a step was taken from a state that was left"

    @precondition(lambda self: self.states)
    @rule(who=st.sampled_from(WORKERS), data=st.data(), after=st.sampled_from(S))
    def advance(self, who: str, data: st.DataObject, after: MoveState) -> None:
        """No jump, whoever tries."""
        move_id = data.draw(st.sampled_from(sorted(self.states)))
        self.step(who, move_id, self.states[move_id], after)

    def step(
        self,
        who: str,
        move_id: str,
        before: MoveState,
        after: MoveState,
        *,
        expected: MoveState | None = None,
    ) -> bool:
        """Try a step; it is there exactly when it was legal and is said to be done."""
        columns: dict[str, Any] = {}
        if name := GIVES.get(after):
            columns[name] = NOON if name == "sent_at" else f"{name}-{move_id}-{next(numbers)}"
        done = self.act(
            who,
            lambda lease: self.ledger.advance(
                move_id, before, after, run_id=self.run, lease=lease, **columns
            ),
        )
        self.look()
        if done is True:
            assert (before, after) in MOVE_TRANSITIONS
            assert after is self.states[move_id]
        else:
            assert (expected or before) is self.states[move_id]
        return bool(done)

    @rule(who=st.sampled_from(WORKERS), body=st.integers(1, 2))
    def call(self, who: str, body: int) -> None:
        """Nothing leaves under a hold, and an open call never gets another body."""
        intent = Intent(self.customer, self.customer, "gdap", "/x", {"body": body})
        call = self.act(who, lambda lease: self.ledger.intend(intent, run_id=self.run, lease=lease))
        if call is not None and call is not False:
            assert not self.held
            assert self.body in (0, body), "an open call went out with another body"
            self.body = body

    @rule(outcome=st.sampled_from(("done", "refused", "unclear", "unsent")))
    def answer(self, outcome: str) -> None:
        """The last call gets its outcome once."""
        calls = self.ledger.calls(self.customer, "gdap")
        if calls:
            first = calls[-1].outcome
            self.ledger.settle(calls[-1], outcome)
            if first in (None, "unclear"):
                self.body = self.body if "unclear" in (first, outcome) else 0
            after = self.ledger.calls(self.customer, "gdap")[-1].outcome
            assert (outcome if first is None else first) == after

    @rule()
    def hold(self) -> None:
        """Anybody may stop a customer, any number of times."""
        self.ledger.hold(self.customer, reason="test", by="ana")
        self.held = True

    @precondition(lambda self: self.held)
    @rule()
    def release(self) -> None:
        """A hold ends once."""
        assert self.ledger.release(self.customer, by="ana")
        assert not self.ledger.release(self.customer, by="ana")
        self.held = False

    @rule(number=st.integers(1, 4), adopted=st.booleans())
    def settle_by_hand(self, number: int, adopted: bool) -> None:
        """A person settles only what waits for one."""
        move_id = f"{self.customer}-mv-{number}"
        before = self.states.get(move_id)
        order = f"order-{next(numbers)}" if adopted else None
        done = self.ledger.settle_by_hand(move_id, by="ana", reason="seen", order_id=order)
        assert done == (before is S.HUMAN)
        self.look()

    # what is always so

    @invariant()
    def one_move_has_an_original(self) -> None:
        """No original is in two moves that are open or completed."""
        taken: list[str] = []
        for row in self.moves():
            if row["state"] not in (S.REFUSED, S.UNDONE):
                taken += row["originals"]
        assert len(set(taken)) == len(taken)

    @invariant()
    def a_state_has_its_evidence(self) -> None:
        """Whoever reads a state finds the ids that belong to it."""
        for row in self.moves():
            for name in NEEDS.get(MoveState(row["state"]), ()):
                assert row[name] is not None, (row["state"], name)

    def teardown(self) -> None:
        """The log of the whole is whole, and tells every state that was passed."""
        assert self.ledger.verify(self.run) == []
        query = sa.select(events.c.subject, events.c.after).where(
            events.c.customer_id == self.customer, events.c.kind.in_(("state", "claimed"))
        )
        with self.ledger._read() as connection:
            told = connection.execute(query.order_by(events.c.event_id)).all()
        self.look()
        assert {str(name): MoveState(after) for name, after in told} == self.states

    # looking

    def act(self, who: str, deed: Callable[[Lease], Any]) -> Any:
        """Act under the lease a worker has, or had: then nothing may happen."""
        lease = self.leases.get(who)
        if lease is None:
            return None
        mine = lease.fence == self.fence and self.owns(who)
        try:
            done = deed(lease)
        except LedgerError:
            return None
        if mine:
            # Whoever acts in time keeps the lease, also past its end when nobody else came.
            self.owner = who
        assert mine or not done, "a worker that lost its lease has written"
        return done

    def owns(self, who: str) -> bool:
        """Say whether nobody else took the lease since, or it was given back."""
        with self.ledger._read() as connection:
            query = "SELECT holder FROM leases WHERE subject = '" + self.customer + "'"
            return bool(connection.exec_driver_sql(query).scalar() == who)

    def moves(self) -> list[dict[str, Any]]:
        """The moves of this customer, each with its originals."""
        with self.ledger._read() as connection:
            mine = sa.select(schema.moves).where(schema.moves.c.customer_id == self.customer)
            found = [dict(row) for row in connection.execute(mine).mappings()]
            of_moves = schema.move_originals
            query = sa.select(of_moves).where(of_moves.c.customer_id == self.customer)
            pairs = connection.execute(query).mappings().all()
        for row in found:
            row["originals"] = [
                one["original"] for one in pairs if one["move_id"] == row["move_id"]
            ]
        return found

    def look(self) -> None:
        """Take over the states that there are."""
        self.states = {row["move_id"]: MoveState(row["state"]) for row in self.moves()}


@contextmanager
def opened(request: pytest.FixtureRequest, database: str, wall: FixedClock) -> Iterator[Ledger]:
    """A bound ledger on a database, with a clock of leases that the test moves."""
    if database == "sqlite":
        file: Path = request.getfixturevalue("file")
        url = sqlite(file)
    else:
        server = request.getfixturevalue("postgres")
        url = server.url(server.database(request.getfixturevalue("empty_ledger")))
    with Ledger(url, clock=FixedClock(NOON), wall=wall) as ledger:
        ledger.bind(SERVICE)
        yield ledger


@pytest.mark.parametrize(("database", "examples"), [("sqlite", 50), ("postgresql", 12)])
def test_the_rules_hold_in_any_order(
    request: pytest.FixtureRequest, database: str, examples: int
) -> None:
    """One order for an original, legal steps, fenced leases, holds, whole logs: in any order."""
    wall = FixedClock(NOON)
    with opened(request, database, wall) as ledger:

        class Here(Work):
            pass

        Here.ledger, Here.wall = ledger, wall
        run(
            Here,
            settings=settings(
                max_examples=examples,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                # A long history that is made shorter again and again takes minutes to fail.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
