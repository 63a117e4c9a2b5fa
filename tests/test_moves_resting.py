"""When an end is looked at again, and how fresh what was read of its pool has to be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from cspkit import moves
from tests import scene as scenes
from tests.pools import (
    ENDS,
    gaps,
    original,
    three_of_one_pool,
    two_ordered,
    typed,
    verified,
)
from tests.scene import MONDAY, Scene


def looks(scene: Scene) -> int:
    """How often a customer's subscriptions and pools were read."""
    calls = scene.server.world.books.calls
    return sum(count for route, count in calls.items() if "ubscri" in route and "GET" in route)


def due(scene: Scene) -> Any:
    """Run retire for all that is due by far, as each morning does; batch and file name nothing."""
    return scene.run("retire", batch=None, due="2027-12-31")


def test_an_end_in_order_rests_for_a_week_at_most(scene: Scene) -> None:
    """Looked at once a week, in the last three working days by every run, and when it is over."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    looked = []
    while scene.state() != "closed":
        before = looks(scene)
        due(scene)
        if looks(scene) > before:
            looked.append(scene.server.now().date())
        scene.later(days=1)

    weekly = [MONDAY, MONDAY + timedelta(days=7), MONDAY + timedelta(days=14)]
    last = [ENDS - timedelta(days=far) for far in (3, 2, 1, 0, -1)]
    assert [*weekly, MONDAY + timedelta(days=21), *last] == looked


def test_what_others_switch_on_again_is_found_in_time(scene: Scene) -> None:
    """Within a week, although no run was made on the last working day."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    due(scene)
    scene.later(days=2)
    found.auto_renew, found.scheduled = True, []
    while scene.server.now().date() < ENDS - timedelta(days=2):
        scene.later(days=1)
        due(scene)
    scene.later(days=4)
    due(scene)

    renewed = [one["subscription_id"] for one in scene.books["renewals"]]
    assert found.id not in renewed
    assert scene.state() == "closed"


def test_what_our_own_runs_change_ends_the_rest(scene: Scene) -> None:
    """Seats of one pool that another move's end takes are counted again at once."""
    _, both = two_ordered(scene, "csp_nce")
    scene.moves = both[:1]
    scene.save()
    due(scene)
    scene.moves = both[1:]
    scene.save()
    due(scene)
    scene.moves = both[:1]
    scene.save()
    before = looks(scene)
    due(scene)

    assert looks(scene) > before


def test_to_rest_costs_a_customer_no_more_reads_than_an_end(scene: Scene) -> None:
    """What the ledger knows of a customer is asked once for all of their ends."""
    _, both = two_ordered(scene, "csp_nce")
    due(scene)
    # the second end changed what was known when the first was looked at
    due(scene)
    with statements() as one_end:
        scene.moves = both[:1]
        scene.save()
        due(scene)
    with statements() as two_ends:
        scene.moves = both
        scene.save()
        due(scene)

    def customers(found: list[str]) -> int:
        whole = [one for one in found if "FROM moves" in one and "customer_id = " in one]
        return len([one for one in whole if "ORDER BY moves.move_id" in one])

    assert [customers(one_end), customers(two_ends)] == [1, 1]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Listen to what is asked of any ledger."""
    found: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(" ".join(statement.split()))

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def test_who_was_only_asked_does_not_rest(scene: Scene) -> None:
    """A partner who has not answered stands in the list of every run."""
    found = original(scene, "csp_other")
    verified(scene, found, "csp_other")
    due(scene)
    scene.later(days=1)

    assert list(due(scene)["outcome"]) == ["waiting"]


@pytest.mark.parametrize("cell", ["end_scheduled", "ended"])
def test_what_a_person_types_ends_the_rest(scene: Scene, cell: str) -> None:
    """An end that was in order is looked at again as soon as the decisions say more of it."""
    found = original(scene, "open")
    verified(scene, found, "open")
    due(scene)
    scene.later(days=1)
    before = looks(scene)
    due(scene)
    rested = looks(scene) - before
    typed(scene, found, **{f"{cell}_on": date(2026, 11, 23), f"{cell}_evidence": "mail 7"})
    due(scene)

    assert (rested, looks(scene) - before) == (0, 3)


def test_an_alarm_does_not_rest(scene: Scene) -> None:
    """Seats that would be missing are counted again with every run, until they are there."""
    found = original(scene, "csp_nce", seats=10, users=10)
    verified(scene, found, "csp_nce_paid_month", seats=7)
    due(scene)
    before = looks(scene)
    due(scene)

    assert looks(scene) - before == 3


def test_a_batch_is_looked_at_whatever_was_seen(scene: Scene) -> None:
    """Who names a batch wants to know now."""
    found = original(scene, "open")
    verified(scene, found, "open")
    due(scene)
    before = looks(scene)
    scene.run("retire")

    assert looks(scene) - before == 3


def test_two_runners_judge_a_pool_by_what_the_other_left(scene: Scene) -> None:
    """Between two moves of a customer another runner ends a third: one seat is not spared twice."""
    found = three_of_one_pool(scene)
    only = scene.settings.root / "only.csv"
    only.write_text(f"move_id\n{scene.moves[0].move_id}\n", "utf-8")
    # so that the first move reads and changes nothing
    assert list(scene.run("retire", limits=moves.Limits(only=str(only)))["outcome"]) == ["done"]
    work = moves.begin(
        "retire", plan=scene.plan_file, settings=scene.settings, batch="B001", mode="rehearsal"
    )

    def progress(done: int, of: int, _: Any) -> None:
        if done == 1:
            assert list(scene.run("retire", batch="B002")["outcome"]) == ["done"]

    try:
        outcomes = list(work.carry_out(progress)["outcome"])
    finally:
        work.close()

    assert outcomes == ["done", "human"]
    assert sum(bool(one.scheduled) for one in found) == 2
    scene.server.set_clock(scenes.at(ENDS + timedelta(days=2)))
    assert gaps(scene, found[0]) == []


@pytest.mark.parametrize(("waited", "outcome"), [(0, "done"), (121, "human")])
def test_what_was_read_long_ago_is_read_again(scene: Scene, waited: float, outcome: str) -> None:
    """People may look at a preview for a while before they carry it out."""
    found = original(scene, "csp_nce", seats=10, users=8)
    verified(scene, found, "csp_nce_paid_month")
    work = moves.begin(
        "retire", plan=scene.plan_file, settings=scene.settings, batch="B001", mode="rehearsal"
    )
    clock = [0.0]
    work._desk.seconds = lambda: clock[0]
    try:
        work.preview()
        scene.world.consumed[found.customer_id, found.product.sku_id] = 13
        clock[0] += waited
        outcomes = list(work.carry_out()["outcome"])
    finally:
        work.close()

    assert outcomes == [outcome]
