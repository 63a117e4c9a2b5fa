"""Unpack zip archives of export files, within limits, under names of our own."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from cspkit.errors import ExportError

MAX_MEMBERS = 20_000
MAX_UNPACKED = 4 * 1024 * 1024 * 1024
MAX_RATIO = 200
_SMALL = 1024 * 1024


def unpack(path: Path, folder: Path) -> list[tuple[str, Path]]:
    """Write the files of an archive into folder; return their names in the archive.

    Files are numbered, so that no name in the archive can lead out of the folder. Raises
    ExportError for an archive that is none, or is beyond the limits.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _measure(path, members)
            return [
                _write(archive, member, folder / f"{i:05d}") for i, member in enumerate(members)
            ]
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError) as error:
        raise ExportError(path, ["is no whole zip archive; make it again"]) from error
    except (RuntimeError, NotImplementedError) as error:
        raise ExportError(path, ["has a password or an unusual packing; make it again"]) from error


def _measure(path: Path, members: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if len(members) > MAX_MEMBERS:
        raise ExportError(path, [f"holds {len(members):,} files; the limit is {MAX_MEMBERS:,}"])
    if unpacked > MAX_UNPACKED or (unpacked > _SMALL and unpacked / packed > MAX_RATIO):
        raise ExportError(
            path,
            [
                f"unpacks to {unpacked:,} bytes from {packed:,}; the limit is {MAX_UNPACKED:,} "
                f"and {MAX_RATIO} times its size"
            ],
        )


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> tuple[str, Path]:
    """Write one member; its own file name stays, as it may hold a tenant's id or a day."""
    folder.mkdir(parents=True)
    plain = PurePosixPath(member.filename.replace("\\", "/"))
    target = folder / (plain.name.lstrip(".") or "file")
    with archive.open(member) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    try:
        stamp = datetime(*member.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        stamp = 0.0
    os.utime(target, (stamp, stamp))
    inside = [part for part in plain.parts if part not in ("/", "..", ".")]
    return "/".join(inside) or "file", target
