"""A plan that is rehearsed: what the books say, for which fate, and what is left untouched."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cspkit import planning
from cspkit.cli import app
from cspkit.decisions import Decisions
from cspkit.errors import SettingsError
from cspkit.exports import Exports
from cspkit.planning import Plan
from cspkit.rehearsing import Rehearsed, days, rehearse, verdict
from cspkit.rehearsing.staging import stage
from cspkit.reporting import rehearsed
from cspkit.settings import Service, Settings
from tests.originals import AS_OF, E3, customer, customer_id, exports, original

START = date(2026, 11, 23)
# what outside tests rely on, by the design
FIGURES = ("moves", "finished", "gaps", "double_orders", "human", "api_calls")
ENDS = "2026-12-20"
PROMPT = {"never_accepts": 0.0, "acceptance": (60, 600), "never_answers": 0.0}


def held(of: int = 1, number: int = 0, **values: Any) -> dict[str, Any]:
    """An original that ends within the rehearsed weeks and does not renew."""
    usual = {"expires_on": ENDS, "starts_on": "2025-12-21", "channel": "direct_mca"}
    return original(number or of, of=of, **{**usual, **values})


def planned(
    loaded: Exports,
    root: Path,
    *,
    ready: bool = True,
    channels: dict[str, Any] | None = None,
    **service: Any,
) -> Plan:
    """Plan with everybody's access in place, or with nobody's."""
    said = [{"customer_id": customer_id(n), "access_on": AS_OF} for n in range(9) if ready]
    return planning.plan(
        loaded,
        as_of=AS_OF,
        start=START,
        settings=Settings(root=root, service=Service(**service), channels=channels or {}),
        decisions=Decisions.from_rows(said),
    )


def run(plan: Plan, loaded: Exports | None, root: Path, **more: Any) -> Rehearsed:
    usual: dict[str, Any] = {"days": 40, "notebooks": False, "customs": PROMPT}
    return rehearse(plan, settings=Settings(root=root), exports=loaded, **{**usual, **more})


@pytest.fixture
def loaded() -> Exports:
    return exports(customer(1), customer(2), held(1), held(2))


def test_a_plan_that_is_in_time_finishes_without_a_gap(loaded: Exports, tmp_path: Path) -> None:
    """All moves finish, nothing is ordered twice, nobody is without a seat; all by the books."""
    found = run(planned(loaded, tmp_path), loaded, tmp_path).as_json()

    assert tuple(found[name] for name in FIGURES[:-1]) == (2, 2, 0, 0, 0)
    assert sum(found["runs"][0]["calls_by_route"].values()) == found["api_calls"] > 0
    assert found["runs"][0]["failed"] == []


def test_a_plan_that_orders_too_late_shows_the_gap(loaded: Exports, tmp_path: Path) -> None:
    """The originals end, here after a last free month, whether new seats are there or not."""
    plan = planned(loaded, tmp_path)
    late = date.fromisoformat(ENDS) + timedelta(days=2)
    moves = [
        move.model_copy(update={"date": late}) if move.customer_id == customer_id(1) else move
        for move in plan.document.moves
    ]
    edited = Plan(plan.document.model_copy(update={"moves": moves}).sealed())
    found = run(edited, loaded, tmp_path, days=70).as_json()

    assert (found["finished"], found["gaps"]) == (1, 1)
    [gap] = found["runs"][0]["gap_list"]
    assert gap["planned"] and gap["ended"] == ["s00001"]
    assert (gap["since"], gap["missing"]) == ("2027-01-20T00:00:00+00:00", 8)
    [failed] = found["runs"][0]["failed"]
    assert "ended on 2026-12-20" in failed["reason"]


def test_a_gap_that_the_plan_did_not_make_is_told_apart(loaded: Exports, tmp_path: Path) -> None:
    """Users share a pool: when another original of it ends, the plan is not to blame, but told."""
    plan = planned(loaded, tmp_path)
    other = held(1, number=7, channel="csp_other", expires_on="2026-12-01", starts_on="2025-03-01")
    rows = exports(customer(1), customer(2), held(1), held(2), other)
    found = run(plan, rows, tmp_path, days=60).as_json()

    assert (found["gaps"], found["other_gaps"]) == (0, 1)
    assert "s00007" in found["runs"][0]["gap_list"][0]["ended"]


def test_an_original_that_nobody_stopped_renews(tmp_path: Path) -> None:
    """It opens no gap, but is paid on: the days on which both run go on with its next term."""
    loaded = exports(customer(1), customer(2), held(1), held(2, auto_renew=True))
    plan = planned(loaded, tmp_path)
    silent = PROMPT | {"never_answers": 1.0}
    found = run(plan, loaded, tmp_path, customs=silent).as_json()
    asked = run(plan, loaded, tmp_path).as_json()

    assert (found["finished"], found["gaps"], found["renewed"]) == (2, 0, 1)
    assert (asked["finished"], asked["gaps"], asked["renewed"]) == (2, 0, 0)
    assert found["paid_days"] > asked["paid_days"]


@pytest.mark.parametrize("channel", ["direct_mca", "csp_other"])
def test_originals_really_end_and_nobody_is_without_a_seat(tmp_path: Path, channel: str) -> None:
    """Terms that would slide into a paid month end on their day once their owners are asked."""
    long: dict[str, Any] = {
        "channel": channel,
        "starts_on": "2026-02-10",
        "expires_on": "2027-02-09",
    }
    loaded = exports(customer(1), customer(2), *(held(n, auto_renew=True, **long) for n in (1, 2)))
    bought = {"csp_other": {"route": "purchase"}}
    plan = planned(loaded, tmp_path, channels=bought)
    found, silent = (
        run(plan, loaded, tmp_path, days=90, customs=PROMPT | {"never_answers": never}).as_json()
        for never in (0.0, 1.0)
    )

    seen = ("finished", "closed", "renewed", "gaps", "other_gaps")
    assert [found[name] for name in seen] == [2, 2, 0, 0, 0]
    assert [silent[name] for name in seen] == [2, 0, 2, 0, 0]


def test_who_never_accepts_is_named_with_the_reason(tmp_path: Path) -> None:
    """A move that cannot go ahead says which customer it waits for."""
    loaded = exports(customer(1, relationship="none"), held(1, expires_on="2027-01-10"))
    plan = planned(loaded, tmp_path, ready=False)
    found = run(plan, loaded, tmp_path, days=90, customs={"never_accepts": 1.0}).as_json()

    assert (found["finished"], found["gaps"]) == (0, 1)
    [failed] = found["runs"][0]["failed"]
    assert (failed["step"], "not accepted yet" in failed["reason"]) == ("invite", True)


def test_customers_who_accept_go_the_whole_way(tmp_path: Path) -> None:
    """Invitation, agreement, access, order, verification and reassignment in one rehearsal."""
    loaded = exports(
        customer(1, relationship="none"),
        held(1, expires_on="2027-01-20", sku_id=E3, seats=3, assigned_seats=3),
    )
    found = run(planned(loaded, tmp_path, ready=False), loaded, tmp_path, days=70).as_json()

    assert (found["finished"], found["gaps"], found["double_orders"]) == (1, 0, 0)
    calls = found["runs"][0]["calls_by_route"]
    assert calls["POST /graph/v1.0/tenantrelationships/delegatedadminrelationships"] == 1


def test_the_same_seed_is_the_same_fate(loaded: Exports, tmp_path: Path) -> None:
    """A figure can be shown again by anybody who has plan, exports and seed."""
    plan = planned(loaded, tmp_path)
    first, second = (run(plan, loaded, tmp_path, seeds=[5], faults="heavy") for _ in range(2))

    assert first.runs[0].verdict == second.runs[0].verdict


def test_no_weather_makes_two_orders_of_one(loaded: Exports, tmp_path: Path) -> None:
    """Throttling, lost answers, late effects: one order each, and none that nobody knows of."""
    found = run(planned(loaded, tmp_path), loaded, tmp_path, seeds=range(3), faults="heavy")
    total = found.as_json()

    assert tuple(total[name] for name in ("moves", "double_orders", "lost")) == (6, 0, 0)
    assert {"least", "median", "most"} == set(total["spread"]["finished"])
    assert [0, 1, 2] == total["seeds"] == [one["seed"] for one in total["runs"]]


def test_orders_are_counted_by_the_books_alone(loaded: Exports, tmp_path: Path) -> None:
    """An order more than planned is one too many, whatever our ledger or its name says."""
    plan = planned(loaded, tmp_path)
    world = stage(plan, loaded, seed=1)
    move = plan.document.moves[0]
    entry = {"customer_id": move.customer_id, "offer": move.target_offer, "quantity": move.seats}
    world.books.orders += [entry | {"friendly_name": "x"}, entry | {"friendly_name": "y"}]

    assert verdict.too_many(world, plan.document.moves) == 1


def test_a_plan_alone_is_the_hard_case(loaded: Exports, tmp_path: Path) -> None:
    """Without exports every seat is in use and nothing renews: a late order must be seen."""
    world = stage(planned(loaded, tmp_path), None, seed=1)
    items = [item for tenant in world.subscriptions.values() for item in tenant.values()]

    assert [(one.seats, one.assigned, one.auto_renew) for one in items] == [(10, 10, False)] * 2
    assert {"unknown"} == {one.channel for one in items}


def test_a_plan_for_a_tenant_is_rehearsed_as_it_is(loaded: Exports, tmp_path: Path) -> None:
    """The rehearsal runs a copy for its own service; the moves are the same."""
    tenant = "11111111-2222-4333-8444-555555555555"
    plan = planned(
        loaded,
        tmp_path,
        kind="tenant",
        partner_tenant=tenant,
        partner_center="https://api.partnercenter.microsoft.com",
        graph="https://graph.microsoft.com",
    )
    found = run(plan, loaded, tmp_path).as_json()

    assert (f"tenant:{tenant}", 2) == (plan.document.service, found["finished"])
    assert plan.hash == found["plan"]


def test_nothing_of_the_workspace_is_touched(loaded: Exports, tmp_path: Path) -> None:
    """Ledger, letters and receipts of a rehearsal lie elsewhere and are gone afterwards."""
    run(planned(loaded, tmp_path), loaded, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [{"faults": "hail"}, {"days": 0}])
def test_a_rehearsal_that_makes_no_sense_is_refused(
    loaded: Exports, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    """Unknown weather and no days are mistakes of the caller, named with what was expected."""
    with pytest.raises(SettingsError, match="expected"):
        run(planned(loaded, tmp_path), loaded, tmp_path, **wrong)


def test_one_batch_goes_through_its_notebooks(loaded: Exports, tmp_path: Path) -> None:
    """Each step of a batch that the seed draws runs as a notebook, on the same ledger and world."""
    plan = planned(loaded, tmp_path)
    [one] = run(plan, loaded, tmp_path, notebooks=True).runs

    assert set(one.notebooks) == {*days.STEPS}
    assert (one.broken_notebooks, one.verdict.figures["finished"]) == ([], 2)


def test_the_command_prints_the_figures_and_writes_the_page(
    loaded: Exports, tmp_path: Path
) -> None:
    """`cspkit rehearse --plan` prints JSON with the figures that outside tests rely on."""
    plan = planned(loaded, tmp_path).save(tmp_path / "plan.json")
    tables = tmp_path / "tables"
    loaded.save(tables)
    (tmp_path / "cspkit.toml").write_text("", encoding="utf-8")
    words = ["--plan", str(plan), "--days", "40", "--seed", "1", "--faults", "light", "--json"]
    where = ["--exports", str(tables), "--config", str(tmp_path), "--no-notebooks"]
    done = CliRunner().invoke(app, ["rehearse", *words, *where])

    found = json.loads(done.stdout)
    assert set(FIGURES) <= found.keys()
    assert done.exit_code == (0 if found["finished"] == 2 and not found["gaps"] else 1)
    assert (tmp_path / "reports" / "rehearsal" / "rehearsal.html").exists()


def test_the_page_lists_the_failed_moves_and_is_safe(loaded: Exports, tmp_path: Path) -> None:
    """The spread over seeds and each failed move with its reason; names of customers are text."""
    bad = "<script>alert(1)</script>"
    loaded = exports(customer(1, relationship="none", name=bad), held(1, expires_on="2027-01-20"))
    plan = planned(loaded, tmp_path, ready=False)
    never = {"never_accepts": 1.0}
    found = run(plan, loaded, tmp_path, days=60, customs=never, seeds=[1, 2]).as_json()
    text = rehearsed.write(found, tmp_path / "out").read_text(encoding="utf-8")

    assert plan.document.moves[0].move_id in text
    assert "not accepted yet" in text
    assert "&lt;script&gt;" in text and bad not in text
    assert json.loads((tmp_path / "out" / "rehearsal.json").read_text())["moves"] == 2


def test_the_status_report_finds_the_rehearsal_of_its_own_plan(
    loaded: Exports, tmp_path: Path
) -> None:
    """It is linked from the folder of the report; that of another plan, or a broken one, is not."""
    found = run(planned(loaded, tmp_path), loaded, tmp_path, days=1).as_json()
    rehearsed.write(found, tmp_path / "rehearsal")
    page = tmp_path / "today" / "index.html"
    beside = rehearsed.beside(tmp_path, found["plan"], page)

    assert beside is not None
    assert (beside["link"], beside["moves"]) == ("../rehearsal/rehearsal.html", 2)
    assert rehearsed.beside(tmp_path, "another", page) is None
    (tmp_path / "rehearsal" / "rehearsal.json").write_text("[]")
    assert rehearsed.beside(tmp_path, found["plan"], page) is None
