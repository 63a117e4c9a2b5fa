"""Reconcile: whatever the two books do not agree on is found, said in one line, and left alone."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from cspkit import partner_center as pc
from cspkit import reconciling, runbooks
from cspkit.cli import main
from cspkit.errors import LedgerError
from cspkit.ledger import backups
from cspkit.moves.readback import friendly_name
from cspkit.partner_center import PartnerCenter
from cspkit.reconciling import Difference, Kind
from cspkit.rehearsal.records import PARTNER_TENANT, Subscription
from cspkit.settings import FILE
from cspkit.wire import FixedTokens, Wire
from tests import scene as scenes
from tests.ledgers import NOON
from tests.scene import Scene

WRITES = ("POST", "PATCH", "PUT", "DELETE")


def carried_through(scene: Scene) -> Scene:
    """Order and verify one move."""
    scene.plan(scene.with_access(), auto_renew=True)
    assert scene.outcome("provision") == "done"
    assert scene.outcome("verify") == "done"
    return scene


@pytest.fixture
def done(scene: Scene) -> Scene:
    """One move that was ordered and verified."""
    return carried_through(scene)


@pytest.fixture(scope="module")
def settled() -> Iterator[Scene]:
    """The same for tests that leave everything as they found it."""
    with scenes.scene() as made:
        carried_through(made).later(minutes=46)
        yield made


@contextmanager
def other(thing: Any, **values: Any) -> Iterator[None]:
    """Let the world be otherwise for a while."""
    before = {name: getattr(thing, name) for name in values}
    for name, value in values.items():
        setattr(thing, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(thing, name, value)


@contextmanager
def faulty(scene: Scene, **fault: Any) -> Iterator[None]:
    """Let calls go wrong for a while."""
    scene.server.gate.faults.add({"times": None, **fault})
    try:
        yield
    finally:
        scene.server.gate.faults.clear()


def reconcile(scene: Scene, **how: Any) -> reconciling.Work:
    """Reconcile once and close, as the command does; what is asked for goes to its place."""
    opening = {name: how.pop(name) for name in ("plan", "mode", "batch") if name in how}
    work = reconciling.begin(scene.settings, **opening)
    try:
        work.carry_out(**how)
    finally:
        work.close()
    return work


def differing(scene: Scene, **how: Any) -> list[Difference]:
    return reconcile(scene, **how).differences


def kinds(scene: Scene, **how: Any) -> list[str]:
    return [one.kind.value for one in differing(scene, **how)]


def partner(scene: Scene) -> PartnerCenter:
    """A person of the partner at the same service, past our ledger."""
    return PartnerCenter(Wire(scene.server.url, tokens=FixedTokens(), audience="x"), PARTNER_TENANT)


def buy(scene: Scene, *, name: str | None = None, seats: int | None = None) -> str:
    """Order past the ledger what the only move would order; give the order's id."""
    (move,) = scene.moves
    one, product = partner(scene), move.target_offer.split(":")
    item = next(
        found.catalog_item_id
        for found in one.availabilities(move.customer_id, *product)
        if found.sells(move.term)
    )
    body = pc.cart_body(
        item,
        seats=seats or move.seats,
        term=move.term,
        billing_cycle=move.billing_cycle,
        friendly_name=friendly_name("bought", move.move_id) if name is None else name,
    )
    number = len(scene.orders)
    cart = one.create_cart(pc.cart_path(move.customer_id), body, f"cart-{number}")
    path = pc.checkout_path(move.customer_id, cart.id)
    return one.check_out(path, f"checkout-{number}").orders[0].id


def sold(scene: Scene, number: int = -1) -> Subscription:
    """The subscription of one of the orders in the books."""
    order = scene.orders[number]
    return scene.world.subscriptions[order["customer_id"]][order["subscription_id"]]


