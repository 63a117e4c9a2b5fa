"""The notebooks in a real JupyterLab, as an analyst uses them: files, sliders, plans, mistakes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cspkit import decisions, exports
from cspkit.planning import Plan
from tests.browser.chromium import executable, open_browser
from tests.browser.lab import Book, desk, lab, tables

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(executable() is None, reason="no chromium: apt-get install chromium"),
]
# Where `make pictures` wants the README's pictures; else they are thrown away.
PICTURES = os.environ.get("CSPKIT_PICTURES", "")


@dataclass(frozen=True)
class Desk:
    """One JupyterLab and one browser for all tests of this file."""

    browser: Browser
    address: str
    root: Path

    def open(self, folder: str, name: str, height: int = 1000) -> Book:
        """Open a notebook of a workspace below the root."""
        path = f"lab/tree/{folder}/notebooks/{name}.ipynb?reset&"
        return Book.open(self.browser, self.address.format(path), height)


@pytest.fixture(scope="module")
def seat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Start both; every workspace lies below one root, with files of its own."""
    root, home = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("home")
    with lab(root, home) as address, open_browser() as browser:
        yield Desk(browser, address, root)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Folder for pictures."""
    return Path(PICTURES or tmp_path)


def test_a_newcomer_gets_from_own_files_to_a_saved_plan(
    seat: Desk, tmp_path: Path, picture: Path
) -> None:
    """From 00 alone: own files, the ten that cannot wait, another capacity, a plan on the disk."""
    place = desk(seat.root / "newcomer", "00-start-here")
    own = tables(tmp_path / "own")
    book = seat.open("newcomer", "00-start-here")
    book.run_above("They are ordinary tables")
    files = book.tool(0)
    expect(files).to_contain_text("the packaged samples: 58 files")
    book.heading("Load what you have")
    book.upload(files, *own.glob("*.csv"))
    expect(files.locator(".cspkit-done")).to_contain_text("Now run the cells below again")
    expect(files).to_contain_text("2 files, 25 rows = 24 accepted + 1 rejected + 0 set aside")
    book.page.screenshot(path=picture / "notebook-files.png")

    book.run_below("They are ordinary tables")
    book.heading("The ten customers that cannot wait")
    expect(book.page.get_by_text("10 of 12 rows")).to_be_visible()
    expect(book.page.get_by_role("cell", name="Lavandería <b>Luz</b>")).to_be_visible()
    book.heading("Change the capacity")
    planner = book.tool(1)
    expect(planner).to_contain_text("12 moves on 1 day, 0 originals without a day")
    before = planner.locator("tbody tr").last.inner_text()
    handle = book.field(planner, "orders a day")
    handle.press("Home")
    expect(planner).to_contain_text("0 moves on 0 days, 12 originals without a day")
    handle.press("ArrowRight")
    expect(planner).to_contain_text("12 moves on 12 days, 0 originals without a day")
    assert before != planner.locator("tbody tr").last.inner_text()
    expect(planner.locator(".vega-embed canvas")).to_be_visible()
    book.page.screenshot(path=picture / "notebook-planner.png")
    book.write(planner, "made by", "Luis")
    book.press(planner, "Save this plan")
    expect(planner.locator(".cspkit-done")).to_contain_text("cspkit approve plan.json --by NAME")
    saved = Plan.read(place / "plan.json")

    assert (
        len(saved.moves),
        saved.batches["moves"].max(),
        saved.document.made_by,
    ) == (12, 1, "Luis")
    assert (place / "plan.xlsx").exists()
    assert len(exports.load(place / "tables").customers) == 12
    assert (book.errors(), book.problems) == ([], [])
    _mistakes(book, place, tmp_path)
    _lost(book)
    book.page.close()


def _mistakes(book: Book, place: Path, tmp_path: Path) -> None:
    """Wrong files, places and names: each a sentence, and the controls go on answering."""
    files, planner = book.tool(0), book.tool(1)
    book.heading("Change the capacity")
    wrong = planner.locator(".cspkit-wrong")
    book.field(planner, "orders a day").press("ArrowRight")
    expect(planner).to_contain_text("12 moves on 6 days")
    book.rest()
    book.press(planner, "Save this plan")
    expect(wrong).to_contain_text("plan.json is there already and differs; choose another: plan-2")
    book.write(planner, "plan file", "/proc/plan.json")
    book.press(planner, "Save this plan")
    expect(wrong).to_contain_text("cannot be written")
    book.heading("Load what you have")
    (tmp_path / "holiday.txt").write_text("no export at all")
    book.upload(files, tmp_path / "holiday.txt")
    expect(files.locator(".cspkit-wrong")).to_contain_text("holiday.txt")
    book.write(files, "folder or file", "no/such/folder")
    book.press(files, "Load")
    expect(files.locator(".cspkit-wrong")).to_contain_text("no/such/folder")
    book.write(files, "folder or file", "exports")
    book.press(files, "Load")
    expect(files.locator(".cspkit-done")).to_contain_text("Loaded from")

    assert sorted(file.name for file in (place / "exports").iterdir()) == [
        "our-customers.csv",
        "our-subscriptions.csv",
    ]
    assert "Plan" in book.kernel("print(repr(planner.plan))")


def _lost(book: Book) -> None:
    """A kernel that dies leaves controls that say so."""
    files = book.tool(0)
    book.page.evaluate(
        """() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
            .requestExecute({code: 'import os; os._exit(1)'}) }"""
    )
    expect(files).to_have_class(re.compile("jupyter-widgets-disconnected"))
    said = files.evaluate("it => getComputedStyle(it, '::before').content")

    assert "Run All Cells" in said


def test_a_reject_is_put_right_and_fed_back(seat: Desk) -> None:
    """10: a folder by its path, the odd row corrected, and accepted after loading again."""
    place = desk(seat.root / "loading", "10-load-exports")
    exports.load(tables(place / "elsewhere", 3)).save(place / "tables")
    tables(place / "elsewhere")
    book = seat.open("loading", "10-load-exports")
    book.run_all()
    files = book.tool(0)
    book.heading("Read every file")
    book.write(files, "folder or file", "elsewhere")
    book.press(files, "Load")
    expect(files).to_contain_text("24 accepted + 1 rejected")
    book.heading("What somebody must repair")
    rejects = book.tool(1)
    expect(rejects).to_contain_text("1 rejected row to put right")
    book.write(rejects, "right value", "12")
    book.press(rejects, "Put right")
    expect(rejects.locator(".cspkit-done")).to_contain_text("1 put right")
    book.press(rejects, "Load again")
    expect(rejects.locator(".cspkit-done")).to_contain_text("1 of 1 corrected row accepted now")

    assert len(exports.load(place / "tables").subscriptions) == 13
    assert (book.errors(), book.problems) == ([], [])
    book.page.close()


def test_a_batch_by_hand_is_kept_with_its_reason(seat: Desk, picture: Path) -> None:
    """20: filters, two customers put on one day, and the next cell reads it back."""
    place = desk(seat.root / "ranking", "20-rank-customers")
    exports.load(tables(place / "exports", spread=3)).save(place / "tables")
    book = seat.open("ranking", "20-rank-customers", 1150)
    book.run_all()
    book.heading("Look around, and choose by hand")
    tool = book.tool(0)
    handle = book.field(tool, "expires within")
    handle.press("End")
    expect(tool).to_contain_text("12 of 12 customers, 390 seats; 0 without slack")
    book.field(tool, "market").select_option("IT")
    expect(tool).to_contain_text("4 of 12 customers, 150 seats")
    for row in (0, 1):
        tool.locator("table.dataTable tbody tr").nth(row).click()
    book.press(tool, "Choose the selected rows")
    expect(tool).to_contain_text("2 chosen: Hotel Cala, Farmacia Faro")
    book.field(tool, "day").fill("2026-12-15")
    book.write(tool, "decided by", "Ana")
    book.press(tool, "Write into decisions.xlsx")
    expect(tool.locator(".cspkit-wrong")).to_contain_text("reason: a choice by hand needs")
    book.write(tool, "reason", "they move together")
    book.press(tool, "Write into decisions.xlsx")
    expect(tool.locator(".cspkit-done")).to_contain_text("2026-12-15, 2 originals, 45 seats")
    book.page.screenshot(path=picture / "notebook-customers.png")
    book.run_below("What was chosen by hand")
    expect(book.page.get_by_text("they move together").first).to_be_visible()
    bound = decisions.read(place / "decisions.xlsx").originals.dropna(subset=["order_on"])

    assert [date(2026, 12, 15)] * 2 == bound["order_on"].tolist()
    assert (book.errors(), book.problems) == ([], [])
    book.page.close()
