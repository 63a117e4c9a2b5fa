"""What an answer means: refused, unavailable or unclear, in words and with the next step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cspkit.errors import ApiError, ApiRefused, ApiUnavailable, ApiUnclear
from cspkit.wire import (
    FixedTokens,
    Record,
    Wire,
    instant,
    plain,
)
from cspkit.wire.faults import answers, seconds
from tests.canned import Canned
from tests.test_wire import dialled, posted

TENANT = "00000000-0000-4000-8000-000000000001"
REQUEST = "5a9ecd4c-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"code": 13605, "description": "Accept first"}, ApiRefused),
        (403, {"code": "13605", "description": "as text"}, ApiRefused),
        (404, {"code": 400019}, ApiRefused),
        (429, {"statusCode": 429, "message": "Rate limit is exceeded."}, ApiRefused),
        (401, {}, ApiRefused),
        (400, {"error": {"code": "Request_BadRequest", "message": "no licences"}}, ApiRefused),
        (400, {"code": 800065, "description": "already submitted"}, ApiUnclear),
        (400, {"code": 123456}, ApiUnclear),
        (403, b"<html>proxy</html>", ApiUnclear),
        (404, {}, ApiUnclear),
        (409, {"code": 800060}, ApiUnclear),
        (409, {"code": 800064}, ApiUnclear),
        (500, {"code": 800005}, ApiUnclear),
        (502, b"<html>bad gateway</html>", ApiUnclear),
        (503, {}, ApiUnclear),
        (201, b"{ half", ApiUnclear),
        (302, {}, ApiUnclear),
    ],
)
def test_a_write_is_refused_only_by_a_listed_answer(
    status: int, body: Any, kind: type[ApiError]
) -> None:
    """Everything that is not known to have done nothing is unclear."""
    adapter = Canned({"POST /v1/x": [(status, body)]})
    with (
        dialled("https://api.example", adapter=adapter) as wire,
        pytest.raises(kind) as caught,
    ):
        posted(wire)

    assert type(caught.value) is kind
    assert caught.value.request_id == REQUEST


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"code": 20000}, ApiRefused),
        (403, {"code": 999999}, ApiRefused),
        (400, b"<html>", ApiRefused),
        (500, {}, ApiUnavailable),
        (429, {}, ApiUnavailable),
        (200, b"{ half", ApiUnavailable),
    ],
)
def test_a_read_is_never_unclear(status: int, body: Any, kind: type[ApiError]) -> None:
    """A read changes nothing, so it is either refused or may be asked again."""
    adapter = Canned({"GET /v1/x": [(status, body)]})
    with dialled("https://api.example", adapter=adapter) as wire, pytest.raises(kind):
        wire.limiter.sleep = lambda _: None
        wire.read("/v1/x", tenant=TENANT)


def test_an_error_is_one_line_with_the_next_step() -> None:
    """What was asked, what came back, what to do; markup and line breaks are gone."""
    body = {"code": 13605, "description": "We&#39;re sorry.\r\nAccept\u2028it"}
    adapter = Canned({"POST /v1/x": [(403, body)]})
    with (
        dialled("https://api.example", adapter=adapter) as wire,
        pytest.raises(ApiRefused) as caught,
    ):
        posted(wire)

    expected = "POST /v1/x answered 403 13605: We're sorry. Accept it; have it accepted"
    assert str(caught.value).startswith(expected)
    assert (caught.value.status, caught.value.code) == (403, "13605")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("57", 57.0),
        ("2.128", 2.128),
        ("Fri, 20 Nov 2020 10:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("999999999999", 604_800.0),
        (None, None),
    ],
)
def test_a_wait_is_read_in_every_form(text: str | None, expected: float | None) -> None:
    """Seconds, broken seconds, a date, nonsense, nothing."""
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-08-17T18:13:11.3122226Z", datetime(2021, 8, 17, 18, 13, 11, 312222, UTC)),
        ("2018-03-06T17:37:05.253-08:00", datetime(2018, 3, 7, 1, 37, 5, 253000, UTC)),
        ("2019-08-26T00:00:00", datetime(2019, 8, 26, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T23:59:59.9999999Z", None),
        ("<etag>", None),
        (None, None),
    ],
)
def test_instants_are_read_in_every_form(text: object, expected: datetime | None) -> None:
    """Seven digits, any zone or none, and the two words for nothing."""
    assert instant(text) == expected


def test_a_record_survives_what_a_service_changes() -> None:
    """Other case, other type, missing field, an item that is no object: nothing raises."""
    record = Record({"Id": "ABC", "quantity": "5", "items": [{"a": 1}, "x", None], "on": "true"})

    assert (record.id("id"), record.whole("quantity"), record.flag("ON")) == ("abc", 5, True)
    assert [item.whole("a") for item in record.records("items")] == [1]
    assert (record.text("none"), record.instant("quantity")) == ("", None)
    assert not Record(["not", "an", "object"])


def test_plain_text_is_one_harmless_line() -> None:
    """Control characters and length of a foreign text stay outside our messages."""
    assert plain("a\x1b[31m\r\nb\u202e" + "c" * 500, 20) == "a[31m b" + "c" * 12 + "…"


def test_what_may_have_had_an_effect_is_not_listed() -> None:
    """No server error, conflict or second checkout counts as having done nothing."""
    listed = {key for key, known in answers().items() if known.harmless}

    assert (400, "800065") not in listed
    assert [key for key in listed if key[0] >= 500 or key[0] == 408] == []
    assert [code for status, code in listed if status == 409] == [
        "Request_MultipleObjectsWithSameKeyValue"
    ]


@pytest.mark.parametrize("key", sorted(answers()))
def test_every_known_answer_gives_cause_and_next_step(key: tuple[int, str]) -> None:
    """Each listed (status, code) is told in words, with what to do, on a write and on a read."""
    status, code = key
    known = answers()[key]
    body = {} if code == "*" else {"code": int(code) if code.isdigit() else code}
    adapter = Canned({"GET /v1/x": [(status, body)], "POST /v1/x": [(status, body)]})
    wire = Wire("https://api.example", tokens=FixedTokens(), adapter=adapter)
    wire.limiter.sleep = lambda _: None
    if status < 300:
        assert wire.read("/v1/x", tenant=TENANT).status == status
        return

    with pytest.raises(ApiError) as written:
        posted(wire)
    with pytest.raises(ApiError) as read:
        wire.read("/v1/x", tenant=TENANT)

    assert isinstance(written.value, ApiRefused if known.harmless else ApiUnclear)
    assert not isinstance(read.value, ApiUnclear)
    assert f"{known.means}; {known.next} (request id " in str(written.value)
    assert min(len(known.means), len(known.next), len(known.source)) > 3
    wire.close()


def test_all_documented_codes_are_listed() -> None:
    """The tables of Microsoft name 247; a code may stand there with two statuses."""
    documented = [key for key, known in answers().items() if "table" in known.source]

    assert len(documented) >= 245
    assert {(400, "2006"), (403, "2006"), (403, "13605"), (400, "800065")} <= set(documented)


def test_an_unknown_error_keeps_its_raw_body() -> None:
    """What nobody has words for is kept as it came, without any secret in it."""
    raw = '{"weird": {"access_token": "abc.def"}, "said": "Bearer xyz", "jwt": "eyJhb.eyJz.sig"}'
    adapter = Canned({"POST /v1/x": [(418, raw)]})
    with dialled("https://api.example", adapter=adapter) as wire, pytest.raises(ApiError) as caught:
        posted(wire)

    assert caught.value.body.startswith('{"weird"')
    assert not {"abc.def", "xyz", "eyJhb"} & set(caught.value.body.replace('"', " ").split())
    assert '{"weird"' in str(caught.value)
