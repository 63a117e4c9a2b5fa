"""The pace: one for all threads of a tenant, and everybody waits when one is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit.errors import ApiError, ApiRefused, ApiUnavailable
from cspkit.wire import FixedTokens, Limiter, Wire
from cspkit.wire.limits import LONGEST_WAIT
from tests.canned import Canned, Service

TENANT = "00000000-0000-4000-8000-000000000001"


class Time:
    """A clock that only moves while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


def limited(time: Time, per_minute: float | None = None) -> Limiter:
    return Limiter(per_minute, clock=time.clock, sleep=time.sleep)


def wired(time: Time, *replies: Any, chance: float = 0.5) -> tuple[Wire, Canned]:
    """A wire with that time, no jitter unless asked for, and answers to one read."""
    adapter = Canned({"GET /x": list(replies), "POST /x": list(replies)})
    made = Wire(
        "https://api.example",
        tokens=FixedTokens(),
        limiter=limited(time),
        chance=lambda: chance,
        adapter=adapter,
    )
    return made, adapter


@given(calls=st.integers(1, 400), per_minute=st.integers(1, 2_000), gap=st.floats(0, 3))
def test_no_minute_holds_more_calls_than_the_pace(calls: int, per_minute: int, gap: float) -> None:
    """At most the pace, and what a second's delay may catch up with."""
    time = Time()
    limiter = limited(time, per_minute)
    sent = []
    for number in range(calls):
        limiter.wait(TENANT)
        sent.append(time.now)
        if number % 7 == 0:
            time.now += gap

    most = max(sum(at - 60 < other <= at for other in sent) for at in sent)
    assert most <= per_minute + per_minute / 60 + 1


def test_the_pace_is_reached() -> None:
    """Waiting never costs more than it must: n calls take n intervals."""
    time = Time()
    limiter = limited(time, 600)
    for _ in range(601):
        limiter.wait(TENANT)

    assert time.now - 1_000 == pytest.approx(60, abs=0.2)


def test_tenants_do_not_wait_for_each_other(time: Time) -> None:
    """A pause of one tenant is none of another's business."""
    limiter = limited(time, 60)
    limiter.hold("a", 30)
    limiter.wait("b")

    assert time.slept == []


def test_a_batch_takes_as_many_turns_as_it_has_parts(time: Time) -> None:
    """Twenty calls in one are twenty calls to the service."""
    limiter = limited(time, 60)
    limiter.wait(TENANT, 20)
    limiter.wait(TENANT)

    assert time.now - 1_000 == pytest.approx(20)


def test_a_pause_holds_all_threads_of_a_tenant() -> None:
    """One thread is told to wait; no other sends before the pause is over."""
    told = (429, {}, {"Retry-After": "0.6"})
    begun: list[float] = []
    asked = threading.Event()

    def answer(*_: Any) -> tuple[int, Any, dict[str, str]]:
        begun.append(monotonic())
        asked.set()
        return told if len(begun) == 1 else (200, {}, {})

    with Service(answer) as service:
        wire = Wire(service.url, tokens=FixedTokens(), chance=lambda: 0.0)
        first = threading.Thread(target=wire.read, args=("/x",), kwargs={"tenant": TENANT})
        first.start()
        asked.wait(5)
        first.join(0.1)
        others = [
            threading.Thread(target=wire.read, args=("/x",), kwargs={"tenant": TENANT})
            for _ in range(6)
        ]
        for one in others:
            one.start()
        for one in [first, *others]:
            one.join()
        wire.close()

    assert len(begun) == 8
    assert min(begun[1:]) - begun[0] >= 0.59


def test_a_pause_that_comes_while_a_thread_sleeps_counts_too(time: Time) -> None:
    """Who already waits for its turn waits for the pause as well."""
    limiter = limited(time, 60)

    def interrupted(seconds: float) -> None:
        if not time.slept:
            limiter.hold(TENANT, 10)
        Time.sleep(time, seconds)

    limiter.sleep = interrupted
    limiter.wait(TENANT)
    limiter.wait(TENANT)

    assert time.now - 1_000 >= 10


class Refusing:
    """A shared pace whose next turn is too far away to be handed out."""

    count, apart = 0, 0.1

    def __init__(self, begins_in: float) -> None:
        self.begins_in = begins_in

    def take(self, wanted: int, per_minute: float, *, patience: float) -> Refusing:
        return self

    def hold(self, seconds: float) -> None:
        return


@pytest.mark.parametrize("beyond", [0.0005, 5.0])
def test_without_a_turn_nothing_is_sent(time: Time, beyond: float) -> None:
    """Not even when the wait falls below the longest one between two looks at the clock."""

    def running() -> float:
        time.now += 0.001
        return time.now

    limiter = Limiter(600, clock=running, sleep=time.sleep)
    limiter.share(TENANT, Refusing(LONGEST_WAIT + beyond))

    assert limiter.wait(TENANT) > LONGEST_WAIT
    assert time.slept == []


