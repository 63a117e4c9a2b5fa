"""A page as PDF, printed by the Chromium of this machine where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cspkit.errors import ExportError, SettingsError

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    "msedge",
)
SECONDS = 120


def to_pdf(page: Path) -> Path:
    """Print a page beside itself; the browser is $CSPKIT_BROWSER, or one on the PATH.

    Raises SettingsError that says what to install, ExportError when printing fails.
    """
    browser = _browser()
    out = page.with_suffix(".pdf").resolve()
    with tempfile.TemporaryDirectory() as profile:
        command = [
            *(browser, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"),
            *("--disable-background-networking", "--disable-extensions", "--disable-sync"),
            *(f"--user-data-dir={profile}", f"--print-to-pdf={out}", page.resolve().as_uri()),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")
        out.unlink(missing_ok=True)
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ExportError(out, [f"{browser} could not print it: {error}"]) from error
    if done.returncode != 0 or not out.exists():
        raise ExportError(out, [f"{browser} ended with {done.returncode} and printed nothing"])
    return out


def _browser() -> str:
    named = os.environ.get("CSPKIT_BROWSER")
    found = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
    if found is None:
        looked = named or ", ".join(BROWSERS)
        raise SettingsError(
            "report",
            "--pdf",
            f"needs Chromium, Chrome or Edge, found none of {looked}; install "
            "one, or name it in CSPKIT_BROWSER",
        )
    return found
