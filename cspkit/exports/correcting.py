"""Rejects put right by hand: kept as a rejects file that is loaded beside the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cspkit import writing
from cspkit.errors import ExportError
from cspkit.tables import REJECTS

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports.result import Exports

NAME = "corrected-rejects.csv"
PLACE = ["source_file", "source_row"]


def correct(file: Path, rejects: pd.DataFrame, value: str) -> int:
    """Write another value for some rejects into a file of corrections; return how many it holds.

    What was written for the same rows before is replaced. Raises ExportError when the file
    cannot be written.
    """
    import pandas as pd

    put_right = rejects[REJECTS.names].assign(value=value)
    both = pd.concat([corrections(file), put_right.astype({"source_row": "int64"})])
    both = both.drop_duplicates(PLACE, keep="last").sort_values(PLACE)
    try:
        writing.write(file, both.to_csv(index=False))
    except OSError as error:
        raise ExportError(file, [f"cannot be written: {error.strerror or error}"]) from error
    return len(both)


def corrections(file: Path) -> pd.DataFrame:
    """Read a file of corrections, columns of `tables.REJECTS`; one that is not there holds none."""
    import pandas as pd

    if not file.exists():
        return pd.DataFrame(columns=REJECTS.names).astype({"source_row": "int64"})
    return pd.read_csv(file, dtype=str, keep_default_na=False).astype({"source_row": "int64"})


def open_rejects(exports: Exports, file: Path) -> pd.DataFrame:
    """List the rejects that nobody put right yet, as they stand in the first files.

    Takes exports that were loaded beside the file of corrections: what it holds and was not
    rejected again is done.
    """
    import pandas as pd

    rejects, given = exports.rejects, corrections(file)
    own = rejects["source_file"].str.startswith(f"{file.name}#") | (
        rejects["source_file"] == file.name
    )
    # Its rows are counted from 2, under the header.
    again = set(rejects[own]["source_row"].astype("int64") - 2)
    fresh = [number not in again for number in range(len(given))]
    done = given[pd.Series(fresh, index=given.index, dtype=bool)][PLACE]
    finished = set(done.itertuples(index=False, name=None))
    places = rejects[PLACE].astype({"source_row": "int64"}).itertuples(index=False, name=None)
    left = pd.Series([place not in finished for place in places], index=rejects.index, dtype=bool)
    return rejects[left & ~own]
