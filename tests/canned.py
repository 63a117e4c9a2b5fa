"""Answers from a list instead of a network: an adapter that remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

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
