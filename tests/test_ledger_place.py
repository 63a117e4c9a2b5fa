"""A ledger that was copied, moved, restored or replaced is refused: it forgot what was ordered."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from cspkit.errors import LedgerError
from cspkit.ledger import Ledger, backups, place
from tests.ledgers import CUSTOMER, NOON, SERVICE, TENANT, bound, raw, sqlite
from tests.postgres import Postgres

WINDOWS = {"C:\\": ("NTFS", "rw,fixed"), "T:\\": ("NTFS", "rw,remote")}
POSIX = {"/": ("ext4", "rw"), "/mnt/team": ("nfs4", "rw"), "/home/ana/x": ("fuse.sshfs", "rw")}
ONEDRIVE = {"OneDriveCommercial": r"C:\Users\ana\Contoso"}


@pytest.mark.parametrize("folder", ["OneDrive - Contoso", "Dropbox", "Google Drive"])
def test_synced_folders_are_refused(tmp_path: Path, folder: str) -> None:
    """A ledger that a cloud client copies about loses locks and commits."""
    with pytest.raises(LedgerError, match="synced folder; keep it on a local disk"):
        Ledger(f"sqlite:///{(tmp_path / folder / 'cspkit.db').as_posix()}")

    assert not (tmp_path / folder).exists()


@pytest.mark.parametrize(
    ("path", "mounted", "why"),
    [
        (PureWindowsPath(r"C:\work\cspkit.db"), WINDOWS, ""),
        (PureWindowsPath(r"T:\work\cspkit.db"), WINDOWS, "network file system"),
        (PureWindowsPath(r"\\server\share\cspkit.db"), WINDOWS, "network share"),
        (PureWindowsPath(r"C:\Users\ana\OneDrive - X\cspkit.db"), WINDOWS, "synced folder"),
        (PureWindowsPath(r"C:\Users\ana\contoso\cspkit.db"), WINDOWS, "synced folder"),
        (PurePosixPath("/home/ana/work/cspkit.db"), POSIX, ""),
        (PurePosixPath("/mnt/team/cspkit.db"), POSIX, "nfs4"),
        (PurePosixPath("/mnt/teamwork/cspkit.db"), POSIX, ""),
        (PurePosixPath("/home/ana/x/cspkit.db"), POSIX, "fuse.sshfs"),
        (PurePosixPath("/Users/a/Library/CloudStorage/x/cspkit.db"), POSIX, "synced folder"),
        (PurePosixPath("/Users/a/Library/Mobile Documents/c.db"), POSIX, "synced folder"),
    ],
)
def test_a_ledger_stays_on_a_disk_that_nothing_copies(
    path: PurePosixPath | PureWindowsPath, mounted: place.Mounts, why: str
) -> None:
    """Shares lose locks and cloud clients copy half-written files: both order twice."""
    found = place.problem(path, mounted, ONEDRIVE)

    assert why in found
    assert bool(why) == bool(found)


def test_a_link_into_a_synced_folder_is_followed(tmp_path: Path) -> None:
    """What counts is where the file is, not what the way to it is called."""
    (tmp_path / "Dropbox").mkdir()
    os.symlink(tmp_path / "Dropbox", tmp_path / "ledger")

    with pytest.raises(LedgerError, match="'Dropbox' is a synced folder"):
        Ledger(sqlite(tmp_path / "ledger" / "cspkit.db"))


def test_a_copied_ledger_is_refused(file: Path, tmp_path: Path) -> None:
    """Two copies of one ledger would both order; the second says where the first lives."""
    bound(file).close()
    copy = tmp_path / "laptop" / "cspkit.db"
    shutil.copytree(file.parent, copy.parent)

    with Ledger(sqlite(copy)) as second:
        with pytest.raises(LedgerError, match=r"copied or moved here from .*see `cspkit doctor`"):
            second.begin_run("provision", mode="rehearsal", plan_hash="p1")
        assert second.runs().empty
    with Ledger(sqlite(file)) as first:
        assert first.begin_run("provision", mode="rehearsal", plan_hash="p1")


def test_a_ledger_of_another_computer_is_refused(file: Path) -> None:
    """A file that came with a folder from another installation is not written."""
    with bound(file) as ledger:
        raw(ledger, "UPDATE meta SET value = 'elsewhere /x/cspkit.db' WHERE key = 'home'")

    with (
        Ledger(sqlite(file)) as seen,
        pytest.raises(LedgerError, match="copied or moved here from 'elsewhere"),
    ):
        seen.approve("p1", by="berta")


def test_a_moved_ledger_is_trusted_by_name_and_reason(file: Path, tmp_path: Path) -> None:
    """Who says that the file was moved for good is kept, and then it works as before."""
    bound(file).close()
    moved = tmp_path / "moved" / "cspkit.db"
    shutil.move(file.parent, moved.parent)
    with Ledger(sqlite(moved)) as ledger:
        with pytest.raises(LedgerError, match="a name and a reason"):
            ledger.trust(by="ana", reason=" ")
        ledger.trust(by="ana", reason="new disk")

    with Ledger(sqlite(moved)) as ledger:
        ledger.approve("p1", by="berta")
        assert {"trusted", "approved"} <= set(ledger.events()["kind"])


def test_a_restored_older_ledger_is_refused(file: Path, disk: Path) -> None:
    """What was ordered after the copy was made is forgotten: nothing goes out until reconciled."""
    with bound(file) as ledger:
        ledger.approve("p1", by="berta")
        copy = backups.take(file, "test", NOON)
        ledger.approve("p2", by="berta")
    shutil.copy(copy, file)

    with Ledger(sqlite(file)) as restored:
        with pytest.raises(LedgerError, match="restored from an older copy: event 3 is gone"):
            restored.begin_run("provision", mode="rehearsal", plan_hash="p1")
        restored.hold(CUSTOMER, reason="first look", by="ana")
    with Ledger(sqlite(file)) as restored:
        assert "restored" in restored.distrust
        restored.trust(by="ana", reason="reconciled: nothing differs")
        restored.approve("p3", by="berta")
    with Ledger(sqlite(file)) as again:
        assert again.distrust == ""


def test_a_live_ledger_restored_with_its_whole_folder_is_refused(file: Path, disk: Path) -> None:
    """The note in the operator's own folder does not come back with the workspace."""
    with bound(file, TENANT) as ledger:
        shutil.copytree(file.parent, disk / "copy")
        ledger.approve("p2", by="berta")
    shutil.rmtree(file.parent)
    shutil.copytree(disk / "copy", file.parent)

    with Ledger(sqlite(file)) as restored, pytest.raises(LedgerError, match="event 2 is gone"):
        restored.approve("p2", by="berta")


