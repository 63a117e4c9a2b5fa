"""Read a mail that came back: which letter, to which address, and why (RFC 3464)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.errors import MessageError
from email.message import Message
from email.policy import default
from pathlib import Path

from cspkit.errors import SettingsError
from cspkit.wire import plain

_ID = re.compile(r"<[^<>\s]+>")
_MOST = 20_000_000


@dataclass(frozen=True)
class Bounce:
    """A mail that a server could not deliver for good: `message_id` is that of our letter."""

    message_id: str
    address: str
    reason: str


def bounce(file: Path) -> Bounce | None:
    """Read a saved mail; None when it is no report of a failure that is final.

    Raises SettingsError for a file that cannot be read.
    """
    try:
        if file.stat().st_size > _MOST:
            raise SettingsError(file, "file", f"expected a mail of at most {_MOST} bytes")
        message = message_from_bytes(file.read_bytes(), policy=default)
    except (OSError, MessageError) as error:
        raise SettingsError(file, "file", f"cannot be read as a mail: {error}") from error
    failed = [block for block in _reports(message) if _final(block)]
    ours = _returned(message)
    if not failed or not ours:
        return None
    said = failed[0]
    status = _word(said, "Status")
    why = _word(said, "Diagnostic-Code").partition(";")[2] or "not delivered"
    # A server's words often begin with the status.
    reason = plain(why if status in why else f"{status} {why}", 300)
    return Bounce(ours, _word(said, "Final-Recipient").partition(";")[2].strip().lower(), reason)


def _reports(message: Message) -> list[Message]:
    """List the blocks of a delivery report, one for each recipient and one of the mail."""
    found: list[Message] = []
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            found += [one for one in blocks if isinstance(one, Message)] if blocks else []
    return found


def _final(block: Message) -> bool:
    return _word(block, "Action").lower() == "failed" and _word(block, "Status").startswith("5")


def _returned(message: Message) -> str:
    """Find the id of the mail that came back, in its returned copy or its returned headers."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inside = part.get_payload()
            first = inside[0] if isinstance(inside, list) and inside else None
            if isinstance(first, Message) and first["Message-ID"]:
                return _own(first)
        if kind == "text/rfc822-headers":
            raw = part.get_payload(decode=True)
            text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
            return _own(message_from_string(text))
    return _own(message, "In-Reply-To")


def _own(message: Message, header: str = "Message-ID") -> str:
    found = _ID.search(str(message[header] or ""))
    return found[0] if found else ""


def _word(block: Message, header: str) -> str:
    return " ".join(str(block[header] or "").split())
