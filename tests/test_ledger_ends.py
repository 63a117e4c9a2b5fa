"""The ends of originals: their own state machine, and what the database refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cspkit.clock import FixedClock
from cspkit.errors import LedgerError
from cspkit.ledger import EndRow, Lease, Ledger
from cspkit.tables import END_TRANSITIONS, MOVE_TRANSITIONS, EndState, MoveState
from tests.ledgers import CUSTOMER, NOON, SERVICE, claim_of, raw, take, walk

TERM_END = date(2026, 12, 31)
S = MoveState
ORDERED = (S.CART, S.SENT, S.ORDERED)
VERIFIED = (*ORDERED, S.PROVISIONED, S.VERIFIED)


def tracked(ledger: Ledger, original: str = "s1") -> EndRow:
    """An end that somebody begins to mind."""
    return ledger.track_end(CUSTOMER, original, expires_on=TERM_END, run_id="r")


def lead(ledger: Ledger, lease: Lease, *path: EndState, original: str = "s1") -> None:
    """Lead an end through states."""
    for after in path:
        row = tracked(ledger, original)
        assert ledger.advance_end(row, after, run_id="r", lease=lease, way="patch"), after


def moved(ledger: Ledger, lease: Lease, *path: MoveState, **more: object) -> None:
    """A move of s1 that came so far."""
    ledger.claim(claim_of(**more), run_id="r", lease=lease)  # type: ignore[arg-type]
    walk(ledger, lease, *path)


def test_an_end_is_minded_once(ledger: Ledger) -> None:
    """Whoever begins again finds what is there, also what came of it since."""
    lease = take(ledger)
    lead(ledger, lease, EndState.SAFE)

    again = ledger.track_end(CUSTOMER, "s1", expires_on=date(2027, 1, 31), run_id="r")

    assert (again.state, again.plan_expires_on) == (EndState.SAFE, TERM_END)
    assert ledger.end(CUSTOMER, "s2") is None
    assert ledger.ends(CUSTOMER)["original"].tolist() == ["s1"]
    assert ledger.ends("c2")["original"].tolist() == []


def test_ends_are_asked_for_by_customer_and_state(ledger: Ledger) -> None:
    """Whoever wants one customer's is not given the whole table to search."""
    lease = take(ledger)
    lead(ledger, lease, EndState.SAFE)
    tracked(ledger, "s2")
    ledger.track_end("c2", "s3", expires_on=TERM_END, run_id="r")

    def names(*which: Any) -> list[str]:
        return [row.original for row in ledger.end_rows(*which)]

    assert names() == ["s1", "s2", "s3"]
    assert names(CUSTOMER) == ["s1", "s2"]
    assert names(CUSTOMER, EndState.SAFE) == ["s1"]
    assert names(None, EndState.OPEN, EndState.ASKED) == ["s2", "s3"]


def test_what_led_into_a_state_is_told(ledger: Ledger) -> None:
    """The detail of the last event of one subject; nothing where none led there."""
    lease = take(ledger)
    for number in (1, 2):
        row = tracked(ledger)
        about: dict[str, Any] = {"run_id": "r", "lease": lease, "way": "patch"}
        ledger.advance_end(row, EndState.SAFE, evidence={"number": number}, **about)
        if number == 1:
            ledger.advance_end(tracked(ledger), EndState.OPEN, **about)

    assert ledger.told("s1", EndState.SAFE)["number"] == 2
    assert (ledger.told("s1", EndState.ENDED), ledger.told("s2", EndState.SAFE)) == ({}, {})


