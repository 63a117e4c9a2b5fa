"""What a fault makes of the body of an answer: other pages, other names, other values."""

from __future__ import annotations

import json
from typing import Any

ELSEWHERE = "https://api.elsewhere.example"
_GRAPH_NEXT = "@odata.nextLink"


def bend(kind: str, body: bytes, here: str) -> bytes:
    """Bend a JSON body as a fault asks for; one that is no collection stays as it is.

    `here` is the address of the call, for links that lead back to it.
    """
    try:
        found = json.loads(body)
    except ValueError:
        return body
    if kind == "strange":
        found = _strange(found)
    elif kind == "pascal":
        found = _pascal(found)
    elif isinstance(found, dict):
        _bend_page(kind, found, here)
    return json.dumps(found, ensure_ascii=False).encode()


def _bend_page(kind: str, page: dict[str, Any], here: str) -> None:
    name = "value" if isinstance(page.get("value"), list) else "items"
    items = page.get(name)
    if not isinstance(items, list):
        return
    if kind == "repeat":
        page[name] = [*items, *items[:1]]
    elif kind == "moved":
        page[name] = items[:-1]
    elif kind == "empty":
        page[name] = []
        _lead(page, _next(page) or here)
    elif kind == "foreign":
        _lead(page, ELSEWHERE + (_next(page) or here))
    elif kind == "loop":
        _lead(page, here)
    elif kind == "no_next":
        page.pop(_GRAPH_NEXT, None)
        page.get("links", {}).pop("next", None)


def _next(page: dict[str, Any]) -> str:
    """Give the path of the next page as the answer has it; empty when it is the last one."""
    if _GRAPH_NEXT in page:
        return "/" + str(page[_GRAPH_NEXT]).split("/", 3)[-1]
    link = page.get("links", {}).get("next", {})
    return str(link.get("uri", ""))


def _lead(page: dict[str, Any], where: str) -> None:
    """Let a page lead somewhere, in the words of the service it comes from."""
    if "value" in page:
        page[_GRAPH_NEXT] = where
        return
    links = page.setdefault("links", {})
    token = str(page.setdefault("continuationToken", "cmVoZWFyc2Fs"))
    headers = [{"key": "MS-ContinuationToken", "value": token}]
    links["next"] = {"uri": where, "method": "GET", "headers": headers}


def _strange(found: Any) -> Any:
    """Say what no document says yet: a field more, and a status nobody knows."""
    if isinstance(found, list):
        return [_strange(item) for item in found]
    if not isinstance(found, dict):
        return found
    known = {name: _strange(value) for name, value in found.items()}
    if "status" in known:
        known["status"] = "somethingNew"
    return known | {"addedLastWeek": {"level": 3}}


def _pascal(found: Any) -> Any:
    """Write every name with a capital, as some answers do."""
    if isinstance(found, list):
        return [_pascal(item) for item in found]
    if not isinstance(found, dict):
        return found
    return {name[:1].upper() + name[1:]: _pascal(value) for name, value in found.items()}
