"""A plan that another one took over from begins nothing any more, and finishes what it began."""

from __future__ import annotations

from pathlib import Path

import pytest

from cspkit import exports, moves, runbooks
from cspkit.cli import plans, runs
from cspkit.errors import REFUSED, PlanRefused
from cspkit.ledger import Ledger
from cspkit.moves import STEPS, guard
from cspkit.planning import Plan
from cspkit.rehearsal import samples
from cspkit.runbooks import settling
from tests.scene import MONDAY, Scene


@pytest.fixture
def office(scene: Scene) -> Scene:
    """A workspace with an approved plan, plan.json."""
    settling.keep(scene.settings, scene.settings.root)
    scene.plan(scene.ready())
    return scene


def follow(office: Scene, name: str = "next.json", **changed: object) -> Path:
    """Write the plan that takes over from plan.json; nobody approved it yet."""
    older = Plan.read(office.plan_file)
    values = {"replaces": older.hash, "as_of": MONDAY, **changed}
    document = older.document.model_copy(update=values).sealed()
    document.write(office.settings.root / name)
    return office.settings.root / name


def approve(office: Scene, file: Path, by: str = "berta") -> None:
    plans.approve(file, by=by, config=office.settings.root)


def run(office: Scene, step: str, file: Path, mode: str = "rehearsal") -> moves.Work:
    return moves.begin(step, plan=file, batch="B001", mode=mode, settings=office.settings)


def test_only_what_finishes_goes_on_by_the_older_plan(office: Scene) -> None:
    """Nothing new begins by it, and the refusal names the newer one; the rest is unhindered."""
    approve(office, file := follow(office))
    newer, began = Plan.read(file), set[str]()
    for step in STEPS.keys() - {"undo"}:
        try:
            run(office, step, office.plan_file).close()
            began.add(step)
        except PlanRefused as error:
            assert error.exit_code == REFUSED
            assert f"superseded by {newer.hash[:12]} ({file}), approved by berta" in str(error)

    assert {"verify", "reassign", "retire"} == began
    run(office, "provision", office.plan_file, "dry").close()
    run(office, "provision", file).close()


def test_it_is_refused_before_a_notebook_starts(office: Scene) -> None:
    """One line at once, and no receipt of a run that was none."""
    approve(office, follow(office))
    with pytest.raises(PlanRefused, match="superseded"):
        runbooks.run(
            "provision",
            plan=office.plan_file,
            batch="B001",
            mode="rehearsal",
            settings=office.settings,
        )

    assert list(office.settings.reports.rglob("*.receipt.json")) == []


def test_a_plan_takes_over_when_it_may_run(office: Scene) -> None:
    """Made and not approved, or with a name missing, it stops nobody."""
    toml = office.settings.root / "cspkit.toml"
    toml.write_text(toml.read_text("utf-8").replace("[policy]", "[policy]\nsecond_name_above = 1"))
    file = follow(office)
    run(office, "provision", office.plan_file).close()
    approve(office, file)
    run(office, "provision", office.plan_file).close()
    approve(office, file, by="carla")
    with pytest.raises(PlanRefused, match="superseded"):
        run(office, "provision", office.plan_file)


def test_the_last_of_a_line_is_named() -> None:
    """Plan after plan, the newest counts; of two from the same plan, the one approved last."""
    with Ledger("sqlite://") as book:
        for name, before in [("b", "a"), ("x", "a"), ("b", "a"), ("c", "b"), ("d", "")]:
            book.approve(name, by="berta", made_by="ana", replaces=before)
        found = {name: book.newest(name) for name in "abcdx"}

        assert {key: one.plan_hash for key, one in found.items() if one} == {"a": "c", "b": "c"}
        book.approve("a", by="berta", made_by="ana")
        assert getattr(book.newest("a"), "plan_hash", "") == "c"
        book.approve("b", by="berta", made_by="ana", replaces="a")
        assert getattr(book.newest("b"), "plan_hash", "") == "c"
        book.approve("a", by="berta", made_by="ana", replaces="c")
        assert book.newest("a") is None
        assert getattr(book.newest("b"), "plan_hash", "") == "a"


def test_status_and_report_say_so(office: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Who looks at the older plan is told of the newer one."""
    approve(office, file := follow(office))
    exports.load(samples.folder()).save(tables := office.settings.root / "tables")
    told = {}
    for name in (office.plan_file, file):
        runs.status(name, paths=[tables], as_of="2026-11-20", config=office.settings.root)
        told[name] = capsys.readouterr().out
    runs.report(
        office.plan_file,
        out=office.settings.reports / "today",
        paths=[tables],
        as_of="2026-11-20",
        lang="en",
        config=office.settings.root,
        brand=None,
        audit=None,
        reseller=None,
    )
    reported = capsys.readouterr().out
    with office.ledger() as book:
        said = guard.superseded(Plan.read(office.plan_file), book)

    assert said and said in reported
    assert said in told[office.plan_file].splitlines()
    assert "superseded" not in told[file]