def test_an_end_changes_only_from_what_was_read(ledger: Ledger) -> None:
    """Of two workers that read the same, one changes it; evidence of both steps is kept."""
    lease = take(ledger)
    row = tracked(ledger)
    first = {"letter": "a.eml"}

    done = ledger.advance_end(row, EndState.ASKED, run_id="r", lease=lease, evidence=first)
    late = ledger.advance_end(row, EndState.ASKED, run_id="r", lease=lease)
    lead(ledger, lease, EndState.SAFE)
    found = ledger.end(CUSTOMER, "s1")

    assert (done, late) == (True, False)
    assert found is not None
    assert (first, NOON, NOON, "patch") == (
        *(found.facts, found.asked_at, found.safe_at),
        found.way,
    )
    assert ledger.verify() == []


def test_a_worker_without_the_lease_changes_no_end(ledger: Ledger) -> None:
    """Whoever slept too long is fenced off."""
    slept = take(ledger, "ana@here:x:1")
    row = tracked(ledger)
    ledger.release_lease(slept)
    take(ledger, "berta@there:x:2")

    assert not ledger.advance_end(row, EndState.ASKED, run_id="r", lease=slept)


def test_illegal_steps_of_an_end_are_refused_by_the_database(ledger: Ledger) -> None:
    """Only the transitions of the state machine exist, also for SQL written by hand."""
    moved(ledger, take(ledger), *VERIFIED)
    tracked(ledger)
    stamps = ", ".join(
        f"{name} = '2026-11-23 12:00:00'"
        for name in ("asked_at", "safe_at", "scheduled_at", "ended_at", "renewed_at")
    )
    illegal = set(product(EndState, EndState)) - set(END_TRANSITIONS)
    allowed = []
    for before, after in sorted(illegal - {(EndState.OPEN, EndState.OPEN)}):
        try:
            raw(
                ledger,
                f"UPDATE ends SET prev = '{before}', state = '{after}', way = 'patch', {stamps}",
            )
        except LedgerError as error:
            assert "refused by its own rules" in str(error)
        else:
            allowed.append((before, after))

    assert allowed == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ends SET original = 's9'",
        "UPDATE ends SET state = 'renewal_safe', prev = 'open', safe_at = '2026-11-23 12:00:00'",
        "DELETE FROM ends",
        "INSERT INTO ends (service, customer_id, original, prev, state, asked_at, updated_at) "
        "SELECT service, 'c2', 's2', 'open', 'asked', '2026-11-23', '2026-11-23' FROM binding",
    ],
)
def test_the_database_keeps_ends_whole(ledger: Ledger, statement: str) -> None:
    """An end keeps its original, is not deleted, begins open, and is safe in some way."""
    tracked(ledger)
    with pytest.raises(LedgerError, match="refused by its own rules"):
        raw(ledger, statement)


@pytest.mark.parametrize(
    ("path", "same_offer", "allowed"),
    [
        (ORDERED, True, False),
        (VERIFIED[:-1], True, False),
        (VERIFIED, True, True),
        (VERIFIED, False, False),
        ((*VERIFIED, S.REASSIGNED), False, True),
        ((*VERIFIED, S.UNDONE), True, False),
        ((*VERIFIED, S.HUMAN), True, False),
    ],
)
def test_no_end_is_scheduled_before_its_replacement_stands(
    ledger: Ledger, path: tuple[MoveState, ...], same_offer: bool, allowed: bool
) -> None:
    """Verified where the offer stays the same, reassigned where it does not."""
    lease = take(ledger)
    moved(ledger, lease, *path, same_offer=same_offer)
    lead(ledger, lease, EndState.SAFE)
    if allowed:
        lead(ledger, lease, EndState.SCHEDULED)
        return
    with pytest.raises(LedgerError, match="no end is scheduled before every replacement"):
        lead(ledger, lease, EndState.SCHEDULED)


def test_no_end_is_scheduled_without_a_move(ledger: Ledger) -> None:
    """An original that nothing replaces is nobody's to end."""
    lease = take(ledger)
    lead(ledger, lease, EndState.SAFE)
    with pytest.raises(LedgerError, match="no end is scheduled before every replacement"):
        lead(ledger, lease, EndState.SCHEDULED)