def test_a_restored_shared_ledger_is_refused(postgres: Postgres, empty_ledger: str) -> None:
    """A server that was set back has forgotten as much as a file."""
    name = postgres.database(empty_ledger)
    with Ledger(postgres.url(name)) as ledger:
        ledger.bind(TENANT)
    kept = postgres.database(name)
    with Ledger(postgres.url(name)) as ledger:
        ledger.approve("p2", by="berta")

    with Ledger(postgres.url(kept)) as restored, pytest.raises(LedgerError, match="older copy"):
        restored.approve("p2", by="berta")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"ledger": "x"}'])
def test_an_unreadable_note_is_no_permission(file: Path, content: str) -> None:
    """Nobody knows then whether the ledger is the newest."""
    bound(file).close()
    file.with_name("cspkit.db.mark").write_text(content)

    with Ledger(sqlite(file)) as ledger, pytest.raises(LedgerError, match="cannot be read"):
        ledger.approve("p2", by="berta")


def test_another_ledger_in_its_place_is_refused(file: Path, disk: Path) -> None:
    """A ledger that was lost and made anew knows of no order."""
    bound(file).close()
    file.unlink()

    with Ledger(sqlite(file)) as ledger, pytest.raises(LedgerError, match="another ledger"):
        ledger.bind(SERVICE)
