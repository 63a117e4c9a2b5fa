"""From judged originals to dated moves: windows, invitations, days, and what found none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from cspkit import blockers, scheduling
from cspkit.planfile import PlannedMove, Saving, Unplaced, move_id
from cspkit.policy import Policy, Workdays
from cspkit.scheduling import Capacity, Item
from cspkit.tables import Route, Step

SEAT_DAYS = "seat_days"
COLUMNS = [
    "subscription_id",
    "customer_id",
    "product",
    "sku_id",
    "seats",
    "expires_on",
    "route",
    "target_offer",
    "target_sku_id",
    "same_offer",
    "term",
    "billing_cycle",
    "state",
    "lead_days",
    "order_lead",
    "last_safe_day",
    "renewal_safe_on",
    "end_scheduled_by",
    "order_seats",
    "order_daily",
    "order_currency",
    "price_source",
    "rolls_over",
    "base_subscription_id",
    "flags",
]


@dataclass
class Candidate:
    """An original that can be bought anew, with its window [earliest, latest] in one plan."""

    row: dict[str, Any]
    earliest: date
    latest: date
    hurried: bool = False
    together: bool = False
    invite_on: date | None = None
    day: date | None = None

    @property
    def id(self) -> str:
        """The original's subscription id."""
        return str(self.row["subscription_id"])

    @property
    def customer_id(self) -> str:
        """The original's customer."""
        return str(self.row["customer_id"])

    @property
    def move_id(self) -> str:
        """Id of the move that replaces this one original."""
        return move_id(self.customer_id, [self.id], 1)

    @property
    def unit(self) -> str:
        """Currency of `daily`, or seat days where the price is unknown."""
        known = self.row["order_daily"] is not None and self.row["order_currency"]
        return str(self.row["order_currency"]) if known else SEAT_DAYS

    @property
    def daily(self) -> Decimal:
        """What a day earlier costs: the replacement's price per day, or its seats."""
        known = self.unit != SEAT_DAYS
        return Decimal(self.row["order_daily"] if known else self.row["order_seats"])

    def cost(self, day: date) -> Decimal:
        """Pay the replacement from a day to the end of the original, both included."""
        days: int = (self.row["expires_on"] - day).days + 1
        return self.daily * days


@dataclass
class Placing:
    """One plan in the making."""

    start: date
    policy: Policy
    workdays: Workdays
    placed: list[Candidate] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)


def place(rows: Iterable[dict[str, Any]], start: date, policy: Policy) -> Placing:
    """Give judged originals their days; what cannot have one is listed with the reason."""
    placing = Placing(start, policy, Workdays(policy))
    candidates = []
    for row in rows:
        if row["route"] == Route.PURCHASE.value and not (waits := _waits(row)):
            candidates.append(_candidate(row, start))
        else:
            waits = _waits(row) or ["no_tenant"]
            placing.unplaced.append(_blocked(row, waits[0]))
    _invite(placing, candidates)
    in_time = [one for one in candidates if _has_a_day(one, placing.workdays)]
    late = {one.id for one in in_time}
    placing.unplaced += [_late(one, placing) for one in candidates if one.id not in late]
    _schedule(placing, in_time)
    placing.placed.sort(key=lambda one: (one.day or start, one.move_id))
    placing.unplaced.sort(key=lambda one: (one.expires_on or date.max, one.subscription_id))
    return placing


def moves(placing: Placing) -> list[PlannedMove]:
    """Write out the placed originals as moves, batches numbered by day."""
    days = sorted({one.day for one in placing.placed if one.day})
    names = {day: f"B{number:03d}" for number, day in enumerate(days, start=1)}
    return [_move(one, one.day, names[one.day], placing) for one in placing.placed if one.day]


def savings(placing: Placing) -> list[Saving]:
    """Compare the plan, per currency, with everyone on the first possible day."""
    units: dict[str, list[Candidate]] = defaultdict(list)
    for one in placing.placed:
        units[one.unit].append(one)
    return [_saving(unit, units[unit], placing.workdays) for unit in sorted(units)]


