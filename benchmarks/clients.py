"""What the clients cost and how close they come to the limit of a service.

    python benchmarks/clients.py [--rounds N]

The service is another process on loopback: it answers 50 ms late, counts,
and throttles whoever comes faster than R calls a second. CPU is that of the client alone.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

import requests

from benchmarks.results import Quote, Ratio, Table, alone
from cspkit.partner_center import PartnerCenter, of_each
from cspkit.wire import FixedTokens, Limiter, Wire

COMMAND = "python benchmarks/clients.py"
LATENCY, RATE = 0.05, 50.0
PARTNER = "00000000-0000-4000-8000-000000000001"
WORKERS = 16


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Measure the pace, then the cost of one call; by turns, in this process."""
    customers, calls = (100, 100) if small else (1000, 400)
    reached = [paced(customers, RATE) for _ in range(rounds)]
    yield pace(reached, customers)
    yield cost([compared(calls) for _ in range(rounds if small else max(5, rounds))])


def pace(reached: list[dict[str, float]], customers: int) -> Table:
    """Word how near the clients came to what the service allows, and what that cost."""
    share, seconds, throttled = (
        statistics.median(one[name] for one in reached)
        for name in ("share", "seconds", "throttled")
    )
    names = {"ours": "cspkit, 16 threads", "bare": "requests, 16 threads"}
    limit = f"{RATE:g} calls a second, {LATENCY * 1000:.0f} ms late"
    return Table(
        f"Subscriptions of {customers:,} customers from a service that allows {limit}",
        COMMAND,
        [
            "what",
            "share of the limit %",
            "seconds",
            "throttled calls",
            "processor µs a call",
        ],
        [
            [said, *([share * 100, seconds, throttled] if name == "ours" else [None] * 3), spent]
            for name, said in names.items()
            for spent in [statistics.median(one[name] for one in reached)]
        ],
        len(reached),
        [
            Ratio("share of the limit that is reached", share * 100, at_least=95, unit="%"),
            Ratio("processor time of a call beside bare requests", ratio(reached, "bare")),
        ],
        quotes=[
            Quote(
                f"subscriptions of {customers:,} customers, {limit}",
                f"{share:.1%} of the limit, {throttled:.0f} calls throttled",
            )
        ],
    )


def cost(pairs: list[dict[str, float]]) -> Table:
    """Word what one call costs beside the barest loops that parse its JSON."""
    names = {
        "ours": "cspkit",
        "bare": "requests",
        "leaner": "requests, without looking for proxies",
    }
    return Table(
        "One call after the other, no latency",
        COMMAND,
        ["what", "processor µs a call"],
        [[said, statistics.median(one[name] for one in pairs)] for name, said in names.items()],
        len(pairs),
        [
            Ratio(f"processor time of a call beside {names[name]}", ratio(pairs, name))
            for name in ("bare", "leaner")
        ],
    )


def ratio(rounds: list[dict[str, float]], other: str) -> float:
    return statistics.median(one["ours"] / one[other] for one in rounds)


def paced(customers: int, rate: float) -> dict[str, float]:
    """Read the subscriptions of many customers as fast as the limit lets us."""
    with served(rate) as (url, books):
        wire = Wire(url, tokens=FixedTokens(), limiter=Limiter(rate * 60))
        center = PartnerCenter(wire, PARTNER)
        ids = [f"{number:08}-0000-4000-8000-000000000000" for number in range(customers)]
        began, spent = time.perf_counter(), time.process_time()
        found = list(of_each(center.subscriptions, ids, workers=WORKERS))
        took, spent = time.perf_counter() - began, time.process_time() - spent
        wire.close()
        bare = bare_threads(f"{url}/v1/customers/c/subscriptions", customers // 4, rate)
        for customer, answer in found:
            assert not isinstance(answer, Exception) and len(answer) == 2, (
                f"{customer} was not read"
            )
        asked = books()
    share, each = customers / took / rate, spent / customers * 1e6
    return {
        "seconds": took,
        "share": share,
        "throttled": asked["throttled"],
        "ours": each,
        "bare": bare,
    }


def bare_threads(url: str, calls: int, rate: float) -> float:
    """Give the CPU of one call of bare requests, in as many threads and at the same pace."""
    limiter = Limiter(rate * 60)
    with requests.Session() as session, ThreadPoolExecutor(WORKERS) as pool:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=WORKERS))

        def ask(_: int) -> Any:
            limiter.wait("bare")
            return session.get(url, headers={"Authorization": "Bearer x"}).json()

        began = time.process_time()
        list(pool.map(ask, range(calls)))
        return (time.process_time() - began) / calls * 1e6


