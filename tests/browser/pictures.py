"""Take the README's pictures from a run of the demo: `python -m tests.browser.pictures DIR`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cspkit import demo, runbooks
from tests.browser.chromium import open_browser


def take(folder: Path) -> None:
    """Run the demo and notebook 20, and write report.png and ranking.png into folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, open_browser() as browser:
        report = demo.walk(Path(scratch), say=print)
        ranking = runbooks.execute("20-rank-customers", Path(scratch) / "ranking.ipynb").html
        for name, page_file, heading in (
            ("report", report, "Where the move to CSP stands"),
            ("ranking", ranking, "Who goes first?"),
        ):
            page = browser.new_page(viewport={"width": 1200, "height": 900}, device_scale_factor=1)
            page.goto(page_file.resolve().as_uri())
            page.get_by_role("heading", name=heading).evaluate("it => it.scrollIntoView()")
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")


if __name__ == "__main__":
    take(Path(sys.argv[1]))
