"""Judge a schedule by the books of the rehearsal; the ledger is asked only whether it knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cspkit.moves.readback import token
from cspkit.rehearsal.books import Entry
from tests.proof.stage import CUSTOMER

if TYPE_CHECKING:
    from tests.proof.simulation import Schedule

FAILURES = ("double", "lost", "gaps", "early", "stuck")
FIGURES = ("people", "calls", "faults", "crashes", "boundaries")


@dataclass
class Verdict:
    """What came of one schedule; each figure counts moves, or orders, that are not as they must."""

    seed: int
    double: int = 0
    lost: int = 0
    gaps: int = 0
    early: int = 0
    stuck: int = 0
    wrong: list[str] = field(default_factory=list)
    people: int = 0
    calls: int = 0
    faults: int = 0
    crashes: int = 0
    boundaries: int = 0

    @property
    def bad(self) -> bool:
        """Say whether anything is not as it must be."""
        return any(getattr(self, name) for name in FAILURES) or bool(self.wrong)


def judge(schedule: Schedule) -> Verdict:
    """Compare what the service did with what was planned."""
    world, moves, storm = schedule.world, schedule.stage.moves, schedule.storm
    verdict = Verdict(schedule.seed, calls=storm.calls, faults=sum(storm.met.values()))
    verdict.crashes, verdict.boundaries = schedule.troupe.crashes, len(schedule.troupe.trace)
    words = {f"[{token(move.move_id)}]": move.move_id for move in moves}
    orders = [(words.get(one["friendly_name"][-8:], ""), one) for one in world.books.orders]
    placed = Counter(move_id for move_id, _ in orders)
    # an order without a move of the plan is one too many, whoever made it
    verdict.double = sum(count - 1 for count in placed.values()) + (1 if placed[""] else 0)
    verdict.lost = sum(not placed[move.move_id] for move in moves)
    verdict.gaps = len(world.books.gaps)
    by_move = dict(orders)
    for move in moves:
        row = schedule.ledger.move(move.move_id)
        state = row.state if row else "unknown"
        verdict.people += state == "human"
        if state != schedule.stage.case.final:
            verdict.stuck += 1
            verdict.wrong.append(f"{move.move_id} is {state}: {row.reason if row else ''}")
        made = by_move.get(move.move_id)
        if row and row.order_id and (made is None or row.order_id != made["order_id"]):
            verdict.wrong.append(f"{move.move_id} holds order {row.order_id}, not its own")
        verdict.early += sum(1 for _ in _ended_early(schedule, move.subscription_ids, made))
        verdict.wrong += _renewed(schedule, move.subscription_ids)
    verdict.wrong += [str(one) for one in schedule.ledger.verify()]
    verdict.wrong += [str(one) for one in world.books.server_errors]
    return verdict


def _ended_early(schedule: Schedule, originals: list[str], made: Entry | None) -> Iterator[str]:
    """Find originals whose end was scheduled before the new seats were there."""
    held = schedule.world.subscriptions[CUSTOMER]
    there = held[made["subscription_id"]].usable_from if made else None
    for key in originals:
        since = schedule.ended.get(key)
        if since is not None and (there is None or since < there):
            yield key


def _renewed(schedule: Schedule, originals: list[str]) -> Iterator[str]:
    """Find originals that began another term."""
    for entry in schedule.world.books.renewals:
        if entry["subscription_id"] in originals:
            yield f"{entry['subscription_id']} {entry['how']} until {entry['until']}"
