"""What came of a rehearsal, by the books of the world; our ledger is only asked what it missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cspkit.moves import Outcome
from cspkit.moves.readback import token
from cspkit.moves.rows import Done
from cspkit.planning import Plan, PlannedMove
from cspkit.rehearsal.records import Subscription
from cspkit.rehearsal.world import World
from cspkit.rehearsing.office import Office
from cspkit.rehearsing.staging import start_of

# read once in a run, however many moves it is about
PER_RUN = ("GET /v1/customers", "GET /v1/customers/relationshiprequests")
NEVER = ("", Done("", "", Outcome.WAITING, "its day was not reached"))
Json = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """One rehearsal as figures and lists of plain values."""

    figures: Json
    failed: list[Json]
    gaps: list[Json]
    calls: dict[str, int]
    calls_by_step: dict[str, dict[str, int]]

    def as_json(self) -> Json:
        """Give the result of one seed as JSON values."""
        return {
            **self.figures,
            "failed": self.failed,
            "gap_list": self.gaps,
            "calls_by_route": self.calls,
            "calls_by_step": self.calls_by_step,
        }


def judge(plan: Plan, office: Office) -> Verdict:
    """Judge a rehearsal that has ended."""
    world, moves = office.world, plan.document.moves
    orders = _orders(world, moves)
    finished = {move.move_id for move in moves if _finished(world, move, orders[move.move_id])}
    states = _states(office)
    people = {key for key, state in states.items() if state == "human"}
    gaps = list(_gaps(world, plan))
    calls = dict(sorted(world.books.calls.items()))
    own = sum(count for route, count in calls.items() if route not in PER_RUN)
    originals = {key for move in moves for key in move.subscription_ids}
    figures = {
        "moves": len(moves),
        "finished": len(finished),
        "gaps": _pools(gaps, planned=True),
        "double_orders": too_many(world, moves),
        "human": len(people),
        "api_calls": sum(calls.values()),
        "other_gaps": _pools(gaps, planned=False),
        "not_due": sum(move.date > world.now.date() for move in moves),
        "lost": sum(_lost(orders[move.move_id], states.get(move.move_id, "")) for move in moves),
        "late": sum(_late(move, orders[move.move_id]) for move in moves),
        "closed": sum(_closed(world, move) for move in moves if move.move_id in finished),
        "paid_days": sum(_paid_twice(world, move, orders[move.move_id]) for move in moves),
        "renewed": len({e["subscription_id"] for e in world.books.renewals} & originals),
        "calls_per_finished_move": round(own / len(finished), 2) if finished else None,
        "server_errors": len(world.books.server_errors),
    }
    today = world.now.date()
    open_ones = [
        move
        for move in moves
        if move.move_id in people or (move.move_id not in finished and move.date <= today)
    ]
    failed = [_failed(move, plan, office) for move in open_ones]
    by_step = {step: dict(sorted(made.items())) for step, made in office.calls.items()}
    return Verdict(figures, failed, gaps, calls, by_step)


def _pools(gaps: list[Json], *, planned: bool) -> int:
    """Count pools with a gap of one kind; a pool counts once, however often it ran short."""
    return len({(gap["customer_id"], gap["sku_id"]) for gap in gaps if gap["planned"] is planned})


def _orders(world: World, moves: list[PlannedMove]) -> dict[str, list[Json]]:
    """Find the orders of each move by the word that its friendly name ends with."""
    words = {f"[{token(move.move_id)}]": move.move_id for move in moves}
    found: dict[str, list[Json]] = {move.move_id: [] for move in moves}
    for entry in world.books.orders:
        owner = words.get(entry["friendly_name"][-8:])
        if owner is not None:
            found[owner].append(entry)
    return found


def too_many(world: World, moves: list[PlannedMove]) -> int:
    """Count orders beyond the plan, by what was ordered for whom and by nothing else."""
    wanted = Counter((move.customer_id, move.target_offer, move.seats) for move in moves)
    placed = Counter(
        (entry["customer_id"], entry["offer"], entry["quantity"]) for entry in world.books.orders
    )
    return sum((placed - wanted).values())


def _finished(world: World, move: PlannedMove, orders: list[Json]) -> bool:
    """Say whether one order brought all the seats, and nobody needs the original any more."""
    if len(orders) != 1:
        return False
    made = world.subscriptions[move.customer_id][orders[0]["subscription_id"]]
    usable = made.usable_from is None or made.usable_from <= world.now
    if made.status != "active" or not usable or made.seats < move.seats:
        return False
    return move.same_offer or not _dependent(world, move)


def _closed(world: World, move: PlannedMove) -> bool:
    """Say whether no original of a move runs on: what renewed or slid into a paid month does."""
    return all(one.status != "active" for one in _originals(world, move))


def _dependent(world: World, move: PlannedMove) -> int:
    """Count users of the old licence that only the originals of a move have seats for."""
    others = sum(
        one.seats
        for one in world.originals(move.customer_id)
        if one.product.sku_id == move.sku_id
        and one.id not in move.subscription_ids
        and one.status in ("active", "warning")
    )
    return max(world.consumed[move.customer_id, move.sku_id or ""] - others, 0)


def _lost(orders: list[Json], state: str) -> bool:
    """Say whether something was ordered that the ledger takes for not ordered."""
    return bool(orders) and state in ("", "planned", "cart", "refused")


def _late(move: PlannedMove, orders: list[Json]) -> bool:
    return bool(orders) and min(one["at"] for one in orders).date() > move.last_safe_day


def _paid_twice(world: World, move: PlannedMove, orders: list[Json]) -> int:
    """Count the days on which both the replacement and an original ran, renewals included."""
    if not orders:
        return 0
    first = min(entry["at"] for entry in orders).date()
    ends = [_paid_until(one, world.now) for one in _originals(world, move)]
    return max(((end.date() - first).days + 1 for end in ends), default=0)


def _paid_until(one: Subscription, now: datetime) -> datetime:
    last = datetime.combine(one.ends_on, now.timetz())
    return min(last, now)


def _originals(world: World, move: PlannedMove) -> list[Subscription]:
    held = world.subscriptions[move.customer_id]
    return [held[key] for key in move.subscription_ids if key in held]


def _gaps(world: World, plan: Plan) -> Iterator[Json]:
    """List when a pool that the plan is about had fewer seats than users, since its first day.

    `planned` says whether seats were missing that the plan had to bring: more than the users of
    the originals that it leaves where they are and that had ended by then.
    """
    pools = {(move.customer_id, move.sku_id or "") for move in plan.document.moves}
    moved = {key for move in plan.document.moves for key in move.subscription_ids}
    for entry in world.books.gaps:
        pool = (entry["customer_id"], entry["sku_id"])
        if pool not in pools or entry["since"] < start_of(plan):
            continue
        ended = _ended(world, pool, entry["since"])
        closed = entry["until"] or world.now
        yield {
            "customer_id": pool[0],
            "sku_id": pool[1],
            "missing": entry["missing"],
            "since": entry["since"].isoformat(),
            "until": entry["until"].isoformat() if entry["until"] else None,
            "days": round((closed - entry["since"]) / timedelta(days=1), 1),
            "ended": [one.id for one in ended],
            "planned": entry["missing"] > sum(one.assigned for one in ended if one.id not in moved),
        }


def _ended(world: World, pool: tuple[str, str], by: datetime) -> list[Subscription]:
    """List the subscriptions of a pool whose service had ended by an instant."""
    held = world.subscriptions[pool[0]]
    gone = {
        entry["subscription_id"]
        for entry in world.books.endings
        if entry["at"] <= by and entry["customer_id"] == pool[0] and entry["status"] != "warning"
    }
    return [held[key] for key in sorted(gone) if held[key].product.sku_id == pool[1]]


def _states(office: Office) -> dict[str, str]:
    frame = office.ledger.moves()
    return dict(zip(frame["move_id"], frame["state"], strict=True))


def _failed(move: PlannedMove, plan: Plan, office: Office) -> Json:
    """Say at which step a move stopped first, and what its operators read there last."""
    names = {one.customer_id: one.name for one in plan.customers}
    # what a customer did not do stops all that follows; of the order itself the latest word counts
    words = [(step, move.customer_id) for step in ("invite", "access")]
    words += [(step, move.move_id) for step in ("reassign", "verify", "provision")]
    said = [(key[0], office.outcomes[key]) for key in words if key in office.outcomes]
    said.sort(key=lambda pair: pair[1].outcome is not Outcome.HUMAN)
    step, done = next((one for one in said if one[1].outcome is not Outcome.DONE), NEVER)
    return {
        "move_id": move.move_id,
        "customer_id": move.customer_id,
        "name": names.get(move.customer_id) or "",
        "batch": move.batch,
        "date": move.date.isoformat(),
        "step": step,
        "outcome": str(done.outcome),
        "reason": done.reason,
    }
