"""A Spark session that cspkit can work on: found or started, checked, and asked to itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cspkit.errors import CspkitError

# The first that takes and gives Arrow tables.
OLDEST = (4, 0)
INSTALL = "pip install cspkit[spark]"
# In our own copy of the session: other settings would give other tables than DuckDB, silently.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
}
# Where we start one: its bars and remarks would stand between the lines of a command.
QUIET = {"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}


def find() -> Any:
    """Return the session of the notebook, else start a local Spark, which tells errors alone.

    Raises CspkitError without pyspark, or without the Java that a local Spark runs on.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise CspkitError(f"engine: expected pyspark, found none; {INSTALL}") from error
    if (active := SparkSession.getActiveSession()) is not None:
        return active
    if "SPARK_REMOTE" not in os.environ:
        _expect_java(os.environ)
    try:
        return SparkSession.builder.config(map=QUIET).getOrCreate()
    except PySparkException as error:
        told = " ".join(str(error).split())
        raise CspkitError(
            f"engine: expected a Spark that starts, found {told}; what it printed says why, "
            "most often a Java older than 17"
        ) from error


def _expect_java(environment: Mapping[str, str]) -> None:
    home = environment.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home) / "bin") if home else environment.get("PATH", "")):
        return
    where = f"in JAVA_HOME {home!r}" if home else "on the PATH"
    raise CspkitError(
        f"engine: expected Java 17 or newer for a local Spark, found none {where}; install one "
        "(Debian: openjdk-17-jre-headless) or set JAVA_HOME"
    )


def expect_recent(version: str) -> None:
    """Raise CspkitError for a Spark that is too old."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise CspkitError(
            f"engine: expected Spark {oldest} or newer, found {version!r}; choose a newer runtime, "
            f"on your own machine {INSTALL}"
        )


def copy(session: Any) -> Any:
    """Open a session of our own beside the given one, so that its settings stay as they are."""
    ours = session.newSession()
    for name, value in SETTINGS.items():
        ours.conf.set(name, value)
    return ours
