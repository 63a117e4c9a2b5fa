"""The report in a real Chromium."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from cspkit import exports, reporting
from cspkit.errors import SettingsError
from cspkit.ledger import Ledger
from cspkit.planning import Plan
from cspkit.reporting import printing
from cspkit.settings import Settings
from tests.browser.chromium import executable, open_browser
from tests.conftest import Road

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(executable() is None, reason="no chromium: apt-get install chromium"),
]


# The demo moves to the same offer only, so that verified seats are moved seats.
_VERIFIED = ("verified", "reassigned", "closed")
REACHED = {
    "ordered": ("ordered", "provisioned", *_VERIFIED),
    "seats delivered": ("provisioned", *_VERIFIED),
    "seats verified": _VERIFIED,
}


def numbers(text: str) -> list[int]:
    """Read the whole numbers of a text, as they are shown."""
    return [int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text)]


def tally(moves: list[tuple[str, int, str]], states: tuple[str, ...]) -> list[int]:
    """Count moves, seats and customers in some states."""
    own = [move for move in moves if move[0] in states]
    return [len(own), sum(seats for _, seats, _ in own), len({who for *_, who in own})]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser; each page that it opens has cookies and a cache of its own."""
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def status(road: Road) -> reporting.Status:
    """What a report two days into the demo's plan says, in whatever language."""
    settings = Settings.read(road.workspace)
    with Ledger(settings.ledger_url) as ledger:
        return reporting.status(
            plan=Plan.read(road.workspace / "plan.json"),
            ledger=ledger,
            exports=exports.load(settings.exports),
            as_of=date(2026, 11, 25),
            settings=settings,
        )


@pytest.mark.parametrize("width", [360, 1200])
def test_the_report_loads_clean(road: Road, browser: Browser, width: int) -> None:
    """No script error, no request to anywhere, nothing wider than the screen."""
    problems: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url))
    address = (road.out / "index.html").resolve().as_uri()
    page.goto(address)
    wide = page.evaluate("document.documentElement.scrollWidth")
    title = page.locator("h1").inner_text()
    page.close()

    assert problems == [address]
    assert wide <= width
    assert title


def test_the_figures_on_the_screen_are_those_of_the_ledger(road: Road, browser: Browser) -> None:
    """What Chromium shows, counted once more in the tables of the ledger by SQL alone."""
    with closing(sqlite3.connect(road.workspace / "ledger" / "cspkit.db")) as ledger:
        moves = ledger.execute("SELECT state, seats, customer_id FROM moves").fetchall()
        asked = "SELECT count(*) FROM steps WHERE step = 'relationship' AND state = 'asked'"
        (unanswered,) = ledger.execute(asked).fetchone()
    page = browser.new_page()
    page.goto((road.out / "index.html").resolve().as_uri())
    tile = page.locator("li.moved").inner_text()
    shown = {
        stage: page.get_by_role("row").filter(
            has=page.get_by_role("rowheader", name=stage, exact=True)
        )
        for stage in ("ordered", "seats delivered", "seats verified")
    }
    rows = {stage: numbers(row.first.inner_text()) for stage, row in shown.items()}
    section = page.locator("section").filter(has_text="Invitations without an answer")
    ages = [
        numbers(row.inner_text())[-2]
        for row in section.locator("table").first.locator("tbody tr").all()
    ]
    page.close()

    counted = {stage: tally(moves, states) for stage, states in REACHED.items()}
    assert rows == counted
    assert numbers(tile) == counted["seats verified"]
    assert sum(ages) == unanswered
    assert min(unanswered, *counted["seats verified"]) > 0


@pytest.mark.parametrize("lang", ["en", "es", "it"])
def test_the_report_has_no_barrier(
    status: reporting.Status, browser: Browser, lang: str, tmp_path: Path
) -> None:
    """Axe finds nothing in light, dark and narrow; keyboard and screen readers reach all."""
    written = reporting.write(status, tmp_path, lang)
    found = []
    for scheme, width in (("light", 1200), ("dark", 1200), ("light", 360)):
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
        page.goto(written.resolve().as_uri())
        found += Axe().run(page).response["violations"]
        page.close()

    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_the_report_prints_as_pdf(road: Road, tmp_path: Path) -> None:
    """The page is printed by the browser that is there, beside itself."""
    page = tmp_path / "index.html"
    page.write_bytes((road.out / "index.html").read_bytes())

    made = printing.to_pdf(page)

    assert made == page.with_suffix(".pdf")
    assert made.read_bytes().startswith(b"%PDF-")
    assert len(made.read_bytes()) > 20_000


def test_printing_without_a_browser_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything but --pdf works without one."""
    monkeypatch.setenv("CSPKIT_BROWSER", "no-such-browser")

    with pytest.raises(SettingsError, match="needs Chromium, Chrome or Edge, found none of no-su"):
        printing.to_pdf(tmp_path / "index.html")
