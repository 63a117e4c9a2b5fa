"""The report in a real Chromium."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

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


@pytest.mark.parametrize("width", [360, 1200])
def test_the_report_loads_clean(road: Road, width: int) -> None:
    """No script error, no request to anywhere, nothing wider than the screen."""
    problems: list[str] = []
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.append(request.url))
        address = (road.out / "index.html").resolve().as_uri()
        page.goto(address)
        wide = page.evaluate("document.documentElement.scrollWidth")
        title = page.locator("h1").inner_text()

    assert problems == [address]
    assert wide <= width
    assert title


@pytest.mark.parametrize("lang", ["en", "es", "it"])
def test_the_report_has_no_barrier(road: Road, lang: str, tmp_path: Path) -> None:
    """Axe finds nothing in light, dark and narrow; keyboard and screen readers reach all."""
    settings = Settings.read(road.workspace)
    with Ledger(settings.ledger_url) as ledger:
        status = reporting.status(
            plan=Plan.read(road.workspace / "plan.json"),
            ledger=ledger,
            exports=exports.load(settings.exports),
            as_of=date(2026, 11, 25),
            settings=settings,
        )
    written = reporting.write(status, tmp_path, lang)
    found = []
    with open_browser() as browser:
        for scheme, width in (("light", 1200), ("dark", 1200), ("light", 360)):
            page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
            page.goto(written.resolve().as_uri())
            found += Axe().run(page).response["violations"]

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
