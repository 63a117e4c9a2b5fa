"""A folder that Python and all of Spark see: how its tables travel between them."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from cspkit.errors import CspkitError

LAKEHOUSE = "/lakehouse/default/"
PLACES = f"'{LAKEHOUSE}Files/cspkit' in Fabric, '/Volumes/main/default/cspkit' in Databricks"


class Folder:
    """A folder of our own below the shared one; who made it removes it."""

    def __init__(self, session: Any, shared: str | Path | None) -> None:
        """Make it, and try both ways; raises CspkitError where Spark and Python do not meet."""
        below = Path(shared or tempfile.gettempdir())
        self.path = below / f"cspkit-{secrets.token_hex(6)}"
        try:
            self.path.mkdir(parents=True)
            found = next((one for one in self._spellings() if self._meet(session, one)), None)
        except OSError as error:
            why = f"expected a folder to write to, found {str(below)!r}: {error.strerror}"
            raise CspkitError(f"shared: {why}") from error
        if found is None:
            shutil.rmtree(self.path, ignore_errors=True)
            why = f"Spark does not see the files that Python writes to {str(below)!r}"
            raise CspkitError(f"shared: {why}; name a folder of all its machines: {PLACES}")
        self.root = found

    def spelled(self, name: str) -> str:
        """Name what is in the folder as Spark does."""
        return f"{self.root}/{name}"

    def _spellings(self) -> Iterator[str]:
        """Spell the folder as a local file, as one of Spark's own store, as one of a lakehouse."""
        whole = str(self.path.absolute())
        yield f"file://{whole}"
        yield whole
        if whole.startswith(LAKEHOUSE):
            yield whole.removeprefix(LAKEHOUSE)

    def _meet(self, session: Any, spelled: str) -> bool:
        """Tell whether workers read what Python wrote, and Python what they wrote."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        token = secrets.token_hex(8)
        parquet.write_table(pa.table({"token": [token]}), self.path / "asked")
        try:
            asked = session.read.schema("token string").parquet(f"{spelled}/asked")
            asked.write.mode("overwrite").parquet(f"{spelled}/answered")
        except (PySparkException, Py4JError):
            return False
        answers = [parquet.read_table(one) for one in parts(self.path / "answered")]
        return token in [value for one in answers for value in one.column("token").to_pylist()]


def parts(folder: Path) -> list[Path]:
    """List the files of a table that Spark wrote, in its order."""
    return sorted(folder.glob("part-*.parquet"))