def change(scene: Scene, body: Any) -> None:
    """Let somebody change the newest replacement at the service."""
    mine, one = sold(scene), partner(scene)
    found = one.subscription(mine.customer_id, mine.id)
    assert found is not None
    one.change_subscription(pc.change_path(mine.customer_id, mine.id), body(found), str(uuid4()))


def writes(scene: Scene) -> dict[str, int]:
    return {call: count for call, count in scene.books["calls"].items() if call.startswith(WRITES)}


# nothing to find


def test_what_was_done_right_differs_in_nothing(settled: Scene) -> None:
    """Ordered, delivered and verified: both books say the same, however often they are asked."""
    before = writes(settled)

    assert [reconcile(settled).exit_code for _ in range(2)] == [0, 0]
    assert before == writes(settled)


def test_nothing_is_read_for_customers_with_whom_nothing_was_done(scene: Scene) -> None:
    """A plan alone is no reason to ask for its customers' lists."""
    scene.plan(scene.ready())
    work = reconcile(scene)

    assert (work.exit_code, work.found.customers) == (0, [])
    assert scene.calls("GET", "/orders") == 0


def test_lists_are_read_once_for_a_customer(settled: Scene) -> None:
    """Two lists of Partner Center and two of the tenant; the audit is one list for all."""
    before = settled.books["calls"]
    reconcile(settled)
    after = settled.books["calls"]

    more = {call: count - before.get(call, 0) for call, count in after.items()}
    assert {call: count for call, count in more.items() if count} == {
        "GET /graph/v1.0/directory/subscriptions": 1,
        "GET /graph/v1.0/subscribedskus": 1,
        "GET /v1/auditrecords": 1,
        "GET /v1/customers/<customer_id>/orders": 1,
        "GET /v1/customers/<customer_id>/subscriptions": 1,
    }


def test_an_order_that_the_list_still_hides_is_not_lost() -> None:
    """For a quarter of an hour an order is in no list; the settle window waits for it."""
    with scenes.scene(order_listed=(14, 14), order_completed=(14, 14)) as scene:
        scene.plan(scene.ready())
        scene.outcome("provision")
        found = []
        for _ in range(5):
            found.append(reconcile(scene).exit_code)
            scene.later(minutes=13)

    assert found == [0] * 5


# orders


@pytest.mark.parametrize("name", [None, "bought by hand"])
def test_two_orders_for_one_move_are_a_double_order(done: Scene, name: str | None) -> None:
    """Told by the word of the move, or by offer, seats and dates; with ids and the limit."""
    extra = buy(done, name=name)
    (found,) = differing(done)

    assert (Kind.DOUBLE_ORDER, done.moves[0].move_id) == (found.kind, found.subject)
    assert {done.orders[0]["order_id"], extra} <= set(found.evidence)
    assert "can be cancelled until 2026-11-30" in found.service
    assert f"cspkit hold {done.moves[0].customer_id}" in found.to_do


def test_a_double_order_that_was_cancelled_is_settled(done: Scene) -> None:
    """Once the extra subscription is deleted there is one order again."""
    buy(done)
    change(done, lambda found: pc.with_status(found, "deleted"))

    assert kinds(done) == []


def test_what_others_buy_is_no_double_order(done: Scene) -> None:
    """Other seats without our word are somebody else's business."""
    buy(done, name="by hand [abc]", seats=done.moves[0].seats + 1)

    assert kinds(done) == []


def test_the_same_bought_long_after_is_no_double_order(done: Scene) -> None:
    """By content alone only what was bought about then can be a second order of the move."""
    done.later(days=9)
    buy(done, name="the same again")

    assert kinds(done) == []


