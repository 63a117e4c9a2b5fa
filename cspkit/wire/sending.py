"""One call over HTTP and what became of it: an answer, or the error that says what is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.auth import AuthBase
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from cspkit import writing
from cspkit.wire import faults
from cspkit.wire.faults import Sent
from cspkit.wire.reading import Record

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """What a service answered to a call that succeeded, and the ids that support asks for."""

    status: int
    body: Any
    headers: Mapping[str, str]
    request_id: str
    correlation_id: str = ""

    @property
    def record(self) -> Record:
        """The body as an object to read from."""
        return Record(self.body)

    @property
    def at(self) -> datetime | None:
        """The service's own time, from the Date header."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", "")).astimezone(UTC)
        except (TypeError, ValueError):
            return None


class Bearer(AuthBase):
    """Put a token on one request: never on the session, never in a repr."""

    def __init__(self, token: str) -> None:
        """Keep the token of one call."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "Bearer ***"


def session(adapter: BaseAdapter, *, trust_env: bool) -> requests.Session:
    """Make a session that keeps no cookie: threads share it, and who calls is in the token."""
    made = requests.Session()
    made.trust_env = trust_env
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def send(session: requests.Session, sent: Sent, **more: Any) -> requests.Response:
    """Send one call once, follow no redirect; raise the error of whatever is no success."""
    try:
        response = session.request(sent.method, sent.url, allow_redirects=False, **more)
        if 200 <= response.status_code < 300:
            return response
        raw = response.content
    except requests.RequestException as error:
        if _never_left(error):
            raise faults.of_unreached(sent, _why(error)) from error
        raise faults.of_silence(sent, _why(error), unsent=not sent.wrote) from error
    body, _ = _json(raw)
    text = raw[: 4 * faults.KEPT].decode("utf-8", "replace")
    said = faults.Said.of(response.status_code, body, response.headers, text)
    raise faults.of_answer(sent, said)


def answer(sent: Sent, response: requests.Response) -> Answer:
    """Read the body of a success; one that is not JSON says nothing."""
    body, readable = _json(response.content)
    if not readable:
        what = f"{response.status_code} with a body that is not JSON"
        raw = response.content[: faults.KEPT].decode("utf-8", "replace")
        raise faults.of_silence(sent, what, unsent=not sent.wrote, raw=raw)
    return Answer(
        response.status_code, body, response.headers, sent.request_id, sent.correlation_id
    )


def save(sent: Sent, response: requests.Response, file: Path) -> Path:
    """Write a body to a file, which is there whole or not at all."""
    try:
        with writing.whole(file) as part, part.open("wb") as out:
            for piece in response.iter_content(_CHUNK):
                out.write(piece)
    except requests.RequestException as error:
        raise faults.of_silence(sent, _why(error), unsent=True) from error
    finally:
        response.close()
    return file


def _never_left(error: requests.RequestException) -> bool:
    """Tell a refused or timed-out connect, or an unknown name, from everything later."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    if isinstance(error, requests.exceptions.ProxyError):
        return False
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


def _why(error: requests.RequestException) -> str:
    """Give the words of the system below: the libraries above it repeat the address, in code."""
    if isinstance(error, requests.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.Timeout):
        return "nothing came in time"
    found: BaseException = error
    while (below := _below(found)) is not None:
        found = below
    words = str(getattr(found, "strerror", "") or found)
    return f"by the proxy, {words}" if isinstance(error, requests.exceptions.ProxyError) else words


def _below(error: BaseException) -> BaseException | None:
    held = (getattr(error, "reason", None), error.__cause__, *error.args)
    return next((one for one in held if isinstance(one, BaseException)), None)


def _json(content: bytes) -> tuple[Any, bool]:
    if not content.strip():
        return None, True
    try:
        return json.loads(content), True
    except ValueError:
        return None, False
