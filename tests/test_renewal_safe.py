"""No original begins another term: judged by the rehearsal's books, at the end of its term."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from cspkit import decisions, moves, reconciling
from cspkit.clock import FixedClock
from cspkit.ledger import EndRow, Ledger
from cspkit.moves import Work, opening
from cspkit.moves.renewal_safe import RenewalSafe
from cspkit.moves.rows import Subject
from cspkit.planning import Plan
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.tables import EndState, Mode
from cspkit.wire import FixedTokens
from tests import scene as scenes
from tests.scene import MONDAY, Scene

STEP = "renewal-safe"


def originals(scene: Scene, channel: str) -> list[Subscription]:
    """Yearly originals of a channel that renew in a while, each of a customer of ours."""
    found = [
        one
        for held in scene.world.subscriptions.values()
        for one in held.values()
        if (one.channel, one.status, one.is_trial) == (channel, "active", False)
        and one.ends_on > MONDAY + timedelta(days=10)
    ]
    for one in found:
        one.auto_renew = channel not in ("open", "ea", "mca_e")
        customer = scene.world.customers[one.customer_id]
        customer.related_at = customer.related_at or scene.world.now
        customer.direct_signed_at = customer.direct_signed_at or scene.world.now
    return found


def original(scene: Scene, channel: str, number: int = 0) -> Subscription:
    return originals(scene, channel)[number]


def planned(scene: Scene, *items: Subscription, rule: str = "", **changed: Any) -> None:
    """Plan one move for each original, by the rule of its channel."""
    scene.moves = [
        scene.move(
            scene.world.customers[item.customer_id],
            subscription_ids=[item.id],
            sku_id=item.product.sku_id,
            seats=min(item.seats, 300),
            rule=rule or item.channel,
            **{
                "expires_on": item.ends_on,
                "end_scheduled_by": item.ends_on,
                "last_safe_day": item.ends_on - timedelta(days=2),
                **changed,
            },
        )
        for item in items
    ]
    scene.save()


def end(scene: Scene, item: Subscription) -> EndRow:
    """How far the end of an original is in the ledger."""
    with scene.ledger() as ledger:
        found = ledger.end(item.customer_id, item.id)
    assert found is not None
    return found


def term_over(scene: Scene, item: Subscription) -> str:
    """Let the term end and say what the books tell about its renewal: renewed, extended or no."""
    scene.server.set_clock(scenes.at(item.ends_on + timedelta(days=2)))
    told = [one["how"] for one in scene.books["renewals"] if one["subscription_id"] == item.id]
    return str(told[0]) if told else "no"


def say(scene: Scene, item: Subscription, **cells: Any) -> None:
    """Type evidence as a person would."""
    typed = {
        "renewal_off_by": "Carmen",
        "renewal_off_on": scene.server.now().date(),
        "renewal_off_evidence": "screenshot in ticket 17",
        **cells,
    }
    decisions.fill(scene.settings.decisions, originals={item.id: typed})


def let_in(scene: Scene, customer: Customer) -> None:
    """The customer lets us into their billing."""
    said = {"billing_consent_by": "Carmen", "billing_consent_on": MONDAY}
    decisions.fill(scene.settings.decisions, customers={customer.id: said})


def killed() -> None:
    raise KeyboardInterrupt


class Between(HTTPAdapter):
    """Let something happen before or after each change leaves."""

    def __init__(
        self, *, before: Callable[[], object] = str, after: Callable[[], object] = str
    ) -> None:
        super().__init__()
        self._before, self._after = before, after

    def send(self, request: Any, *args: Any, **more: Any) -> Any:
        if request.method != "PATCH":
            return super().send(request, *args, **more)
        self._before()
        answer = super().send(request, *args, **more)
        self._after()
        return answer


class TakenOn(HTTPAdapter):
    """Take a change on without doing it yet, as the service may."""

    patches = 0

    def send(self, request: Any, *args: Any, **more: Any) -> Any:
        if request.method != "PATCH":
            return super().send(request, *args, **more)
        self.patches += 1
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 202, request, request.url
        answer._content = b""
        return answer


class Dying(Ledger):
    """A ledger whose run is killed when an end is about to change its state."""

    def advance_end(self, *_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt


def carried_out(scene: Scene, adapter: HTTPAdapter, *, dying: bool = False) -> list[str]:
    """Run the step over a wire of the test's own."""
    plan = Plan.read(scene.plan_file)
    desk = opening.open_desk(plan, Mode.REHEARSAL, scene.settings, FixedTokens(), adapter=adapter)
    if dying:
        desk.ledger.close()
        desk.ledger = Dying(scene.settings.ledger_url, clock=desk.clock)
    desk.run_id = desk.ledger.begin_run(STEP, mode=desk.mode, plan_hash=plan.hash)
    customers = {one.customer_id: one for one in plan.customers}
    subjects = [Subject(move.move_id, customers[move.customer_id], move) for move in scene.moves]
    try:
        return [str(one) for one in Work(desk, RenewalSafe(desk), subjects).carry_out()["outcome"]]
    finally:
        desk.close()


