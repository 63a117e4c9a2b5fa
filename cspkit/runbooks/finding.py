"""Which notebooks there are; nothing else is ever run."""

from __future__ import annotations

from pathlib import Path

from cspkit.errors import RunbookError, UnknownParameter

RUNBOOKS = {
    "invite": "40-invite",
    "access": "45-access",
    "renewal-safe": "48-renewal-safe",
    "provision": "50-provision",
    "verify": "60-verify",
    "reassign": "70-reassign",
    "retire": "80-retire",
    "undo": "85-undo",
    "reconcile": "90-reconcile",
}
# What acts on nothing needs no batch, and is what opens a ledger that may not be written.
READS = ("reconcile",)


def folder() -> Path:
    """Return the folder of the packaged notebooks, in a wheel or in a clone."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "notebooks", package.parent / "notebooks"):
        if (candidate / "runbooks").is_dir():
            return candidate
    raise RunbookError(f"no notebooks in or beside {package}; install cspkit again")


def notebooks() -> dict[str, Path]:
    """Map the name of every packaged notebook to its file, in the order of their numbers."""
    found = (path for path in folder().rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}


def find(name: str) -> Path:
    """Return a packaged notebook by its name; nothing else is ever run."""
    packaged = notebooks()
    if name not in packaged:
        raise UnknownParameter(f"no notebook {name!r}; there are {', '.join(packaged)}")
    return packaged[name]


def runbook(name: str) -> Path:
    """Return the notebook of a runbook by the name that operators call it by."""
    if name not in RUNBOOKS:
        raise UnknownParameter(f"no runbook {name!r}; there are {', '.join(RUNBOOKS)}")
    return find(RUNBOOKS[name])
