"""Every notebook in a real kernel; the runbooks against a rehearsal, judged by its books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from cspkit import decisions, exports, planning, reporting, runbooks, workspace
from cspkit.decisions import Decisions
from cspkit.errors import PlanRefused, RunbookError
from cspkit.exports import Exports
from cspkit.kernels import warming
from cspkit.ledger import Ledger
from cspkit.planfile import PlannedMove
from cspkit.rehearsal import samples
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.world import World
from cspkit.reporting import receipts
from cspkit.runbooks import Receipt
from cspkit.settings import Service, Settings

pytestmark = pytest.mark.slow

AS_OF, START = date(2026, 11, 20), date(2026, 11, 23)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
STANDARD = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
PREMIUM_OFFER = "CFQ7TTC0LCHC:0002"


@pytest.fixture(scope="module", autouse=True)
def warm() -> Iterator[None]:
    """Let all notebooks of this file start warm, as the batches of one run do."""
    with warming.warm():
        yield


@pytest.fixture(scope="module")
def loaded() -> Exports:
    """The sample exports."""
    return exports.load(samples.folder())


@pytest.fixture(scope="module")
def tables(loaded: Exports, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample exports as loading saves them, which is quicker to read."""
    folder = tmp_path_factory.mktemp("tables")
    loaded.save(folder)
    return folder


def test_a_newcomer_gets_a_plan_of_their_own(tmp_path: Path, tables: Path) -> None:
    """The first notebook alone leads from files to a plan under another capacity."""
    receipt = runbooks.execute(
        "00-start-here",
        tmp_path / "00.ipynb",
        exports_dir=str(tables),
        moves_per_day=3,
        out="plan.json",
    )

    assert receipt.ok
    made = planning.Plan.read(tmp_path / "plan.json")
    assert made.batches["moves"].max() <= 3
    assert receipt.html.read_text("utf-8").count("the last day of an original's term") == 1


def test_loading_writes_what_the_verb_writes(tmp_path: Path, loaded: Exports) -> None:
    """The analyst's book and `cspkit load` leave the same tables."""
    out = tmp_path / "tables"

    receipt = runbooks.execute(
        "10-load-exports", tmp_path / "10.ipynb", exports_dir=str(samples.folder()), out="tables"
    )

    assert receipt.ok
    pd.testing.assert_frame_equal(exports.load(out).subscriptions, loaded.subscriptions)
    assert "Editorial" in receipt.html.read_text(encoding="utf-8")


def test_ranking_writes_a_workbook(tmp_path: Path, tables: Path, loaded: Exports) -> None:
    """Everybody is in it, with dates that are dates; charts and tools leave what can be read."""
    receipt = runbooks.execute(
        "20-rank-customers",
        tmp_path / "20.ipynb",
        exports_dir=str(tables),
        out=str(tmp_path / "ranked.xlsx"),
    )

    sheet = openpyxl.load_workbook(tmp_path / "ranked.xlsx")["ranked"]
    assert sheet.max_row == len(loaded.customers) + 1
    assert sheet["E2"].is_date
    page = receipt.html.read_text(encoding="utf-8")
    assert "data:image/svg+xml" in page and "<script" not in page
    assert "without slack" in page and "VBox(" not in page


def test_planning_writes_the_plan_that_the_verb_writes(
    tmp_path: Path, tables: Path, loaded: Exports
) -> None:
    """One function behind notebook and command line: the hash is the same."""
    runbooks.execute(
        "30-plan-batches",
        tmp_path / "30.ipynb",
        exports_dir=str(tables),
        out=str(tmp_path / "plan.json"),
        author="Luis",
    )

    written = planning.Plan.read(tmp_path / "plan.json")
    assert written.hash == planning.plan(loaded, as_of=AS_OF, start=START).hash
    assert written.document.made_by == "Luis"


