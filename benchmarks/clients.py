"""What the clients cost and how close they come to the limit of a service.

Run `python benchmarks/clients.py`; `--customers N`, `--rate R`, `--rounds K`; `--out FILE` writes
the figures as Markdown. The service is another process on loopback: it answers 50 ms late, counts,
and throttles whoever comes faster than R calls a second. CPU is that of the client alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import statistics
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import requests

from cspkit.partner_center import PartnerCenter, of_each
from cspkit.wire import FixedTokens, Limiter, Wire

LATENCY = 0.05
PARTNER = "00000000-0000-4000-8000-000000000001"
WORKERS = 16


def main() -> None:
    """Measure both, round by round, and print the medians."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--customers", type=int, default=1000)
    asked.add_argument("--rate", type=float, default=50, help="calls a second")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--calls", type=int, default=400, help="of the CPU comparison")
    asked.add_argument("--out", type=Path)
    given = asked.parse_args()
    reached = [paced(given.customers, given.rate) for _ in range(given.rounds)]
    pairs = [compared(given.calls) for _ in range(max(5, given.rounds))]
    text = "\n".join(lines(given, reached, pairs))
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


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
        assert all(len(answer) == 2 for _, answer in found), "a customer was not read"
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


def lines(
    given: argparse.Namespace, reached: list[dict[str, float]], pairs: list[dict[str, float]]
) -> Iterator[str]:
    """Word the figures."""
    share = statistics.median(one["share"] for one in reached)
    seconds = statistics.median(one["seconds"] for one in reached)
    bare = statistics.median(one["bare"] for one in pairs)
    ours = statistics.median(one["ours"] for one in pairs)
    yield "# Clients"
    yield ""
    yield f"`python benchmarks/clients.py --rounds {given.rounds}` on"
    yield f"Python {platform.python_version()}, {multiprocessing.cpu_count()} shared cores."
    yield ""
    yield "| what | median | of |"
    yield "|---|--:|---|"
    yield (
        f"| subscriptions of {given.customers:,} customers, limit {given.rate:g} calls/s, "
        f"{LATENCY * 1000:.0f} ms latency | {share:.1%} of the limit | "
        f"{', '.join(format(one['share'], '.1%') for one in reached)} |"
    )
    yield f"| the same, seconds | {seconds:.2f} | |"
    yield f"| calls that the service throttled | {max(one['throttled'] for one in reached):g} | |"
    for who in ("bare", "ours"):
        spent = statistics.median(one[who] for one in reached)
        yield f"| CPU of {who} in {WORKERS} threads at that pace, microseconds | {spent:,.0f} | |"
    yield beside("CPU in threads, ours to bare", reached, "bare")
    yield f"| CPU of a bare requests loop, microseconds a call | {bare:,.0f} | |"
    yield f"| CPU of ours, microseconds a call | {ours:,.0f} | |"
    leaner = statistics.median(one["leaner"] for one in pairs)
    yield f"| CPU of a bare loop that ignores proxies, microseconds a call | {leaner:,.0f} | |"
    yield beside("CPU, ours to that one", pairs, "leaner")
    yield beside("CPU, ours to bare", pairs, "bare")


def beside(what: str, pairs: list[dict[str, float]], other: str) -> str:
    """Word the ratio of each round, and their median."""
    ratios = [one["ours"] / one[other] for one in pairs]
    each = ", ".join(format(one, ".2f") for one in ratios)
    return f"| {what} | {statistics.median(ratios):.2f} | {each} |"


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
    main()
