"""One line for each thing looked at: how it is, and what to do where it is not in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cspkit.errors import CspkitError

if TYPE_CHECKING:
    from cspkit.settings import Settings
    from cspkit.wire import TokenProvider

OK, WARNING, FAILED = "ok", "warning", "failed"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `advice` is what to do, empty when it is in order."""

    what: str
    result: str
    found: str
    advice: str = ""


def check(
    settings: Settings, *, tokens: TokenProvider | None = None, kernel: bool = True
) -> list[Finding]:
    """Look at versions, kernel, ledger, sign-in, roles and clock; changes nothing anywhere.

    `kernel=False` leaves out the real kernel, which takes a second or two.
    """
    from cspkit.doctor import keeping, machine, service

    looks: list[Callable[[], Iterator[Finding]]] = [machine.versions]
    if kernel:
        looks.append(machine.kernel)
    looks.append(lambda: keeping.ledger(settings))
    looks.append(lambda: service.reached(settings, tokens))
    return [finding for look in looks for finding in _patient(look)]


def _patient(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Go on to the next thing when one cannot be looked at."""
    try:
        yield from look()
    except CspkitError as error:
        yield Finding("settings", FAILED, str(error), "correct what the line says")
