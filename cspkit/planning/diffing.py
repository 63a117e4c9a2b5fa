"""What changed from one plan to the next, move by move and in money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from cspkit.planfile import PlannedMove
from cspkit.planning.result import Plan

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("added", "dropped", "earlier", "later", "changed")
ORDERED = (
    *("subscription_ids", "target_offer", "seats", "term", "billing_cycle", "auto_renew"),
    *("custom_term_end", "sale_price", "sale_currency"),
)


Pair = tuple[PlannedMove | None, PlannedMove | None]


@dataclass(frozen=True)
class Change:
    """One move that is not as it was; `days` is by how much its order moved, later above 0."""

    change: str
    move_id: str
    customer_id: str
    name: str
    subscription_ids: str
    was: date | None
    now: date | None
    days: int | None
    differs: str


@dataclass(frozen=True)
class Difference:
    """Two plans side by side: the changes, the cost per currency, the moves that stayed.

    `services` are those the plans were made for: the older plan's first, one where they agree.
    """

    changes: tuple[Change, ...]
    costs: dict[str, Decimal]
    unknown: int
    same: int
    services: tuple[str, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """Show the changes, one row each: the fields of `Change`."""
        import pandas as pd

        names = [field.name for field in fields(Change)]
        return pd.DataFrame([asdict(one) for one in self.changes], columns=names)

    def count(self, kind: str) -> int:
        """Count the changes of a kind: added, dropped, earlier, later or changed."""
        return sum(one.change == kind for one in self.changes)

    def lines(self) -> list[str]:
        """Say it in a few lines: how many of each kind, and the cost paid twice, per currency."""
        counts = ", ".join(f"{self.count(kind)} {kind}" for kind in KINDS)
        lines = [f"{counts}, {self.same} as they were"]
        lines += [
            f"{abs(cost):,.2f} {unit} {'more' if cost > 0 else 'less'} is paid twice"
            for unit, cost in self.costs.items()
            if cost
        ]
        if not any(self.costs.values()):
            lines.append("the cost is the same")
        if len(self.services) > 1:
            lines.append(f"the plans are for different services: {', '.join(self.services)}")
        if self.unknown:
            what = "moves without a price in both plans, or in other currencies, count in no cost"
            lines.append(f"{what}: {self.unknown}")
        return lines


def difference(old: Plan, new: Plan) -> Difference:
    """Compare two plans, moves matched by what they move; cost is what is paid twice."""
    before = {move.move_id: move for move in old.document.moves}
    after = {move.move_id: move for move in new.document.moves}
    names = {one.customer_id: one.name or "" for one in (*old.customers, *new.customers)}
    changes = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        change = _change(was, now, names)
        if change is not None:
            changes.append(change)
    order = {kind: at for at, kind in enumerate(KINDS)}
    changes.sort(key=lambda one: (order[one.change], one.now or one.was or date.max, one.move_id))
    changed = {one.move_id for one in changes}
    pairs = {key: (before.get(key), after.get(key)) for key in before.keys() | after.keys()}
    apart = [key for key, (was, now) in pairs.items() if not _comparable(was, now)]
    unpriced = [key for key in apart if key in changed or _priced_in_one(*pairs[key])]
    return Difference(
        changes=tuple(changes),
        costs=_costs(pairs.values()),
        unknown=len(unpriced),
        services=tuple(dict.fromkeys((old.document.service, new.document.service))),
        same=len((before.keys() & after.keys()) - changed),
    )


def _change(
    was: PlannedMove | None, now: PlannedMove | None, names: dict[str, str]
) -> Change | None:
    one = now or was
    assert one is not None
    differs, days = "", None
    if was is None:
        kind = "added"
    elif now is None:
        kind = "dropped"
    else:
        days = (now.date - was.date).days
        differs = _differs(was, now)
        if not days and not differs:
            return None
        kind = "earlier" if days < 0 else "later" if days else "changed"
    return Change(
        change=kind,
        move_id=one.move_id,
        customer_id=one.customer_id,
        name=names.get(one.customer_id, ""),
        subscription_ids=" ".join(one.subscription_ids),
        was=was.date if was else None,
        now=now.date if now else None,
        days=days,
        differs=differs,
    )


def _differs(was: PlannedMove, now: PlannedMove) -> str:
    pairs = [(name, getattr(was, name), getattr(now, name)) for name in ORDERED]
    return ", ".join(f"{name} {old} -> {new}" for name, old, new in pairs if old != new)


def _priced_in_one(was: PlannedMove | None, now: PlannedMove | None) -> bool:
    """Say whether the price of a move became known, was lost, or is in another currency now."""
    there = [move for move in (was, now) if move is not None]
    return len({(move.overlap_cost is None, move.currency) for move in there}) > 1


def _comparable(was: PlannedMove | None, now: PlannedMove | None) -> bool:
    """Say whether two prices can be set off: both known in one currency, or only one move there."""
    there = [move for move in (was, now) if move is not None]
    return None not in {move.overlap_cost for move in there} and (
        len({move.currency for move in there}) == 1
    )


def _costs(pairs: Iterable[Pair]) -> dict[str, Decimal]:
    """Sum what is paid twice, per currency: after less before, of what can be compared."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for was, now in pairs:
        if not _comparable(was, now):
            continue
        for sign, move in ((-1, was), (1, now)):
            if move is not None and move.overlap_cost is not None and move.currency is not None:
                sums[move.currency] += sign * move.overlap_cost
    return dict(sorted(sums.items()))
