"""How far a run is: as one line in its notebook, and from there in the launcher's terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Say = Callable[[str], object]
_LINE = re.compile(r"^\d+ of \d+ so far: .*$", re.MULTILINE)


def tell(done: int, total: int, counts: Mapping[str, int]) -> None:
    """Print how many subjects are through and how they came out, in place of the line before."""
    from IPython.display import clear_output

    words = ", ".join(f"{number} {word}" for word, number in counts.items())
    clear_output(wait=True)
    print(f"{done} of {total} so far: {words}", flush=True)


class Heard:
    """What a kernel prints, as a file that passes on only the lines about progress."""

    def __init__(self, say: Say) -> None:
        """Pass them on to whoever shows them."""
        self._say = say

    def write(self, text: str) -> int:
        """Pass on the newest line about progress, if there is one in the text."""
        if found := _LINE.findall(text):
            self._say(found[-1])
        return len(text)

    def flush(self) -> None:
        """Do nothing: every line is passed on at once."""
