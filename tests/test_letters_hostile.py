"""Hostile text in every letter, as the mail server really receives it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from cspkit import letters
from cspkit.letters import Fate
from cspkit.settings import Letters
from tests.postbox import Postbox, postbox
from tests.test_letters import CHANNELS, CUSTOMER, FIELDS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDRESS = "lucia@nunez.example"
HOSTILE = {
    "markup": "<img src=x onerror=alert(1)></script><script>alert(2)</script>",
    "header": "Evil\r\nBcc: all@evil.example\r\n\r\n<b>body</b>",
    "encoded": "=?utf-8?q?=0d=0aBcc:_all=40evil.example?=",
    "dot": "Evil\r\n.\r\nMAIL FROM:<evil@evil.example>",
    "turned": "\u202egpj.exe\u202c \u2066x\u2069 \u200fABC",
    "long": "Ñ" * 300,
    "lines": "one\ntwo\u2028three\u2029four\x0bfive\x85six",
    "emoji": "Café 👩‍👩‍👧 🇪🇸 ☕️",
    "signs": "$link ${company} $$ %s {0} \x00\x1b[31m",
}
HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "Content-Language"),
    *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
}


@pytest.fixture(scope="module")
def box() -> Iterator[Postbox]:
    """A server that takes every mail."""
    with postbox() as made:
        yield made


def received(box: Postbox, folder: Path, kind: str, language: str, hostile: str) -> EmailMessage:
    """Write a letter with hostile text wherever a customer's text goes, send it, read it."""
    said = {"company": hostile, "contact": hostile, "signature": hostile, "domain": hostile}
    held = [letters.Licences(3, hostile, one.ends) for one in FIELDS["originals"]]  # type: ignore[union-attr]
    channel = CHANNELS.get(kind, [""])[0]
    text = letters.write(kind, language, FIELDS | said | {"originals": held}, channel=channel)
    about = {"customer_id": CUSTOMER, "contact": hostile, "address": ADDRESS}
    file = letters.put(folder, text, at=NOON, **about)
    settings = Letters(
        sender="Sur Cloud <mudanza@surcloud.example>",
        smtp_host="127.0.0.1",
        smtp_port=box.port,
        smtp_security="none",
    )
    message = letters.outgoing(file, settings, address=ADDRESS, at=NOON)
    box.arrived.clear()
    assert letters.carry(message, settings, "").fate is Fate.SENT
    assert [(one.mail_from, one.rcpt_tos) for one in box.arrived] == [
        ("mudanza@surcloud.example", [ADDRESS])
    ]
    return box.messages[0]


CASES = [(kind, name) for kind in letters.LETTERS for name in HOSTILE]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[" ".join(case) for case in CASES])
def test_hostile_text_stays_text(box: Postbox, tmp_path: Path, number: int) -> None:
    """No header, recipient, part or command of its own, in any letter; the languages in turn."""
    kind, name = CASES[number]
    language = letters.LANGUAGES[number % len(letters.LANGUAGES)]
    message = received(box, tmp_path, kind, language, HOSTILE[name])

    assert set(message.keys()) == HEADERS
    assert message.get_content_type() == "text/plain"
    assert [one.addr_spec for one in message["To"].addresses] == [ADDRESS]
    for text in (message["Subject"], message["To"].addresses[0].display_name):
        # Where a name has no blank, the library writes some between its encoded words.
        assert text.isprintable() and len(text.replace(" ", "")) <= 200
    body = message.get_content()
    unseen = {sign for sign in body if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp")}
    assert unseen <= {"\r", "\n", "\u200d"}
    assert max(map(len, re.split(r"\r?\n", body))) < 400
