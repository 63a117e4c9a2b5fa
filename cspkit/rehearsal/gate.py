"""The way in: one call at a time, headers echoed, answers replayed, faults let through."""

from __future__ import annotations

import io
import threading
import time
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.test import run_wsgi_app

from cspkit.rehearsal import application
from cspkit.rehearsal.distortions import Answer, Headers, bent, dropped, without_effect
from cspkit.rehearsal.faults import KINDS, SILENT, Faults, Rule
from cspkit.rehearsal.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_NEVER_REPLAYED = (401, 409, 429)


class Gate:
    """The WSGI application of one world; it needs no socket."""

    def __init__(self, world: World, *, with_control: bool = False) -> None:
        """Build the routes; those of control only when asked for."""
        self.world = world
        self.faults = Faults(world.seed)
        self.lock = threading.RLock()
        self._flask = application.build(world, self.faults, with_control=with_control)
        self._routes = self._flask.url_map.bind("")
        self._answered: dict[tuple[str, str, str], Answer] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call; raises Dropped when a fault closes the connection."""
        # the service does not care for the case of a path, and ids in it are compared lowered
        path = str(environ.get("PATH_INFO", "")).encode("latin-1").lower().decode("latin-1")
        environ["PATH_INFO"] = path
        if path.startswith("/control"):
            with self.lock:
                return self._flask(environ, start_response)
        if path.startswith("/graph"):
            # the same ids stand in the headers and in the body of an error
            environ.setdefault("HTTP_CLIENT_REQUEST_ID", str(uuid.uuid4()))
            environ["rehearsal.request_id"] = str(uuid.uuid4())
        method = str(environ["REQUEST_METHOD"])
        sent = _read(environ)
        with self.lock:
            self._count(method, path)
            rule = self.faults.pick(method, path)
        if rule is not None and rule.kind in ("slow", "hang"):
            environ.get("rehearsal.sleep", time.sleep)(rule.seconds)
        if rule is not None and rule.kind in SILENT:
            if rule.kind == "late":
                self._promise(environ, sent, rule.seconds)
            raise dropped(environ, rule.kind)
        with self.lock:
            answer = self._answer(environ, sent, rule)
            headers = answer.headers + _echo(environ, path, self.world.now)
        if rule is not None and rule.kind == "lost":
            raise dropped(environ)
        start_response(answer.status, headers)
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment, sent: bytes, rule: Rule | None) -> Answer:
        path, now = str(environ["PATH_INFO"]), self.world.now
        if rule is None:
            return self._true_answer(environ, sent)
        if not KINDS[rule.kind]:
            return without_effect(rule, path, now)
        if rule.kind in ("changed", "rotated"):
            self._meddle(rule.kind, path)
        answer = self._true_answer(environ, sent)
        if rule.kind == "twice":
            answer = self._true_answer(environ, sent)
        return bent(answer, rule, (path, str(environ.get("QUERY_STRING", ""))), now)

    def _meddle(self, kind: str, path: str) -> None:
        """Let somebody else change what the call is about, a moment before it."""
        if kind == "rotated":
            self.world.rotations += 1
            return
        words = path.split("/")
        for tenant in self.world.subscriptions.values():
            for word in words:
                if word in tenant:
                    tenant[word].seats += 1
                    tenant[word].version += 1

    def _true_answer(self, environ: WSGIEnvironment, sent: bytes) -> Answer:
        """Answer from the world, or from memory when this request id was answered before."""
        method, request_id = environ["REQUEST_METHOD"], environ.get("HTTP_MS_REQUESTID", "")
        key = (str(method), str(environ["PATH_INFO"]), str(request_id).lower())
        keep = bool(request_id) and method not in ("GET", "HEAD")
        kept = self._answered.get(key) if keep else None
        hours = timedelta(hours=self.world.options.replay_hours)
        if kept is not None and self.world.now < kept.made + hours:
            return kept
        environ["wsgi.input"] = io.BytesIO(sent)
        pieces, status, headers = run_wsgi_app(self._flask, environ, buffered=True)
        answer = Answer(status, list(headers), b"".join(pieces), self.world.now)
        if keep and answer.number < 500 and answer.number not in _NEVER_REPLAYED:
            self._answered[key] = answer
        return answer

    def _promise(self, environ: WSGIEnvironment, sent: bytes, seconds: float) -> None:
        """Let a call have its effect only later, on the rehearsal's clock."""
        kept = {key: value for key, value in environ.items() if key != "werkzeug.socket"}
        with self.lock:
            due = self.world.now + timedelta(seconds=seconds)
            self.world.at(due, self._keep_promise, kept, sent)

    def _keep_promise(self, _: World, environ: WSGIEnvironment, sent: bytes) -> None:
        self._true_answer(environ, sent)

    def _count(self, method: str, path: str) -> None:
        try:
            rule, _ = self._routes.match(path, method, return_rule=True)
        except HTTPException:
            name = "unknown"
        else:
            name = str(rule.rule)
        self.world.books.calls[f"{method} {name}"] += 1


def _read(environ: WSGIEnvironment) -> bytes:
    """Read the whole body before any fault, as much of it as the service would take."""
    most = application.LARGEST_BODY + 1
    length = str(environ.get("CONTENT_LENGTH") or "0")
    size = int(length) if length.isdecimal() else 0
    # a body in chunks tells no length before its end
    if environ.get("wsgi.input_terminated"):
        size = most
    try:
        found: bytes = environ["wsgi.input"].read(min(size, most))
    except OSError:
        return b""
    return found


def _echo(environ: WSGIEnvironment, path: str, now: datetime) -> Headers:
    """Give the ids of the call back, made up where it had none, and the rehearsal's time."""
    date = ("Date", format_datetime(now, usegmt=True))
    if path.startswith("/graph"):
        client = _clean(environ.get("HTTP_CLIENT_REQUEST_ID"))
        return [
            date,
            ("request-id", environ["rehearsal.request_id"]),
            ("client-request-id", client),
        ]
    return [
        date,
        ("MS-RequestId", _clean(environ.get("HTTP_MS_REQUESTID"))),
        ("MS-CorrelationId", _clean(environ.get("HTTP_MS_CORRELATIONID"))),
        ("MS-CV", "rehearsal.0"),
        ("MS-ServerId", "rehearsal"),
    ]


def _clean(sent: object) -> str:
    text = "".join(
        letter for letter in str(sent or "") if letter.isascii() and letter.isprintable()
    )
    return text[:100] or str(uuid.uuid4())
