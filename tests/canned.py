"""Answers from a list: an adapter instead of a network, and a real server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

Said = tuple[int, Any, dict[str, str]]
Saying = Callable[[str, str, dict[str, str], Any], Said]
Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]] | Exception


class Canned(BaseAdapter):
    """Answer each (method, path) from a list of replies; the last one is repeated."""

    def __init__(self, replies: dict[str, list[Reply] | Callable[..., Reply]]) -> None:
        super().__init__()
        self.replies = replies
        self.asked: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        self.asked.append(request)
        key = f"{request.method} {urlsplit(request.url or '').path}"
        reply = self._reply(key, request)
        if isinstance(reply, Exception):
            raise reply
        status, body, headers = (*reply, {})[:3]
        response = requests.Response()
        response.status_code = status
        response.headers.update(headers)
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        response._content = text.encode() if isinstance(text, str) else text
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        pass

    def _reply(self, key: str, request: requests.PreparedRequest) -> Reply:
        known = self.replies.get(key)
        if known is None:
            return (404, {"code": 1000, "description": f"no reply for {key}"})
        if callable(known):
            return known(request)
        return known.pop(0) if len(known) > 1 else known[0]

    @property
    def routes(self) -> list[str]:
        return [f"{one.method} {urlsplit(one.url or '').path}" for one in self.asked]

    def bodies(self, method: str = "POST") -> list[Any]:
        found = [one.body for one in self.asked if one.method == method]
        return [json.loads(body) if body else None for body in found]


class Service:
    """A real HTTP server whose answers are scripted; it counts what it was asked.

    An answer is (status, body, headers), or a function of (method, path, headers, body) that
    gives one; the last of the script is repeated.
    """

    def __init__(self, *script: Said | Saying, host: str = "127.0.0.1") -> None:
        self.script = list(script)
        self.bodies: list[Any] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                sent = self.rfile.read(length)
                asked = (self.command, self.path, dict(self.headers))
                service.seen.append(asked)
                service.bodies.append(_read(sent))
                reply = service.script.pop(0) if len(service.script) > 1 else service.script[0]
                said = reply(*asked, _read(sent)) if callable(reply) else reply
                status, body, headers = said
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                # a scripted time stands alone, without that of this computer before it
                start = self.send_response_only if "Date" in headers else self.send_response
                start(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = answer
            # without a buffer each header is a packet of its own, which takes 40 ms
            wbufsize = -1
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.url = f"http://{host}:{self.server.server_port}"

    def __enter__(self) -> Service:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def _read(sent: bytes) -> Any:
    try:
        return json.loads(sent) if sent else None
    except ValueError:
        return sent.decode()
