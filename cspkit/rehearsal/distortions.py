"""What a fault makes of a call: an answer without effect, a bent one, or none."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import pages
from cspkit.rehearsal.faults import Rule
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.refusals import TEXTS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Headers = list[tuple[str, str]]
_BODIES = ("strange", "pascal", "foreign", "loop", "no_next", "repeat", "moved", "empty")
_JSON = ("Content-Type", "application/json; charset=utf-8")


class Dropped(ConnectionError):
    """The connection was closed without an answer, as a fault of this kind asked for."""

    def __init__(self, kind: str) -> None:
        """Take the kind of the fault."""
        self.kind = kind
        super().__init__("the rehearsal closed the connection")


@dataclass
class Answer:
    """A finished answer: status line, headers, body, and when it was made."""

    status: str
    headers: Headers
    body: bytes
    made: datetime

    @property
    def number(self) -> int:
        """Give the status as a number."""
        return int(self.status.split()[0])


_BUSY = {
    "error": {
        "code": "Directory_ConcurrencyViolation",
        "message": "The directory object is being changed by another request.",
    }
}


def without_effect(rule: Rule, path: str, now: datetime) -> Answer:
    """Answer in place of the world: too many calls, a refusal, a server error."""
    graph = path.startswith("/graph")
    if rule.kind == "throttle":
        body = _graph_throttle(now) if graph else _gateway_throttle(rule)
        wait = [("Retry-After", rule.retry_after)] if rule.retry_after else []
        return _answer(429, body, now, wait)
    if rule.kind == "busy":
        return _answer(409, _BUSY, now)
    realm = [("WWW-Authenticate", f"OAuth realm=urn:cpsvc:cpid:{PARTNER_TENANT}")]
    return _answer(rule.status, _error(rule, graph=graph), now, realm if rule.status == 401 else [])


def bent(answer: Answer, rule: Rule, where: tuple[str, str], now: datetime) -> Answer:
    """Bend the answer of a call that had its effect; where is its path and its query."""
    path, query = where
    if rule.kind == "after":
        return _answer(rule.status, _error(rule, graph=path.startswith("/graph")), now)
    if rule.kind == "html":
        page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
        return Answer("502 Bad Gateway", [("Content-Type", "text/html")], page, now)
    if rule.kind == "half":
        length = ("Content-Length", str(len(answer.body)))
        half = answer.body[: len(answer.body) // 2]
        return Answer(answer.status, [_JSON, length, ("Connection", "close")], half, now)
    if rule.kind == "broken":
        return Answer(answer.status, [_JSON], b'{"items": [' + answer.body[:40], now)
    if rule.kind == "type":
        return Answer(answer.status, [("Content-Type", "text/plain")], answer.body, now)
    if rule.kind in _BODIES:
        here = path.removeprefix("/v1") + (f"?{query}" if query else "")
        headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
        return Answer(answer.status, headers, pages.bend(rule.kind, answer.body, here), now)
    if rule.kind == "accepted" and answer.number == 200:
        return Answer("202 Accepted", [("Location", path.removeprefix("/v1"))], b"", now)
    return answer


def dropped(environ: WSGIEnvironment, kind: str = "lost") -> Dropped:
    """Close the connection of a call, where there is one, and give what to raise."""
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    return Dropped(kind)


def _answer(
    status: int, body: dict[str, Any], now: datetime, headers: Headers | None = None
) -> Answer:
    line = f"{status} {HTTPStatus(status).phrase}"
    return Answer(line, [_JSON, *(headers or [])], json.dumps(body).encode(), now)


def _gateway_throttle(rule: Rule) -> dict[str, Any]:
    text = f"Rate limit is exceeded. Try again in {rule.retry_after} seconds."
    return {"statusCode": 429, "message": text}


def _graph_throttle(now: datetime) -> dict[str, Any]:
    inner = {
        "code": "429",
        "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "message": "Please retry after",
        "request-id": "94fb3b52-452a-4535-a601-69e0a90e3aa2",
        "status": "429",
    }
    message = "Please retry again later."
    return {"error": {"code": "TooManyRequests", "innerError": inner, "message": message}}


def _error(rule: Rule, *, graph: bool) -> dict[str, Any]:
    if graph:
        return {"error": {"code": "serviceException", "message": "An error occurred."}}
    _, text = TEXTS.get(rule.code, (rule.status, "Unexpected service error"))
    source = "PartnerApiServiceControllers"
    description = text.format("", "")
    return {"code": rule.code, "description": description, "data": [], "source": source}
