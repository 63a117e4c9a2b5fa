"""The columns of decisions.xlsx: their types, and how one cell of each is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from cspkit import catalogue

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
YES, NO = {"yes", "y", "true", "1", "x", "si", "sí", "sì"}, {"no", "n", "false", "0"}
CYCLES = {
    "P1M": {"monthly"},
    "P1Y": {"monthly", "annual"},
    "P3Y": {"monthly", "annual", "triennial"},
}


@dataclass(frozen=True)
class Field:
    """One column of a sheet: its name, its type and how a cell of it is read."""

    name: str
    type: pa.DataType
    read: Callable[[Any], Any]


def plain(value: Any) -> str:
    """Return a cell as text without blanks around it."""
    return str(value).strip()


def ident(value: Any) -> str:
    """Return a cell as an id: text in lower case."""
    return plain(value).lower()


def _guid(value: Any) -> str:
    return _matching(GUID, ident(value), "a tenant id such as 6b1f...-...", value)


def _email(value: Any) -> str:
    return _matching(EMAIL, plain(value), "one e-mail address", value)


def _language(value: Any) -> str:
    return _matching(re.compile("[a-z]{2}"), ident(value), "two letters such as es", value)


def _currency(value: Any) -> str:
    return _matching(re.compile("[A-Z]{3}"), plain(value).upper(), "three letters: EUR", value)


def _matching(pattern: re.Pattern[str], text: str, expected: str, found: Any) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"expected {expected}, found {found!r}")
    return text


def _offer(value: Any) -> str:
    text = plain(value).upper()
    if not catalogue.is_offer(text):
        raise ValueError(f"expected product:sku such as CFQ7TTC0LDPB:0001, found {value!r}")
    return text


def _word(*words: str) -> Callable[[Any], str]:
    known = {word.lower(): word for word in words}

    def read(value: Any) -> str:
        if ident(value) not in known:
            raise ValueError(f"expected {', '.join(words)}, found {value!r}")
        return known[ident(value)]

    return read


def _seats(value: Any) -> int:
    number = _number(value)
    if not 1 <= number <= 1_000_000 or number != int(number):
        raise ValueError(f"expected a whole number from 1 to 1000000, found {value!r}")
    return int(number)


def _more_seats(value: Any) -> int:
    number = _number(value)
    if not 0 <= number <= 1_000_000 or number != int(number):
        raise ValueError(f"expected a whole number from 0 to 1000000, found {value!r}")
    return int(number)


def _price(value: Any) -> Decimal:
    number = _number(value)
    if not 0 <= number <= 1_000_000:
        raise ValueError(f"expected a price from 0 to 1000000, found {value!r}")
    return number.quantize(Decimal("0.000001"))


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(plain(value))
    except InvalidOperation:
        raise ValueError(f"expected a number with a decimal point, found {value!r}") from None
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError(f"expected a number, found {value!r}")
    return number


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(plain(value))
    except ValueError:
        raise ValueError(f"expected a date such as 2026-11-20, found {value!r}") from None


def _yes_no(value: Any) -> bool:
    word = ident(value)
    if word not in YES | NO:
        raise ValueError(f"expected yes or no, found {value!r}")
    return word in YES


def _fields(**columns: tuple[pa.DataType, Callable[[Any], Any]]) -> tuple[Field, ...]:
    return tuple(Field(name, *kind) for name, kind in columns.items())


TEXT, FLAG = (pa.string(), plain), (pa.bool_(), _yes_no)
SHEETS: dict[str, tuple[Field, ...]] = {
    "customers": _fields(
        customer_id=(pa.string(), _guid),
        name=TEXT,
        contact_name=TEXT,
        contact_email=(pa.string(), _email),
        language=(pa.string(), _language),
        reseller_id=TEXT,
        owner=TEXT,
        ticket=TEXT,
        hold=FLAG,
        note=TEXT,
        orphan=FLAG,
        access_on=(pa.date32(), _day),
        invited_on=(pa.date32(), _day),
        agreement_on=(pa.date32(), _day),
        billing_consent_by=TEXT,
        billing_consent_on=(pa.date32(), _day),
        partner_contact=TEXT,
        partner_email=(pa.string(), _email),
        reseller_agreement_on=(pa.date32(), _day),
        attested_first_name=TEXT,
        attested_last_name=TEXT,
        attested_email=(pa.string(), _email),
        attested_on=(pa.date32(), _day),
        attested_evidence=TEXT,
        licence_export=TEXT,
        licence_export_on=(pa.date32(), _day),
        losses_accepted=TEXT,
        losses_accepted_by=TEXT,
        losses_accepted_on=(pa.date32(), _day),
        choice_reason=TEXT,
        choice_by=TEXT,
    ),
    "originals": _fields(
        subscription_id=(pa.string(), ident),
        customer_id=(pa.string(), _guid),
        product=TEXT,
        target_offer=(pa.string(), _offer),
        term=(pa.string(), _word("P1M", "P1Y", "P3Y")),
        billing_cycle=(pa.string(), _word("monthly", "annual", "triennial")),
        seats=(pa.int64(), _seats),
        sale_price=(pa.decimal128(18, 6), _price),
        currency=(pa.string(), _currency),
        consent_by=TEXT,
        consent_on=(pa.date32(), _day),
        consent_reference=TEXT,
        hold=FLAG,
        note=TEXT,
        orphan=FLAG,
        assigned_plus=(pa.int64(), _more_seats),
        term_end_approved_by=TEXT,
        term_end_approved_by_2=TEXT,
        users=TEXT,
        renewal_off_by=TEXT,
        renewal_off_on=(pa.date32(), _day),
        renewal_off_evidence=TEXT,
        end_scheduled_on=(pa.date32(), _day),
        end_scheduled_evidence=TEXT,
        ended_on=(pa.date32(), _day),
        ended_evidence=TEXT,
        order_on=(pa.date32(), _day),
        choice_reason=TEXT,
        choice_by=TEXT,
    ),
}
OPTIONAL = {
    *("billing_consent_by", "billing_consent_on"),
    *("renewal_off_by", "renewal_off_on", "renewal_off_evidence"),
    *("end_scheduled_on", "end_scheduled_evidence", "ended_on", "ended_evidence"),
    *("orphan", "access_on", "invited_on", "agreement_on", "assigned_plus"),
    *("term_end_approved_by", "term_end_approved_by_2"),
    *("order_on", "choice_reason", "choice_by"),
    *("partner_contact", "partner_email"),
    *("attested_first_name", "attested_last_name", "attested_email"),
    *("attested_on", "attested_evidence", "licence_export", "licence_export_on"),
    "reseller_agreement_on",
    *("losses_accepted", "losses_accepted_by", "losses_accepted_on", "users"),
}
# What a person says only as a whole: who, when, and how one could see it.
TOGETHER: dict[str, tuple[tuple[str, ...], ...]] = {
    "customers": (("billing_consent_by", "billing_consent_on"),),
    "originals": (("renewal_off_by", "renewal_off_on", "renewal_off_evidence"),),
}
KEYS = {"customers": "customer_id", "originals": "subscription_id"}


def schema(sheet: str) -> pa.Schema:
    """Return the columns and types of a sheet as they are read."""
    return pa.schema([(field.name, field.type) for field in SHEETS[sheet]])
