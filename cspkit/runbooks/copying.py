"""Copies of packaged notebooks in a workspace, for people to open and to change."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from cspkit.errors import SettingsError

FOLDER = "notebooks"
ANALYSTS = ("00-start-here", "10-load-exports", "20-rank-customers", "30-plan-batches")


def hand_out(workspace: Path, packaged: Iterable[Path]) -> Path:
    """Copy notebooks into a workspace where they are not there yet; return their folder.

    Their kernels run in that folder and find the cspkit.toml above it. Raises SettingsError
    when it cannot be written.
    """
    folder = workspace / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for book in packaged:
            if not (folder / book.name).exists():
                shutil.copyfile(book, folder / book.name)
    except OSError as error:
        why = f"cannot be written: {error.strerror or error}"
        raise SettingsError(folder, "folder", why) from error
    return folder
