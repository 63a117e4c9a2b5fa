"""Several workers on one batch: what another had is come back to, and one pace is kept by all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cspkit import moves
from cspkit.settings import Paths
from tests.postgres import Postgres
from tests.scene import Scene

CARLA = "carla@elsewhere:7:x"


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """Two customers that may be ordered for at once."""
    scene.plan(scene.ready(0), scene.ready(1))
    return scene


def beside(scene: Scene, meanwhile: Callable[[], object]) -> list[tuple[str, str]]:
    """Order both while Carla has the first one; `meanwhile` happens once the second is done."""
    held = scene.moves[0].customer_id
    with scene.ledger() as ledger:
        ledger.bind(scene.settings.service.id)
        lease = ledger.lease(held, CARLA)
        work = moves.begin(
            "provision",
            plan=scene.plan_file,
            settings=scene.settings,
            batch="B001",
            mode="rehearsal",
        )

        def progress(done: int, of: int, _: Any) -> None:
            if done == of:
                ledger.release_lease(lease)
                meanwhile()

        try:
            found = work.carry_out(progress)
        finally:
            work.close()
    return [
        (str(one), str(why)) for one, why in zip(found["outcome"], found["reason"], strict=True)
    ]


def test_what_another_left_is_done_in_the_end(scene: Scene) -> None:
    """Its worker went away without doing anything: nobody has to run again for it."""
    outcomes = [outcome for outcome, _ in beside(scene, lambda: None)]

    assert outcomes == ["done", "done"]
    assert len(scene.orders) == 2


def test_what_another_went_on_with_is_told(scene: Scene) -> None:
    """It is not asked for again, and not taken for ours either."""
    only = scene.settings.root / "only.csv"
    only.write_text(f"move_id\n{scene.moves[0].move_id}\n", "utf-8")
    limits = moves.Limits(only=str(only))
    before: list[int] = []

    def carla() -> None:
        scene.run("provision", limits=limits)
        before.append(sum(scene.books["calls"].values()))

    (outcome, reason), second = beside(scene, carla)

    assert (outcome, second[0], len(scene.orders)) == ("waiting", "done", 2)
    assert reason.startswith(CARLA) and "see their receipt" in reason
    assert before == [sum(scene.books["calls"].values())]


def test_who_has_it_still_has_it(scene: Scene) -> None:
    """Come back to while it is still worked on: it waits, as before, and is ordered by nobody."""
    with scene.ledger() as ledger:
        ledger.bind(scene.settings.service.id)
        ledger.lease(scene.moves[0].customer_id, CARLA)
        outcomes = scene.run("provision")["outcome"].tolist()

    assert outcomes == ["waiting", "done"]
    assert len(scene.orders) == 1


def test_an_agreement_is_read_once_in_a_run(scene: Scene) -> None:
    """What the preview has read the order does not ask again."""
    work = moves.begin(
        "provision", plan=scene.plan_file, settings=scene.settings, batch="B001", mode="rehearsal"
    )
    work.preview()
    before = scene.calls("GET", "agreementstatus")
    work.carry_out()
    work.close()

    assert before == scene.calls("GET", "agreementstatus") > 0


@pytest.mark.parametrize(("pace", "rows"), [(60_000.0, "partner_center"), (None, "")])
def test_a_ledger_on_a_server_shares_the_pace(
    scene: Scene, postgres: Postgres, empty_ledger: str, pace: float | None, rows: str
) -> None:
    """Turns come from the database where there is a pace; without one it is not asked."""
    name = postgres.database(empty_ledger)
    service = scene.settings.service.model_copy(update={"calls_per_minute": pace})
    changed = {"service": service, "paths": Paths(ledger=postgres.url(name))}
    scene.settings = scene.settings.model_copy(update=changed)
    scene.save()

    assert scene.run("provision")["outcome"].tolist() == ["done", "done"]
    assert postgres.sql("SELECT name FROM paces", name).strip() == rows


def test_a_ledger_in_a_file_costs_no_turns(scene: Scene) -> None:
    """Nobody shares it: the pace is that of this process alone."""
    service = scene.settings.service.model_copy(update={"calls_per_minute": 60_000.0})
    scene.settings = scene.settings.model_copy(update={"service": service})
    scene.run("provision")

    with scene.ledger() as ledger, ledger.aside() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM paces").scalar_one() == 0
