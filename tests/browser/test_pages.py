"""The report in a real Chromium."""

from __future__ import annotations

import pytest

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
