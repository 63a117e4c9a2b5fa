"""Tokens of the rehearsal: who may get one, and how long it lasts on the caller's clock."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field

GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TOKEN = re.compile(
    rf"rehearsal-(user|app)-({GUID})(?:-([0-9]{{1,12}}))?(-retired)?", re.IGNORECASE
)
LIFETIME = 3599
CLIENT_SECRET = "rehearsal-secret"
FIRST_REFRESH_TOKEN = "rehearsal-refresh"
# an audience that Partner Center took until August 2025
RETIRED = "https://graph.windows.net"


@dataclass(frozen=True)
class Caller:
    """Who calls: a signed-in user or an app alone, with a token for one tenant."""

    kind: str
    tenant: str
    retired: bool = False


class NoToken(Exception):
    """No token for this request: an OAuth error and the words that go with it."""

    def __init__(self, error: str, words: str, *, status: int = 400) -> None:
        """Take the error code of RFC 6749, its description and the HTTP status."""
        self.error = error
        self.words = words
        self.status = status
        super().__init__(f"{error}: {words}")


@dataclass
class Tokens:
    """Refresh tokens that were handed out; each answer brings a new one, the old ones stay."""

    refresh: set[str] = field(default_factory=lambda: {FIRST_REFRESH_TOKEN})
    codes: set[str] = field(default_factory=set)

    def code(self) -> str:
        """Give the code that a sign-in in the browser ends with; it is good for one token."""
        made = f"rehearsal-code-{secrets.token_urlsafe(16)}"
        self.codes.add(made)
        return made

    def grant(self, tenant: str, form: dict[str, str]) -> tuple[str, str]:
        """Give an access token, and a refresh token to users; raises NoToken."""
        if not re.fullmatch(GUID, tenant):
            raise NoToken("invalid_request", f"AADSTS90002: Tenant '{tenant[:80]}' not found.")
        if not form.get("client_id"):
            raise NoToken("invalid_request", "AADSTS900144: The body must contain 'client_id'.")
        if form.get("client_secret") != CLIENT_SECRET:
            words = "AADSTS7000215: Invalid client secret provided."
            raise NoToken("invalid_client", words, status=401)
        kind = form.get("grant_type", "")
        retired = form.get("resource", "").rstrip("/") == RETIRED
        if kind == "client_credentials":
            return issue("app", tenant, retired=retired), ""
        self._check_user(kind, form)
        fresh = f"{FIRST_REFRESH_TOKEN}-{secrets.token_urlsafe(16)}"
        self.refresh.add(fresh)
        return issue("user", tenant, retired=retired), fresh

    def _check_user(self, kind: str, form: dict[str, str]) -> None:
        """Check the code, good for once, or the refresh token of a user; raises NoToken."""
        if kind == "authorization_code":
            code = form.get("code", "")
            if code not in self.codes:
                words = "AADSTS70008: The authorization code has expired or was redeemed already."
                raise NoToken("invalid_grant", words)
            self.codes.discard(code)
            return
        if kind != "refresh_token":
            words = f"AADSTS70003: The app requested an unsupported grant type '{kind[:80]}'."
            raise NoToken("unsupported_grant_type", words)
        if form.get("refresh_token") not in self.refresh:
            words = "AADSTS700082: The refresh token has expired due to inactivity."
            raise NoToken("invalid_grant", words)


def issue(kind: str, tenant: str, *, retired: bool = False) -> str:
    """Write an access token that ends within the hour, by the clock of the wall."""
    ending = "-retired" if retired else ""
    return f"rehearsal-{kind}-{tenant}-{int(time.time()) + LIFETIME}{ending}"


def read(header: str) -> Caller | None:
    """Read a bearer token; None for one that is not ours, or is over.

    A token without an end, as tests write by hand, never ends.
    """
    scheme, _, token = header.partition(" ")
    found = _TOKEN.fullmatch(token.strip()) if scheme.lower() == "bearer" else None
    if found is None or (found[3] and int(found[3]) < time.time()):
        return None
    return Caller(found[1].lower(), found[2].lower(), bool(found[4]))
