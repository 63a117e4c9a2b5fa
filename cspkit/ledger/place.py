"""Where the file of a ledger may lie: on a disk of this computer that nothing copies about."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import psutil

from cspkit.errors import LedgerError

ADVICE = "keep it on a local disk, or use PostgreSQL for a shared ledger"
_SYNCED = (
    *("onedrive", "dropbox", "google drive", "googledrive", "my drive", "icloud", "nextcloud"),
    *("owncloud", "box sync", "pcloud", "syncthing", "cloudstorage", "mobile documents"),
    *("creative cloud files", "seafile", "synologydrive", "megasync", ".shortcut-targets-by-id"),
)
_NETWORK = (
    *("nfs", "cifs", "smb", "afs", "afpfs", "ncp", "webdav", "davfs", "ceph", "glusterfs"),
    *("lustre", "beegfs", "gpfs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.gcsfuse"),
    *("fuse.glusterfs", "fuse.google-drive", "fuse.onedriver", "macfuse", "osxfuse"),
)
# Set by OneDrive on Windows; libraries of SharePoint lie beside it under the company's name.
_VARIABLES = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")

Mounts = Mapping[str, tuple[str, str]]


def refuse_shared(path: Path) -> None:
    """Raise LedgerError when the path is on a network share or in a synced folder."""
    real = Path(os.path.realpath(path))
    for one in (path, real):
        if why := problem(one, mounts(), os.environ):
            raise LedgerError(f"ledger {path}: {why}; {ADVICE}")


def problem(path: PurePath, mounted: Mounts, environment: Mapping[str, str]) -> str:
    """Say why a ledger cannot be kept at a path; empty when it can.

    `mounted` maps mount points to their kind of file system and options.
    """
    text = path.as_posix()
    if text.startswith("//"):
        return "a network share loses locks"
    for part in path.parts:
        if any(part.casefold().startswith(name) for name in _SYNCED):
            return f"{part!r} is a synced folder"
    for name in _VARIABLES:
        if (folder := environment.get(name)) and _inside(path, [folder]):
            return f"{folder!r} is a synced folder"
    found = _mount_of(path, mounted)
    if found is None:
        return ""
    kind, options = mounted[found]
    if kind.casefold().startswith(_NETWORK) or "remote" in options.split(","):
        return f"{found!r} is a network file system ({kind or 'remote'})"
    return ""


def mounts() -> dict[str, tuple[str, str]]:
    """Read what is mounted where, as far as the system tells."""
    try:
        found = psutil.disk_partitions(all=True)
    except (OSError, NotImplementedError):
        return {}
    return {one.mountpoint: (one.fstype, one.opts) for one in found}


def home(path: Path) -> str:
    """Name the one place where a ledger on disk lives: this computer and this path."""
    return f"{socket.gethostname()} {os.path.normcase(os.path.realpath(path))}"


def _mount_of(path: PurePath, mounted: Iterable[str]) -> str | None:
    around = [point for point in mounted if _inside(path, [point])]
    return max(around, key=len, default=None)


def _inside(path: PurePath, folders: Iterable[str]) -> bool:
    kind = PureWindowsPath if isinstance(path, PureWindowsPath) else PurePosixPath
    return any(path.is_relative_to(kind(folder)) for folder in folders)
