"""Bodies that come in chunks, without a length, as several HTTP libraries send JSON."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from cspkit.rehearsal.records import PARTNER_TENANT
from tests.rehearsal.conftest import Partner

USER = f"Bearer rehearsal-user-{PARTNER_TENANT}"


def test_a_body_in_chunks_is_read(partner: Partner) -> None:
    """A cart sent in two chunks is the cart sent in one piece."""
    customer = partner.related()
    line = {
        "id": 0,
        "catalogItemId": partner.availability(customer),
        "quantity": 3,
        "billingCycle": "monthly",
        "termDuration": "P1Y",
    }
    body = json.dumps({"lineItems": [line]}).encode()

    def chunks() -> Iterator[bytes]:
        yield body[:17]
        yield body[17:]

    cart = partner.call("POST", f"/v1/customers/{customer.id}/carts", data=chunks())

    assert cart.status_code == 201
    assert cart.json()["lineItems"][0]["quantity"] == 3


@pytest.mark.parametrize(
    "sent", [b"zz\r\nxx\r\n0\r\n\r\n", b"2\r\n{}{}{}\r\n0\r\n\r\n", b"0\r\n\r\n"]
)
def test_broken_chunks_are_refused(partner: Partner, sent: bytes) -> None:
    """Chunks whose lengths are wrong, or none at all: a refusal in the documented shape."""
    asked = http.client.HTTPConnection("127.0.0.1", partner.server.port, timeout=10)
    asked.putrequest("POST", f"/v1/customers/{partner.related().id}/carts")
    for name, value in {"Authorization": USER, "Transfer-Encoding": "chunked"}.items():
        asked.putheader(name, value)
    asked.endheaders()
    asked.send(sent)
    answer = asked.getresponse()
    found = json.loads(answer.read())
    asked.close()

    assert answer.status == 400
    assert found["code"] in (2000, 800002)


def test_too_many_chunks_are_too_many(partner: Partner) -> None:
    """More than a million bytes are refused in chunks too."""
    chunks = (b"x" * 100_000 for _ in range(12))
    path = f"/v1/customers/{partner.related().id}/carts"

    assert partner.call("POST", path, data=chunks).status_code in (400, 413)