@dataclass
class Programme:
    """A workspace with an approved plan, the rehearsal it works against, and what came of it."""

    server: Server
    settings: Settings
    plan: planning.Plan
    file: Path
    batch: str
    receipts: dict[str, Receipt] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)

    def run(self, name: str, step: str, mode: str = "rehearsal", **which: Any) -> Receipt:
        """Run one runbook, for the batch unless told otherwise; keep its receipt under a name."""
        which = which or {"batch": self.batch}
        receipt = runbooks.run(step, plan=self.file, settings=self.settings, mode=mode, **which)
        self.receipts[name] = receipt
        self.orders[name] = len(self.server.books()["orders"])
        return receipt

    def wait(self, span: timedelta) -> None:
        """Let time pass in the rehearsal."""
        self.server.set_clock(self.server.now() + span)

    @property
    def moves(self) -> list[PlannedMove]:
        """The moves of the batch."""
        return self.plan.select(self.batch)

    def ledger(self) -> Ledger:
        """Open the ledger to look into it."""
        return Ledger.glance(self.settings.ledger_url)


def other_offer(loaded: Exports) -> Decisions:
    """Decide that some customers, who are related already, get another product in December."""
    plan = planning.plan(loaded, as_of=AS_OF, start=START)
    ready = {one.customer_id for one in plan.customers if one.state != "relationship"}
    moves = [
        move
        for move in plan.document.moves
        if move.sku_id == STANDARD and move.customer_id in ready and move.date.month == 12
    ]
    return Decisions.from_rows(
        originals=[
            {"subscription_id": one, "customer_id": move.customer_id, "target_offer": PREMIUM_OFFER}
            for move in moves
            for one in move.subscription_ids
        ]
    )


def mixed_batch(plan: planning.Plan) -> str:
    """Find a small batch in which some moves change the offer and others do not."""
    batches = [plan.select(one.batch) for one in plan.document.batches]
    mixed = [moves for moves in batches if {m.same_offer for m in moves} == {True, False}]
    return min(mixed, key=lambda moves: (len(moves), moves[0].batch))[0].batch


@pytest.fixture(scope="module")
def programme(loaded: Exports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programme]:
    """Walk one batch from its approval to its end, as operators would."""
    home = tmp_path_factory.mktemp("programme") / "a workspace"
    with Server(World.sample(), control=True) as server:
        service = Service(partner_center=server.url, graph=f"{server.url}/graph")
        made = workspace.init(home, service)
        policy = made.policy.model_copy(update={"approval_horizon_days": 365})
        settings = made.model_copy(update={"policy": policy})
        plan = planning.plan(
            loaded,
            as_of=AS_OF,
            start=START,
            settings=settings,
            decisions=other_offer(loaded),
            made_by="Luis",
        )
        file = plan.save(home / "plan.json")
        accepted = planning.accepted(
            plan.document.moves,
            by="Carmen",
            on=AS_OF,
            reference="mail",
            price=Decimal("12.50"),
            currency="EUR",
        )
        signed = {
            "losses_accepted": "TEAMS1",
            "losses_accepted_by": "Carmen",
            "losses_accepted_on": AS_OF,
        }
        losing = {one.customer_id: signed for one in plan.document.moves if not one.same_offer}
        decisions.fill(settings.decisions, originals=accepted, customers=losing)
        walked = Programme(server, settings, plan, file, mixed_batch(plan))
        walk(walked)
        yield walked


def walk(programme: Programme) -> None:
    """Invite, wait, get access, order, verify, switch users; some of it twice."""
    with Ledger(programme.settings.ledger_url) as ledger:
        ledger.bind(programme.settings.service.id)
        with pytest.raises(RunbookError) as refused:
            programme.run("unapproved", "provision")
        assert refused.value.exit_code == PlanRefused.exit_code
        ledger.approve(programme.plan.hash, by="Ana", made_by="Luis")
    programme.run("invite", "invite", due=START)
    programme.run("invite again", "invite", due=START)
    morning = datetime.combine(programme.moves[0].date, time(8), UTC)
    programme.server.set_clock(morning - 7 * DAY)
    programme.run("access", "access")
    programme.server.set_clock(morning)
    programme.run("access again", "access")
    programme.run("renewal-safe", "renewal-safe")
    programme.run("dry", "provision", mode="dry")
    programme.run("provision", "provision")
    programme.wait(HOUR)
    programme.run("provision again", "provision")
    programme.wait(HOUR)
    programme.run("verify", "verify")
    programme.run("reassign", "reassign")


def test_an_unapproved_plan_is_refused_with_evidence(programme: Programme) -> None:
    """The kernel says no with the exit code of a refusal, and the receipt is kept."""
    kept = receipts.read(programme.settings.reports)
    broken = kept[kept["status"] == receipts.BROKEN]

    assert len(broken) == 1
    assert "is not approved" in broken.iloc[0]["error"]
    assert broken.iloc[0]["html"].exists()


