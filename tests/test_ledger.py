"""The ledger refuses what must not happen, whoever asks, on either database."""

from __future__ import annotations

from itertools import product

import pytest

from cspkit.errors import LedgerError, PlanRefused
from cspkit.ledger import Intent, Ledger
from cspkit.tables import MOVE_TRANSITIONS, MoveState, StepState
from tests.ledgers import CUSTOMER, NOON, SERVICE, claim_of, raw, take, walk


def test_binding_is_for_life(ledger: Ledger, url: str) -> None:
    """A rehearsal's ledger can never serve a tenant."""
    ledger.bind(SERVICE)

    with pytest.raises(LedgerError, match="belongs to 'rehearsal:"):
        ledger.bind("tenant:00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize("author", ["Ana", " ana ", "\u0430na", "An\u00e1", "a\u200bna"])
def test_the_approver_is_not_the_author(ledger: Ledger, author: str) -> None:
    """Nobody approves a plan of their own, however they spell themselves."""
    with pytest.raises(PlanRefused, match="somebody else"):
        ledger.approve("p1", by="ana", made_by=author)

    assert ledger.approval("p1") is None


def test_approval_is_found_again(ledger: Ledger) -> None:
    """An approval says who and when."""
    ledger.approve("p1", by="berta", made_by="ana", plan_path="plan.json")

    found = ledger.approval("p1")

    assert found is not None
    assert (found.by, found.approved_at) == ("berta", NOON)


def test_one_order_for_an_original_across_plans(ledger: Ledger) -> None:
    """A second move for an original that is ordered gets the first one back, not a place."""
    lease = take(ledger)
    ledger.claim(claim_of("mv-1"), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART, MoveState.SENT, MoveState.ORDERED)

    other = ledger.claim(
        claim_of("mv-2", originals=("s0", "s1"), plan_hash="p2"), run_id="r", lease=lease
    )

    assert other is not None
    assert (other.move_id, other.state) == ("mv-1", MoveState.ORDERED)


def test_the_database_itself_refuses_a_second_order(ledger: Ledger) -> None:
    """Hand-written SQL cannot reserve an original twice either."""
    lease = take(ledger)
    ledger.claim(claim_of("mv-1"), run_id="r", lease=lease)
    ledger.claim(claim_of("mv-2", originals=("s2",)), run_id="r", lease=lease)

    with pytest.raises(LedgerError, match=r"refused by its own rules: (UNIQUE|duplicate)"):
        raw(ledger, "UPDATE move_originals SET original = 's1' WHERE move_id = 'mv-2'")


def test_parts_of_one_original_stand_side_by_side(ledger: Ledger) -> None:
    """Several orders for one original are numbered and do not exclude each other."""
    lease = take(ledger)
    ledger.claim(claim_of("mv-1", part=1), run_id="r", lease=lease)

    second = ledger.claim(claim_of("mv-2", part=2), run_id="r", lease=lease)

    assert second is not None
    assert second.move_id == "mv-2"


def test_an_unsent_move_gives_way_to_a_newer_plan(ledger: Ledger) -> None:
    """A cart that was never sent holds nobody back."""
    lease = take(ledger)
    ledger.claim(claim_of("mv-1"), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART)

    newer = ledger.claim(
        claim_of("mv-2", originals=("s0", "s1"), plan_hash="p2"), run_id="r", lease=lease
    )

    older = ledger.move("mv-1")
    assert newer is not None and older is not None
    assert (newer.move_id, older.state) == ("mv-2", MoveState.REFUSED)


def test_a_changed_plan_drops_the_cart(ledger: Ledger) -> None:
    """A cart with the old seats is not checked out for a plan with new ones."""
    lease = take(ledger)
    ledger.claim(claim_of(), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART)

    row = ledger.claim(claim_of(seats=12, plan_hash="p2"), run_id="r", lease=lease)

    assert row is not None
    assert (row.state, row.cart_id, row.seats) == (MoveState.PLANNED, None, 12)


def test_what_was_sent_keeps_its_content(ledger: Ledger) -> None:
    """A newer plan cannot rewrite what may be ordered already."""
    lease = take(ledger)
    ledger.claim(claim_of(), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART, MoveState.SENT)

    row = ledger.claim(claim_of(seats=12, plan_hash="p2"), run_id="r", lease=lease)

    assert row is not None
    assert (row.state, row.seats, row.plan_hash) == (MoveState.SENT, 10, "p1")


def test_illegal_jumps_are_refused_by_the_database(ledger: Ledger) -> None:
    """Only the transitions of the state machine exist, also for SQL written by hand."""
    ledger.claim(claim_of(), run_id="r", lease=take(ledger))
    illegal = set(product(MoveState, MoveState)) - set(MOVE_TRANSITIONS)
    allowed = []
    for before, after in sorted(illegal - {(MoveState.PLANNED, MoveState.PLANNED)}):
        try:
            raw(ledger, f"UPDATE moves SET prev = '{before}', state = '{after}', order_id = 'o'")
        except LedgerError as error:
            assert "refused by its own rules" in str(error)
        else:
            allowed.append((before, after))

    assert allowed == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE moves SET state = 'cart', prev = 'planned'",
        "INSERT INTO moves (move_id, state) VALUES ('x', 'ordered')",
        "UPDATE moves SET seats = 0",
        "UPDATE moves SET service = 'tenant:x'",
        "DELETE FROM moves",
        "UPDATE events SET subject = 'x'",
        "DELETE FROM events",
        "UPDATE approvals SET by = 'x'",
        "INSERT INTO binding VALUES (2, 'tenant:x', '2026-01-01')",
    ],
)
def test_hand_written_sql_cannot_break_the_rules(ledger: Ledger, statement: str) -> None:
    """A state needs its evidence, events stay, and nothing is deleted."""
    ledger.approve("p1", by="berta", made_by="ana")
    ledger.claim(claim_of(), run_id="r", lease=take(ledger))

    with pytest.raises(LedgerError):
        raw(ledger, statement)


