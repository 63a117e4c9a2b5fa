"""The rehearsal in process: what a requests session asks, the gate answers, without a socket."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from cspkit.rehearsal.distortions import Dropped
from cspkit.rehearsal.gate import Gate

URL = "http://127.0.0.1"


class InProcess(BaseAdapter):
    """Hand the calls of a session to a gate: `session.mount(URL, InProcess(gate))`.

    The gate runs the same code as behind a socket. Nothing waits for real: a fault that is slow
    is a timeout at once when it would have been one, and otherwise takes no time.
    """

    def __init__(self, gate: Gate) -> None:
        """Take the gate, whose world may be served elsewhere too."""
        super().__init__()
        self.gate = gate

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer one request; raises what requests raises when a connection breaks."""
        waited: list[float] = []
        environ = _environ(request) | {"rehearsal.sleep": waited.append}
        given: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            given.extend((status, headers))

        try:
            pieces = self.gate(environ, start)
        except Dropped as dropped:
            _check_time(waited, timeout, request)
            raise _felt(dropped, request) from dropped
        _check_time(waited, timeout, request)
        return self._response(request, given, b"".join(pieces), stream=stream)

    def _response(
        self, request: requests.PreparedRequest, given: list[Any], body: bytes, *, stream: bool
    ) -> requests.Response:
        status, headers = given[:2]
        number, _, reason = status.partition(" ")
        names = {name.lower() for name, _ in headers}
        if "content-length" not in names:
            headers = [*headers, ("Content-Length", str(len(body)))]
        response = requests.Response()
        response.status_code, response.reason = int(number), reason
        response.headers = CaseInsensitiveDict(headers)
        response.encoding = requests.utils.get_encoding_from_headers(response.headers)
        response.url, response.request = str(request.url), request
        response.raw = HTTPResponse(
            io.BytesIO(body),
            headers=HTTPHeaderDict(headers),
            status=int(number),
            reason=reason,
            preload_content=False,
            request_method=request.method,
        )
        if not stream:
            response.content  # noqa: B018  reads it now, so that a broken body is raised here
        return response

    def close(self) -> None:
        """Do nothing: there is no connection."""


def _felt(dropped: Dropped, request: requests.PreparedRequest) -> requests.RequestException:
    """Make of a broken connection what requests makes of it."""
    host = urlsplit(str(request.url)).hostname or ""
    if dropped.kind == "no_tls":
        return requests.exceptions.SSLError("certificate verify failed", request=request)
    nowhere = HTTPConnection(host)
    reason: Exception | None = None
    if dropped.kind == "no_connection":
        reason = NewConnectionError(nowhere, "Connection refused")
    if dropped.kind == "no_name":
        reason = NameResolutionError(host, nowhere, socket.gaierror("Name or service not known"))
    if reason is None:
        return requests.ConnectionError(str(dropped), request=request)
    pool = HTTPConnectionPool(host)
    return requests.ConnectionError(MaxRetryError(pool, str(request.url), reason), request=request)


def session(gate: Gate, *, url: str = URL) -> requests.Session:
    """Make a session whose calls to url stay in this process."""
    made = requests.Session()
    # to look for proxies in the environment costs more than the answer
    made.trust_env = False
    made.mount(url, InProcess(gate))
    return made


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    """Describe a request as a WSGI server would."""
    parts = urlsplit(str(request.url))
    body = request.body or b""
    sent = body.encode() if isinstance(body, str) else bytes(body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "127.0.0.1",
        "SERVER_PORT": str(parts.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(sent),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "HTTP_HOST": parts.netloc,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = _text(value)
    return environ


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _check_time(waited: list[float], timeout: Any, request: requests.PreparedRequest) -> None:
    """Raise what a client feels that would not have waited so long."""
    limit = timeout[1] if isinstance(timeout, tuple) else timeout
    if limit is not None and sum(waited) > limit:
        raise requests.ReadTimeout(f"no answer within {limit} s", request=request)
