"""Whole lists: every page followed, circles and repeats noticed, bad items kept beside."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from cspkit.errors import ApiUnavailable
from cspkit.wire.reading import Record, Unreadable, plain
from cspkit.wire.sending import Answer

T = TypeVar("T")
MOST_EMPTY = 20
TOKEN = "MS-ContinuationToken"
_log = logging.getLogger("cspkit.wire")


@dataclass(frozen=True)
class Bad:
    """An item that could not be read: its page and place from 1, why, and how it begins."""

    page: int
    item: int
    reason: str
    begins: str


class Listed(list[T], Generic[T]):
    """A list that was read to its end, and beside it what could not be read of it."""

    def __init__(self, items: Iterable[T] = (), bad: Iterable[Bad] = (), repeated: int = 0) -> None:
        """Take the items, the bad ones, and how many came a second time."""
        super().__init__(items)
        self.bad = tuple(bad)
        self.repeated = repeated


@dataclass(frozen=True)
class Step:
    """How to ask for one page."""

    where: str
    params: Mapping[str, str | int] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """What is never the same for two pages of a list."""
        return self.headers.get(TOKEN, ""), self.where, "" if self.headers else str(self.params)


Follow = Callable[[Answer, Step], Step | None]
Ask = Callable[[Step], Answer]


def read_all(ask: Ask, first: Step, follow: Follow, read: Callable[[Record], T]) -> Listed[T]:
    """Read every page and item; one that cannot be read stands in `bad`, and is said aloud.

    An item with an id that came before is counted in `repeated`. Raises ApiUnavailable when the
    pages go round in a circle, or when an answer holds no list at all.
    """
    found: list[T] = []
    bad: list[Bad] = []
    seen: set[str] = set()
    repeated = 0
    for number, answer in enumerate(_pages(ask, first, follow, seen), start=1):
        for place, item in enumerate(_items(answer, first), start=1):
            try:
                one = read(_record(item))
            except Unreadable as reason:
                bad.append(Bad(number, place, str(reason), plain(item, 80)))
                continue
            own = str(getattr(one, "id", ""))
            if own and own in seen:
                repeated += 1
                continue
            seen.add(own)
            found.append(one)
    if bad:
        where = f"page {bad[0].page}, item {bad[0].item}: {bad[0].reason}"
        _log.warning("%s: %d items could not be read; first %s", first.where, len(bad), where)
    return Listed(found, bad, repeated)


def seek(answer: Answer, step: Step) -> Step | None:
    """Find the next page of Partner Center: by its link, or by its token alone."""
    record = answer.record
    link = record.record("links").record("next")
    wanted = (one for one in link.records("headers") if one.id("key") == TOKEN.lower())
    token = next((one.text("value") for one in wanted), "") or record.text("continuationToken")
    uri = _versioned(link.text("uri"))
    headers = {TOKEN: token} if token else {}
    if uri:
        return Step(uri, None, headers)
    if not token:
        return None
    return Step(step.where, {**(step.params or {}), "seekOperation": "Next"}, headers)


def by_header(answer: Answer, step: Step) -> Step | None:
    """Find the next page of a bare array, whose token is in a header."""
    token = answer.headers.get(TOKEN, "")
    return Step(step.where, step.params, {TOKEN: token}) if token else None


def odata(answer: Answer, step: Step) -> Step | None:
    """Find the next page of Graph, by its full link."""
    link = answer.record.text("@odata.nextLink")
    return Step(link) if link else None


def _pages(ask: Ask, first: Step, follow: Follow, seen: set[str]) -> Iterator[Answer]:
    step, asked = first, {first.key}
    before: list[Any] = []
    empty = 0
    while empty < MOST_EMPTY:
        known = len(seen)
        answer = ask(step)
        yield answer
        following = follow(answer, step)
        if following is None:
            return
        items = _items(answer, first)
        nothing_new = bool(items) and (items == before or (bool(seen) and len(seen) == known))
        if following.key in asked or nothing_new:
            break
        asked.add(following.key)
        step, before = following, items
        empty = 0 if items else empty + 1
    raise ApiUnavailable(
        f"{first.where}: the pages go round in a circle", method="GET", url=first.where
    )


def _items(answer: Answer, first: Step) -> list[Any]:
    """Give the items of a page; an answer without a list is no empty list."""
    if isinstance(answer.body, list):
        return answer.body
    lists = (answer.record.get(name) for name in ("items", "value"))
    found = next((one for one in lists if one is not None), None)
    if isinstance(found, list):
        return found
    if found is None and answer.record.get("totalCount") == 0:
        return []
    raise ApiUnavailable(
        f"{first.where}: expected a list of items, found {plain(answer.body, 80)!r}",
        method="GET",
        url=first.where,
        status=answer.status,
        request_id=answer.request_id,
    )


def _record(item: object) -> Record:
    if not isinstance(item, Mapping):
        raise Unreadable(f"expected an object, found {plain(item, 40)!r}")
    return Record(item)


def _versioned(uri: str) -> str:
    """Bring a link to one form: the service writes it with and without its version."""
    if not uri or "://" in uri or uri.startswith("//"):
        return uri
    rest = uri.removeprefix("/")
    return f"/{rest}" if rest.lower().startswith("v1/") else f"/v1/{rest}"
