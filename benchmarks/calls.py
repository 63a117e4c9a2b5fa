"""How many calls a finished move costs, by step and route, beside what the service asks at least.

    python benchmarks/calls.py [--small]

A plan is rehearsed for a year, everything goes well, and the rehearsal's own books are counted.
The floor is worked out from the plan alone: so many orders, customers, customers with an order on
a day, customers with an end on a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.rehearsed_plan import WELL, made
from benchmarks.results import Quote, Ratio, Table, alone
from cspkit.planning import PlannedMove
from cspkit.rehearsing import rehearse
from cspkit.settings import Settings

COMMAND = "python benchmarks/calls.py"
MOVES, FEW = 1_000, 60
GRAPH = "/graph/v1.0"
GDAP = f"{GRAPH}/tenantrelationships/delegatedadminrelationships"
CUSTOMER = "/v1/customers/<customer_id>"
OWNED, POOLS = f"GET {GRAPH}/directory/subscriptions", f"GET {GRAPH}/subscribedskus"
SOLD = f"GET {CUSTOMER}/subscriptions"
MOVE, ACCESS, VISIT, END = "move", "customer let in", "customer and day", "customer and end"
RUN = "run"


@dataclass(frozen=True)
class Needed:
    """What the documented API needs at least: so many `times` for each of something, and why."""

    step: str
    route: str
    each: str
    times: int
    why: str


FLOOR = (
    Needed("*", "GET /v1/customers", RUN, 1, "who accepted us: one list for all of a run"),
    Needed("*", "GET /v1/customers/relationshiprequests", RUN, 1, "the link, and our selling role"),
    Needed("*", f"GET {GDAP}", RUN, 1, "who approved access: one list for all of a run"),
    *(
        Needed("access", route, ACCESS, 1, why)
        for route, why in (
            (
                f"GET {CUSTOMER}/directsignedmicrosoftcustomeragreementstatus",
                "no list tells who signed",
            ),
            (f"POST {GDAP}", "a relationship of its own for each tenant"),
            (f"POST {GDAP}/<access_id>/requests", "it is locked for approval by a second call"),
            (f"POST {GDAP}/<access_id>/accessassignments", "our group gets its roles"),
            (f"GET {GDAP}/<access_id>/accessassignments", "nothing else tells that they work"),
            (POOLS, "the only proof that the tenant lets us in by now"),
        )
    ),
    Needed("provision", OWNED, VISIT, 1, "the originals as they are: an order is judged on them"),
    Needed(
        "provision",
        f"GET {CUSTOMER}/products/<product_id>/skus/<sku_id>/availabilities",
        MOVE,
        1,
        "a cart takes the availability of this moment and customer; kept ones are refused",
    ),
    Needed("provision", f"POST {CUSTOMER}/carts", MOVE, 1, "exactly once rests on its id"),
    Needed("provision", f"POST {CUSTOMER}/carts/<cart_id>/checkout", MOVE, 1, "the order itself"),
    Needed("verify", SOLD, VISIT, 1, "which subscription an order made, active and with all seats"),
    Needed(
        "verify",
        f"{SOLD}/<subscription_id>/provisioningstatus",
        MOVE,
        1,
        "the skuId that came and when its seats are there: no list tells it",
    ),
    Needed("verify", OWNED, VISIT, 1, "whose seats the pool counts"),
    Needed("verify", POOLS, VISIT, 1, "the seats as users find them"),
    Needed(
        "retire",
        SOLD,
        END,
        2,
        "the replacement stands, ours is scheduled: when asked, on the last day",
    ),
    Needed("retire", OWNED, END, 3, "as above for what others sold, and once more: it is over"),
    Needed("retire", POOLS, END, 2, "the pool gate, live: when asked for and on the last day"),
)


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Rehearse one plan, once: the books are the same in every round."""
    found, moves = rehearsed(FEW if small else MOVES)
    yield by_route(found, moves)


def rehearsed(count: int) -> tuple[dict[str, Any], list[PlannedMove]]:
    """Rehearse so many moves, and return what came of them with those that were due."""
    with TemporaryDirectory() as folder:
        settings = Settings(root=Path(folder))
        loaded, plan = made(count, settings)
        found = rehearse(
            plan, settings=settings, exports=loaded, notebooks=False, customs=WELL
        ).as_json()
    failed = {one["move_id"] for one in found["runs"][0]["failed"]}
    last = max(move.date for move in plan.document.moves)
    due = [one for one in plan.document.moves if one.move_id not in failed and one.date <= last]
    return found, due[: found["finished"]]


def by_route(found: dict[str, Any], moves: list[PlannedMove]) -> Table:
    """Set the calls of each step beside the floor, per finished move."""
    made_calls: dict[str, dict[str, int]] = found["runs"][0]["calls_by_step"]
    finished = found["finished"]
    of_runs = {one.route for one in FLOOR if one.each == RUN}
    needed = {(one.step, one.route): one for one in FLOOR}
    let_in = made_calls.get("access", {}).get(f"POST {GDAP}", 0)
    units = counted(moves) | {ACCESS: let_in, RUN: 0}
    rows, own, least, in_runs = [], 0, 0.0, 0
    for step, routes in made_calls.items():
        for route, calls in routes.items():
            one = needed.get((step, route))
            floor = one.times * units[one.each] if one else 0
            why = f"{one.times} a {one.each}: {one.why}" if one else _more(step, route, of_runs)
            if route in of_runs:
                in_runs += calls
            else:
                own, least = own + calls, least + floor
            rows.append([step, route, calls / finished, floor / finished, why])
    total = ["", "all, but for what is read once in a run", own / finished, least / finished, ""]
    wrong = found["double_orders"] + found["gaps"]
    assert not wrong, f"{wrong} double orders or gaps"
    return Table(
        f"Calls of {finished:,} finished moves in a year, by the rehearsal's books",
        COMMAND,
        ["step", "route", "calls a move", "floor", "why"],
        [*rows, total],
        1,
        [
            Ratio("calls a move beside the floor", own / least),
            Ratio("calls a finished move", own / finished, unit=""),
            Ratio("read once in a run, a move", in_runs / finished, unit=""),
        ],
        [
            f"{units[VISIT]:,} customers with an order on a day, {units[END]:,} with an end on a "
            f"day, {let_in:,} let in; no double order, no gap.",
            "Above the floor, on purpose: while a replacement could still be ordered, verified and "
            "repaired, an end and its pool are read by every run, each working day, for others can "
            "switch a renewal on again; an end that its customer schedules is looked at when they "
            "say so; what renewed all the same each week until a person settled it.",
        ],
        [
            Quote(
                f"a plan of {found['moves']:,} moves rehearsed for a year, originals really ending",
                f"{own / finished:.1f} calls a finished move, the floor is {least / finished:.1f}",
            )
        ],
    )


def counted(moves: list[PlannedMove]) -> dict[str, int]:
    """Count what the floor is made of."""
    return {
        MOVE: len(moves),
        VISIT: len({(one.customer_id, one.date) for one in moves}),
        END: len({(one.customer_id, one.expires_on) for one in moves}),
    }


def _more(step: str, route: str, of_runs: set[str]) -> str:
    if route in of_runs:
        return "once in a run, however many moves it is about"
    if step == "renewal-safe":
        return "the original as it is now, before its renewal is touched"
    return "only where the one above did not tell"


if __name__ == "__main__":
    alone(tables, 1, str(__doc__).splitlines()[0])
