"""What all tests share: the demo's road walked once, and skips that fail where none is allowed."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadFileScheduling

from cspkit import statements
from tests.ledgers import clock, disk, empty_ledger, file, ledger, postgres, url  # noqa: F401

if TYPE_CHECKING:
    from tests.scene import Scene

ROOT = Path(__file__).parents[1]
WALKED = ("test_demo.py", "browser/test_pages.py")
LONGEST = (
    *("/test_spark.py", "/proof/", "browser/test_pages.py", "/test_lab.py", "/test_execution.py"),
    *("/test_cli_run.py", "/test_cli.py", "/test_rehearsing.py", "/test_voila.py"),
    *("/test_kernels.py", "/test_explaining.py", "/test_widgets_tools.py"),
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure that says what was skipped."""
    report = yield
    if report.skipped and os.environ.get("CSPKIT_NO_SKIPS"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skips are failures here (CSPKIT_NO_SKIPS): {reason}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes longest begin first, so that all workers end at about the same time."""
    items.sort(key=lambda item: [name not in item.nodeid for name in LONGEST])


def pytest_collection_finish() -> None:
    """Let the collector of cycles pass over what was loaded: it stays to the end of the run."""
    # Going through it again and again took a twentieth of the run's processor time.
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Give everything back to the collector, so that libraries can end in order."""
    gc.unfreeze()


class Together(LoadFileScheduling):
    """Give the files that need the walked road to one worker, which walks it once."""

    def _split_scope(self, nodeid: str) -> str:
        whole = super()._split_scope(nodeid)
        return "road" if whole.endswith(WALKED) else whole


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Keep the tests of a file together, as module fixtures expect."""
    return Together(config, log)


@pytest.fixture(scope="session", autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what cspkit notes in a person's own folder out of it, also in child processes."""
    os.environ["CSPKIT_STATE"] = str(tmp_path_factory.mktemp("state"))
    base = tmp_path_factory.getbasetemp()
    # Workers share what they compile: it is the same for all of them, and takes long.
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    os.environ["CSPKIT_CACHE"] = str(cache)
    place = statements.folder()
    assert place is not None
    # Made here, before two processes would make it at once, which one of them could not.
    place.mkdir(mode=0o700, parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def _interrupts() -> None:
    """Let each test hear Ctrl-C as Python does; Spark, once there, keeps it for itself."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A prompt service and an empty workspace."""
    # Imported late: pytest reads this file before any worker starts, and most tests need no scene.
    from tests import scene as scenes

    with scenes.scene() as made:
        yield made


@dataclass(frozen=True)
class Road:
    """What the demo printed and where it worked."""

    printed: str
    out: Path
    package: Path

    @property
    def workspace(self) -> Path:
        return self.out / "workspace"

    @property
    def books(self) -> dict[str, Any]:
        books: dict[str, Any] = json.loads((self.workspace / "books.json").read_text("utf-8"))
        return books


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Build the wheel, unpack it beside nothing of the clone, and run its demo."""
    base = tmp_path_factory.mktemp("road")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels, package = base / "wheels", base / "package"
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(ROOT)]
    subprocess.run(build, check=True)
    wheel = next(wheels.glob("cspkit-*.whl"))
    subprocess.run([*pip, "install", "--no-deps", "--target", str(package), str(wheel)], check=True)
    command = [sys.executable, "-m", "cspkit", "demo", "--out", str(base / "out")]
    environment = os.environ | {"PYTHONPATH": str(package), "COLUMNS": "160"}
    done = subprocess.run(command, cwd=base, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Road(done.stdout, base / "out", package)
