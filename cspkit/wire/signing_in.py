"""The secure application model: an app with a secret, and a user's refresh token kept in a file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from requests.adapters import HTTPAdapter

from cspkit import writing
from cspkit.errors import ApiRefused, SettingsError
from cspkit.wire import sending
from cspkit.wire.faults import Sent
from cspkit.wire.hosts import is_loopback
from cspkit.wire.tokens import AUTHORITY

_MARGIN = 120.0
_TIMEOUT = (10, 30)


class TokenFile:
    """A refresh token in a file that nobody but its owner can read."""

    def __init__(self, path: Path | str) -> None:
        """Name the file; it must be there, with the token of the first sign-in."""
        self.path = Path(path)

    def read(self) -> str:
        """Return the token; raise SettingsError when it is missing or open to others."""
        try:
            open_to_others = os.name == "posix" and self.path.stat().st_mode & 0o077
            token = self.path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(self.path, "refresh token", f"cannot be read: {error}") from error
        if open_to_others:
            raise SettingsError(self.path, "refresh token", "others can read it: chmod 600 it")
        if not token:
            raise SettingsError(self.path, "refresh token", "expected a token, found nothing")
        return token

    def keep(self, token: str) -> None:
        """Put a new token in the old one's place, whole or not at all."""
        try:
            writing.write(self.path, token, private=True)
        except OSError as error:
            problem = f"the new token cannot be kept: {error}"
            raise SettingsError(self.path, "refresh token", problem) from error

    def __repr__(self) -> str:
        return f"TokenFile({str(self.path)!r})"


class SecureApp:
    """Tokens from the sign-in service itself: of the app, or of the user behind a refresh token.

    `read` gives the refresh token, `keep` is handed each new one; without them there is no user.
    Access tokens stay in memory. Nothing of this is ever logged or shown.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        read: Callable[[], str] | None = None,
        keep: Callable[[str], None] | None = None,
        authority: str = AUTHORITY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the app and where its user's refresh token is; raise SettingsError if open."""
        if not authority.startswith("https://") and not is_loopback(authority):
            raise SettingsError("credentials", "authority", f"expected https, found {authority!r}")
        self._app = {"client_id": client_id, "client_secret": client_secret}
        self._read, self._keep = read, keep
        self._authority = authority.rstrip("/")
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str, bool], tuple[str, float]] = {}
        trust_env = not is_loopback(authority)
        self._session = sending.session(HTTPAdapter(max_retries=0), trust_env=trust_env)

    def token(self, audience: str, tenant: str, user: bool) -> str:
        """Return a token, asking for one when none is good for two minutes more.

        Raises SettingsError when the sign-in service refuses or a call needs a user and there is
        none, ApiUnavailable when the service does not answer.
        """
        if user and self._read is None:
            problem = f"{audience} needs a signed-in user here, found no refresh token"
            raise SettingsError("credentials", "user", problem)
        key = (audience, tenant, user)
        with self._lock:
            token, until = self._held.get(key, ("", 0.0))
            if self._clock() + _MARGIN >= until:
                token, until = self._ask(audience, tenant, user)
                self._held[key] = token, until
            return token

    def close(self) -> None:
        """Close the connection to the sign-in service."""
        self._session.close()

    def __repr__(self) -> str:
        return f"SecureApp({self._app['client_id']!r})"

    def _ask(self, audience: str, tenant: str, user: bool) -> tuple[str, float]:
        scope = f"{audience}/.default"
        grant = {"grant_type": "client_credentials", "scope": scope}
        if user:
            assert self._read is not None
            scope = f"{scope} offline_access"
            refresh = {"grant_type": "refresh_token", "refresh_token": self._read()}
            grant = {**refresh, "scope": scope}
        url = f"{self._authority}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        request_id = str(uuid4())
        sent = Sent("POST", url, request_id, request_id, wrote=False)
        more = {"headers": {"client-request-id": request_id}, "timeout": _TIMEOUT}
        try:
            got = sending.send(self._session, sent, data={**self._app, **grant}, **more)
        except ApiRefused as error:
            raise SettingsError("credentials", "user" if user else "app", str(error)) from None
        answer = sending.answer(sent, got).record
        fresh, token = answer.text("refresh_token"), answer.text("access_token")
        if not token:
            raise SettingsError("credentials", "sign-in", f"no token came for {audience}")
        if user and fresh and self._keep is not None:
            self._keep(fresh)
        return token, self._clock() + (answer.whole("expires_in") or 0)
