"""Export formats as data: how to recognise a file and what its columns mean."""

from __future__ import annotations

import unicodedata
from functools import cached_property, lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

KINDS = {
    "subscription_id": "id",
    "customer_id": "guid",
    "sku_id": "sku",
    "base_subscription_id": "id",
    "offer_id": "code",
    "seats": "count",
    "assigned_seats": "count",
    "unit_price": "money",
    "starts_on": "day",
    "expires_on": "day",
    "seen_on": "day",
    "auto_renew": "boolean",
    "is_trial": "boolean",
    "domain": "domain",
    "customer_domain": "domain",
    "market": "market",
    "language": "language",
    "product": "label",
    "channel": "word",
    "term": "word",
    "billing_cycle": "word",
    "status": "word",
    "currency": "currency",
    "relationship": "word",
    "target_offer": "code",
    "legacy_offer_id": "guid",
    "title": "label",
    "segment": "word",
    "erp_price": "money",
    "valid_from": "day",
    "valid_to": "day",
    "terms": "words",
    "billing_cycles": "words",
}
FILE_NAME = "file name"
# As the name of a header: the name of the sheet in its workbook.
TAB = "(sheet)"
Order = Literal["dmy", "mdy", "ymd", "detect"]
Reason = Literal["total", "merged", "not_licence_based", "free", "header", "tier", "ended"]
Kind = Literal["customers", "subscriptions", "prices", "offers", "none"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ColumnRule(_Strict):
    """One column of ours: which headers hold it, or how it is derived, and what it must be."""

    headers: tuple[str, ...] = Field((), alias="from")
    kind: str = ""
    needed: bool = Field(False, description="the header must be there, and a value in every row")
    expected: bool = Field(False, description="the header must be there; a value may be missing")
    fixed: str | None = None
    template: str | None = None
    may_lack: bool = Field(False, description="needed, but only rows suffer when it is not there")
    from_file_name: bool = Field(False, description="the GUID in the file's name, else")
    rule: Literal["", "owner", "catalogue_sku", "catalogue_name", "offer_channel", "domain"] = ""
    words: dict[str, str] = Field(default_factory=dict)
    lenient: bool = Field(False, description="words without a meaning are left out")
    otherwise: str | None = Field(None, description="what a word without a meaning stands for")
    when_status: tuple[str, ...] = Field((), description="only rows of these states have it")

    @property
    def must_stand(self) -> bool:
        """Tell whether a file without any of the headers is not of this format."""
        return (self.needed or self.expected) and not (self.may_lack or self.from_file_name)


class Condition(_Strict):
    """A test of one raw cell; all given tests must hold."""

    column: tuple[str, ...]
    equals: tuple[str, ...] = Field((), alias="is")
    differs: tuple[str, ...] = Field((), alias="is_not")
    starts: tuple[str, ...] = ()
    not_starts: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    missing: bool | None = None


class Filter(_Strict):
    """Rows that are set aside, with the reason they are counted under."""

    reason: Reason
    when: tuple[Condition, ...]


class Profile(_Strict):
    """One export format."""

    id: str
    title: str
    source: str
    table: Kind
    precedence: int = 99
    dates: Order = "detect"
    decimal: Literal[".", ",", "detect"] = "detect"
    marks: tuple[tuple[str, ...], ...] = ()
    latest_by: tuple[str, ...] = ()
    unfold: str = Field("", description="a column whose cells hold JSON objects, one per row")
    leads: tuple[str, ...] = Field((), description="columns it knows better than others do")
    yields: tuple[str, ...] = Field((), description="columns it knows worse than others do")
    columns: dict[str, ColumnRule] = Field(default_factory=dict)
    set_aside: tuple[Filter, ...] = ()

    @model_validator(mode="after")
    def _kinds(self) -> Profile:
        for name, column in self.columns.items():
            object.__setattr__(column, "kind", column.kind or KINDS.get(name, "text"))
        return self

    @cached_property
    def statement_key(self) -> str:
        """Say all of this format, for statements that depend on it."""
        return self.model_dump_json()

    @cached_property
    def must_have(self) -> list[tuple[str, frozenset[str]]]:
        """List the headers that have to be there, each with the keys of its spellings."""
        wanted = [c.headers for c in self.columns.values() if c.must_stand]
        templates = [
            (part,)
            for c in self.columns.values()
            if c.needed and c.template
            for part in placeholders(c.template)
            if part != FILE_NAME
        ]
        every = [*self.marks, *(headers for headers in wanted if headers), *templates]
        return [(names[0], frozenset(map(key, names))) for names in every]

    @cached_property
    def marking(self) -> list[frozenset[str]]:
        """List the keys of headers by which the format is told from others."""
        marks = self.marks or tuple(c.headers for c in self.columns.values() if c.needed)
        return [frozenset(map(key, names)) for names in marks if names]

    @cached_property
    def headers(self) -> set[str]:
        """List every header that a column is read from, as the profile writes it."""
        return {header for c in self.columns.values() for header in c.headers}

    @cached_property
    def spellings(self) -> set[str]:
        """List every header this profile knows, as keys."""
        known = self.headers - {TAB}
        known |= {header for mark in self.marks for header in mark}
        known |= {h for f in self.set_aside for w in f.when for h in w.column}
        known |= {p for c in self.columns.values() if c.template for p in placeholders(c.template)}
        return {key(header) for header in known}


def placeholders(template: str) -> list[str]:
    """List the headers that a template is filled from."""
    return [part.split("}")[0] for part in template.split("{")[1:]]


@lru_cache(maxsize=10_000)
def key(header: str) -> str:
    """Fold a header so that case, accents, spaces and punctuation do not matter."""
    flat = unicodedata.normalize("NFKD", header).casefold()
    return "".join(ch for ch in flat if ch.isalnum())
