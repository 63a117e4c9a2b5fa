"""The wire: allowed hosts, a token and a turn for each call, reads repeated, writes never."""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from cspkit.errors import ApiError, ApiUnavailable, SettingsError
from cspkit.wire import sending
from cspkit.wire.faults import Sent
from cspkit.wire.hosts import Hosts, is_loopback, origin
from cspkit.wire.limits import LONGEST_WAIT, Limiter
from cspkit.wire.sending import Answer
from cspkit.wire.tokens import TokenProvider, is_of_an_app

READ_TRIES = 5
SILENT_TRIES = 3
FIRST_PAUSE = 0.2
THREADS = 32
_LONGEST_HOLD = 3_600.0
# Graph, when two changes meet in the directory: wait as for too many calls
BUSY = "Directory_ConcurrencyViolation"
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_log = logging.getLogger("cspkit.wire")
Params = Mapping[str, str | int]
T = TypeVar("T")


@dataclass(frozen=True)
class _Call:
    """One call before it goes out: what, for whom, and how many turns it costs."""

    sent: Sent
    tenant: str | None
    user: bool
    weight: int
    more: Mapping[str, Any]


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
        limiter: Limiter | None = None,
        chance: Callable[[], float] = random.random,
        adapter: BaseAdapter | None = None,
    ) -> None:
        """Speak to base_url, and to the allowed addresses where a link leads; nowhere else."""
        self._hosts = Hosts(base_url, allowed_hosts)
        self.base_url = self._hosts.base_url
        self._tokens = tokens
        self._audience = audience or origin(self.base_url)
        self._timeout = (connect_timeout, read_timeout)
        self.limiter = limiter or Limiter()
        self._chance = chance
        adapter = adapter or HTTPAdapter(max_retries=0, pool_maxsize=THREADS)
        # Proxies, certificates and .netrc of the environment have no business on loopback.
        self._session = sending.session(adapter, trust_env=not is_loopback(self.base_url))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def address(self, where: str) -> str:
        """Resolve a path or link; raise ApiUnavailable for one that leads elsewhere."""
        return self._hosts.address(where)

    def read(
        self,
        where: str,
        *,
        tenant: str | None,
        user: bool = True,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        weight: int = 1,
    ) -> Answer:
        """GET a path below the base address, or an absolute link to an allowed host.

        With a body it is a POST of the kind that only asks. Reads are repeated after silence and
        passing errors, with a pause that grows and differs between threads. Raises ApiRefused for
        a clear no and ApiUnavailable when it may be asked again later.
        """
        sent = self._sent("GET" if body is None else "POST", where)
        more = {"params": params, "headers": headers, "json": body}
        call = _Call(sent, tenant, user, weight, more)
        return self._patiently(call, lambda sent, got: sending.answer(sent, got))

    def download(
        self,
        where: str,
        file: Path,
        *,
        tenant: str,
        user: bool = True,
        params: Params | None = None,
    ) -> Path:
        """GET a file, which is in its place only when it came whole; raises as `read` does."""
        more = {"params": params, "headers": {"Accept": "*/*"}, "stream": True}
        call = _Call(self._sent("GET", where), tenant, user, 1, more)
        return self._patiently(call, lambda sent, got: sending.save(sent, got, file))

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
        weight: int = 1,
    ) -> Answer:
        """Send one write, once.

        Raises ApiRefused when the service is known to have done nothing, ApiUnavailable when
        the call surely never left, ApiUnclear for everything else.
        """
        sent = self._sent(method, where, request_id)
        call = _Call(sent, tenant, user, weight, {"headers": headers, "json": body})
        return sending.answer(sent, self._send(call))

    def _sent(self, method: str, where: str, request_id: str = "") -> Sent:
        url, correlation_id = self.address(where), str(uuid.uuid4())
        return Sent(
            method, url, request_id or str(uuid.uuid4()), correlation_id, wrote=bool(request_id)
        )

    def _patiently(self, call: _Call, take: Callable[[Sent, requests.Response], T]) -> T:
        for tried in range(READ_TRIES):
            try:
                return take(call.sent, self._send(call))
            except ApiUnavailable as error:
                if not _may_help(error, tried):
                    raise
                pause = FIRST_PAUSE * 2**tried * (0.5 + self._chance())
                self.limiter.sleep((error.retry_after or 0.0) + pause)
                if error.status is not None:
                    # the documents want a new id once an answer came, the same one after silence
                    fresh = replace(call.sent, request_id=str(uuid.uuid4()))
                    call = replace(call, sent=fresh)
        raise AssertionError("unreachable")

    def _send(self, call: _Call) -> requests.Response:
        more = dict(call.more)
        more["headers"] = {**_headers(call.sent), **(more["headers"] or {})}
        if call.tenant is not None:
            more["auth"] = sending.Bearer(self._token(call))
            self._wait_for_turn(call)
        try:
            response = sending.send(self._session, call.sent, timeout=self._timeout, **more)
        except ApiError as error:
            _log.info("%s %s: %s", call.sent.line, call.sent.ids, error)
            self._slow_down(call, error)
            raise
        _log.debug("%s answered %d %s", call.sent.line, response.status_code, call.sent.ids)
        return response

    def _token(self, call: _Call) -> str:
        """Return the token of a call; raise SettingsError when it needs a user and has an app."""
        token = self._tokens.token(self._audience, call.tenant or "", call.user)
        if call.user and is_of_an_app(token):
            problem = f"{call.sent.line} needs a signed-in user, found the token of an app"
            raise SettingsError("credentials", "user", f"{problem}: sign in as a person")
        return token

    def _wait_for_turn(self, call: _Call) -> None:
        wait = self.limiter.wait(call.tenant or "", call.weight)
        if wait:
            raise ApiUnavailable(
                f"{call.sent.line} was not sent: the service asked to wait {wait:.0f} s more; "
                f"run again later {call.sent.ids}",
                method=call.sent.method,
                url=call.sent.url,
                retry_after=wait,
                request_id=call.sent.request_id,
                correlation_id=call.sent.correlation_id,
            )

    def _slow_down(self, call: _Call, error: ApiError) -> None:
        busy = error.status == 429 or error.code == BUSY
        if call.tenant is not None and (busy or error.retry_after):
            self.limiter.hold(call.tenant, min(error.retry_after or FIRST_PAUSE, _LONGEST_HOLD))


def _headers(sent: Sent) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "User-Agent": "cspkit",
        "MS-RequestId": sent.request_id,
        "MS-CorrelationId": sent.correlation_id,
        "client-request-id": sent.request_id,
    }


def _may_help(error: ApiUnavailable, tried: int) -> bool:
    """Say whether the same read may do better in a moment."""
    if (error.retry_after or 0.0) > LONGEST_WAIT:
        return False
    if error.status is None:
        return tried + 1 < SILENT_TRIES
    return error.status in _PASSING and tried + 1 < READ_TRIES
