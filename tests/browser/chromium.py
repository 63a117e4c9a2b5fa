"""A headless Chromium of this machine, through Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def executable() -> str | None:
    """Find the browser on the PATH."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the browser and end it with the block."""
    path = executable()
    if path is None:
        raise FileNotFoundError(f"no browser on the PATH: looked for {', '.join(NAMES)}")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()