def outbox(scene: Scene) -> list[str]:
    return sorted(path.name for path in (scene.settings.reports / "outbox").glob("*.eml"))


def test_our_own_subscription_is_switched_off_and_ends(scene: Scene) -> None:
    """One PATCH of the whole resource; the term runs out, and nothing else of it changed."""
    item = original(scene, "csp_legacy")
    item.friendly_name, item.partner_id = "kept", "4847383"
    planned(scene, item)

    assert scene.outcome(STEP) == "done"

    found = end(scene, item)
    assert (found.state, found.way, found.seen_expires_on) == (
        *(EndState.SAFE, "patch"),
        item.ends_on,
    )
    assert (item.auto_renew, item.friendly_name, item.partner_id) == (False, "kept", "4847383")
    assert scene.calls("PATCH") == 1
    assert term_over(scene, item) == "no"


def test_without_this_step_it_renews(scene: Scene) -> None:
    """The books show what the step prevents."""
    item = original(scene, "csp_legacy")
    planned(scene, item)

    assert term_over(scene, item) == "renewed"


def test_running_it_again_sends_nothing(scene: Scene) -> None:
    """Once off it is only looked at."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    scene.run(STEP)

    assert scene.outcome(STEP) == "done"
    assert scene.calls("PATCH") == 1


def test_what_is_off_already_is_only_noted(scene: Scene) -> None:
    """Nothing is sent, and the ledger says that it was seen."""
    item = original(scene, "csp_legacy")
    item.auto_renew = False
    planned(scene, item)

    assert scene.outcome(STEP) == "done"
    assert (end(scene, item).way, scene.calls("PATCH")) == ("seen", 0)


def test_a_dry_run_shows_the_difference_and_changes_nothing(scene: Scene) -> None:
    """What is, what would be, and by which way."""
    item = original(scene, "csp_legacy")
    planned(scene, item)

    with scene.ledger() as ledger:
        before = len(ledger.events())
    work = moves.begin(STEP, plan=scene.plan_file, batch="B001", settings=scene.settings)
    shown = work.preview()
    outcome = work.carry_out()["outcome"].tolist()
    work.close()

    assert shown["would_do"].tolist() == ["switch auto-renew off"]
    assert shown["reason"].tolist() == [
        f"{item.id}: auto-renew on, ends on {item.ends_on} -> off, by patch"
    ]
    assert (outcome, scene.calls("PATCH"), item.auto_renew) == (["dry"], 0, True)
    with scene.ledger() as ledger:
        assert (len(ledger.ends()), len(ledger.events())) == (0, before)


@pytest.mark.parametrize("kind", ["lost", "after"])
def test_a_lost_answer_is_read_back(scene: Scene, kind: str) -> None:
    """Whatever became of the call, a look says it; at most one change reached the service."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    scene.server.gate.faults.add({"kind": kind, "method": "PATCH", "route": "*/subscriptions/*"})

    found = [scene.outcome(STEP) for _ in range(2)]

    assert found[-1] == "done"
    assert (end(scene, item).way, item.auto_renew) == ("patch", False)
    assert scene.calls("PATCH") <= 2


def test_a_change_by_somebody_else_in_between_is_not_overwritten(scene: Scene) -> None:
    """A stale etag is refused; it is read again, and sent once more with what is there now."""
    item = original(scene, "csp_legacy")
    planned(scene, item)

    def meddle() -> None:
        if item.friendly_name != "theirs":
            item.friendly_name, item.version = "theirs", item.version + 1

    assert carried_out(scene, Between(before=meddle)) == ["done"]
    assert (item.friendly_name, item.auto_renew, scene.calls("PATCH")) == ("theirs", False, 2)


def test_what_renewed_in_between_is_not_switched_off_blindly(scene: Scene) -> None:
    """The end that was checked is not there any more: that is for a new plan."""
    item = original(scene, "csp_legacy")
    planned(scene, item)

    def meddle() -> None:
        item.ends_on, item.version = item.ends_on + timedelta(days=365), item.version + 1

    assert carried_out(scene, Between(before=meddle)) == ["waiting"]
    assert "drifted" in scene.reason(STEP)
    assert (item.auto_renew, scene.calls("PATCH")) == (True, 1)


def test_a_killed_run_is_finished_by_the_next(scene: Scene) -> None:
    """Killed after the call and before the note: the next run sees it off, and knows by whom."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    with pytest.raises(KeyboardInterrupt):
        carried_out(scene, Between(after=killed))

    assert end(scene, item).state is EndState.OPEN
    assert scene.outcome(STEP) == "done"
    assert (end(scene, item).way, scene.calls("PATCH")) == ("patch", 1)


def test_what_the_service_takes_on_is_sent_once_and_awaited(scene: Scene) -> None:
    """202 is no promise of an end: it waits, and only what is read back counts."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    taken = TakenOn()

    assert carried_out(scene, taken) == ["waiting"]
    assert (taken.patches, end(scene, item).state) == (1, EndState.OPEN)


def test_switched_on_again_by_somebody_is_for_a_person_first(scene: Scene) -> None:
    """It is told once, with what was seen, before the next run switches it off again."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    scene.run(STEP)
    item.auto_renew, item.version = True, item.version + 1

    assert scene.outcome(STEP) == "human"
    assert (end(scene, item).state, scene.calls("PATCH")) == (EndState.OPEN, 1)
    assert "somebody switched it on again" in end(scene, item).reason
    assert scene.outcome(STEP) == "done"


def test_a_scheduled_new_term_is_taken_back_too(scene: Scene) -> None:
    """Auto-renew off beside a scheduled renewal would renew all the same."""
    item = original(scene, "csp_nce")
    item.auto_renew = False
    item.scheduled = [{"actionType": "RenewToNewTerm", "scheduleType": "TermEnd"}]
    planned(scene, item, rule="csp_nce_unclear")

    assert scene.outcome(STEP) == "done"
    assert (item.scheduled, scene.calls("PATCH")) == ([], 1)


def test_what_was_planned_for_the_next_term_stays(scene: Scene) -> None:
    """The whole resource goes back: what is left out would be reset without a word."""
    item = original(scene, "csp_nce")
    item.next_term, item.friendly_name = {"quantity": 3}, "kept"
    planned(scene, item, rule="csp_nce_unclear")

    assert scene.outcome(STEP) == "done"
    assert (item.auto_renew, item.next_term, item.friendly_name) == (False, {"quantity": 3}, "kept")


def test_an_extended_term_is_not_settled_by_switching_off(scene: Scene) -> None:
    """The books show the paid month that follows; the ledger keeps the fact for the last step."""
    item = original(scene, "csp_nce")
    item.starts_on = date(2026, 1, 1)
    planned(scene, item, rule="csp_nce_paid_month")
    scene.run(STEP)

    facts = end(scene, item).facts

    assert (facts["needs_scheduled_cancel"], facts["slides_into_paid_month"]) == (True, True)
    assert term_over(scene, item) == "extended"


def test_direct_licences_are_switched_off_where_the_customer_let_us_in(scene: Scene) -> None:
    """By Azure billing, with the customer's consent and a role there; no letter then."""
    item = original(scene, "direct_mca")
    planned(scene, item, rule="direct_mca_paid_month")
    let_in(scene, scene.world.customers[item.customer_id])

    assert scene.outcome(STEP) == "done"
    assert (end(scene, item).way, item.auto_renew, outbox(scene)) == ("azure", False, [])
    assert term_over(scene, item) != "renewed"


def test_without_consent_nobody_looks_into_their_billing(scene: Scene) -> None:
    """A right that happens to be there is not used: the customer is asked by letter."""
    item = original(scene, "direct_mca")
    planned(scene, item, rule="direct_mca_paid_month")

    assert scene.outcome(STEP) == "waiting"
    assert (len(outbox(scene)), item.auto_renew) == (1, True)
    assert not [route for route in scene.books["calls"] if "/azure" in route]


def test_consent_without_access_falls_back_to_the_letter(scene: Scene) -> None:
    """Who let us in and gave no role is asked to do it."""
    item = original(scene, "direct_mca")
    customer = scene.world.customers[item.customer_id]
    customer.billing_role = False
    planned(scene, item, rule="direct_mca_paid_month")
    let_in(scene, customer)

    assert scene.outcome(STEP) == "waiting"
    assert end(scene, item).state is EndState.ASKED


def test_a_letter_goes_out_once_and_evidence_makes_it_safe(scene: Scene) -> None:
    """Asked, asked about, and safe once a person typed who saw it, when and how."""
    item = original(scene, "direct_mosa")
    planned(scene, item)

    assert [scene.outcome(STEP), scene.outcome(STEP)] == ["waiting", "waiting"]
    assert len(outbox(scene)) == 1
    say(scene, item)

    assert scene.outcome(STEP) == "done"
    found = end(scene, item)
    assert (found.state, found.way) == (EndState.SAFE, "evidence")
    assert "by Carmen: screenshot in ticket 17" in found.facts["renewal_off"]


def test_evidence_of_tomorrow_proves_nothing(scene: Scene) -> None:
    """What has not happened yet is no evidence."""
    item = original(scene, "direct_mosa")
    planned(scene, item)
    say(scene, item, renewal_off_on=MONDAY + timedelta(days=1))

    assert scene.outcome(STEP) == "waiting"


def renewed(scene: Scene, item: Subscription) -> None:
    """It renewed for a year, somebody saw it, and a new plan knows its new end."""
    item.ends_on, item.version = item.ends_on + timedelta(days=365), item.version + 1
    with Ledger(scene.settings.ledger_url, clock=FixedClock(scene.server.now())) as ledger:
        lease = ledger.lease(item.customer_id, "ana@here:x:1")
        row = ledger.track_end(item.customer_id, item.id, expires_on=item.ends_on, run_id="r")
        assert ledger.advance_end(row, EndState.RENEWED, run_id="r", lease=lease)
        ledger.release_lease(lease)
    planned(scene, item)


def test_what_renewed_all_the_same_is_switched_off_for_its_next_end(scene: Scene) -> None:
    """A new plan, a new end: the renewal after next is stopped like the first one."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    renewed(scene, item)

    assert scene.outcome(STEP) == "done"
    assert (end(scene, item).state, item.auto_renew) == (EndState.SAFE, False)


def test_who_let_it_renew_is_asked_again_and_old_evidence_is_worth_nothing(scene: Scene) -> None:
    """A letter for each end of a term: what was seen before the renewal did not stop it."""
    item = original(scene, "direct_mosa")
    planned(scene, item)
    scene.run(STEP)
    say(scene, item, renewal_off_on=MONDAY)
    renewed(scene, item)
    say(scene, item, renewal_off_on=MONDAY)

    assert scene.outcome(STEP) == "waiting"
    assert (end(scene, item).state, len(outbox(scene))) == (EndState.ASKED, 2)


def test_a_service_is_believed_rather_than_a_cell(scene: Scene) -> None:
    """Evidence for what is shown to be on is not taken: it is switched off."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    say(scene, item)

    assert scene.outcome(STEP) == "done"
    assert (end(scene, item).way, item.auto_renew) == ("patch", False)


def test_a_customer_gets_one_letter_for_all_their_licences(scene: Scene) -> None:
    """Asked about one, asked about all of that place, of any batch; none is asked twice."""
    held = originals(scene, "direct_mosa")
    owner = max(held, key=lambda one: sum(one.customer_id == o.customer_id for o in held))
    mine = [one for one in held if one.customer_id == owner.customer_id]
    assert len(mine) > 1
    planned(scene, *mine)

    scene.run(STEP)

    (name,) = outbox(scene)
    text = (scene.settings.reports / "outbox" / name).with_suffix(".txt").read_text("utf-8")
    assert sum(str(one.seats) in text for one in mine) == len(mine)
    assert {end(scene, one).state for one in mine} == {EndState.ASKED}


def test_two_orders_for_one_original_ask_once(scene: Scene) -> None:
    """Its parts are moves of their own; its end is one."""
    item = original(scene, "direct_mosa")
    planned(scene, item)
    (first,) = scene.moves
    scene.moves = [first, first.model_copy(update={"part": 2, "move_id": "mv-second"})]
    scene.save()

    assert scene.run(STEP)["outcome"].tolist() == ["waiting", "waiting"]
    assert (len(outbox(scene)), end(scene, item).state) == (1, EndState.ASKED)


def test_a_run_killed_after_its_letter_asks_nobody_twice(scene: Scene) -> None:
    """Killed after the letter and before the note: the same letter is found again."""
    item = original(scene, "direct_mosa")
    planned(scene, item)
    with pytest.raises(KeyboardInterrupt):
        carried_out(scene, HTTPAdapter(), dying=True)
    first = outbox(scene)

    scene.run(STEP)

    assert (len(first), outbox(scene), end(scene, item).state) == (1, first, EndState.ASKED)
    with scene.ledger() as ledger:
        assert len(ledger.letters()) == 1


@pytest.mark.parametrize("channel", ["open", "ea"])
def test_what_nobody_renews_is_safe_by_its_channel(scene: Scene, channel: str) -> None:
    """Nothing is sent, nobody is asked, and the books agree at the end."""
    item = original(scene, channel)
    planned(scene, item)

    assert scene.outcome(STEP) == "done"
    assert (end(scene, item).way, outbox(scene), scene.calls("PATCH")) == ("channel", [], 0)
    assert not [route for route in scene.books["calls"] if "/subscriptions/" in route]
    assert term_over(scene, item) == "no"


def test_another_partner_is_asked_by_the_customer_or_us(scene: Scene) -> None:
    """Whose subscription it is stops its renewal."""
    item = original(scene, "csp_other")
    planned(scene, item, rule="csp_other_paid_month")

    assert scene.outcome(STEP) == "waiting"
    assert ["-partner-" in name for name in outbox(scene)] == [True]


def test_an_unknown_channel_waits_for_evidence(scene: Scene) -> None:
    """No letter can say where to click; a person can say that it is off."""
    item = original(scene, "direct_mosa")
    planned(scene, item, rule="unknown")

    assert "the customer says where it was bought" in scene.reason(STEP)
    assert outbox(scene) == []
    say(scene, item)
    assert scene.outcome(STEP) == "done"


def test_a_stranger_is_not_asked(scene: Scene) -> None:
    """Before the customer accepted, their renewal is none of our business."""
    item = original(scene, "direct_mosa")
    scene.world.customers[item.customer_id].related_at = None
    planned(scene, item)

    assert scene.reason(STEP) == "the customer has not accepted the invitation yet"
    assert outbox(scene) == []


def test_without_consent_to_a_replacement_it_goes_on(scene: Scene) -> None:
    """A renewal keeps users at work where nothing is agreed to replace it."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    scene.consent(consent_by=None)

    assert "consent_missing" in scene.reason(STEP)
    assert (item.auto_renew, scene.calls("PATCH")) == (True, 0)


def test_an_original_on_hold_is_left_alone(scene: Scene) -> None:
    """A hold on one original stops its move."""
    item = original(scene, "csp_legacy")
    planned(scene, item)
    decisions.fill(scene.settings.decisions, originals={item.id: {"hold": "yes"}})

    assert scene.outcome(STEP) == "skipped"
    assert item.auto_renew


def test_what_renewed_since_the_plan_is_skipped_alone(scene: Scene) -> None:
    """Its day is another one now: what was seen is kept, and a new plan decides."""
    item, other = originals(scene, "csp_legacy")[:2]
    planned(scene, item, other)
    item.ends_on += timedelta(days=365)

    shown = scene.run(STEP)

    assert dict(zip(shown["subject"], shown["outcome"], strict=True)) == {
        scene.moves[0].move_id: "skipped",
        scene.moves[1].move_id: "done",
    }
    assert end(scene, item).seen_expires_on == item.ends_on


def test_who_accepted_is_worked_on_long_before_the_day(scene: Scene) -> None:
    """Due by date is one move; the other comes along, since its customer has accepted."""
    item, other = originals(scene, "csp_legacy")[:2]
    planned(scene, item, other)
    far = MONDAY + timedelta(days=200)
    scene.moves[1] = scene.moves[1].model_copy(update={"renewal_safe_on": far, "date": far})
    scene.save()

    scene.run(STEP, batch=None, due=MONDAY)

    assert (item.auto_renew, other.auto_renew) == (False, False)


@pytest.mark.parametrize("ordered", [True, False])
def test_no_renewal_and_no_gap_at_the_end_of_the_road(scene: Scene, ordered: bool) -> None:
    """Renewal off, ordered, term over: nobody lost a seat by the books, who without it would."""
    item = next(one for one in originals(scene, "csp_legacy") if needed(scene, one))
    planned(scene, item, target_offer=item.product.offer, target_sku_id=item.product.sku_id)

    assert scene.outcome(STEP) == "done"
    if ordered:
        assert scene.outcome("provision") == "done"
    assert term_over(scene, item) == "no"
    pool = (item.customer_id, item.product.sku_id)
    gaps = [one for one in scene.books["gaps"] if (one["customer_id"], one["sku_id"]) == pool]
    assert bool(gaps) is not ordered


@pytest.mark.parametrize("ordered", [True, False])
def test_an_end_that_nothing_replaces_is_an_alarm(scene: Scene, ordered: bool) -> None:
    """What we switched off can be switched on again, as long as somebody is told in time."""
    item = original(scene, "csp_legacy")
    planned(scene, item, target_offer=item.product.offer, target_sku_id=item.product.sku_id)
    scene.run(STEP)
    if ordered:
        scene.run("provision")
    scene.server.set_clock(scenes.at(scene.moves[0].last_safe_day + timedelta(days=1)))

    shown = scene.run(STEP)

    assert shown["outcome"].tolist() == ["done" if ordered else "human"]
    assert ("nothing is ordered in its place" in shown["reason"][0]) is not ordered


@pytest.mark.parametrize("consent", ["kept", "changed"])
def test_an_end_that_was_asked_for_is_an_alarm_before_the_gap(scene: Scene, consent: str) -> None:
    """Asked to stop, and consent changed: a person hears it while it can still be put right."""
    item = original(scene, "direct_mosa")
    last = item.ends_on - timedelta(days=2)
    planned(scene, item, date=last)
    kept(scene)
    scene.run(STEP)
    assert end(scene, item).state is EndState.ASKED
    if consent == "changed":
        scene.consent(target_offer="CFQ7TTC0LCHC:0099")
    told = []
    for day in (last - timedelta(days=14), last):
        scene.server.set_clock(scenes.at(day))
        work = reconciling.begin(scene.settings)
        mine = [one for one in work.differences if one.subject == item.id]
        with scene.ledger() as ledger:
            waits = reconciling.waiting(ledger, scenes.at(day), scene.settings)
        work.close()
        said = [scene.reason(STEP), *(one.ledger for one in mine), *(one.why for one in waits)]
        told.append(["nothing is ordered in its place" in one for one in said])
        if consent == "changed" and day == last:
            assert all("consent_differs" in one for one in said)

    assert told == [[False], [True] * 3 if consent == "changed" else [False]]


def test_an_end_that_a_newer_plan_dropped_waits_for_a_person(scene: Scene) -> None:
    """No approved plan has its move any more, and nobody would order: told at once."""
    item, other = originals(scene, "direct_mosa")[:2]
    planned(scene, item)
    old = kept(scene)
    scene.run(STEP)
    scene.plan_file = scene.plan_file.with_name("next.json")
    planned(scene, other)
    kept(scene, replaces=old)
    with scene.ledger() as ledger:
        (told,) = reconciling.waiting(ledger, scenes.at(MONDAY), scene.settings)

    assert (told.subject, "no approved plan" in told.why) == (item.id, True)
    assert "or have its renewal switched on again" in told.to_do


def kept(scene: Scene, replaces: str = "") -> str:
    """Approve the plan where its file lies, as the verb does."""
    plan = Plan.read(scene.plan_file)
    about = {"plan_path": str(scene.plan_file), "replaces": replaces}
    with scene.ledger() as ledger:
        ledger.approve(plan.hash, by="berta", made_by="ana", **about)
    return plan.hash


def needed(scene: Scene, item: Subscription) -> bool:
    """Whether users would lose their seats without this original."""
    others = sum(
        one.seats
        for one in scene.world.originals(item.customer_id)
        if one.product.sku_id == item.product.sku_id and one.id != item.id
    )
    used = scene.world.consumed[item.customer_id, item.product.sku_id]
    return others < used <= item.seats
