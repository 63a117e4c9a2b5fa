"""Turn what came back into the three answers there are: refused, unavailable, unclear."""

from __future__ import annotations

import csv
import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from cspkit.errors import ApiError, ApiRefused, ApiUnavailable, ApiUnclear
from cspkit.wire.reading import Record, plain

SOME_DAYS = 7 * 86_400.0


@dataclass(frozen=True)
class Said:
    """What a service said with an error: its code, its words, and how long to wait."""

    status: int
    code: str
    words: str
    retry_after: float | None

    @classmethod
    def of(cls, status: int, body: object, headers: Mapping[str, str]) -> Said:
        """Read the shapes of Partner Center, of its gateway and of Graph."""
        record = Record(body)
        graph = record.record("error")
        code = graph.text("code") or record.text("code") or record.text("errorCode")
        words = graph.text("message") or record.text("description") or record.text("message")
        data = record.get("data")
        if isinstance(data, list) and data and isinstance(data[0], str):
            words = f"{words} {data[0]}"
        return cls(status, plain(code, 60), plain(words), seconds(headers.get("Retry-After")))


def seconds(text: str | None) -> float | None:
    """Read a Retry-After: whole or broken seconds, or a date; nonsense counts as missing."""
    if text is None:
        return None
    try:
        wait = float(text)
    except ValueError:
        try:
            then = email.utils.parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return None
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        wait = (then - datetime.now(UTC)).total_seconds()
    return min(max(wait, 0.0), SOME_DAYS) if wait == wait else None


def of_answer(
    method: str, url: str, said: Said, *, wrote: bool, request_id: str | None
) -> ApiError:
    """Make the error of an answer; a write is refused only by a listed (status, code)."""
    known = refusals().get((said.status, said.code)) or refusals().get((said.status, "*"))
    line = f"{_call(method, url)} answered {said.status}"
    line = " ".join(part for part in (line, said.code) if part)
    words = said.words or (known[0] if known else "nothing more")
    next_step = f"; {known[1]}" if known else ""
    kind: type[ApiError] = ApiUnclear
    if known:
        kind = ApiRefused
    elif not wrote:
        kind = ApiUnavailable if said.status in (408, 429) or said.status >= 500 else ApiRefused
    if not wrote and said.status == 429:
        kind = ApiUnavailable
    return kind(
        f"{line}: {words}{next_step} (request id {request_id})",
        method=method,
        url=url,
        status=said.status,
        code=said.code or None,
        request_id=request_id,
        retry_after=said.retry_after,
    )


def of_silence(
    method: str, url: str, what: object, *, unsent: bool, request_id: str | None
) -> ApiError:
    """Make the error of a call without an answer; only what surely never left may be repeated."""
    kind = ApiUnavailable if unsent else ApiUnclear
    advice = "check the address and that the service runs" if unsent else "the outcome is not known"
    return kind(
        f"{_call(method, url)} got no answer: {plain(what, 160)}; {advice}"
        f" (request id {request_id})",
        method=method,
        url=url,
        request_id=request_id,
    )


@cache
def refusals() -> dict[tuple[int, str], tuple[str, str]]:
    """Map each (status, code) known to have done nothing to its cause and the next step."""
    text = files("cspkit.wire").joinpath("refusals.csv").read_text(encoding="utf-8")
    return {
        (int(row["status"]), row["code"]): (row["means"], row["next"])
        for row in csv.DictReader(text.splitlines())
    }


def _call(method: str, url: str) -> str:
    return f"{method} {plain(urlsplit(url).path, 200)}"