@pytest.mark.parametrize("name", [None, "bought by hand"])
def test_a_stranger_is_found_and_its_move_orders_nothing(scene: Scene, name: str | None) -> None:
    """An order that no ledger placed stops its move for a person, who adopts it."""
    scene.plan(scene.ready())
    scene.fault("refuse", "*/carts", status=400, code=2000)
    scene.outcome("provision")
    stranger = buy(scene, name=name)
    (found,) = differing(scene)

    assert (Kind.ORPHAN_ORDER, scene.moves[0].move_id) == (found.kind, found.subject)
    assert f"cspkit adopt {scene.moves[0].move_id} {stranger}" in found.to_do
    assert (scene.outcome("provision"), len(scene.orders)) == ("human", 1)
    with scene.ledger() as ledger:
        ledger.settle_by_hand(found.subject, by="Ana", reason="seen", order_id=stranger)
    assert (scene.outcome("provision"), len(scene.orders)) == ("done", 1)
    assert kinds(scene) == []


def test_what_a_person_refused_by_content_is_not_asked_again(scene: Scene) -> None:
    """Whoever confirms that an order is not the move's own has looked at it."""
    scene.plan(scene.ready())
    scene.fault("refuse", "*/carts", status=400, code=2000)
    scene.outcome("provision")
    buy(scene, name="by hand")
    scene.later(hours=1)
    assert kinds(scene) == ["orphan_order"]
    with scene.ledger() as ledger:
        ledger.settle_by_hand(scene.moves[0].move_id, by="Ana", reason="another department's")

    assert kinds(scene) == []


def test_a_lost_order_is_told_after_the_settle_window(done: Scene) -> None:
    """The ledger says ordered, and the service knows of no such order."""
    order = done.orders[0]
    del done.world.orders[order["customer_id"]][order["order_id"]]
    first = kinds(done)
    done.later(minutes=46)

    assert (first, kinds(done)) == ([], ["lost_order"])


def test_a_checkout_without_an_outcome_is_stuck_after_the_settle_window(scene: Scene) -> None:
    """A run that died between intent and answer is told once silence means something."""
    scene.plan(scene.ready())
    for _ in range(2):
        scene.fault("reset")
    assert scene.outcome("provision") == "waiting"
    first = kinds(scene)
    scene.later(minutes=46)
    (found,) = differing(scene)

    assert (first, found.kind) == ([], Kind.STUCK_MOVE)
    assert "cspkit run provision" in found.to_do
    assert scene.outcome("provision") == "done"
    assert kinds(scene) == []


class Busy(FixedTokens):
    """Tokens that let another operator work between two calls of ours."""

    def __init__(self, work: Callable[[], object], *, before_call: int) -> None:
        self.left, self.work = before_call, work

    def token(self, audience: str, tenant: str, user: bool) -> str:
        self.left -= 1
        if self.left == 0:
            self.work()
        return super().token(audience, tenant, user)


def test_an_order_placed_meanwhile_is_no_stranger(scene: Scene) -> None:
    """The ledger is read after the service, so that it is never older than the lists."""
    scene.plan(scene.ready())
    for _ in range(2):
        scene.fault("reset")
    scene.outcome("provision")
    scene.later(minutes=46)
    busy = Busy(lambda: scene.outcome("provision"), before_call=2)
    work = reconciling.begin(scene.settings, tokens=busy)
    work.carry_out()
    work.close()

    assert (len(scene.orders), work.exit_code) == (1, 0)


def test_an_order_of_something_else_differs(settled: Scene) -> None:
    """What was ordered is compared with what was to be ordered."""
    order = settled.orders[0]
    line = settled.world.orders[order["customer_id"]][order["order_id"]].lines[0]
    with other(line, term="P3Y"):
        (found,) = differing(settled)

    assert (found.kind, found.service) == (Kind.ORDER_DIFFERS, "term 'P3Y'")


def test_seats_that_we_took_back_ourselves_are_no_difference(done: Scene) -> None:
    """The order says what it once was; the subscription and the ledger say what is."""
    with done.ledger() as ledger:
        (row,) = ledger.move_rows()
        lease = ledger.lease(row.customer_id, "test")
        assert ledger.resize(row, row.seats - 1, run_id="r", lease=lease, reason="undone")
        ledger.release_lease(lease)
    change(done, lambda found: pc.with_seats(found, found.seats - 1))

    assert kinds(done) == []


