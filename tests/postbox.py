"""A real SMTP server on loopback that keeps what it receives and can be made difficult."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "cspkit", "s3cret-Word"


class Postbox:
    """What arrived, and the answers to give: by command, the code and words in place of ours."""

    def __init__(self) -> None:
        self.arrived: list[Envelope] = []
        self.answers: dict[str, str] = {}
        self.hang_up_on: str = ""
        self.logins = 0
        self.port = 0

    @property
    def messages(self) -> list[EmailMessage]:
        """The mails as a mail program reads them."""
        found = []
        for envelope in self.arrived:
            assert isinstance(envelope.content, bytes)
            made = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(made, EmailMessage)
            found.append(made)
        return found

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer(server, "MAIL")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._answer(server, "RCPT")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.get("DATA", "250 taken")
        if answer.startswith("2"):
            self.arrived.append(envelope)
        return self._answer(server, "DATA")

    def _answer(self, server: SMTP, command: str) -> str:
        if self.hang_up_on == command:
            assert server.transport is not None
            server.transport.abort()
        return self.answers.get(command, "250 taken")

    def signed_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        good = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        self.logins += good
        return AuthResult(success=good, handled=False)


@contextmanager
def postbox(
    *, tls: ssl.SSLContext | None = None, wrapped: bool = False, login: bool = False
) -> Iterator[Postbox]:
    """Serve a postbox on a port of the system's choice; `wrapped` speaks TLS from the start."""
    box = Postbox()
    options: dict[str, Any] = {"authenticator": box.signed_in, "ident": "postbox"}
    # The library knows STARTTLS as encryption, not TLS from the start.
    options |= {"auth_required": login and not wrapped, "auth_require_tls": not wrapped}
    if tls is not None and wrapped:
        options["ssl_context"] = tls
    elif tls is not None:
        options |= {"tls_context": tls, "require_starttls": True}
    made = _Controller(box, hostname="127.0.0.1", port=0, **options)
    made.start()
    try:
        box.port = made.bound
        yield box
    finally:
        made.stop()


class _Controller(Controller):
    """A controller that also serves on a port chosen by the system."""

    @property
    def bound(self) -> int:
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        """Greet the server once, as the controller does, at the port it has."""
        self.port = self.bound
        super()._trigger_server()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
