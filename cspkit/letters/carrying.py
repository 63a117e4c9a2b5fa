"""The only SMTP: carry one mail, and say whether it went out, did not, or nobody knows."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum

from cspkit.settings import Letters
from cspkit.wire import plain

PASSWORD = "CSPKIT_SMTP_PASSWORD"
PORTS = {"starttls": 587, "tls": 465, "none": 25}
# Of a refused recipient: not the address, but what the server lets us do (RFC 3463, class 5.7).
_POLICY = ("5.7.", "5.5.")
_SECONDS = 60.0


class Fate(StrEnum):
    """What became of a mail."""

    SENT = "sent"
    REFUSED = "refused"
    WAITING = "waiting"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Carried:
    """What became of one mail, and the server's words; `field` names a setting that is wrong."""

    fate: Fate
    answer: str
    field: str = ""


class _Stopped(Exception):
    """The mail surely did not go out."""

    def __init__(self, answer: str, field: str = "", fate: Fate = Fate.WAITING) -> None:
        self.carried = Carried(fate, answer, field)


def carry(
    message: EmailMessage, settings: Letters, password: str, *, seconds: float = _SECONDS
) -> Carried:
    """Hand one mail to the server of the settings, once; its recipient is in its To.

    Only a word of refusal, or an end before the text was handed over, counts as not sent.
    """
    if settings.smtp_user and not password:
        return Carried(Fate.WAITING, f"{PASSWORD} is not set in the environment", "smtp_user")
    sender = settings.sender_address
    recipient = message["To"].addresses[0].addr_spec
    try:
        server = _opened(settings, password, seconds)
    except _Stopped as stop:
        return stop.carried
    try:
        return _handed_over(server, sender, recipient, message.as_bytes())
    except _Stopped as stop:
        return stop.carried
    finally:
        _left(server)


def _opened(settings: Letters, password: str, seconds: float) -> smtplib.SMTP:
    """Connect, agree on encryption, sign in."""
    host, port = settings.smtp_host, settings.smtp_port or PORTS[settings.smtp_security]
    there = f"{host}:{port}"
    server: smtplib.SMTP | None = None
    try:
        # The system's certificates, or those of SSL_CERT_FILE, and the host's own name.
        context = ssl.create_default_context()
        if settings.smtp_security == "tls":
            server = smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=seconds)
        server.ehlo()
        if settings.smtp_security == "starttls":
            _encrypted(server, there, context)
        if settings.smtp_user:
            _signed_in(server, there, settings.smtp_user, password)
        return server
    except _Stopped:
        _left(server)
        raise
    except ssl.SSLCertVerificationError as error:
        _left(server)
        why = f"the certificate of {there} is not trusted: {error.verify_message}"
        raise _Stopped(why, "smtp_host") from error
    except ssl.SSLError as error:
        _left(server)
        why = f"{there} does not speak TLS as smtp_security says: {error.reason}"
        raise _Stopped(why, "smtp_security") from error
    except (OSError, smtplib.SMTPException) as error:
        _left(server)
        raise _Stopped(f"{there} cannot be reached: {_words(error)}") from error


def _encrypted(server: smtplib.SMTP, there: str, context: ssl.SSLContext) -> None:
    if not server.has_extn("starttls"):
        raise _Stopped(f'{there} offers no STARTTLS; try smtp_security = "tls"', "smtp_security")
    server.starttls(context=context)
    server.ehlo()


def _signed_in(server: smtplib.SMTP, there: str, user: str, password: str) -> None:
    try:
        server.login(user, password)
    except smtplib.SMTPNotSupportedError as error:
        raise _Stopped(f"{there} offers no sign-in for {user!r}", "smtp_user") from error
    except UnicodeEncodeError as error:
        why = f"{there}: a user or {PASSWORD} with letters beyond A to Z cannot be sent"
        raise _Stopped(why, "smtp_user") from error
    except smtplib.SMTPAuthenticationError as error:
        why = f"{there} refused {user!r} or its {PASSWORD}: {_answer(error)}"
        raise _Stopped(why, "smtp_user" if error.smtp_code >= 500 else "") from error


def _handed_over(server: smtplib.SMTP, sender: str, recipient: str, text: bytes) -> Carried:
    """Send one mail: until its text is handed over, whatever goes wrong has sent nothing."""
    try:
        _accepted(server.mail(sender), "sender", "the server takes no mail from us")
        code, words = server.rcpt(recipient)
        if code >= 500 and not _line(words).startswith(_POLICY):
            raise _Stopped(f"{code} {_line(words)}", fate=Fate.REFUSED)
        _accepted((code, words), "smtp_host", "the server does not carry it")
    except (OSError, smtplib.SMTPException) as error:
        raise _Stopped(f"the server left: {_words(error)}") from error
    try:
        code, words = server.data(text)
    except smtplib.SMTPDataError as error:
        code, words = error.smtp_code, _bytes(error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        return Carried(Fate.UNCLEAR, f"no answer after the text was sent: {_words(error)}")
    fate = Fate.SENT if code < 400 else Fate.WAITING if code < 500 else Fate.REFUSED
    return Carried(fate, f"{code} {_line(words)}")


def _accepted(answer: tuple[int, bytes], field: str, what: str) -> None:
    code, words = answer
    if code >= 400:
        raise _Stopped(f"{what}: {code} {_line(words)}", field if code >= 500 else "")


def _left(server: smtplib.SMTP | None) -> None:
    """Say goodbye; what was accepted stays accepted however the server takes it."""
    if server is None:
        return
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def _answer(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_line(_bytes(error.smtp_error))}"


def _bytes(words: bytes | str) -> bytes:
    return words if isinstance(words, bytes) else words.encode()


def _line(words: bytes) -> str:
    return plain(words.decode("utf-8", "replace"), 300)


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error)
    return plain(str(error) or type(error).__name__, 300)