def test_a_move_that_waits_for_a_person_is_told_with_its_candidates(scene: Scene) -> None:
    """Until somebody settles it, it is said each day, with the command that does."""
    scene.plan(scene.ready())
    for _ in range(2):
        scene.fault("reset")
    scene.outcome("provision")
    for _ in range(2):
        buy(scene)
    assert scene.outcome("provision") == "human"
    found = {one.kind: one for one in differing(scene)}

    assert "cspkit confirm-absent" in found[Kind.WAITS_FOR_PERSON].to_do
    assert len(scene.orders) == len(found[Kind.DOUBLE_ORDER].evidence) - 2


# replacements


def test_seats_that_somebody_changed_are_told(settled: Scene) -> None:
    """With who did it and when, by the service's own audit."""
    seats = settled.moves[0].seats
    change(settled, lambda found: pc.with_seats(found, seats + 4))
    (found,) = differing(settled)
    sold(settled).seats = seats

    assert (found.kind, found.ledger) == (Kind.SEATS_DIFFER, f"{seats} seats")
    assert f"{seats + 4} seats (update_subscription by agent@" in found.service


def test_a_replacement_that_somebody_suspended_is_told(settled: Scene) -> None:
    """Users may be without licences soon, so it stands among the first, with who did it."""
    change(settled, lambda found: pc.with_status(found, "suspended"))
    found = differing(settled)
    sold(settled).status, sold(settled).auto_renew = "active", True

    assert (found[0].kind, found[0].service[:9]) == (Kind.SUBSCRIPTION_ENDED, "suspended")
    assert "suspend_subscription by agent@partner.example" in found[0].service


def test_a_replacement_that_is_deleted_is_told(settled: Scene) -> None:
    """By whomever, and also where no audit says by whom."""
    with other(sold(settled), status="deleted"):
        found = differing(settled)

    assert (found[0].kind, found[0].service) == (Kind.SUBSCRIPTION_ENDED, "deleted")


def test_auto_renew_other_than_planned_is_told(settled: Scene) -> None:
    """A replacement that would end with its term, where it was to renew."""
    with other(sold(settled), auto_renew=False):
        (found,) = differing(settled)

    assert (found.kind, found.ledger) == (Kind.AUTO_RENEW_DIFFERS, "auto-renew on")


def test_a_pool_below_its_use_is_told(settled: Scene) -> None:
    """More licences in use than seats: somebody is about to lose service."""
    mine = sold(settled)
    pool = (mine.customer_id, mine.product.sku_id)
    settled.world.consumed[pool] += 10_000
    (found,) = differing(settled)
    settled.world.consumed[pool] -= 10_000

    assert (found.kind, found.subject) == (Kind.POOL_BELOW, mine.product.sku_id)


def test_a_subscription_that_is_gone_is_told(settled: Scene) -> None:
    """The order is there and what it made is not."""
    with other(sold(settled), owner_tenant="somebody-else"):
        assert kinds(settled) == ["lost_subscription"]


def test_a_customer_who_left_is_told(settled: Scene) -> None:
    """A relationship that was ended is no failure of the service."""
    with other(settled.world.customers[settled.moves[0].customer_id], related_at=None):
        work = reconcile(settled)

    assert [one.kind for one in work.differences] == [Kind.CUSTOMER_GONE]
    assert (work.exit_code, work.found.unread) == (1, {})


# a service that fails


def test_a_customer_that_cannot_be_read_is_no_clean_customer(settled: Scene) -> None:
    """What was not read is neither lost nor in order."""
    with faulty(settled, kind="refuse", status=400, code=2000, route="*/orders"):
        work = reconcile(settled)

    assert (work.exit_code, work.differences) == (4, [])
    assert [settled.moves[0].customer_id] == list(work.found.unread)


