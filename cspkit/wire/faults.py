"""Turn what came back into the three answers there are: refused, unavailable, unclear."""

from __future__ import annotations

import csv
import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from cspkit.errors import ApiError, ApiRefused, ApiUnavailable, ApiUnclear
from cspkit.wire.hosts import PORTS, is_loopback
from cspkit.wire.reading import Record, plain

SOME_DAYS = 7 * 86_400.0
MAY_PASS = (408, 425, 429)
KEPT = 4_000
_FIELDS = "access_token|refresh_token|id_token|client_secret|client_assertion|password"
_SECRETS = (
    (re.compile(r"(?i)\b(bearer)\s+[^\s\"'<,]+"), r"\1 ***"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(\.[\w-]*)*"), "***"),
    (re.compile(rf"(?i)((?:{_FIELDS})[\\\"'\s]*[:=][\\\"'\s]*)[^\s\"'&,}}\\]+"), r"\1***"),
)


@dataclass(frozen=True)
class Sent:
    """One call as it went out: what support asks for when it went wrong."""

    method: str
    url: str
    request_id: str
    correlation_id: str
    wrote: bool

    @property
    def line(self) -> str:
        """Name the call without its host and query."""
        return f"{self.method} {plain(urlsplit(self.url).path, 200)}"

    @property
    def place(self) -> str:
        """Name the host and port that it went to."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port or PORTS.get(parts.scheme, '')}"

    @property
    def ids(self) -> str:
        """Both ids, for a message."""
        return f"(request id {self.request_id}, correlation id {self.correlation_id})"


@dataclass(frozen=True)
class Said:
    """What a service said with an error: its code, its words, how long to wait, its raw body."""

    status: int
    code: str
    words: str
    retry_after: float | None
    raw: str = ""

    @classmethod
    def of(cls, status: int, body: object, headers: Mapping[str, str], raw: str = "") -> Said:
        """Read the shapes of Partner Center, of its gateway, of Graph and of the sign-in."""
        record = Record(body)
        graph = record.record("error")
        code = graph.text("code") or record.text("code") or record.text("errorCode")
        words = graph.text("message") or record.text("description") or record.text("message")
        code = code or record.text("error")
        words = words or record.text("error_description")
        data = record.get("data")
        if isinstance(data, list) and data and isinstance(data[0], str):
            words = f"{words} {data[0]}"
        wait = seconds(headers.get("Retry-After"), headers.get("Date"))
        return cls(status, plain(code, 60), plain(without_secrets(words)), wait, raw)


@dataclass(frozen=True)
class Known:
    """What an answer is known to mean; `harmless` when it surely changed nothing."""

    means: str
    next: str
    harmless: bool
    source: str


def seconds(text: str | None, sent_at: str | None = None) -> float | None:
    """Read a Retry-After: whole or broken seconds, or a date; nonsense counts as missing.

    A date is held against the service's own clock where its Date header tells it.
    """
    if text is None:
        return None
    try:
        wait = float(text)
    except ValueError:
        then = _date(text)
        if then is None:
            return None
        wait = (then - (_date(sent_at or "") or datetime.now(UTC))).total_seconds()
    return min(max(wait, 0.0), SOME_DAYS) if wait == wait else None


def of_answer(sent: Sent, said: Said) -> ApiError:
    """Make the error of an answer; a write is refused only by a listed (status, code)."""
    known = look_up(said.status, said.code)
    what = " ".join(part for part in (f"{sent.line} answered {said.status}", said.code) if part)
    words = said.words or (known.means if known else plain(without_secrets(said.raw), 160))
    next_step = f"; {known.next}" if known else ""
    return _kind(sent, said, known)(
        f"{what}: {words or 'nothing more'}{next_step} {sent.ids}",
        method=sent.method,
        url=sent.url,
        status=said.status,
        code=said.code or None,
        request_id=sent.request_id,
        correlation_id=sent.correlation_id,
        retry_after=said.retry_after,
        body=without_secrets(said.raw)[:KEPT],
    )


def of_silence(sent: Sent, what: object, *, unsent: bool, raw: str = "") -> ApiError:
    """Make the error of a call without an answer; only what changed nothing may be repeated."""
    kind = ApiUnavailable if unsent else ApiUnclear
    advice = "check the address, or run it again" if unsent else "the outcome is not known"
    return kind(
        f"{sent.line} got no answer from {sent.place}: {plain(what, 160)}; {advice} {sent.ids}",
        method=sent.method,
        url=sent.url,
        request_id=sent.request_id,
        correlation_id=sent.correlation_id,
        body=without_secrets(raw)[:KEPT],
    )


def of_unreached(sent: Sent, why: str) -> ApiUnavailable:
    """Make the error of a call that never left; nobody there can be asked for its ids."""
    start = "start the rehearsal there (`cspkit rehearse serve`)"
    first = start if is_loopback(sent.url) else "check the network"
    return ApiUnavailable(
        f"{sent.place} cannot be reached: {plain(why, 160)}; {first}, or put right the address in"
        " cspkit.toml",
        method=sent.method,
        url=sent.url,
        request_id=sent.request_id,
        correlation_id=sent.correlation_id,
    )


@cache
def answers() -> dict[tuple[int, str], Known]:
    """Map each known (status, code) to its cause, the next step and whether it did nothing."""
    text = files("cspkit.wire").joinpath("answers.csv").read_text(encoding="utf-8")
    return {
        (int(row["status"]), row["code"]): Known(
            row["means"], row["next"], row["did"] == "nothing", row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    }


def look_up(status: int, code: str) -> Known | None:
    """Find what an answer means, by its code or, for a few, by its status alone."""
    return answers().get((status, code)) or answers().get((status, "*"))


def without_secrets(text: str) -> str:
    """Take tokens and secrets out of a text, wherever a service repeats them."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _kind(sent: Sent, said: Said, known: Known | None) -> type[ApiError]:
    if sent.wrote:
        return ApiRefused if known and known.harmless else ApiUnclear
    passes = said.status in MAY_PASS or said.status >= 500
    return ApiUnavailable if passes else ApiRefused


def _date(text: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