def test_a_cart_and_an_order_belong_to_one_move(ledger: Ledger) -> None:
    """The same cart or order can never stand for two moves."""
    lease = take(ledger)
    for move_id, original in (("mv-1", "s1"), ("mv-2", "s2")):
        ledger.claim(claim_of(move_id, originals=(original,)), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART)

    with pytest.raises(LedgerError, match=r"(?i)unique constraint.*cart_id"):
        ledger.advance(
            "mv-2",
            MoveState.PLANNED,
            MoveState.CART,
            run_id="r",
            lease=lease,
            cart_id="cart-mv-1",
        )


@pytest.mark.parametrize("whom", [CUSTOMER, "*"])
def test_a_hold_stops_the_next_call(ledger: Ledger, whom: str) -> None:
    """A hold is seen inside the transaction that would let a call out."""
    lease = take(ledger)
    intent = Intent("mv-1", CUSTOMER, "cart", "/carts", {"seats": 1})
    ledger.hold(whom, reason="customer asked", by="ana")

    stopped = ledger.intend(intent, run_id="r", lease=lease)
    ledger.release(whom, by="ana")

    assert stopped is None
    assert ledger.intend(intent, run_id="r", lease=lease) is not None


def test_silence_keeps_the_request_id(ledger: Ledger) -> None:
    """A call that was never answered is repeated under the same id; any answer renews it."""
    lease = take(ledger)
    intent = Intent("mv-1", CUSTOMER, "checkout", "/carts/c/checkout", None)
    ids = []
    for outcome in (None, "unclear", "refused", "done"):
        call = ledger.intend(intent, run_id="r", lease=lease)
        assert call is not None
        ids.append(call.request_id)
        if outcome:
            ledger.settle(call, outcome)
    last = ledger.intend(intent, run_id="r", lease=lease)
    assert last is not None

    assert ids[0] == ids[1] == ids[2]
    assert len({*ids, last.request_id}) == 3


def test_another_body_for_an_open_call_is_refused(ledger: Ledger) -> None:
    """The same request id never carries two bodies."""
    lease = take(ledger)
    ledger.intend(Intent("mv-1", CUSTOMER, "gdap", "/x", {"a": 1}), run_id="r", lease=lease)

    with pytest.raises(LedgerError, match="had another body"):
        ledger.intend(Intent("mv-1", CUSTOMER, "gdap", "/x", {"a": 2}), run_id="r", lease=lease)


def test_a_call_of_a_dead_run_becomes_unclear(ledger: Ledger) -> None:
    """Intent without outcome means: ask the service, never assume."""
    lease = take(ledger)
    intent = Intent("mv-1", CUSTOMER, "cart", "/carts", {})
    ledger.intend(intent, run_id="r", lease=lease)
    ledger.intend(intent, run_id="r2", lease=lease)

    assert [call.outcome for call in ledger.calls("mv-1", "cart")] == ["unclear", None]


def test_an_outcome_is_written_once(ledger: Ledger) -> None:
    """A second outcome of the same call changes nothing."""
    call = ledger.intend(Intent("mv-1", CUSTOMER, "cart", "/c", {}), run_id="r", lease=take(ledger))
    assert call is not None
    ledger.settle(call, "done", status=201)
    ledger.settle(call, "refused", status=400)

    assert [one.outcome for one in ledger.calls("mv-1", "cart")] == ["done"]


