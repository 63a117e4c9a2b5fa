"""The hand on a served rehearsal from outside: move its clock, be its postman, read its books."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

SECONDS = 30
LETTER = re.compile(
    r"(?P<tenant>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"(-(?P<letter>renewal-off|end-at-term|partner-end|partner)\b)?"
)


class NoRehearsal(OSError):
    """Nothing answers at the address, or what answers is no rehearsal."""


def now(port: int) -> datetime:
    """Tell the time of the rehearsal on a port; raises NoRehearsal."""
    return datetime.fromisoformat(_call(port, "/control/clock")["now"]).astimezone(UTC)


def move_clock(port: int, by: timedelta) -> datetime:
    """Move the clock forward and return its new time; raises NoRehearsal."""
    later = now(port) + by
    return datetime.fromisoformat(
        _call(port, "/control/clock", {"now": later.isoformat()})["now"]
    ).astimezone(UTC)


def deliver(port: int, outbox: Path) -> int:
    """Bring every letter of an outbox to its customer; return how many arrived.

    Raises NoRehearsal, and FileNotFoundError when there is no such folder.
    """
    if not outbox.is_dir():
        raise FileNotFoundError(f"{outbox}: no such outbox; `cspkit run invite` fills one")
    letters = {found for path in outbox.rglob("*.eml") if (found := _addressee(path))}
    for tenant, letter in sorted(letters):
        _call(port, "/control/deliver", {"customer_id": tenant, "letter": letter})
    return len(letters)


def _addressee(path: Path) -> tuple[str, str] | None:
    """Read the tenant id that a letter's file name starts with, and which letter about ends it is.

    All others are one to the customer: they read that we would like to work for them.
    """
    found = LETTER.match(path.name.lower())
    return (found["tenant"], found["letter"] or "") if found else None


def _call(port: int, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
    address = f"http://127.0.0.1:{port}{path}"
    data = None if body is None else json.dumps(body).encode()
    request = Request(address, data=data, headers={"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except HTTPError as error:
        said = error.read().decode(errors="replace")[:200]
        raise NoRehearsal(f"port {port}: {path} answered {error.code}: {said}") from error
    except (URLError, ValueError, TimeoutError) as error:
        why = getattr(error, "reason", error)
        raise NoRehearsal(
            f"no rehearsal answers on port {port} ({why}); start one with `cspkit rehearse serve`"
        ) from error
