"""Where a token may go: an exact list of scheme, host and port."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from cspkit.errors import ApiUnavailable

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORTS = {"http": 80, "https": 443}
_Place = tuple[str, str, int]


class Hosts:
    """The addresses that may be called: the base address, and others where a link may lead."""

    def __init__(self, base_url: str, others: Iterable[str] = ()) -> None:
        """Take full addresses; raise ValueError for one without http(s) or host."""
        self.base_url = base_url.rstrip("/")
        self._allowed = {_place(address) for address in (self.base_url, *others)}

    def address(self, where: str) -> str:
        """Resolve a path or link; raise ApiUnavailable for one that leads elsewhere."""
        if "://" not in where and not where.startswith("//"):
            return f"{self.base_url}/{where.removeprefix('/')}"
        parts = urlsplit(where)
        try:
            allowed = _place(where) in self._allowed
        except ValueError:
            allowed = False
        if not allowed or parts.username is not None or parts.password is not None:
            place = f"{parts.scheme}://{parts.hostname}"
            raise ApiUnavailable(
                f"a link leads to {place!r}, which is not one of the allowed addresses: "
                "it is not followed",
                method="GET",
                url=place,
            )
        return where


def origin(url: str) -> str:
    """Give scheme and host of an address, which is also what tokens are made for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine."""
    return urlsplit(url).hostname in LOOPBACK


def _place(url: str) -> _Place:
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"expected http or https and a host, found {url!r}")
    return parts.scheme, parts.hostname.lower(), parts.port or PORTS[parts.scheme]
