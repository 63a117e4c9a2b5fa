"""The only HTTP: allowed hosts, timeouts, a token per call, reads retried, writes never."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError
from urllib3.util.retry import Retry

from cspkit.errors import ApiError, ApiUnavailable
from cspkit.wire import faults
from cspkit.wire.reading import Record
from cspkit.wire.tokens import TokenProvider

READ_TRIES = 5
BROKEN_BODIES = 3
LONGEST_WAIT = 90
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORTS = {"http": 80, "https": 443}
_Place = tuple[str, str, int]


@dataclass(frozen=True)
class Answer:
    """What a service answered to a call that succeeded."""

    status: int
    body: Any
    headers: Mapping[str, str]
    request_id: str

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


class Patience(Retry):
    """Repeat reads; understand a Retry-After of broken seconds, survive one of nonsense."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Return the seconds to wait, never more than the longest wait."""
        return min(faults.seconds(retry_after) or 0.0, float(self.retry_after_max))


class Wire:
    """Calls to one service. Every call names its tenant and whether a user must be signed in."""

    def __init__(
        self,
        base_url: str,
        *,
        tokens: TokenProvider,
        audience: str = "",
        allowed_hosts: Iterable[str] = (),
        connect_timeout: float = 10,
        read_timeout: float = 60,
        adapter: BaseAdapter | None = None,
    ) -> None:
        """Speak to base_url, and to the allowed addresses where a link leads; nowhere else."""
        self.base_url = base_url.rstrip("/")
        self._tokens = tokens
        parts = urlsplit(self.base_url)
        self._audience = audience or f"{parts.scheme}://{parts.netloc}"
        self._allowed = {_place(address) for address in (self.base_url, *allowed_hosts)}
        self._timeout = (connect_timeout, read_timeout)
        # Proxies, certificates and .netrc of the environment have no business on loopback.
        trust = parts.hostname not in _LOOPBACK
        self._reads = _session(adapter or HTTPAdapter(max_retries=_patience()), trust)
        self._writes = _session(adapter or HTTPAdapter(max_retries=0), trust)

    def close(self) -> None:
        """Close the connections."""
        self._reads.close()
        self._writes.close()

    def read(
        self,
        where: str,
        *,
        tenant: str | None,
        user: bool = True,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET a path below the base address, or an absolute link to an allowed host.

        Raises ApiRefused for a clear no and ApiUnavailable when it may be asked again later.
        """
        url = self.address(where)
        more = {"params": params, "headers": self._headers(headers, str(uuid.uuid4()))}
        for tries_left in reversed(range(BROKEN_BODIES)):
            try:
                return self._send(self._reads, "GET", url, tenant, user, more)
            except _BrokenBodyError as broken:
                if not tries_left:
                    raise broken.error from broken.__cause__
        raise AssertionError("unreachable")

    def write(
        self,
        method: str,
        where: str,
        *,
        tenant: str,
        request_id: str,
        user: bool = True,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one write, once.

        Raises ApiRefused when the service is known to have done nothing, ApiUnavailable when
        the call surely never left, ApiUnclear for everything else.
        """
        url = self.address(where)
        more: dict[str, Any] = {"headers": self._headers(headers, request_id)}
        if body is not None:
            more["json"] = body
        try:
            return self._send(self._writes, method, url, tenant, user, more)
        except _BrokenBodyError as broken:
            raise broken.error from broken.__cause__

    def address(self, where: str) -> str:
        """Resolve a path or link; raise ApiUnavailable for one that leads elsewhere."""
        url = where if "://" in where else f"{self.base_url}/{where.removeprefix('/')}"
        parts = urlsplit(url)
        try:
            allowed = _place(url) in self._allowed
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
        return url

    def _headers(self, more: Mapping[str, str] | None, request_id: str) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "User-Agent": "cspkit",
            "MS-RequestId": request_id,
            "MS-CorrelationId": str(uuid.uuid4()),
            "client-request-id": request_id,
            **(more or {}),
        }

    def _send(
        self,
        session: requests.Session,
        method: str,
        url: str,
        tenant: str | None,
        user: bool,
        more: dict[str, Any],
    ) -> Answer:
        request_id = more["headers"]["MS-RequestId"]
        wrote = session is self._writes
        if tenant is not None:
            more = {**more, "auth": _Bearer(self._tokens.token(self._audience, tenant, user))}
        try:
            response = session.request(
                method, url, timeout=self._timeout, allow_redirects=False, **more
            )
        except requests.RequestException as error:
            unsent = not wrote or _never_left(error)
            made = faults.of_silence(method, url, error, unsent=unsent, request_id=request_id)
            if _broke_in_the_middle(error):
                raise _BrokenBodyError(made) from error
            raise made from error
        body, readable = _json(response)
        if not 200 <= response.status_code < 300:
            said = faults.Said.of(response.status_code, body, response.headers)
            raise faults.of_answer(method, url, said, wrote=wrote, request_id=request_id)
        if not readable:
            what = f"{response.status_code} with a body that is not JSON"
            made = faults.of_silence(method, url, what, unsent=not wrote, request_id=request_id)
            raise _BrokenBodyError(made)
        return Answer(response.status_code, body, response.headers, request_id)


class _Bearer(AuthBase):
    """Put a token on one request: never on the session, never in a repr."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "Bearer ***"


class _BrokenBodyError(Exception):
    """An answer began and could not be read to its end."""

    def __init__(self, error: ApiError) -> None:
        self.error = error


def _session(adapter: BaseAdapter, trust_env: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = trust_env
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _patience() -> Patience:
    return Patience(
        total=READ_TRIES - 1,
        connect=2,
        read=2,
        status_forcelist=(408, 429, 500, 502, 503, 504),
        allowed_methods=("GET", "HEAD"),
        backoff_factor=0.2,
        backoff_jitter=0.2,
        retry_after_max=LONGEST_WAIT,
        raise_on_status=False,
    )


def _place(url: str) -> _Place:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"expected http or https and a host, found {url!r}")
    return parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme]


def _never_left(error: requests.RequestException) -> bool:
    """Tell a refused or timed-out connect, or an unknown name, from everything later."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    if isinstance(error, requests.exceptions.ProxyError):
        return False
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


def _broke_in_the_middle(error: requests.RequestException) -> bool:
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.ReadTimeout)):
        return True
    cause = error.args[0] if error.args else None
    plain = type(error) is requests.ConnectionError
    return isinstance(error, requests.exceptions.ContentDecodingError) or (
        plain and not isinstance(cause, MaxRetryError)
    )


def _json(response: requests.Response) -> tuple[Any, bool]:
    if not response.content.strip():
        return None, True
    try:
        return response.json(), True
    except ValueError:
        return None, False