def _saving(unit: str, placed: list[Candidate], workdays: Workdays) -> Saving:
    planned = sum((one.cost(one.day) for one in placed if one.day), Decimal(0))
    first = sum((one.cost(_first_day(one, workdays)) for one in placed), Decimal(0))
    return Saving(
        unit=unit,
        moves=len(placed),
        stand_in_prices=sum(one.row["price_source"] == "original" for one in placed),
        planned=planned,
        everyone_first_day=first,
        saved=first - planned,
        lower_bound=sum((one.cost(one.latest) for one in placed), Decimal(0)),
    )


def _first_day(one: Candidate, workdays: Workdays) -> date:
    return next(workdays.order_days(one.earliest, one.latest))


def _waits(row: dict[str, Any]) -> list[str]:
    table = blockers.table()
    return [code for code in blockers.codes(row["flags"]) if table[code].waits]


def _candidate(row: dict[str, Any], start: date) -> Candidate:
    """Open the window when the customer's steps can be done, access last where it must hurry."""
    earliest = start + timedelta(days=row["lead_days"])
    one = Candidate(row, earliest, row["last_safe_day"])
    return _hurried(one, start)


def _hurried(one: Candidate, begin: date) -> Candidate:
    """Let the same offer go ahead of our access where it would otherwise come too late."""
    one.earliest = begin + timedelta(days=one.row["lead_days"])
    one.hurried = bool(one.row["same_offer"]) and one.earliest > one.latest
    if one.hurried:
        one.earliest = begin + timedelta(days=one.row["order_lead"])
    return one


def _invite(placing: Placing, candidates: list[Candidate]) -> None:
    """Date the invitations, nearest end first, and open the windows behind them."""
    waiting = [one for one in candidates if one.row["state"] == Step.RELATIONSHIP.value]
    deadlines: dict[str, date] = {}
    for one in waiting:
        if one.earliest <= one.latest:
            lead = one.earliest - placing.start
            deadline = one.latest - lead
            deadlines[one.customer_id] = min(deadlines.get(one.customer_id, deadline), deadline)
    days = scheduling.invite(
        deadlines, placing.policy.invitations_per_day, placing.start, placing.workdays
    )
    for one in waiting:
        one.invite_on = days.get(one.customer_id)
        if one.invite_on:
            _hurried(one, one.invite_on)


def _has_a_day(one: Candidate, workdays: Workdays) -> bool:
    return next(workdays.order_days(one.earliest, one.latest), None) is not None


def _schedule(placing: Placing, candidates: list[Candidate]) -> None:
    items, members = _items(candidates)
    capacity = Capacity(placing.policy.moves_per_day, placing.policy.seats_per_day)
    days = scheduling.schedule(items, capacity, placing.workdays)
    left = [item for item in items if item.key not in days]
    enough = scheduling.enough(items, capacity, placing.workdays) if left else None
    for key, day in days.items():
        for one in members[key]:
            one.day = day
            one.together = len(members[key]) > 1
            placing.placed.append(one)
    for item in left:
        placing.unplaced += [_crowded(one, capacity, enough) for one in members[item.key]]


def _items(candidates: list[Candidate]) -> tuple[list[Item], dict[str, list[Candidate]]]:
    """Tie add-ons to their bases where their windows meet; each tie is one item."""
    by_id = {one.id: one for one in candidates}
    members: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        members[_base(one, by_id)].append(one)
    items, groups = [], {}
    for group in members.values():
        earliest = max(one.earliest for one in group)
        latest = min(one.latest for one in group)
        parts = [group] if earliest <= latest else [[one] for one in group]
        for part in parts:
            groups[part[0].id] = part
            items.append(_item(part))
    return items, groups


def _item(group: list[Candidate]) -> Item:
    return Item(
        key=group[0].id,
        earliest=max(one.earliest for one in group),
        latest=min(one.latest for one in group),
        moves=len(group),
        seats=sum(one.row["order_seats"] for one in group),
        daily=sum((one.daily for one in group), Decimal(0)),
    )


