"""The rehearsal beside the documents: the same names, types, casing, status and headers."""

from __future__ import annotations

import re
from collections import defaultdict
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
import requests

from tests.rehearsal.allowed import ALLOWED
from tests.rehearsal.documented import DOCUMENTS, NAMES, answer, document

Shape = dict[str, set[str]]
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
# fields whose words come from a list: there the casing counts too
_WORDS = {
    *("status", "state", "billingCycle", "billingType", "unitType", "contractType", "segment"),
    *("relationshipToPartner", "relationshipType", "capabilityStatus", "targetType", "type"),
    *("operationStatus", "operationType", "eventName", "userDomainType", "qualification"),
    *("vettingStatus", "transactionType", "appliesTo"),
}


def kind(path: str, value: Any) -> str:
    """Name the type of a value: texts that are dates or ids apart, lists of words by case."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "flag"
    if isinstance(value, (int, float)):
        return "number"
    if found := _DATE.fullmatch(value):
        return f"date {'Z' if found[1] == 'Z' else 'with offset' if found[1] else 'without zone'}"
    if _GUID.fullmatch(value):
        return "guid"
    if path.rpartition(".")[2] in _WORDS and value[:1].isalpha():
        return "Word" if value[0].isupper() else "word"
    return "text"


def shape(value: Any, path: str = "") -> Shape:
    """List every path of a body with the types seen there; items of a list count together."""
    found: Shape = defaultdict(set)
    if isinstance(value, dict):
        found[path].add("object")
        for name, inner in value.items():
            for where, kinds in shape(inner, f"{path}.{name}".lstrip(".")).items():
                found[where] |= kinds
    elif isinstance(value, list):
        found[path].add("list")
        for inner in value:
            for where, kinds in shape(inner, f"{path}.each".lstrip(".")).items():
                found[where] |= kinds
    else:
        found[path].add(kind(path, value))
    return dict(found)


def differences(documented: Any, given: Any) -> set[str]:
    """Say where two bodies differ: `missing x`, `extra x` or `x: this, documented that`."""
    theirs, ours = shape(documented), shape(given)
    found = {f"missing {path}" for path in theirs.keys() - ours.keys() if _is_top(path, ours)}
    found |= {f"extra {path}" for path in ours.keys() - theirs.keys() if _is_top(path, theirs)}
    for path in theirs.keys() & ours.keys():
        if not theirs[path] & ours[path]:
            words = " or ".join(sorted(ours[path])), " or ".join(sorted(theirs[path]))
            found.add(f"{path}: {words[0]}, documented {words[1]}")
    return found


def _is_top(path: str, other: Shape) -> bool:
    """Say whether the object around a path is on both sides, so that it is told only once."""
    above, _, name = path.rpartition(".")
    # an empty list on one side says nothing about its items
    return above in other and not (name == "each" and "list" in other[above])


@cache
def both(name: str) -> tuple[Any, requests.Response]:
    """A document, and the rehearsal's answer to the same call."""
    return document(name), answer(name)


def reasons(name: str) -> dict[str, str]:
    """The differences that are allowed for a document, each with its reason."""
    return {
        difference: why
        for names, listed in ALLOWED
        if any(fnmatchcase(name, pattern) for pattern in names.split())
        for difference, why in listed.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_as_documented(name: str) -> None:
    """Status, names, types and casing of the body agree, but for what is allowed with a reason."""
    documented, given = both(name)

    assert documented["status"] == given.status_code, given.text
    found = differences(documented["body"], given.json())
    allowed = reasons(name)
    assert set() == {one for one in found if not any(fnmatchcase(one, a) for a in allowed)}


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_has_the_documented_headers(name: str) -> None:
    """Request ids come back, and what was throttled says how long to wait."""
    documented, given = both(name)
    headers = {name.lower() for name in given.headers}

    if documented["path"].startswith("/graph"):
        assert {"request-id", "client-request-id"} <= headers
    else:
        assert {"ms-requestid", "ms-correlationid", "ms-cv", "ms-serverid"} <= headers
    assert given.headers["Content-Type"].startswith("application/json")
    assert ("retry-after" in headers) is (given.status_code == 429)
    assert ("location" in headers) is (given.status_code == 202)


def test_every_document_is_compared() -> None:
    """No document lies in the folder without a call."""
    assert sorted(path.stem for path in DOCUMENTS.glob("*.json")) == NAMES


@pytest.mark.parametrize(("names", "listed"), ALLOWED, ids=lambda part: str(part)[:40])
def test_what_is_allowed_is_needed(names: str, listed: dict[str, str]) -> None:
    """An allowance that no document needs any more is taken out, and each has a reason."""
    told: set[str] = set()
    for name in NAMES:
        if any(fnmatchcase(name, pattern) for pattern in names.split()):
            documented, given = both(name)
            told |= differences(documented["body"], given.json())
    unused = [one for one in listed if not any(fnmatchcase(found, one) for found in told)]

    assert unused == []
    assert all(len(why) > 10 for why in listed.values())
