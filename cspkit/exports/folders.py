"""Find the export files below the given paths; refuse what could lead elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cspkit.errors import ExportError
from cspkit.exports.archives import unpack

READABLE = (".csv", ".tsv", ".txt", ".json", ".xlsx", ".xlsm", ".parquet")
MAX_FILES = 20_000
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]+:/", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """One file to read: where it is, what it is called in tables, whether it was named itself."""

    path: Path
    name: str
    named: bool

    @property
    def suffix(self) -> str:
        """Return the file's ending in lower case."""
        return self.path.suffix.lower()


def walk(paths: Sequence[str | Path], scratch: Path) -> tuple[list[Found], list[tuple[str, str]]]:
    """List the files to read in a fixed order, and the files left alone with the reason.

    Archives are unpacked into the scratch folder. Raises ExportError for an address, a path
    that is not there, or a link that leads out.
    """
    found: dict[Path, Found] = {}
    left: list[tuple[str, str]] = []
    for given in paths:
        root = _local(given)
        for file in _below(root):
            _inside(file, root)
            name = file.relative_to(root).as_posix() if root.is_dir() else file.name
            if file.suffix.lower() == ".zip":
                inside, other = _archive(file, name, scratch, named=file == root)
                found |= {part.path: part for part in inside}
                left += other
            elif readable(file):
                found.setdefault(file.resolve(), Found(file, name, named=file == root))
            elif file == root:
                raise ExportError(root, [f"expected one of {', '.join(READABLE)} or .zip"])
            elif not file.name.startswith("."):
                left.append((name, f"no export file by its ending {file.suffix!r}"))
    if len(found) > MAX_FILES:
        raise ExportError(paths[0], [f"holds over {MAX_FILES:,} files; load them in parts"])
    return _distinct(list(found.values())), left


def readable(file: Path) -> bool:
    """Tell whether a file may be an export by its name."""
    return file.suffix.lower() in READABLE and not file.name.startswith(("~$", "."))


def _archive(
    file: Path, name: str, scratch: Path, *, named: bool
) -> tuple[list[Found], list[tuple[str, str]]]:
    parts = unpack(file, scratch / str(len(list(scratch.iterdir()))))
    inside = [
        Found(path, f"{name}/{part}", named=named and len(parts) == 1)
        for part, path in sorted(parts)
        if readable(path)
    ]
    other = [(f"{name}/{part}", "no export file") for part, path in parts if not readable(path)]
    return inside, other


def _local(given: str | Path) -> Path:
    if _SCHEME.match(str(given)):
        raise ExportError(given, ["is an address; expected a file or folder on this machine"])
    path = Path(given)
    try:
        there = path.exists()
    except (OSError, ValueError) as error:
        raise ExportError(given, [f"cannot be looked at: {error}"]) from error
    if not there:
        raise ExportError(given, ["not found; expected an export file or a folder of them"])
    return path


def _below(root: Path) -> list[Path]:
    if not root.is_dir():
        return [root]
    return sorted(
        (path for path in root.rglob("*") if path.is_symlink() or path.is_file()),
        key=lambda path: path.relative_to(root).as_posix(),
    )


def _inside(file: Path, root: Path) -> None:
    if file == root:
        return
    if not file.resolve().is_relative_to(root.resolve()):
        raise ExportError(file, [f"is a link that leads out of {root}; put the file itself there"])


def _distinct(files: list[Found]) -> list[Found]:
    """Give files of the same name under several roots the parts of their path that differ."""
    names = [file.name for file in files]
    return [
        file
        if names.count(file.name) == 1
        else Found(file.path, file.path.resolve().as_posix().lstrip("/"), file.named)
        for file in files
    ]