def test_a_list_with_a_strange_line_proves_nothing(settled: Scene) -> None:
    """An order that cannot be read may be any order."""
    with faulty(settled, kind="strange", route="*/orders", method="GET"):
        work = reconcile(settled)

    assert Kind.LOST_ORDER not in [one.kind for one in work.differences]


# a ledger that may not be written


def restored(scene: Scene, *, order: bool) -> None:
    """Put an older copy of the ledger back, from before an order or before something smaller."""
    file = scene.settings.root / "ledger.db"
    scene.plan(scene.ready())
    copy = backups.take(file, "test", NOON)
    if order:
        scene.outcome("provision")
    else:
        with scene.ledger() as ledger:
            ledger.approve("another", by="berta")
    shutil.copy(copy, file)


def closed(scene: Scene) -> bool:
    with scene.ledger() as ledger:
        return bool(ledger.distrust)


def test_a_restored_ledger_that_forgot_an_order_stays_closed(scene: Scene) -> None:
    """Books that differ are never trusted without a word, and nothing is written."""
    restored(scene, order=True)
    work = reconcile(scene)

    assert [one.kind for one in work.differences] == [Kind.ORPHAN_ORDER]
    assert (work.exit_code, closed(scene)) == (1, True)
    with pytest.raises(LedgerError):
        scene.run("provision")
    assert len(scene.orders) == 1


def test_a_person_opens_it_and_what_was_forgotten_is_not_ordered_again(scene: Scene) -> None:
    """With a name and a reason the ledger opens, and each forgotten order stops its move."""
    restored(scene, order=True)
    work = reconcile(scene, plan=scene.plan_file, by="Ana", reason="the disk broke")
    (order,) = scene.orders

    assert (work.trusted, closed(scene)) == (True, False)
    assert scene.outcome("provision") == "human"
    with scene.ledger() as ledger:
        ledger.settle_by_hand(
            scene.moves[0].move_id, by="Ana", reason="its own", order_id=order["order_id"]
        )
    assert (scene.outcome("provision"), len(scene.orders)) == ("done", 1)
    assert reconcile(scene).exit_code == 0


def test_a_restored_ledger_that_lacks_no_order_is_trusted_again(scene: Scene) -> None:
    """When the service has nothing that the ledger does not know, it goes on."""
    restored(scene, order=False)

    assert closed(scene)
    work = reconcile(scene)
    assert (work.exit_code, work.trusted, closed(scene)) == (0, True, False)
    assert scene.outcome("provision") == "done"


def test_an_order_that_only_the_audit_shows_keeps_the_ledger_closed() -> None:
    """The list hides it for a quarter of an hour; trusting now would order it twice."""
    with scenes.scene(order_listed=(14, 14)) as scene:
        restored(scene, order=True)

        assert kinds(scene) == ["hidden_order"]
        assert closed(scene)


def test_a_copied_ledger_is_opened_only_by_a_person(done: Scene) -> None:
    """No comparison sees that the other copy is still used, so somebody must say so."""
    file = done.settings.root / "ledger.db"
    moved = file.with_name("copy.db")
    shutil.copy(file, moved)
    done.settings = done.settings.model_copy(
        update={"paths": done.settings.paths.model_copy(update={"ledger": "sqlite:///copy.db"})}
    )
    first = reconcile(done)
    second = reconcile(done, by="Ana", reason="the old disk is gone")

    assert (first.exit_code, first.trusted, first.differences) == (1, False, [])
    assert (second.exit_code, second.trusted) == (0, True)


def test_without_any_ledger_every_order_of_ours_is_a_stranger(done: Scene) -> None:
    """A ledger that was deleted is noticed, and none is made."""
    file = done.settings.root / "ledger.db"
    file.unlink()

    assert kinds(done) == ["orphan_order"]
    assert not file.exists()


