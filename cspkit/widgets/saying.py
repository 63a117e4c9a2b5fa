"""What goes wrong in a cell or behind a button: one sentence, the whole traceback on demand."""

from __future__ import annotations

import sys
from html import escape
from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython

from cspkit.errors import CspkitError

MORE = "%tb in a new cell shows the whole traceback."


def plain_errors() -> None:
    """Let a cell that fails for a reason we know say it in one sentence.

    Errors of other code keep their traceback. Outside a kernel nothing changes.
    """
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((CspkitError,), _say)


def _say(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    remember(error, trace)
    # What tests, papermill and the receipt read is sent along: the error's name and its words.
    shell._showtraceback(kind, error, [f"\x1b[31m{kind.__name__}: {error}\x1b[0m", MORE])


def remember(error: BaseException, trace: TracebackType | None = None) -> None:
    """Keep an error where `%tb` looks for it."""
    sys.last_type, sys.last_value = type(error), error
    sys.last_traceback = trace or error.__traceback__


def sentence(error: BaseException) -> str:
    """Say in HTML what went wrong, and where the whole of it can be seen."""
    known = isinstance(error, CspkitError | OSError)
    what = str(error) if known else f"a mistake of ours, {type(error).__name__}: {error}"
    return (
        f'<p class="cspkit-wrong" role="alert"><strong>Not done:</strong> {escape(what)}'
        f" <small>{escape(MORE)}</small></p>"
    )
