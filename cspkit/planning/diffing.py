"""What changed from one plan to the next, move by move and in money."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
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
# An original that is no longer in the exports, or that other moves of the new plan replace.
GONE = "the new plan does not know it any more: see the exports"

Pair = tuple[PlannedMove | None, PlannedMove | None]


@dataclass(frozen=True)
class Change:
    """One move that is not as it was; `days` is by how much its order moved, later above 0.

    `name` is the customer's id where no name is known; `differs` says of a dropped move why.
    """

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
    `dropped_costs` is the part of the cost that goes with dropped moves, and so is no saving.
    """

    changes: tuple[Change, ...]
    costs: dict[str, Decimal]
    unknown: int
    same: int
    services: tuple[str, ...] = ()
    dropped_costs: dict[str, Decimal] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        """Show the changes, one row each: the fields of `Change`."""
        import pandas as pd

        names = [one.name for one in fields(Change)]
        return pd.DataFrame([asdict(one) for one in self.changes], columns=names)

    def count(self, kind: str) -> int:
        """Count the changes of a kind: added, dropped, earlier, later or changed."""
        return sum(one.change == kind for one in self.changes)

    def lines(self) -> list[str]:
        """Say it in a few lines: how many of each kind, and the cost paid twice, per currency."""
        counts = ", ".join(f"{self.count(kind)} {kind}" for kind in KINDS)
        lines = [f"{counts}, {self.same} as they were"]
        for unit, cost in self.costs.items():
            gone = self.dropped_costs.get(unit, Decimal(0))
            if rest := cost - gone:
                lines.append(f"{abs(rest):,.2f} {unit} {_sign(rest)} is paid twice")
            if gone:
                lines.append(
                    f"{-gone:,.2f} {unit} is no longer spent, only because its moves are dropped:"
                    " no saving, the originals still end"
                )
        if not any(self.costs.values()):
            lines.append("the cost is the same")
        if len(self.services) > 1:
            lines.append(f"the plans are for different services: {', '.join(self.services)}")
        if self.unknown:
            what = "moves without a price in both plans, or in other currencies, count in no cost"
            lines.append(f"{what}: {self.unknown}")
        return lines


def _sign(cost: Decimal) -> str:
    return "more" if cost > 0 else "less"


def difference(old: Plan, new: Plan) -> Difference:
    """Compare two plans, moves matched by what they move; cost is what is paid twice."""
    before = {move.move_id: move for move in old.document.moves}
    after = {move.move_id: move for move in new.document.moves}
    customers = (*old.customers, *new.customers)
    names = {one.customer_id: one.name or one.domain or "" for one in customers}
    left = {one.subscription_id: one.reason for one in new.document.unplaced}
    changes = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        change = _change(was, now, names, left)
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
        dropped_costs=_costs(pair for pair in pairs.values() if pair[1] is None),
        unknown=len(unpriced),
        services=tuple(dict.fromkeys((old.document.service, new.document.service))),
        same=len((before.keys() & after.keys()) - changed),
    )


def _change(
    was: PlannedMove | None,
    now: PlannedMove | None,
    names: dict[str, str],
    left: dict[str, str],
) -> Change | None:
    one = now or was
    assert one is not None
    differs, days = "", None
    if was is None:
        kind = "added"
    elif now is None:
        kind = "dropped"
        reasons = (left.get(key, GONE) for key in one.subscription_ids)
        differs = "; ".join(dict.fromkeys(reasons))
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
        name=names.get(one.customer_id) or one.customer_id,
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
