"""What is wrong with a Spark is one line that says what to do; none of this starts one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cspkit import CspkitError
from cspkit.exports import engine, spark_session

ASK = """
import sys, cspkit
try:
    cspkit.load(sys.argv[1], engine="spark")
except cspkit.CspkitError as error:
    print(error)
"""


def asked(tmp_path: Path, **environment: str) -> list[str]:
    """Ask for Spark in a process whose PATH holds nothing, and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK, str(tmp_path)],
        env=kept | {"PATH": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


def test_no_java(tmp_path: Path) -> None:
    """Without Java nothing is started; the one line says which, and where to get it."""
    told = (
        "engine: expected Java 17 or newer for a local Spark, found none on the PATH; install one "
        "(Debian: openjdk-17-jre-headless) or set JAVA_HOME"
    )

    assert [told] == asked(tmp_path)


def test_no_java_at_home(tmp_path: Path) -> None:
    """A JAVA_HOME without Java is named, since it goes before the PATH."""
    (line,) = asked(tmp_path, JAVA_HOME=str(tmp_path))

    assert f"found none in JAVA_HOME {str(tmp_path)!r}" in line


@pytest.mark.parametrize("version", ["3.5.4", "3.3.1.5.2-1", "2.4.8"])
def test_an_old_spark(version: str) -> None:
    """What gives no Arrow tables is refused with its version."""
    with pytest.raises(CspkitError, match=f"expected Spark 4.0 or newer, found '{version}'"):
        spark_session.expect_recent(version)


@pytest.mark.parametrize("version", ["4.0.0", "4.3.0", "4.1.0-databricks", "10.0"])
def test_a_recent_spark(version: str) -> None:
    """A runtime's own suffix does not matter, nor does a second digit."""
    assert spark_session.expect_recent(version) is None


@pytest.mark.parametrize("given", ["duckdb", "polars", 7])
def test_what_is_no_engine(given: object) -> None:
    """Anything but DuckDB and Spark is refused with what to pass."""
    with pytest.raises(CspkitError, match=r"engine: expected ibis.duckdb.connect.*, found"):
        engine.opened(given)