def test_every_part_must_stand_before_the_end_is_scheduled(ledger: Ledger) -> None:
    """Half the seats verified is no reason to end all of them."""
    lease = take(ledger)
    moved(ledger, lease, *VERIFIED)
    ledger.claim(claim_of("mv-2", part=2), run_id="r", lease=lease)
    lead(ledger, lease, EndState.SAFE)
    with pytest.raises(LedgerError, match="no end is scheduled before every replacement"):
        lead(ledger, lease, EndState.SCHEDULED)


def test_a_move_closes_when_all_its_originals_ended(ledger: Ledger) -> None:
    """One of two originals that is still there keeps the move open."""
    lease = take(ledger)
    moved(ledger, lease, *VERIFIED, originals=("s1", "s2"))
    lead(ledger, lease, EndState.ENDED)
    tracked(ledger, "s2")
    with pytest.raises(LedgerError, match="a move closes when"):
        ledger.advance("mv-1", S.VERIFIED, S.CLOSED, run_id="r", lease=lease)

    lead(ledger, lease, EndState.ENDED, original="s2")

    assert ledger.advance("mv-1", S.VERIFIED, S.CLOSED, run_id="r", lease=lease)
    row = ledger.move("mv-1")
    assert row is not None
    assert (row.state, row.closed_at) == (S.CLOSED, NOON)


def test_another_offer_closes_only_after_its_users_moved(ledger: Ledger) -> None:
    """An ended original does not hide users that were never reassigned."""
    lease = take(ledger)
    moved(ledger, lease, *VERIFIED, same_offer=False)
    lead(ledger, lease, EndState.ENDED)

    with pytest.raises(LedgerError, match="a move closes when"):
        ledger.advance("mv-1", S.VERIFIED, S.CLOSED, run_id="r", lease=lease)


def test_what_was_read_is_noted_and_told_once(ledger: Ledger) -> None:
    """A daily look changes no state; the log tells it only when the day changed."""
    row = tracked(ledger)
    for day, seen in enumerate((TERM_END, TERM_END, date(2027, 12, 31))):
        at = NOON + timedelta(days=day)
        ledger.see_end(row, seen_expires_on=seen, at=at, run_id="r")

    found = ledger.end(CUSTOMER, "s1")

    assert found is not None
    assert (EndState.OPEN, date(2027, 12, 31), NOON + timedelta(days=2)) == (
        *(found.state, found.seen_expires_on),
        found.seen_at,
    )
    assert (ledger.events()["kind"] == "end_seen").sum() == 2


def test_an_undone_move_frees_its_originals(ledger: Ledger) -> None:
    """Another move takes them; the undone one cannot come back beside it."""
    lease = take(ledger)
    moved(ledger, lease, *ORDERED, S.UNDONE)

    other = ledger.claim(claim_of("mv-2", plan_hash="p2"), run_id="r", lease=lease)

    assert other is not None
    assert (other.move_id, other.state) == ("mv-2", S.PLANNED)
    with pytest.raises(LedgerError, match="refused by its own rules"):
        ledger.advance("mv-1", S.UNDONE, S.PLANNED, run_id="r", lease=lease)


def test_an_undone_move_is_ordered_again_by_a_newer_plan_only(
    ledger: Ledger, clock: FixedClock
) -> None:
    """Running the old plan again, or one approved before, must not bring back what was undone."""
    ledger.approve("p0", by="berta", made_by="ana")
    lease = take(ledger)
    moved(ledger, lease, *VERIFIED, S.UNDONE)
    at: datetime = NOON + timedelta(days=1)
    clock.set(at)
    ledger.approve("p2", by="berta", made_by="ana")

    found = {}
    for plan in ("p1", "p0", "p2"):
        row = ledger.claim(claim_of(plan_hash=plan), run_id="r", lease=lease)
        assert row is not None
        found[plan] = row

    assert {plan: row.state for plan, row in found.items()} == {
        "p1": S.UNDONE,
        "p0": S.UNDONE,
        "p2": S.PLANNED,
    }
    again = found["p2"]
    assert (
        *(again.cart_id, again.order_id, again.subscription_id),
        again.verified_at,
    ) == (None, None, None, None)
    assert {"order-mv-1"} == ledger.orders(CUSTOMER)


