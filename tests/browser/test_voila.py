"""Notebooks 20 and 30 as pages for people without JupyterLab, as `make voila` serves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cspkit import decisions, exports, workspace
from cspkit.planning import Plan
from tests.browser.chromium import executable, open_browser
from tests.browser.lab import Book, tables, voila

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(executable() is None, reason="no chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with loaded tables."""
    root = workspace.init(tmp_path_factory.mktemp("served") / "work").root
    exports.load(tables(root / "exports", spread=3)).save(root / "tables")
    return root


@pytest.fixture(scope="module")
def pages(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Book, Book]]:
    """Both notebooks, opened side by side in one browser."""
    home = tmp_path_factory.mktemp("home")
    with voila(place, home) as address, open_browser() as browser:
        names = ("20-rank-customers", "30-plan-batches")
        first, second = (
            Book.open(browser, address.format(f"voila/render/{name}.ipynb?")) for name in names
        )
        yield first, second


def test_a_served_ranking_filters_and_remembers(pages: tuple[Book, Book], place: Path) -> None:
    """A hold is written into decisions.xlsx of the workspace; no code, no error on the page."""
    book = pages[0]
    tool = book.tool(0)
    book.field(tool, "expires within").press("End")
    expect(tool).to_contain_text("12 of 12 customers, 390 seats")
    book.write(tool, "name or id", "gestoría")
    expect(tool).to_contain_text("1 of 12 customers, 35 seats")
    book.press(tool, "Choose all that fit")
    book.field(tool, "decide").select_option("leave out")
    for name, words in (("reason", "dispute"), ("decided by", "Ana")):
        book.write(tool, name, words)
    book.press(tool, "Write into decisions.xlsx")
    expect(tool.locator(".cspkit-done")).to_contain_text("leave out, 1 customer")
    expect(book.page.locator(".vega-embed canvas, .vega-embed svg").first).to_be_attached()

    assert decisions.read(place / "decisions.xlsx").customers[
        "choice_reason"
    ].dropna().tolist() == ["dispute"]
    assert "Javascript Error" not in book.page.content()
    assert "ranking.rank(" not in book.page.content()
    assert book.problems == []


def test_a_served_plan_answers_and_is_saved(pages: tuple[Book, Book], place: Path) -> None:
    """Figures follow a slider, the plan file lies in the workspace, and is compared and told."""
    book = pages[1]
    tool = book.tool(0)
    book.field(tool, "repair days").press("Home")
    book.field(tool, "orders a day").press("Home")
    expect(tool).to_contain_text("0 moves on 0 days, 12 originals without a day")
    book.field(tool, "orders a day").press("ArrowRight")
    expect(tool).to_contain_text("12 moves on 12 days, 0 originals without a day")
    book.press(tool, "Save this plan")
    expect(tool.locator(".cspkit-done")).to_contain_text("cspkit approve plan.json --by NAME")

    compare = book.tool(1)
    book.press(compare, "Look for plans again")
    book.field(compare, "from").select_option("plan.json")
    expect(compare).to_contain_text("0 added, 0 dropped, 0 earlier, ")
    told = book.page.get_by_text("cspkit run provision --plan plan.json --batch B001")

    assert told.count() == 1
    assert Plan.read(place / "plan.json").batches["moves"].max() == 1
    assert "Javascript Error" not in book.page.content()
    assert book.problems == []