def test_a_dry_run_writes_nothing(done: Scene) -> None:
    """In mode dry the ledger is as it was before, whatever differs."""
    buy(done)
    before = (done.settings.root / "ledger.db").read_bytes()

    assert kinds(done, mode="dry") == ["double_order"]
    assert before == (done.settings.root / "ledger.db").read_bytes()


def test_what_was_seen_is_in_the_log(done: Scene) -> None:
    """Each difference is an event of the run's chain, with its ids."""
    extra = buy(done)
    reconcile(done)
    with done.ledger() as ledger:
        events = ledger.events().query("kind == 'differs'")
        assert ledger.verify() == []

    (detail,) = events["detail"]
    assert extra in json.loads(detail)["evidence"]


# the command


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Call the command as a shell does, in a scene's workspace; give exit code and outputs."""

    def call(scene: Scene, *words: str) -> tuple[int, str, str]:
        service = scene.settings.service
        text = (
            f'[service]\npartner_center = "{service.partner_center}"\ngraph = "{service.graph}"\n'
            f'[paths]\nledger = "{scene.settings.paths.ledger}"\n'
        )
        (scene.settings.root / FILE).write_text(text, encoding="utf-8")
        monkeypatch.chdir(scene.settings.root)
        monkeypatch.setattr(sys, "argv", ["cspkit", *(words or ("reconcile",))])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return call


Command = Callable[..., tuple[int, str, str]]


def test_the_command_says_each_difference_in_one_line(done: Scene, command: Command) -> None:
    """Exit 1, one line each, the same as a file and as JSON."""
    buy(done)
    code, lines, _ = command(done, "reconcile", "--out", "found.csv")
    again, text, _ = command(done, "reconcile", "--json")

    assert (code, again) == (1, 1)
    assert lines.startswith(f"double_order {done.moves[0].move_id} of ")
    assert "double_order" in (done.settings.root / "found.csv").read_text(encoding="utf-8")
    (found,) = json.loads(text)["differences"]
    assert list(reconciling.COLUMNS) == list(found)


def test_the_command_tells_a_service_that_fails(settled: Scene, command: Command) -> None:
    """Exit 4 and one line, and the ledger is as it was."""
    with faulty(settled, kind="refuse", status=400, code=2000, route="*/auditrecords"):
        code, said, error = command(settled)

    assert (code, said, error.count("\n")) == (4, "", 1)


def test_the_command_is_quiet_where_nothing_differs(settled: Scene, command: Command) -> None:
    """Exit 0 and one line for who looks each morning."""
    assert command(settled) == (0, "1 customers compared: no differences\n", "")


def test_status_says_what_waits_for_a_person(scene: Scene, command: Command) -> None:
    """Holds and moves, each with its command, and when the books were compared last."""
    scene.plan(scene.ready())
    scene.fault("refuse", "*/carts", status=400, code=2000)
    scene.outcome("provision")
    buy(scene)
    reconcile(scene)
    with scene.ledger() as ledger:
        ledger.hold(scene.moves[0].customer_id, reason="dispute", by="Ana")
    _, lines, _ = command(scene, "status")
    _, text, _ = command(scene, "status", "--json")
    told = json.loads(text)

    assert [one["what"] for one in told["waiting"]] == ["hold", "move"]
    assert (told["moves"], told["reconciled"]["customers"]) == ({"human": 1}, {"failed": 1})
    assert "waiting for a person: 2\n" in lines
    assert f"cspkit adopt {scene.moves[0].move_id} ORDER" in lines


# the runbook


def test_the_runbook_does_the_same_and_leaves_a_receipt(done: Scene) -> None:
    """By the same function, without a batch, and with what differs counted as failed."""
    buy(done)
    receipt = runbooks.run(
        "reconcile", plan=done.plan_file, settings=done.settings, mode="rehearsal"
    )

    assert receipt.counts == {"failed": 1}
    assert "double_order" in receipt.html.read_text(encoding="utf-8")
    with done.ledger() as ledger:
        assert "reconcile" in set(ledger.runs()["step"])