def test_send_is_one_transaction(ledger: Ledger) -> None:
    """The state says sent exactly when the intent to check out is written."""
    lease = take(ledger)
    ledger.claim(claim_of(), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART)
    row = ledger.move("mv-1")
    assert row is not None

    call = ledger.send(row, "/carts/c/checkout", run_id="r", lease=lease)

    sent = ledger.move("mv-1")
    assert call is not None and sent is not None
    assert (sent.state, sent.sent_at) == (MoveState.SENT, NOON)


def test_a_person_adopts_an_order(ledger: Ledger) -> None:
    """Settling by hand needs a name and a reason and keeps both."""
    lease = take(ledger)
    ledger.claim(claim_of(), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART, MoveState.SENT, MoveState.HUMAN)
    with pytest.raises(LedgerError, match="a name and a reason"):
        ledger.settle_by_hand("mv-1", by="ana", reason=" ", order_id="o-7")

    ledger.settle_by_hand("mv-1", by="ana", reason="seen in the portal", order_id="o-7")

    row = ledger.move("mv-1")
    assert row is not None
    assert (
        row.state,
        row.order_id,
        row.reason,
    ) == (MoveState.ORDERED, "o-7", "ana: seen in the portal")


def test_an_adopted_order_has_nothing_of_the_one_before(ledger: Ledger) -> None:
    """Seats are looked for under the new order, never under what an earlier one made."""
    lease = take(ledger)
    ledger.claim(claim_of(), run_id="r", lease=lease)
    ordered = (MoveState.CART, MoveState.SENT, MoveState.ORDERED)
    walk(ledger, lease, *ordered, MoveState.PROVISIONED, MoveState.HUMAN)

    ledger.settle_by_hand("mv-1", by="ana", reason="ordered anew", order_id="o-7")

    row = ledger.move("mv-1")
    assert row is not None
    assert (row.order_id, row.subscription_id) == ("o-7", None)


def test_a_person_confirms_that_there_is_no_order(ledger: Ledger) -> None:
    """Then, and only then, the move is planned again with a new cart."""
    lease = take(ledger)
    ledger.claim(claim_of(), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART, MoveState.SENT, MoveState.HUMAN)

    ledger.settle_by_hand("mv-1", by="ana", reason="audit shows nothing")

    row = ledger.move("mv-1")
    assert row is not None
    assert (row.state, row.cart_id) == (MoveState.PLANNED, None)


def test_customer_steps_only_go_forward(ledger: Ledger) -> None:
    """A step that is done is not asked for again; only access can end, and then it is."""
    lease = take(ledger)
    first = ledger.step(CUSTOMER, "relationship")
    ledger.advance_step(first, StepState.ASKED, run_id="r", lease=lease)
    stale = ledger.advance_step(first, StepState.DONE, run_id="r", lease=lease)
    asked = ledger.step(CUSTOMER, "relationship")
    ledger.advance_step(asked, StepState.DONE, run_id="r", lease=lease)

    assert not stale
    assert StepState.DONE is ledger.step(CUSTOMER, "relationship").state
    with pytest.raises(LedgerError):
        raw(ledger, "UPDATE steps SET prev = 'done', state = 'asked'")
    access = ledger.step(CUSTOMER, "access")
    ledger.advance_step(access, StepState.DONE, run_id="r", lease=lease)
    ended = ledger.step(CUSTOMER, "access")
    assert ledger.advance_step(ended, StepState.ASKED, run_id="r", lease=lease)


def test_a_letter_is_claimed_once(ledger: Ledger) -> None:
    """The second to ask gets the letter of the first."""
    about = {"language": "es", "run_id": "r"}
    first = ledger.claim_letter(CUSTOMER, "invitation", file="a.eml", **about)
    ledger.letter_written(first, run_id="r")

    second = ledger.claim_letter(CUSTOMER, "invitation", file="b.eml", **about)

    assert (second.file, second.written_at) == ("a.eml", NOON)


def test_frames_have_their_columns_when_empty(ledger: Ledger) -> None:
    """A report on an empty ledger finds every column, with its type."""
    frames = [ledger.moves(), ledger.steps(), ledger.runs(), ledger.approvals()]

    assert all(frame.empty for frame in frames)
    assert str(ledger.moves()["ordered_at"].dtype) == "datetime64[us, UTC]"
    assert {"state", "seats", "subscription_ids"} <= set(ledger.moves().columns)


def test_frames_show_what_happened(ledger: Ledger) -> None:
    """The moves frame joins the originals to their move."""
    ledger.claim(claim_of(originals=("s1", "s0")), run_id="r", lease=take(ledger))

    shown = ledger.moves().iloc[0]

    assert (
        shown["move_id"],
        shown["subscription_ids"],
        shown["state"],
        shown["seats"],
    ) == ("mv-1", "s0 s1", "planned", 10)