def test_only_a_second_is_caught_up_with(time: Time) -> None:
    """After a long rest the calls do not come in a heap."""
    limiter = limited(time, 600)
    limiter.wait(TENANT)
    time.now += 300
    at_once = 0
    while not time.slept:
        limiter.wait(TENANT)
        at_once += 1

    assert at_once == 12


DATE = datetime(2026, 11, 20, 10, tzinfo=UTC)
NOW = {"Date": format_datetime(DATE, usegmt=True)}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "57"}, 57.2),
        ({"Retry-After": "2.128"}, 2.328),
        ({"Retry-After": format_datetime(DATE + timedelta(seconds=30), usegmt=True)}, 30.2),
        ({}, 0.2),
        ({"Retry-After": "soon"}, 0.2),
        ({"Retry-After": "-3"}, 0.2),
    ],
)
def test_a_read_waits_as_long_as_it_is_told(
    time: Time, headers: dict[str, str], expected: float
) -> None:
    """Seconds, a fraction, a date by the service's own clock, nothing, nonsense."""
    wire, adapter = wired(time, (429, {}, {**NOW, **headers}), (200, {"ok": 1}))

    assert wire.read("/x", tenant=TENANT).body == {"ok": 1}
    assert time.now - 1_000 == pytest.approx(expected)
    assert len(adapter.asked) == 2


def test_an_absurd_wait_is_not_slept_through(time: Time) -> None:
    """The read fails with the wait in it, and nothing more is sent until it is over."""
    wire, adapter = wired(time, (429, {}, {"Retry-After": "86400"}), (200, {"ok": 1}))

    with pytest.raises(ApiUnavailable) as caught:
        wire.read("/x", tenant=TENANT)
    with pytest.raises(ApiUnavailable, match="was not sent: the service asked to wait 3600 s"):
        wire.read("/x", tenant=TENANT)

    assert caught.value.retry_after == 86_400
    assert (len(adapter.asked), time.slept) == (1, [])
    time.now += 3_600 - LONGEST_WAIT
    assert wire.read("/x", tenant=TENANT).body == {"ok": 1}


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 1.5), (0.5, 3.0), (1.0, 4.5)])
def test_pauses_grow_and_differ_by_chance(time: Time, chance: float, expected: float) -> None:
    """Each pause is twice the last; chance spreads them by half either way."""
    wire, adapter = wired(time, (503, {}), chance=chance)

    with pytest.raises(ApiUnavailable):
        wire.read("/x", tenant=TENANT)

    assert sum(time.slept) == pytest.approx(expected)
    assert len(adapter.asked) == 5


def test_a_throttled_write_is_sent_once_and_slows_the_reads(time: Time) -> None:
    """The write is refused with its wait; the next read keeps the pause."""
    wire, adapter = wired(time, (429, {}, {"Retry-After": "20"}), (200, {"ok": 1}))

    with pytest.raises(ApiRefused) as caught:
        wire.write("POST", "/x", tenant=TENANT, request_id="r")
    adapter.replies["GET /x"] = [(200, {"ok": 1})]
    wire.read("/x", tenant=TENANT)

    assert caught.value.retry_after == 20
    assert (len(adapter.asked), time.slept) == (2, [20.0])


def test_ids_are_new_after_an_answer_and_kept_after_silence(time: Time) -> None:
    """The documents want one id for a call and its repetition, another once an answer came."""
    import requests

    wire, adapter = wired(time, requests.ReadTimeout("slow"), (503, {}), (200, {}))

    answer = wire.read("/x", tenant=TENANT)
    ids = [one.headers["MS-RequestId"] for one in adapter.asked]

    assert ids[0] == ids[1] != ids[2]
    assert answer.request_id == ids[2]
    assert answer.correlation_id == adapter.asked[2].headers["MS-CorrelationId"]


def test_an_error_keeps_what_support_asks_for(time: Time) -> None:
    """Both ids stand in the error and in its words."""
    wire, adapter = wired(time, (400, {"code": 2000, "description": "no"}))

    with pytest.raises(ApiError) as caught:
        wire.read("/x", tenant=TENANT)

    sent = adapter.asked[0].headers
    assert caught.value.request_id == sent["MS-RequestId"]
    assert caught.value.correlation_id == sent["MS-CorrelationId"]
    assert f"correlation id {sent['MS-CorrelationId']}" in str(caught.value)


def test_each_call_leaves_its_ids_in_the_log(time: Time, caplog: pytest.LogCaptureFixture) -> None:
    """What support asks for can be found later, of calls that went well too; no token with it."""
    caplog.set_level("DEBUG", "cspkit.wire")
    wire, adapter = wired(time, (503, {}), (200, {}))
    wire.read("/x", tenant=TENANT)

    said = [one.getMessage() for one in caplog.records if one.name == "cspkit.wire"]
    ids = [one.headers["MS-RequestId"] for one in adapter.asked]
    assert [one in line for one, line in zip(ids, said, strict=True)] == [True, True]
    assert "rehearsal-user" not in " ".join(said)


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before + 1