def _base(one: Candidate, by_id: dict[str, Candidate]) -> str:
    """Follow an add-on to the base it hangs on; a ring or a base elsewhere ends the walk."""
    seen = {one.id}
    while (base := by_id.get(one.row["base_subscription_id"] or "")) and base.id not in seen:
        if base.customer_id != one.customer_id:
            break
        seen.add(base.id)
        one = base
    return min(seen) if base and base.id in seen else one.id


def _move(one: Candidate, day: date, batch: str, placing: Placing) -> PlannedMove:
    row, workdays = one.row, placing.workdays
    verify_by = workdays.after(day, placing.policy.verify_days)
    same = bool(row["same_offer"])
    cost = None if one.unit == SEAT_DAYS else one.cost(day)
    return PlannedMove(
        move_id=one.move_id,
        batch=batch,
        date=day,
        customer_id=one.customer_id,
        subscription_ids=[one.id],
        part=1,
        sku_id=row["sku_id"],
        target_offer=row["target_offer"],
        target_sku_id=row["target_sku_id"],
        seats=row["order_seats"],
        term=row["term"],
        billing_cycle=row["billing_cycle"],
        auto_renew=True,
        route=row["route"],
        expires_on=row["expires_on"],
        invite_on=one.invite_on,
        access_by=verify_by if one.hurried else day,
        renewal_safe_on=min(row["renewal_safe_on"], day),
        reassign_on=None if same else workdays.after(verify_by, 1),
        verify_by=verify_by,
        end_scheduled_by=row["end_scheduled_by"],
        last_safe_day=row["last_safe_day"],
        same_offer=same,
        overlap_cost=cost,
        currency=None if one.unit == SEAT_DAYS else one.unit,
        reason=_why(one, day),
    )


def _why(one: Candidate, day: date) -> str:
    if day == one.row["last_safe_day"]:
        return "the last safe day"
    early = (one.row["last_safe_day"] - day).days
    why = "base and add-on go together" if one.together else "later days are full"
    return f"{early} day{'' if early == 1 else 's'} before the last safe day: {why}"


def _blocked(row: dict[str, Any], code: str) -> Unplaced:
    blocker = blockers.table()[code]
    return _unplaced(row, code, blocker.sentence, blocker.clears)


def _late(one: Candidate, placing: Placing) -> Unplaced:
    """Say how many days are missing, or when a month that renews by itself can be tried again."""
    need, last = one.earliest, one.latest
    if one.row["rolls_over"]:
        return _unplaced(
            one.row,
            "too_late",
            f"it renews every month, and what is missing needs until {need}",
            f"plan again from an export of after {one.row['expires_on']}",
        )
    if last < placing.start:
        return _unplaced(
            one.row,
            "too_late",
            f"its last safe day, {last}, lies before the start of the plan",
            "agree with the customer how to bridge the gap, or renew for the shortest term",
        )
    missing = (need - last).days
    begin = one.invite_on or placing.start
    return _unplaced(
        one.row,
        "too_late",
        f"what is missing needs until {need}, and the last safe day is {last}",
        f"{missing} day{'' if missing == 1 else 's'} less for the steps that begin on {begin}",
    )


def _crowded(one: Candidate, capacity: Capacity, enough: Capacity | None) -> Unplaced:
    wish = "a longer window"
    if enough and enough.moves > capacity.moves:
        wish = f"moves_per_day = {enough.moves}"
    if enough and enough.seats != capacity.seats:
        seats = f"seats_per_day = {enough.seats}"
        wish = seats if enough.moves == capacity.moves else f"{wish} and {seats}"
    reason = f"every day from {one.earliest} to {one.latest} is full"
    return _unplaced(one.row, "no_room", reason, wish)


def _unplaced(row: dict[str, Any], code: str, reason: str, would_fit: str) -> Unplaced:
    return Unplaced(
        subscription_id=row["subscription_id"],
        customer_id=row["customer_id"],
        product=row["product"],
        seats=row["seats"],
        route=row["route"],
        expires_on=row["expires_on"],
        code=code,
        reason=reason,
        would_fit=would_fit,
    )
