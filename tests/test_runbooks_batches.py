"""Several batches in one call: each its own kernel and receipt, and nothing more after a stop."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from time import sleep
from typing import Any

import pytest

from cspkit import cli, runbooks
from cspkit.errors import CspkitError, RunbookError, UnknownParameter
from cspkit.kernels import warming
from cspkit.policy import Policy
from cspkit.reporting import receipts
from cspkit.runbooks import interrupting, settling
from tests.scene import Scene, scene

NAMES = ["B001", "B002", "B003"]


@pytest.fixture(scope="module", autouse=True)
def warm() -> Iterator[None]:
    """Share what has been imported between the calls of this file."""
    with warming.warm():
        yield


@pytest.fixture
def office() -> Iterator[Scene]:
    """Three batches of one move each, approved."""
    with scene() as made:
        made.moves = [made.move(made.ready(at), batch=name) for at, name in enumerate(NAMES)]
        made.save()
        yield made


def call(office: Scene, *batches: str, **how: Any) -> Iterator[runbooks.Receipt]:
    """Provision batches of the plan on the rehearsal."""
    given: dict[str, Any] = {"plan": office.plan_file, "settings": office.settings, **how}
    return runbooks.run_batches("provision", batches=batches, mode="rehearsal", **given)


def kept(office: Scene) -> dict[str, str]:
    """Read the receipts that there are: what came of each batch."""
    found = receipts.read(office.settings.reports)
    assert all(html.exists() for html in found["html"])
    return dict(zip(found["batch"], found["status"], strict=True))


def ordered(office: Scene) -> list[int]:
    """Count the orders of each batch in the rehearsal's books."""
    booked = [order["customer_id"] for order in office.orders]
    return [booked.count(move.customer_id) for move in office.moves]


def test_each_batch_has_one_kernel_and_one_receipt(office: Scene) -> None:
    """Named one by one or from one to another, once each, in the order given; orders once."""
    done = list(call(office, "B003", "B001-B003"))

    assert [receipt.batch for receipt in done] == ["B003", "B001", "B002"]
    assert dict.fromkeys(NAMES, receipts.DONE) == kept(office)
    assert ordered(office) == [1, 1, 1]
    with office.ledger() as ledger:
        assert sorted(one.notebook.parent.name for one in done) == sorted(ledger.runs()["run_id"])


@pytest.mark.parametrize(
    ("batches", "how", "message"),
    [
        (["B001", "B009"], {}, "found 'B009'; the plan has B001, B002, B003"),
        (["B002", "B003-B001"], {}, "it runs backwards, did you mean B001-B003"),
        (["B001", "eyJhbGciOiJSUzI1NiJ9.x"], {}, "looks like a secret"),
        (["B001", "B002"], {"canary": 1}, "a canary is for one batch, found 2"),
        (["B001", ""], {}, "needs a batch or a due date"),
        (["B001"], {"engine": "hot"}, "engine expects warm or stock, found 'hot'"),
    ],
)
def test_all_are_checked_before_the_first_begins(
    office: Scene, batches: list[str], how: dict[str, Any], message: str
) -> None:
    """A slip in the last batch leaves the first one alone."""
    before = office.books

    with pytest.raises(UnknownParameter, match=message):
        list(call(office, *batches, **how))

    assert before == office.books
    assert kept(office) == {}


def test_failures_of_all_batches_count_together(office: Scene) -> None:
    """As many as the policy allows in one run, not in each of its batches."""
    policy = Policy(max_failures=2)
    office.settings = office.settings.model_copy(update={"policy": policy})
    office.fault("refuse", "*/carts", times=None, status=403, code=2032)

    done = list(call(office, *NAMES))

    assert [receipt.counts for receipt in done] == [{"failed": 1}, {"failed": 1}]
    assert done[-1].notes[-1] == "not begun: B003"
    assert kept(office) == {"B001": "failed", "B002": "failed"}


def test_a_batch_that_breaks_is_the_last_and_leaves_its_receipt(office: Scene) -> None:
    """What its kernel refuses, the next would refuse too; those before keep their receipts."""
    runs = call(office, *NAMES)
    first = next(runs)
    with office.ledger() as ledger:
        ledger.hold("*", reason="stock-taking", by="ana")
        held = [receipt.counts for receipt in [next(runs)]]
        ledger.release("*", reason="over", by="ana")
    office.settings.decisions.write_text("not a workbook", encoding="utf-8")
    with pytest.raises(RunbookError) as broken:
        next(runs)

    assert first.ok and held == [{"skipped": 1}]
    assert isinstance(broken.value, CspkitError) and broken.value.receipt
    assert kept(office) == {"B001": "done", "B002": "done", "B003": "broken"}
    assert ordered(office) == [1, 0, 0]


def test_the_command_line_says_each_batch(
    office: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list wherever several may be named; the stock engine does the same."""
    settling.keep(office.settings, office.settings.root)
    monkeypatch.chdir(office.settings.root)
    words = ["run", "provision", "--plan", "plan.json", "--batch", "B002-B002", "--engine", "stock"]
    monkeypatch.setattr(sys, "argv", ["cspkit", *words, "--mode", "rehearsal", "--json"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, [one["batch"] for one in told]) == (0, ["B002"])
    assert ordered(office) == [0, 1, 0]


@pytest.mark.skipif(os.name != "posix", reason="a signal to one's own process")
def test_an_interrupt_between_two_cells_begins_no_other_batch(
    office: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when the first batch is through and its kernel is about to be shut down."""
    ended = interrupting.Watched._ended

    def interrupted(self: interrupting.Watched, cell: Any, cell_index: int, **more: Any) -> None:
        ended(self, cell, cell_index, **more)
        if "work.close(" in cell.source and not self.asked.on:
            os.kill(os.getpid(), signal.SIGINT)
            sleep(0.5)

    monkeypatch.setattr(interrupting.Watched, "_ended", interrupted)
    done = list(call(office, "B001", "B002"))

    assert [receipt.stopped for receipt in done] == ["the run was stopped by hand"]
    assert "not begun: B002" in done[0].notes
    assert ordered(office) == [1, 0, 0]
