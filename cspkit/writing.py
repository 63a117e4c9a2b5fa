"""Files that are there whole, or as they were before, and cells that no spreadsheet executes."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TRIES, _PAUSE = 20, 0.01
# What a spreadsheet takes for a formula (OWASP, CSV injection), also in full width or behind
# blanks and marks that it overlooks.
_FORMULA = re.compile(r"^[\s'\u200b\ufeff]*[=+\-@＝＋－＠|%]|^[\t\r\n]")


@contextmanager
def whole(file: Path, *, flushed: bool = True, private: bool = False) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `file` when the block ends well.

    When it does not, `file` is as it was and nothing is left beside it. `flushed` waits until
    the disk has it, so that a loss of power cannot leave an empty file under the name; `private`
    lets nobody but its owner read it. Raises OSError where nothing can be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # not its suffix: who looks for such files must not find half of one
    part = file.with_name(f".{file.name}.{uuid.uuid4().hex[:12]}")
    try:
        if private:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part
        if flushed:
            _flush(part)
        _put(part, file)
    finally:
        part.unlink(missing_ok=True)


def write(file: Path, content: str | bytes, *, flushed: bool = True, private: bool = False) -> Path:
    """Write bytes, or a text in UTF-8 with its line ends as they are; see `whole`."""
    with whole(file, flushed=flushed, private=private) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return file


def harmless(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would take for a formula.

    What is no text, such as a negative number, stays as it is.
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _flush(part: Path) -> None:
    with part.open("rb+") as written:
        os.fsync(written.fileno())


def _put(part: Path, file: Path) -> None:
    for _ in range(_TRIES):
        try:
            part.replace(file)
        except PermissionError:
            # Windows refuses while somebody else is just reading the file.
            time.sleep(_PAUSE)
        else:
            return
    part.replace(file)