# What may be, said again by hand: the database is held against it.
_DEAD = (S.REFUSED, S.UNDONE)
_GIVES: dict[MoveState, str] = {
    S.CART: "cart_id",
    S.SENT: "sent_at",
    S.ORDERED: "order_id",
    S.PROVISIONED: "subscription_id",
}


def over(state: MoveState, same_offer: bool) -> bool:
    """Whether a replacement stands, so that its original may go."""
    return state in (S.REASSIGNED, S.CLOSED) or (state is S.VERIFIED and same_offer)


class Pair:
    """An original in two parts, and a model of it."""

    def __init__(self, ledger: Ledger, same_offer: bool, *, begun: bool) -> None:
        self.ledger, self.same_offer = ledger, same_offer
        self.lease = take(ledger)
        self.moves = dict.fromkeys(("mv-1", "mv-2"), S.PLANNED)
        self.end = EndState.OPEN
        self.numbers = count(1)
        for part, name in enumerate(self.moves, start=1):
            ledger.claim(
                claim_of(name, part=part, same_offer=same_offer), run_id="r", lease=self.lease
            )
            for after in VERIFIED if begun else ():
                self.step(name, after)
        tracked(ledger)

    def step(self, name: str, after: MoveState) -> None:
        """Try a step of a move: it is done exactly when the model allows it."""
        before = self.moves[name]
        allowed = (before, after) in MOVE_TRANSITIONS
        if after is S.CLOSED:
            allowed = allowed and over(before, self.same_offer) and self.end is EndState.ENDED
        columns: dict[str, Any] = {}
        if key := _GIVES.get(after):
            columns[key] = NOON if key == "sent_at" else f"{key}-{next(self.numbers)}"
        given = {"run_id": "r", "lease": self.lease, **columns}
        done = tried(lambda: self.ledger.advance(name, before, after, **given))
        assert (before, after, allowed) == (before, after, done)
        self.moves[name] = after if done else before

    def go(self, after: EndState) -> None:
        """Try a step of the end."""
        allowed = (self.end, after) in END_TRANSITIONS
        if after is EndState.SCHEDULED:
            live = [state for state in self.moves.values() if state not in _DEAD]
            allowed = allowed and bool(live) and all(over(one, self.same_offer) for one in live)
        row = tracked(self.ledger)
        given = {"run_id": "r", "lease": self.lease, "way": "patch"}
        done = tried(lambda: self.ledger.advance_end(row, after, **given))
        assert (self.end, after, allowed) == (self.end, after, done)
        self.end = after if done else self.end


def tried(deed: Callable[[], bool]) -> bool:
    try:
        return deed()
    except LedgerError:
        return False


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    same_offer=st.booleans(),
    begun=st.booleans(),
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(("mv-1", "mv-2")), st.sampled_from(S)),
            st.tuples(st.just(""), st.sampled_from(EndState)),
            st.tuples(st.just("mv-1"), st.just(S.CLOSED)),
            st.tuples(st.just(""), st.just(EndState.SCHEDULED)),
        ),
        max_size=40,
    ),
)
def test_ends_and_moves_keep_to_each_other_in_any_order(
    same_offer: bool, begun: bool, steps: list[tuple[str, Any]]
) -> None:
    """Nothing ends before all that replaces it stands; nothing closes before it ended."""
    with Ledger("sqlite://", clock=FixedClock(NOON)) as ledger:
        ledger.bind(SERVICE)
        pair = Pair(ledger, same_offer, begun=begun)
        for name, after in steps:
            if name:
                pair.step(name, after)
            else:
                pair.go(after)
