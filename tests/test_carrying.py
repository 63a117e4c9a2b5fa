"""One mail to a real SMTP server: sent, surely not, or nobody knows; each in one line."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme

from cspkit import letters
from cspkit.letters import Fate
from cspkit.settings import Letters
from tests.postbox import PASSWORD, USER, Postbox, closed_port, postbox

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CUSTOMER = "11111111-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def box() -> Iterator[Postbox]:
    """A server that takes every mail; each test sets its answers."""
    with postbox() as made:
        yield made


@pytest.fixture(autouse=True)
def polite(box: Postbox) -> None:
    """Forget what the test before arranged."""
    box.arrived.clear()
    box.answers, box.hang_up_on = {}, ""


@pytest.fixture
def message(tmp_path: Path) -> EmailMessage:
    """A letter as it leaves the outbox."""
    text = letters.Text("done", "es", "Nuñez: listo", "Hola:\n\n.punto\nFrom aquí\n")
    about = {"contact": "Lucía", "address": "lucia@nunez.example"}
    file = letters.put(tmp_path, text, customer_id=CUSTOMER, at=NOON, **about)
    return letters.outgoing(file, settings(1), address="lucia@nunez.example", at=NOON)


def settings(port: int, **more: Any) -> Letters:
    """Settings for a server on this machine."""
    values = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
    return Letters(**{**values, "sender": "Sur Cloud <mudanza@surcloud.example>", **more})


def carry(message: EmailMessage, wanted: Letters, password: str = "") -> letters.Carried:
    """Carry a mail with a patience of two seconds."""
    return letters.carry(message, wanted, password, seconds=2)


def test_a_mail_arrives_as_it_left(box: Postbox, message: EmailMessage) -> None:
    """Accents, lines that begin with a dot, and a line that begins with From survive."""
    found = carry(message, settings(box.port))

    assert (found.fate, found.field) == (Fate.SENT, "")
    (arrived,) = box.messages
    assert arrived["Subject"] == "Nuñez: listo"
    assert arrived["Message-ID"].endswith("@surcloud.example>")
    assert arrived.get_content().replace("\r\n", "\n") == "Hola:\n\n.punto\nFrom aquí\n"


@pytest.mark.parametrize(
    ("command", "answer", "fate", "field"),
    [
        ("MAIL", "550 5.7.60 not yours", Fate.WAITING, "sender"),
        ("MAIL", "451 later", Fate.WAITING, ""),
        ("RCPT", "550 5.1.1 no such user", Fate.REFUSED, ""),
        ("RCPT", "550 nobody", Fate.REFUSED, ""),
        ("RCPT", "554 5.7.1 no relay", Fate.WAITING, "smtp_host"),
        ("RCPT", "450 4.2.0 greylisted", Fate.WAITING, ""),
        ("DATA", "452 4.3.1 full", Fate.WAITING, ""),
        ("DATA", "552 5.3.4 too big", Fate.REFUSED, ""),
    ],
)
def test_an_answer_decides(
    box: Postbox, message: EmailMessage, command: str, answer: str, fate: Fate, field: str
) -> None:
    """5xx refuses for good, 4xx waits, and what is not the address's fault names a setting."""
    box.answers = {command: answer}

    found = carry(message, settings(box.port))

    assert (found.fate, found.field, box.arrived) == (fate, field, [])
    assert answer in found.answer


@pytest.mark.parametrize(
    ("command", "fate"),
    [("MAIL", Fate.WAITING), ("RCPT", Fate.WAITING), ("DATA", Fate.UNCLEAR)],
)
def test_a_server_that_hangs_up(
    box: Postbox, message: EmailMessage, command: str, fate: Fate
) -> None:
    """Before the text nothing went out; after it nobody knows, for it may have."""
    box.hang_up_on = command

    assert carry(message, settings(box.port)).fate is fate


def test_nobody_listens(message: EmailMessage) -> None:
    """One line, nothing sent, nothing unclear."""
    found = carry(message, settings(closed_port()))

    assert found.fate is Fate.WAITING
    assert "cannot be reached" in found.answer and "\n" not in found.answer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs certificates in these tests."""
    return trustme.CA()


@pytest.fixture(params=["starttls", "tls"])
def secure(
    request: pytest.FixtureRequest, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> Iterator[tuple[Postbox, Letters]]:
    """A server with a certificate for 127.0.0.1 that wants a sign-in, and settings for it."""
    caplog.set_level("CRITICAL", logger="mail.log")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with postbox(tls=context, wrapped=request.param == "tls", login=True) as box:
        yield box, settings(box.port, smtp_security=request.param, smtp_user=USER)


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine trust who signed."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("password", "sent", "words"),
    [
        (PASSWORD, True, "250 taken"),
        ("contraseña", False, "CSPKIT_SMTP_PASSWORD with letters beyond A to Z cannot be sent"),
        ("wrong", False, "refused 'cspkit' or its CSPKIT_SMTP_PASSWORD: 535"),
        ("", False, "CSPKIT_SMTP_PASSWORD is not set"),
    ],
)
def test_mail_is_encrypted_and_signed_in(
    message: EmailMessage, secure: tuple[Postbox, Letters], password: str, sent: bool, words: str
) -> None:
    """STARTTLS and TLS carry the password; without the right one nothing goes out."""
    box, wanted = secure

    found = carry(message, wanted, password)

    assert (found.fate is Fate.SENT, found.field) == (sent, "" if sent else "smtp_user")
    assert (len(box.arrived), box.logins) == (sent, sent)
    assert words in found.answer and "\n" not in found.answer


def test_a_certificate_that_is_not_trusted_sends_nothing(
    message: EmailMessage, secure: tuple[Postbox, Letters]
) -> None:
    """The password goes to nobody who cannot prove who they are."""
    box, wanted = secure

    found = carry(message, wanted, PASSWORD)

    assert (found.fate, found.field, box.logins) == (Fate.WAITING, "smtp_host", 0)
    assert "the certificate of 127.0.0.1" in found.answer


def test_a_server_without_starttls_gets_no_password(box: Postbox, message: EmailMessage) -> None:
    """What was to be encrypted is never sent in clear instead."""
    found = carry(message, settings(box.port, smtp_security="starttls", smtp_user=USER), PASSWORD)

    assert (found.fate, found.field, box.logins) == (Fate.WAITING, "smtp_security", 0)
    assert "offers no STARTTLS" in found.answer
