"""Take the README's pictures: `python -m tests.browser.pictures DIR`.

Of the demo's report, of receipts, and of the notebooks in JupyterLab while their tests run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cspkit import demo, exports, planning, reporting, runbooks
from cspkit.ledger import Ledger
from cspkit.reporting.words import Words
from cspkit.settings import Settings
from tests.browser.chromium import open_browser

CHART = "Seats by the week in which their subscription ends"


def take(folder: Path) -> None:
    """Run the demo, notebooks 20 and 30 and the report in three languages; photograph each.

    The workbook is printed by LibreOffice, which must be there with the tools of poppler.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, open_browser() as browser:
        for name, file, heading in pages(Path(scratch)):
            page = browser.new_page(viewport={"width": 1200, "height": 900}, device_scale_factor=1)
            page.goto(file.resolve().as_uri())
            page.get_by_role("heading", name=heading).evaluate("it => it.scrollIntoView()")
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")
        book = Path(scratch) / "workspace" / "es" / "status.xlsx"
        print(sheet(book, Words("es").text(CHART), folder / "workbook-es.png"))
    tests = Path(__file__).with_name("test_lab.py")
    taking = os.environ | {"CSPKIT_PICTURES": str(folder.resolve())}
    subprocess.run([sys.executable, "-m", "pytest", "-q", str(tests)], env=taking, check=True)


def sheet(book: Path, title: str, picture: Path) -> Path:
    """Print a workbook by LibreOffice, and take the page on which a title stands."""
    home, printed = book.parent / "office", book.with_suffix(".pdf")
    office = ["soffice", f"-env:UserInstallation={home.resolve().as_uri()}", "--headless"]
    convert = [*office, "--convert-to", "pdf", "--outdir", str(book.parent), str(book)]
    subprocess.run(convert, check=True, capture_output=True, timeout=180)
    told = ["pdftotext", str(printed), "-"]
    text = subprocess.run(told, check=True, capture_output=True, text=True).stdout
    page = next(n for n, said in enumerate(text.split("\f"), 1) if title in " ".join(said.split()))
    upper = ["-x", "40", "-y", "60", "-W", "1060", "-H", "220"]
    only = ["-png", "-r", "100", *upper, "-f", str(page), "-l", str(page), "-singlefile"]
    shot = ["pdftoppm", *only, str(printed), str(picture.with_suffix(""))]
    subprocess.run(shot, check=True)
    return picture


def pages(scratch: Path) -> Iterator[tuple[str, Path, str]]:
    """Give the name of each picture, its page, and the heading that it begins with."""
    report = demo.walk(scratch, say=print)
    yield "report", report, "Where the move to CSP stands"
    for lang, heading in (("es", "Cómo va el paso a CSP"), ("it", "A che punto è il passaggio")):
        yield f"report-{lang}", translated(report.parent / "workspace", lang), heading
    ranking = runbooks.execute("20-rank-customers", scratch / "ranking.ipynb").html
    yield "ranking", ranking, "Who goes first?"
    planned = runbooks.execute("30-plan-batches", scratch / "planned.ipynb").html
    yield "planning", planned, "How busy will it be?"


def translated(workspace: Path, lang: str) -> Path:
    """Write the demo's report once more in another language."""
    settings = Settings.read(workspace)
    with Ledger(settings.ledger_url) as ledger:
        status = reporting.status(
            plan=planning.Plan.read(workspace / "plan.json"),
            ledger=ledger,
            exports=exports.load(settings.exports),
            as_of=demo.START,
            settings=settings,
        )
    return reporting.write(status, workspace / lang, lang)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
