"""The outbox: each letter as a mail draft and as plain text, once per customer and letter."""

from __future__ import annotations

import os
import re
import uuid
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from cspkit.errors import SettingsError
from cspkit.letters.writing import Text
from cspkit.wire import plain

_GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+")
_NAMESPACE = uuid.UUID("2f0c2a46-7f55-5d0e-8a0e-5d8f5b4b9a10")


def file_name(customer_id: str, letter: str) -> str:
    """Name the file of a letter by ids alone: no text of a customer becomes a path."""
    if not _GUID.fullmatch(customer_id):
        raise SettingsError("letter", "customer_id", f"expected a tenant id, found {customer_id!r}")
    return f"{customer_id}-{letter}.eml"


def put(
    folder: Path, text: Text, *, customer_id: str, contact: str, address: str, at: datetime
) -> Path:
    """Write the letter as .eml and .txt; writing it again replaces the same two files.

    Without an address the draft has no recipient, and a person fills it in.
    """
    target = folder / file_name(customer_id, text.letter)
    message = draft(text, customer_id=customer_id, contact=contact, address=address, at=at)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(target.with_suffix(".txt"), f"{text.subject}\n\n{text.body}".encode())
        _replace(target, message.as_bytes())
    except OSError as error:
        raise SettingsError(folder, "outbox", f"cannot be written: {error.strerror}") from error
    return target


def draft(
    text: Text, *, customer_id: str, contact: str, address: str, at: datetime
) -> EmailMessage:
    """Make a mail that opens as a draft; its id is the same whenever it is made."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _header(text.subject)
    if address:
        message["To"] = Address(_header(contact), addr_spec=_checked(address))
    message["Date"] = at
    name = f"{customer_id}/{text.letter}"
    message["Message-ID"] = f"<{uuid.uuid5(_NAMESPACE, name)}@cspkit.invalid>"
    message["X-Unsent"] = "1"
    message.set_content(text.body, cte="quoted-printable")
    message["Content-Language"] = text.language
    return message


def _header(text: str) -> str:
    """Make text safe as a header: an encoded word would be decoded, line breaks and all."""
    return plain(text, 200).replace("=?", "= ?")


def _checked(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise SettingsError(
            "decisions.xlsx", "contact_email", f"expected one mail address, found {address!r}"
        )
    return address


def _replace(target: Path, data: bytes) -> None:
    """Write beside the target and rename, so that nobody ever sees half a letter."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(target)
