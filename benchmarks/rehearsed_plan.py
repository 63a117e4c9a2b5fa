"""A whole plan rehearsed: how long a seed takes, and how many calls a finished move costs.

Run `python benchmarks/rehearsed_plan.py`; `--moves 1000 --days 365` is what is promised for,
`--no-notebooks` leaves the kernels out, `--json` prints the figures alone. Everything goes well:
customers accept, approve and answer letters, and no fault is on.

Which calls a move needs at least, and why, is worked out by `python benchmarks/calls.py`.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import pyarrow as pa

from cspkit import planning
from cspkit.exports import Exports
from cspkit.planning import Plan
from cspkit.rehearsal.world import World
from cspkit.rehearsing import rehearse
from cspkit.rehearsing.verdict import PER_RUN
from cspkit.settings import Settings
from cspkit.tables import CUSTOMERS, SUBSCRIPTIONS, Table

AS_OF, START = date(2026, 11, 20), date(2026, 11, 23)
WELL = {
    "never_accepts": 0.0,
    "never_answers": 0.0,
    "slow_approvals": 0.0,
    "acceptance": (60, 24 * 60),
}
ROW = {"source_file": "world", "source_row": 2}


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--moves", type=int, default=1000)
    asked.add_argument("--days", type=int, default=365)
    asked.add_argument("--no-notebooks", action="store_true")
    asked.add_argument("--json", action="store_true", help="print JSON")
    given = asked.parse_args()
    with TemporaryDirectory() as folder:
        settings = Settings(root=Path(folder))
        loaded, plan = made(given.moves, settings)
        cpu, wall = time.process_time(), time.perf_counter()
        found = rehearse(
            plan,
            settings=settings,
            exports=loaded,
            days=given.days,
            notebooks=not given.no_notebooks,
            customs=WELL,
        ).as_json()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    calls = found["runs"][0]["calls_by_route"]
    figures = {
        "moves": found["moves"],
        "finished": found["finished"],
        "not_due": found["not_due"],
        "gaps": found["gaps"],
        "double_orders": found["double_orders"],
        "closed": found["closed"],
        "renewed": found["renewed"],
        "seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "per_run_calls": sum(calls.get(route, 0) for route in PER_RUN),
        "calls_per_finished_move": found["runs"][0]["calls_per_finished_move"],
    }
    if given.json:
        print(json.dumps({**figures, "calls": calls}, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:<26}{value:>12,}")
    print(f"\n{'calls by route':<84}{'calls':>8}{'a move':>8}")
    for route, count in sorted(calls.items(), key=lambda pair: -pair[1]):
        once = "  (once in a run)" if route in PER_RUN else ""
        print(f"{route:<84}{count:>8,}{count / found['finished']:>8.2f}{once}")


def made(moves: int, settings: Settings) -> tuple[Exports, Plan]:
    """Plan about so many moves from a drawn world, all of its customers with a name."""
    world = World.sample(customers=moves * 10 // 19)
    customers = [
        {
            "customer_id": one.id,
            "name": one.name,
            "domain": one.domain,
            "market": one.market,
            "language": one.language,
            "relationship": "reseller" if one.related else "none",
            **ROW,
        }
        for one in world.customers.values()
    ]
    originals = [_row(item) for tenant in world.subscriptions.values() for item in tenant.values()]
    tables = (_arrow(CUSTOMERS, customers), _arrow(SUBSCRIPTIONS, originals))
    loaded = Exports.from_frames(*tables)
    plan = planning.plan(loaded, as_of=AS_OF, start=START, settings=settings)
    placed = plan.document.moves[:moves]
    batches = {move.batch for move in placed}
    kept = {
        "moves": placed,
        "batches": [one for one in plan.document.batches if one.batch in batches],
        "customers": [
            one
            for one in plan.customers
            if one.customer_id in {move.customer_id for move in placed}
        ],
    }
    return loaded, Plan(plan.document.model_copy(update=kept).sealed())


def _arrow(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ibis.schema(table.schema).to_pyarrow())


def _row(item: Any) -> dict[str, Any]:
    return {
        "subscription_id": item.id,
        "customer_id": item.customer_id,
        "channel": item.channel,
        "product": item.product.name,
        "sku_id": item.product.sku_id,
        "seats": item.seats,
        "assigned_seats": item.assigned,
        "term": item.term,
        "billing_cycle": item.cycle,
        "starts_on": item.starts_on,
        "expires_on": item.ends_on,
        "auto_renew": item.auto_renew,
        "status": "expired" if item.status == "warning" else item.status,
        "is_trial": item.is_trial,
        "unit_price": item.price,
        "currency": item.currency,
        "base_subscription_id": item.parent_id or None,
        **ROW,
    }


if __name__ == "__main__":
    main()
