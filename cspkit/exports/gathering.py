"""Open every file below the given paths; what is wrong with any of them is told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cspkit.errors import ExportError
from cspkit.exports import opening
from cspkit.exports.folders import Found, walk
from cspkit.exports.formats import Formats
from cspkit.exports.sheets import Sheet

Progress = Callable[[str, int, int], None]


def gather(
    paths: tuple[str | Path, ...], progress: Progress | None, scratch: Path, formats: Formats
) -> tuple[list[Sheet], list[opening.Left]]:
    """Return all recognised sheets, and what was left alone with the reason.

    Raises ExportError that tells the problems of all files at once.
    """
    files, left = walk(paths, scratch)
    sheets: list[Sheet] = []
    errors: list[ExportError] = []
    for done, file in enumerate(files, start=1):
        try:
            found, unknown = opening.open_file(file, formats)
            sheets += found
            left += unknown
        except ExportError as error:
            errors.append(_named_as_known(error, file, scratch))
        if progress:
            progress(file.name, done, len(files))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExportError(", ".join(map(str, paths)), [str(error) for error in errors])
    return sheets, left


def _named_as_known(error: ExportError, file: Found, scratch: Path) -> ExportError:
    """Name a file of an archive as people know it, not where it was unpacked."""
    if not file.path.is_relative_to(scratch):
        return error
    return ExportError(error.path.replace(str(file.path), file.name), error.problems)
