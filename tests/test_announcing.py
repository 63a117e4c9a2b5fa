"""Letters that nothing waits for: what happens on the day, and that it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cspkit import moves
from cspkit.moves import announcing
from cspkit.settings import Letters
from tests.pools import original, outbox, typed, verified
from tests.scene import MONDAY, Scene

SAYS = Letters(invoicer="Sur Cloud S.L.", support="+34 600 000 000")


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """A prompt service, and a workspace whose letters name a sender."""
    scene.settings = scene.settings.model_copy(update={"letters": SAYS})
    return scene


def announced(scene: Scene) -> str:
    """Announce the days of the only customer, as the access step does."""
    given: dict[str, Any] = {"batch": "B001", "mode": "rehearsal"}
    work = moves.begin("access", plan=scene.plan_file, settings=scene.settings, **given)
    try:
        (one,) = work._subjects
        return announcing.days(work._desk, one)
    finally:
        work.close()


@pytest.mark.parametrize(
    ("ahead", "letters"), [(0, 0), (1, 1), (7, 1), (8, 0)], ids=["today", "1", "7", "8"]
)
def test_the_day_is_announced_a_week_ahead(scene: Scene, ahead: int, letters: int) -> None:
    """Not on the day itself, and not for days that may still change."""
    scene.plan(scene.with_access(), date=MONDAY + timedelta(days=ahead))

    assert [announced(scene), announced(scene)] == ["", ""]
    assert len(outbox(scene, "on-the-day")) == letters


def test_moves_of_one_day_are_one_letter(scene: Scene) -> None:
    """A customer hears once of all that happens on a day, in the order of the ends."""
    customer, day = scene.with_access(), MONDAY + timedelta(days=3)
    scene.moves = [
        scene.move(customer, subscription_ids=["original-1"], date=day, original_seats=11),
        scene.move(customer, subscription_ids=["original-2"], date=day, original_seats=12),
    ]
    scene.save()

    announced(scene)

    (name,) = outbox(scene, "on-the-day")
    text = (scene.settings.reports / "outbox" / name).with_suffix(".txt").read_text("utf-8")
    assert "- 11 " in text and "- 12 " in text


def test_what_was_not_accepted_is_not_announced(scene: Scene) -> None:
    """An order that consent holds back is promised to nobody."""
    scene.plan(scene.with_access(), date=MONDAY + timedelta(days=3))
    scene.consent(consent_reference=None)

    announced(scene)

    assert outbox(scene, "on-the-day") == []


def test_the_end_of_the_last_move_of_a_day_is_told_once(scene: Scene) -> None:
    """It says who invoices and whom to call, of the licences that moved."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    scene.run("retire")
    before = outbox(scene, "done")
    scene.later(days=30)

    told = [scene.reason("retire"), scene.reason("retire")]

    assert (before, told) == ([], ["all its originals ended"] * 2)
    (name,) = outbox(scene, "done")
    text = (scene.settings.reports / "outbox" / name).with_suffix(".txt").read_text("utf-8")
    assert "Sur Cloud S.L." in text and "+34 600 000 000" in text
    assert f"- {found.seats} " in text


def test_a_letter_that_lacks_a_field_does_not_keep_a_move_open(scene: Scene) -> None:
    """The move closes; its reason names what is missing and where it belongs."""
    scene.settings = scene.settings.model_copy(update={"letters": Letters()})
    found = original(scene, "open")
    verified(scene, found, "open")
    scene.later(days=30)
    typed(scene, found, ended_on=found.ends_on, ended_evidence="seen")

    reason = scene.reason("retire")

    assert scene.state() == "closed"
    assert "no done letter: " in reason
    assert "invoicer: needed" in reason and "[letters] of cspkit.toml" in reason


def test_the_access_step_announces_the_days(scene: Scene) -> None:
    """Who has accepted everything hears a week ahead, whether or not access is there yet."""
    scene.plan(scene.with_access(), date=MONDAY + timedelta(days=3))

    assert [scene.outcome("access") for _ in range(2)] == ["done", "done"]
    assert len(outbox(scene, "on-the-day")) == 1