def test_each_customer_gets_one_letter_however_often_we_ask(programme: Programme) -> None:
    """The outbox holds one letter per invited customer, also after the second run."""
    due = {move.customer_id for move in programme.plan.select(due=START, by="invite_on")}
    letters = list((programme.settings.reports / "outbox").rglob("*-invitation.eml"))
    first = programme.receipts["invite"].counts

    assert letters
    assert len(letters) == first["waiting"] == len(due) - first.get("skipped", 0)
    assert programme.receipts["invite again"].counts == first


def test_a_dry_run_shows_everything_and_does_nothing(programme: Programme) -> None:
    """The receipt names what would be ordered; the rehearsal's books stay as they were."""
    receipt = programme.receipts["dry"]

    assert receipt.counts == {"dry": len(programme.moves)}
    assert programme.orders["dry"] == 0
    assert "would order" in receipt.html.read_text(encoding="utf-8")


def test_every_move_of_the_batch_is_ordered_exactly_once(programme: Programme) -> None:
    """Two passes over the same batch, one order for each move, with the seats of the plan."""
    booked = programme.server.books()["orders"]
    lines = sorted((order["customer_id"], order["quantity"]) for order in booked)

    assert lines == sorted((move.customer_id, move.seats) for move in programme.moves)
    assert programme.orders["provision again"] == programme.orders["provision"]


def test_every_step_ended_as_it_should(programme: Programme) -> None:
    """All seats are verified, and only the move of another offer switched its users."""
    with programme.ledger() as ledger:
        states = dict(ledger.moves().set_index("move_id")["state"])
    expected = {m.move_id: "verified" if m.same_offer else "reassigned" for m in programme.moves}

    assert {move.move_id: states[move.move_id] for move in programme.moves} == expected
    assert all(receipt.ok for receipt in programme.receipts.values())


def test_every_renewal_is_off_or_asked_for(programme: Programme) -> None:
    """No original of the batch is forgotten; those that nobody renews need no letter."""
    held = {
        original: (move.customer_id, move.rule)
        for move in programme.moves
        for original in move.subscription_ids
    }
    with programme.ledger() as ledger:
        ends = ledger.ends().set_index("original")

    assert set(held) <= set(ends.index)
    found = {name: ends.loc[name, "state"] for name in held}
    assert set(found.values()) <= {"asked", "renewal_safe"}
    assert {found[name] for name, (_, rule) in held.items() if rule == "open"} <= {"renewal_safe"}


def test_no_user_was_without_a_licence(programme: Programme) -> None:
    """The books list every gap; there is none."""
    moved = {move.customer_id for move in programme.moves}

    assert [gap for gap in programme.server.books()["gaps"] if gap["customer_id"] in moved] == []


def test_every_run_can_be_read_afterwards(programme: Programme) -> None:
    """Run, ledger and receipt have one name; no receipt holds a token, a script or an address."""
    with programme.ledger() as ledger:
        runs = set(ledger.runs()["run_id"])
    for receipt in programme.receipts.values():
        page = receipt.html.read_text(encoding="utf-8")
        assert receipt.mode == "dry" or receipt.notebook.parent.name in runs
        assert not [mark for mark in ("<script", "https://", "Bearer ") if mark in page]


def test_the_report_says_what_the_ledger_says(programme: Programme, tables: Path) -> None:
    """Notebook 95 and the package count the same, and the count is that of the books."""
    out = programme.settings.reports / "today"
    receipt = runbooks.execute(
        "95-status-report",
        programme.settings.reports / "95.ipynb",
        plan=str(programme.file),
        exports_dir=str(tables),
        config=str(programme.settings.root),
        as_of=programme.server.now().date().isoformat(),
        out=str(out),
    )
    with programme.ledger() as ledger:
        status = reporting.status(
            plan=programme.plan,
            ledger=ledger,
            exports=exports.load(tables),
            as_of=programme.server.now().date(),
            settings=programme.settings,
        )

    assert receipt.ok
    assert status.count("moved") == len(programme.moves) == programme.orders["reassign"]
    text = (out / "index.html").read_text(encoding="utf-8")
    assert f"<strong>{status.count('moved')}</strong>" in text
    assert text.count("50-provision.html") == 4
