"""Files that are there whole, or as they were before."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cspkit import writing

KILLED = """
import os, signal, sys
from pathlib import Path
from cspkit import writing

with writing.whole(Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_block_that_ends_well_replaces_the_file(tmp_path: Path) -> None:
    """The new content stands under the name, in a folder that is made, and nothing beside it."""
    file = tmp_path / "a" / "kept.txt"

    writing.write(file, "one\n")
    writing.write(file, b"two\r\n")

    assert file.read_bytes() == b"two\r\n"
    assert list(file.parent.iterdir()) == [file]


def test_a_block_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """What was half written is gone."""
    file = writing.write(tmp_path / "kept.txt", "before")

    with pytest.raises(ZeroDivisionError), writing.whole(file) as part:
        part.write_text("half")
        print(1 / 0)

    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_killed_writer_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Half of the new one lies under a name that nobody looks for."""
    file = writing.write(tmp_path / "kept.eml", "before")

    done = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)

    assert done.returncode != 0
    assert file.read_text() == "before"
    assert list(tmp_path.glob("*.eml")) == [file]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has these modes")
def test_what_is_private_is_never_open_to_others(tmp_path: Path) -> None:
    """Neither the file nor what it is made from, even before anything is in it."""
    file = writing.write(tmp_path / "token", "before")
    file.chmod(0o644)

    with writing.whole(file, private=True) as part:
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        part.write_text("after")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_writers_at_once_never_mix(tmp_path: Path) -> None:
    """Each has a half of its own; a reader sees one of them, whole."""
    file = tmp_path / "kept.txt"
    texts = [letter * 100_000 for letter in "abcd"]

    writers = [threading.Thread(target=writing.write, args=(file, text)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A file that stands where the folder should be is an error of the system, nothing else."""
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="file"):
        writing.write(tmp_path / "file" / "kept.txt", "text")


@pytest.mark.parametrize(
    "text", ["=1+1", " @SUM(1)", "＋1", "\u200b=1", "'=1", "|cmd", "\tx", "-3"]
)
def test_a_text_is_never_a_formula(text: str) -> None:
    """What a spreadsheet would execute begins with an apostrophe, also behind blanks."""
    assert writing.harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["plain", "a=1", "", -3, None])
def test_what_is_no_formula_stays(value: object) -> None:
    """Numbers below zero are numbers."""
    assert writing.harmless(value) == value