def compared(calls: int) -> dict[str, float]:
    """Give the CPU of one call, by turns with the barest loop that parses its JSON."""
    with (
        served(0, latency=0) as (url, _),
        requests.Session() as bare,
        requests.Session() as leaner,
    ):
        # to look for proxies costs a bare session a third of its time; ours does not on loopback
        leaner.trust_env = False
        wire = Wire(url, tokens=FixedTokens())
        center = PartnerCenter(wire, PARTNER)
        path = f"{url}/v1/customers/c/subscriptions"
        headers = {"Authorization": "Bearer x", "Accept": "application/json"}
        spent = {"bare": 0.0, "leaner": 0.0, "ours": 0.0}
        for _ in range(10):
            spent["bare"] += cpu(calls // 10, lambda: bare.get(path, headers=headers).json())
            spent["leaner"] += cpu(calls // 10, lambda: leaner.get(path, headers=headers).json())
            spent["ours"] += cpu(calls // 10, lambda: center.subscriptions("c"))
        wire.close()
    return {name: seconds / calls * 1e6 for name, seconds in spent.items()}


def cpu(calls: int, call: Any) -> float:
    """Give the CPU time of some calls."""
    began = time.process_time()
    for _ in range(calls):
        call()
    return time.process_time() - began


@contextmanager
def served(rate: float, *, latency: float = LATENCY) -> Iterator[tuple[str, Any]]:
    """Run the service in a process of its own; gives its address and its books."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(there, rate, latency), daemon=True
    )
    process.start()

    def books() -> Any:
        here.send("books")
        return here.recv()

    try:
        yield here.recv(), books
    finally:
        here.send("stop")
        process.join()


def serve(pipe: Connection, rate: float, latency: float) -> None:
    """Answer two subscriptions, late; 429 for a call beyond the rate of the last second."""
    recent: deque[float] = deque()
    lock = threading.Lock()
    told = {"calls": 0, "throttled": 0}
    page = json.dumps({"totalCount": 2, "items": [_subscription(n) for n in range(2)]}).encode()

    def allowed() -> bool:
        with lock:
            now = time.monotonic()
            while recent and recent[0] < now - 10:
                recent.popleft()
            recent.append(now)
            told["calls"] += 1
            # the real limit is for a minute; ten seconds are stricter and quicker to show
            too_many = bool(rate) and len(recent) > rate * 10 + rate
            told["throttled"] += too_many
            return not too_many

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            body = page if allowed() else b"{}"
            time.sleep(latency)
            self.send_response(200 if body is page else 429)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(f"http://127.0.0.1:{server.server_port}")
    while pipe.recv() == "books":
        pipe.send(dict(told))
    server.shutdown()
    server.server_close()


def _subscription(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:08}-0000-4000-8000-00000000000a",
        "offerId": "CFQ7TTC0LH18:0001:CFQ7TTC0P0WS",
        "offerName": "Microsoft 365 Business Basic",
        "friendlyName": "Microsoft 365 Business Basic",
        "productType": {"id": "OnlineServicesNCE", "displayName": "OnlineServicesNCE"},
        "quantity": 2,
        "unitType": "Licenses",
        "creationDate": "2026-06-05T19:26:38.3667635Z",
        "effectiveStartDate": "2026-06-05T00:00:00Z",
        "commitmentEndDate": "2027-06-04T00:00:00Z",
        "commitmentEndDateTime": "2027-06-04T23:59:59Z",
        "cancellationAllowedUntilDate": "2026-06-12T19:27:03.440527Z",
        "status": "active",
        "autoRenewEnabled": True,
        "isTrial": False,
        "billingType": "license",
        "billingCycle": "monthly",
        "termDuration": "P1Y",
        "orderId": "79d9f5e2f43a",
        "attributes": {"objectType": "Subscription"},
    }


if __name__ == "__main__":
    alone(tables, 3, "the clients")
