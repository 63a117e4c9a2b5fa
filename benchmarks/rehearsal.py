"""What a call to the rehearsal costs: in process, over a socket, and beside an empty server.

Run `python benchmarks/rehearsal.py`; `--calls N` for longer, `--json` for the figures alone.
Times are CPU of the whole process (client and server share it), so a busy machine matters little.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from werkzeug.serving import make_server

from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.inprocess import URL, session
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.server import Server, _Handler
from cspkit.rehearsal.world import World

TOKEN = {"Authorization": f"Bearer rehearsal-user-{PARTNER_TENANT}"}


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--calls", type=int, default=1000, help="calls of each kind")
    asked.add_argument("--json", action="store_true", help="print JSON")
    given = asked.parse_args()
    found = [*near(given.calls), *far(given.calls), *parts()]
    if given.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{'what':<44}{'CPU, microseconds':>18}{'calls a second':>16}")
    for line in found:
        print(f"{line['what']:<44}{line['cpu_us']:>18,.0f}{line['per_second']:>16,.0f}")


def near(calls: int) -> Iterator[dict[str, Any]]:
    """Call the gate in process: what thousands of rehearsed moves pay."""
    world = World.sample()
    made = session(Gate(world))
    made.headers.update(TOKEN)
    customer = next(one for one in world.customers.values() if one.related)
    here = f"{URL}/v1/customers/{customer.id}"
    yield measured("in process: subscriptions of a customer", calls, made, f"{here}/subscriptions")
    yield measured("in process: page of 100 customers", calls, made, f"{URL}/v1/customers?size=100")
    basic = f"{here}/products/CFQ7TTC0LH18/skus/0001/availabilities"
    yield measured("in process: availabilities of a SKU", calls, made, basic)
    yield carts(calls, made, here, basic)


def carts(calls: int, made: requests.Session, here: str, basic: str) -> dict[str, Any]:
    """Make carts, the most frequent write of a run."""
    item = made.get(basic).json()["items"][0]["catalogItemId"]
    line = {"id": 0, "catalogItemId": item, "quantity": 5, "billingCycle": "monthly"}
    body = {"lineItems": [line | {"termDuration": "P1Y"}]}
    return timed(
        "in process: new cart", calls, lambda: made.post(f"{here}/carts", json=body).content
    )


def far(calls: int) -> Iterator[dict[str, Any]]:
    """Call over loopback, beside a server that answers nothing: the floor of requests itself."""
    world = World.sample()
    customer = next(one for one in world.customers.values() if one.related)
    with Server(world) as server, requests.Session() as made:
        made.headers.update(TOKEN)
        url = f"{server.url}/v1/customers/{customer.id}/subscriptions"
        yield measured("over HTTP: subscriptions of a customer", calls, made, url)
    with _empty() as url, requests.Session() as made:
        made.headers.update(TOKEN)
        yield measured("over HTTP: an empty server (the floor)", calls, made, url)


def parts() -> Iterator[dict[str, Any]]:
    """Draw a world, and let a year of it pass."""
    worlds: list[World] = []
    yield timed("drawing the sample of 250 customers", 5, lambda: worlds.append(World.sample()))

    def year() -> None:
        world = worlds.pop()
        world.move_to(world.now.replace(year=world.now.year + 1))

    yield timed("a year of its clock", 5, year)


def measured(what: str, calls: int, made: requests.Session, url: str) -> dict[str, Any]:
    """Read one address many times."""
    answer = made.get(url)
    assert answer.status_code == 200, answer.text
    return timed(what, calls, lambda: made.get(url).content)


def timed(what: str, calls: int, call: Callable[[], object]) -> dict[str, Any]:
    """Give CPU per call and calls per second of the wall's clock."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        call()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"what": what, "cpu_us": cpu / calls * 1e6, "per_second": calls / wall}


@contextmanager
def _empty() -> Iterator[str]:
    def answer(_: Any, start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
        return [b"{}"]

    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=_Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    main()
