"""The outbox: each letter as mail draft and plain text, once per customer, letter and cycle."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from cspkit import writing
from cspkit.errors import SettingsError
from cspkit.letters.writing import Text
from cspkit.settings import Letters
from cspkit.wire import plain

FIRST = "1"
_SAFE = re.compile("[a-z0-9][a-z0-9-]{0,60}")
_GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+")
_NAMESPACE = uuid.UUID("2f0c2a46-7f55-5d0e-8a0e-5d8f5b4b9a10")


def file_name(customer_id: str, letter: str, cycle: str = "") -> str:
    """Name the file of a letter by ids alone: no text of a customer becomes a path."""
    if not _GUID.fullmatch(customer_id):
        raise SettingsError("letter", "customer_id", f"expected a tenant id, found {customer_id!r}")
    return f"{customer_id}-{letter}{_ending(cycle)}.eml"


def _ending(cycle: str) -> str:
    """Write a cycle so that it is safe in a file name; the first has none."""
    if cycle in ("", FIRST):
        return ""
    safe = cycle if _SAFE.fullmatch(cycle) else hashlib.sha256(cycle.encode()).hexdigest()[:16]
    return f"-{safe}"


def put(
    folder: Path,
    text: Text,
    *,
    customer_id: str,
    contact: str,
    address: str,
    at: datetime,
    cycle: str = "",
) -> Path:
    """Write the letter as .eml and .txt; writing it again replaces the same two files.

    Without an address the draft has no recipient, and a person fills it in.
    """
    name = file_name(customer_id, text.letter, cycle)
    target = folder / name
    message = draft(text, name=name, contact=contact, address=address, at=at)
    try:
        writing.write(target.with_suffix(".txt"), f"{text.subject}\n\n{text.body}")
        writing.write(target, message.as_bytes())
    except OSError as error:
        raise SettingsError(folder, "outbox", f"cannot be written: {error.strerror}") from error
    return target


def draft(text: Text, *, name: str, contact: str, address: str, at: datetime) -> EmailMessage:
    """Make a mail that opens as a draft; its id follows from its file's name."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _header(text.subject)
    if address:
        message["To"] = Address(_header(contact), addr_spec=_checked(address))
    message["Date"] = at
    message["Message-ID"] = message_id(name, "cspkit.invalid")
    message["X-Unsent"] = "1"
    message.set_content(text.body, cte="quoted-printable")
    message["Content-Language"] = text.language
    return message


def message_id(name: str, domain: str) -> str:
    """Name a mail by its letter's file, so that what bounces can be told."""
    return f"<{uuid.uuid5(_NAMESPACE, name)}@{domain}>"


def outgoing(file: Path, settings: Letters, *, address: str, at: datetime) -> EmailMessage:
    """Make of a draft in the outbox the mail that goes out; the draft stays as it is.

    Raises SettingsError where the draft is gone or cannot be read.
    """
    try:
        message = message_from_bytes(file.read_bytes(), policy=SMTP)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}; run the step that writes it again"
        raise SettingsError(file, "outbox", problem) from error
    assert isinstance(message, EmailMessage)
    named = message["To"].addresses[0].display_name if message["To"] else ""
    domain = settings.sender_address.partition("@")[2]
    for header in ("X-Unsent", "To", "From", "Date", "Message-ID"):
        del message[header]
    message["From"] = Address(_header(settings.sender_name), addr_spec=settings.sender_address)
    message["To"] = Address(_header(named), addr_spec=_checked(address))
    message["Date"] = at
    message["Message-ID"] = message_id(file.name, domain)
    return message


def keep(file: Path, message: EmailMessage) -> None:
    """Put the mail that went out in the place of its draft, so that nobody sends it again."""
    writing.write(file, message.as_bytes())


def _header(text: str) -> str:
    """Make text safe as a header: an encoded word would be decoded, line breaks and all."""
    return plain(text, 200).replace("=?", "= ?")


def _checked(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise SettingsError(
            "decisions.xlsx", "contact_email", f"expected one mail address, found {address!r}"
        )
    return address
