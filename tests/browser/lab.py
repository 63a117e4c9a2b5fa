"""A real JupyterLab or Voilà on a free loopback port, and what a person does in its pages."""

from __future__ import annotations

import csv
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Locator, Page, expect

from cspkit import runbooks, workspace

SECONDS = 180
expect.set_options(timeout=SECONDS * 1000)
# One of them would be bold where somebody forgot to escape it.
NAMES = (
    *("Lavandería <b>Luz</b>", "Talleres Aller", "Óptica Brisa", "Hotel Cala", "Bodega Duero"),
    *("Librería Ebro", "Farmacia Faro", "Gestoría Gea", "Panadería Haro", "Clínica Iris"),
    *("Transportes Jara", "Imprenta Kiko"),
)
QUIET = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "apputils-extension/themes": {"theme": "JupyterLab Light"},
}
IDLE = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'"
RUN = "async () => { await window.jupyterapp.commands.execute('notebook:%s') }"
EXECUTE = """async code => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    let said = '';
    const asked = kernel.requestExecute({code});
    asked.onIOPub = one => { if (one.header.msg_type == 'stream') said += one.content.text };
    await asked.done;
    return said;
}"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def served(arguments: list[str], home: Path, **more: str) -> Iterator[str]:
    """Start a Jupyter program with folders of its own, and end it with the block."""
    port, token = free_port(), secrets.token_hex(8)
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    names += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    own = {name: str(home / name.lower()) for name in names} | {"JUPYTER_TOKEN": token}
    for name, values in QUIET.items():
        file = home / "jupyterlab_settings_dir/@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    filled = [one.format(port=port) for one in arguments]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *filled],
            env=os.environ | own | more,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/", server, home / "server.log")
            yield f"http://127.0.0.1:{port}/{{}}token={token}"
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urlopen(address, timeout=5).close()
            return
        except URLError as error:
            if hasattr(error, "code"):
                return
            time.sleep(0.2)
    raise AssertionError(f"no server at {address}: {log.read_text()[-2000:]}")


@contextmanager
def lab(folder: Path, home: Path) -> Iterator[str]:
    """Serve a folder by JupyterLab."""
    options = ["ip=127.0.0.1", "port={port}", "port_retries=0", "terminals_enabled=False"]
    options.append(f"root_dir={folder}")
    arguments = ["jupyter", "lab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    with served([*arguments, *(f"--ServerApp.{one}" for one in options)], home) as address:
        yield address


@contextmanager
def voila(place: Path, home: Path) -> Iterator[str]:
    """Serve a workspace as `make voila` does."""
    options = ["--no-browser", "--port={port}", "--Voila.tornado_settings={{}}"]
    with served(["cspkit.widgets.serving", str(place), *options[:2]], home) as address:
        yield address


@dataclass
class Book:
    """One notebook in a page of the browser; whatever goes wrong in it is in `problems`."""

    page: Page
    problems: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, address: str, height: int = 1000) -> Book:
        """Open an address and listen to all that the page says and asks for."""
        book = cls(browser.new_page(viewport={"width": 1280, "height": height}))
        page, problems = book.page, book.problems
        page.on("console", lambda one: problems.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda one: book._outside(one.url))
        page.set_default_timeout(SECONDS * 1000)
        page.goto(address)
        return book

    def _outside(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.problems.append(f"asked for {url}")

    def run_all(self, what: str = "run-all-cells") -> None:
        """Run cells as the menu does, to their end."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.wait_for_function(IDLE)
        self.page.evaluate(RUN % what)

    def press(self, tool: Locator, name: str) -> None:
        """Press a button: a mouse misses it while a chart above is drawn, and Lab takes Enter."""
        tool.get_by_role("button", name=name, exact=True).dispatch_event("click")

    def rest(self) -> None:
        """Wait until the kernel has done all that was asked; what it draws may replace a button."""
        self.page.wait_for_function(IDLE)

    def write(self, tool: Locator, name: str, words: str) -> None:
        """Type into a line and leave it."""
        self.field(tool, name).fill(words)
        self.field(tool, name).press("Tab")

    def run_above(self, words: str) -> None:
        """Run what stands above a heading, as somebody who reads on does."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        # Before its kernel is there, Lab may yet choose the first cell again.
        self.page.wait_for_function(IDLE)
        self.heading(words)
        self.run_all("run-all-above")

    def run_below(self, words: str) -> None:
        """Run again what stands below a heading, as the tools tell people to do."""
        self.heading(words)
        self.run_all("run-all-below")

    def kernel(self, code: str) -> str:
        """Ask the kernel something, as a cell of one's own would."""
        return str(self.page.evaluate(EXECUTE, code)).strip()

    def errors(self) -> list[str]:
        """List the cells that failed."""
        found: list[str] = self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap(
                cell => (cell.model.outputs?.toJSON() ?? [])
                    .filter(one => one.output_type == 'error').map(one => one.evalue))"""
        )
        return found

    def heading(self, words: str) -> Locator:
        """Find the text cell of a heading, and bring it into view so that Lab draws it."""
        self.page.evaluate(
            """words => { const book = window.jupyterapp.shell.currentWidget.content;
                const at = book.widgets.findIndex(cell =>
                    cell.model.sharedModel.getSource().includes(words));
                book.activeCellIndex = at; book.scrollToItem(at, 'start'); }""",
            words,
        )
        return self.page.get_by_role("heading", name=words)

    def tool(self, number: int = 0) -> Locator:
        """Find one of the tools of the page."""
        return self.page.locator(".cspkit-tool").nth(number)

    def upload(self, tool: Locator, *files: Path) -> None:
        """Choose files in the dialogue of the upload button."""
        with self.page.expect_file_chooser() as dialogue:
            tool.get_by_role("button", name="Upload").click()
        dialogue.value.set_files([str(file) for file in files])

    def field(self, tool: Locator, name: str) -> Locator:
        """Find a line, list or slider by its label."""
        row = tool.locator(".widget-inline-hbox", has=self.page.get_by_text(name, exact=True))
        return row.locator("input, select, [role=slider]").first


def tables(folder: Path, customers: int = 12, *, spread: int = 0, rejects: int = 1) -> Path:
    """Write exports of customers whose terms end from the middle of January on."""
    folder.mkdir(parents=True, exist_ok=True)
    people, rows = [], []
    for number in range(1, customers + 1):
        tenant = f"{number:08x}-0000-4000-8000-000000000000"
        end = date(2027, 1, 14) + timedelta(days=spread * number)
        people.append(
            {
                "customer_id": tenant,
                "name": NAMES[number % len(NAMES)],
                "domain": f"own{number}.example",
                "market": "ES" if number % 3 else "IT",
                "relationship": "reseller",
            }
        )
        rows.append(
            {
                "subscription_id": f"own-{number:04d}",
                "customer_id": tenant,
                "channel": "direct_mosa" if number % 2 else "open",
                "product": "Microsoft 365 Business Standard",
                "sku_id": "f245ecc8-75af-4f8e-b61f-27d8114de5f3",
                "seats": number * 5,
                "assigned_seats": number * 4,
                "term": "P1Y",
                "billing_cycle": "monthly",
                "starts_on": "2026-01-15",
                "expires_on": end.isoformat(),
                "auto_renew": "true",
                "status": "active",
                "unit_price": "12.50",
                "currency": "EUR",
            }
        )
    for number in range(rejects):
        odd = {"subscription_id": f"odd-{number}", "seats": "twelve"}
        rows.append(rows[0] | odd)
    _write(folder / "our-customers.csv", people)
    _write(folder / "our-subscriptions.csv", rows)
    return folder


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def desk(folder: Path, name: str) -> Path:
    """Make a workspace with one notebook, as an analyst has it."""
    settings = workspace.init(folder)
    place = settings.root / "notebooks"
    place.mkdir()
    shutil.copyfile(runbooks.find(name), place / f"{name}.ipynb")
    return settings.root
