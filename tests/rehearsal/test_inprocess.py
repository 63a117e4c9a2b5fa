"""The rehearsal without a socket: the same answers, the same faults, no waiting."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.inprocess import URL, InProcess, session
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.world import World
from tests.rehearsal.conftest import Partner

TOKEN = {"Authorization": f"Bearer rehearsal-user-{PARTNER_TENANT}"}
LIST = f"{URL}/v1/customers?size=3"


@pytest.fixture
def gate() -> Gate:
    return Gate(World.sample(customers=60))


@pytest.fixture
def near(gate: Gate) -> requests.Session:
    """A session whose calls stay in this process."""
    made = session(gate)
    made.headers.update(TOKEN)
    return made


def plain(answer: requests.Response) -> tuple[int, Any]:
    """What does not depend on the moment: the status and the body."""
    return answer.status_code, answer.content


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/customers?size=3"),
        ("GET", "/v1/Customers/nobody"),
        ("HEAD", "/v1/domains/nobody.example"),
        ("POST", "/v1/customers/relationshiprequests"),
        ("GET", "/v1/customers?filter=%7B%22Field%22%3A%22CompanyName%22"),
        ("GET", "/nowhere/%C3%A9"),
    ],
)
def test_answers_are_the_same_with_and_without_a_socket(
    partner: Partner, near: requests.Session, method: str, path: str
) -> None:
    """One code path: status, body and headers agree."""
    far = partner.call(method, path)
    here = near.request(method, URL + path)

    assert plain(far) == plain(here)
    assert far.headers["Content-Type"] == here.headers["Content-Type"]


def test_a_lost_answer_is_a_broken_connection(gate: Gate, near: requests.Session) -> None:
    """Code that catches what requests raises works in both ways."""
    gate.faults.add({"kind": "lost"})
    with pytest.raises(requests.ConnectionError):
        near.get(LIST)


def test_half_an_answer_is_noticed(gate: Gate, near: requests.Session) -> None:
    """The length that was promised does not come."""
    gate.faults.add({"kind": "half"})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        near.get(LIST)


def test_nobody_waits(gate: Gate, near: requests.Session) -> None:
    """A slow answer is a timeout for those who would not have waited, and immediate for others."""
    gate.faults.add({"kind": "slow", "seconds": 60, "times": None})
    began = time.monotonic()
    with pytest.raises(requests.ReadTimeout):
        near.get(LIST, timeout=30)

    assert near.get(LIST, timeout=(5, 90)).status_code == 200
    assert time.monotonic() - began < 5


def test_other_addresses_are_not_taken_over(gate: Gate) -> None:
    """Only what was mounted stays here."""
    made = requests.Session()
    made.mount("http://rehearsal.example", InProcess(gate))

    assert isinstance(made.get_adapter("http://rehearsal.example/v1"), InProcess)
    assert not isinstance(made.get_adapter("http://127.0.0.1/v1"), InProcess)


def test_calls_are_cheap(near: requests.Session) -> None:
    """Thousands of rehearsals need a call in a few milliseconds at most."""
    near.get(LIST)
    began = time.process_time()
    for _ in range(200):
        near.get(LIST)

    assert (time.process_time() - began) / 200 < 0.004


@pytest.mark.parametrize(
    ("kind", "felt"),
    [
        ("no_connection", "NewConnectionError"),
        ("no_name", "NameResolutionError"),
        ("no_tls", "certificate verify failed"),
    ],
)
def test_a_call_that_never_leaves_is_felt_as_such(kind: str, felt: str) -> None:
    """No server, no name, no trust: requests' own errors, and nothing has happened."""
    gate = Gate(World.sample(customers=5))
    gate.faults.add({"kind": kind})

    with pytest.raises(requests.ConnectionError) as error:
        session(gate).post(f"{URL}/v1/customers")
    reason = getattr(error.value.args[0], "reason", error.value)
    assert felt in f"{type(reason).__name__}: {reason}"
    assert gate.faults.log[0]["kind"] == kind
