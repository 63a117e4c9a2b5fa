"""From judged originals to dated moves: windows, invitations, days, and what found none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from cspkit import blockers, scheduling
from cspkit.planfile import PlannedMove, Saving, Unplaced, move_id
from cspkit.policy import Patience, Policy, Team, Workdays
from cspkit.scheduling import ALL_TEAMS, Capacity, Item, Left, Room, Schedule
from cspkit.tables import Route, Step

SEAT_DAYS = "seat_days"
MILLIONTH, YEAR = Decimal("0.000001"), 365
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
    "moves_with",
    "exposure",
    "market",
    "flags",
]


@dataclass
class Candidate:
    """An original that can be bought anew, with its window [earliest, latest] in one plan."""

    row: dict[str, Any]
    earliest: date
    latest: date
    team: str = ALL_TEAMS
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
    calendars: dict[str, Workdays]
    patience: Patience
    schedule: Schedule
    placed: list[Candidate] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)

    @property
    def workdays(self) -> Workdays:
        """Calendar of the whole team."""
        return self.calendars[ALL_TEAMS]

    def ready(self, begin: date, days: int, row: dict[str, Any]) -> date:
        """Say when a customer's steps that need so many days and begin on a day are done."""
        return self.patience.ready(begin, days, row["market"] or "")


def place(rows: Iterable[dict[str, Any]], start: date, policy: Policy) -> Placing:
    """Give judged originals their days; what cannot have one is listed with the reason.

    Raises SettingsError for a team whose calendar does not exist.
    """
    calendars = {team.name: Workdays(policy, team) for team in policy.teams}
    calendars[ALL_TEAMS] = Workdays(policy)
    patience = Patience(policy.slow_seasons)
    placing = Placing(start, policy, calendars, patience, _nothing())
    candidates = []
    for row in rows:
        if row["route"] == Route.PURCHASE.value and not (waits := _waits(row)):
            candidates.append(_candidate(row, placing))
        else:
            waits = _waits(row) or ["no_tenant"]
            placing.unplaced.append(_blocked(row, waits[0]))
    in_time = [one for one in candidates if _has_a_day(one, placing)]
    ids = {one.id for one in in_time}
    placing.unplaced += [_late(one, placing) for one in candidates if one.id not in ids]
    _schedule(placing, in_time)
    placing.placed.sort(key=lambda one: (one.day or start, one.move_id))
    placing.unplaced.sort(key=lambda one: (one.expires_on or date.max, one.subscription_id))
    return placing


def _nothing() -> Schedule:
    return Schedule({}, {}, {}, Decimal(0), Decimal(0))


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
    return [_saving(unit, units[unit], placing) for unit in sorted(units)]


def _saving(unit: str, placed: list[Candidate], placing: Placing) -> Saving:
    planned = sum((one.cost(one.day) for one in placed if one.day), Decimal(0))
    first = sum((one.cost(_first_day(one, placing)) for one in placed), Decimal(0))
    alone = len({one.unit for one in placing.placed}) == 1
    latest = sum((one.cost(one.latest) for one in placed), Decimal(0))
    return Saving(
        unit=unit,
        moves=len(placed),
        stand_in_prices=sum(one.row["price_source"] == "original" for one in placed),
        planned=planned,
        everyone_first_day=first,
        saved=first - planned,
        lower_bound=max(latest, placing.schedule.lower_bound) if alone else latest,
    )


def _first_day(one: Candidate, placing: Placing) -> date:
    return next(placing.calendars[one.team].order_days(one.earliest, one.latest))


def _waits(row: dict[str, Any]) -> list[str]:
    table = blockers.table()
    return [code for code in blockers.codes(row["flags"]) if table[code].waits]


def _candidate(row: dict[str, Any], placing: Placing) -> Candidate:
    """Open the window when the customer's steps can be done, access last where it must hurry."""
    team = _team(row, placing.policy.teams)
    latest = row["last_safe_day"]
    if team and row["expires_on"]:
        latest = min(latest, _safe(row, placing.policy, placing.calendars[team.name]))
    one = Candidate(row, placing.start, latest, team.name if team else ALL_TEAMS)
    return _hurried(one, placing, placing.start)


def _team(row: dict[str, Any], teams: tuple[Team, ...]) -> Team | None:
    """Find the team of a customer's market, else the one for all others, else the first."""
    own = [team for team in teams if row["market"] in team.markets]
    rest = [team for team in teams if not team.markets]
    return next(iter([*own, *rest, *teams]), None)


def _safe(row: dict[str, Any], policy: Policy, workdays: Workdays) -> date:
    """Count a team's own last safe day, as judging counts that of the whole team."""
    needed = policy.verify_days + policy.repair_days + (0 if row["same_offer"] else 1)
    return workdays.last_order_day(workdays.back(row["expires_on"], needed + 1))


def _hurried(one: Candidate, placing: Placing, begin: date) -> Candidate:
    """Let the same offer go ahead of our access where it would otherwise come too late."""
    one.earliest = placing.ready(begin, one.row["lead_days"], one.row)
    one.hurried = bool(one.row["same_offer"]) and one.earliest > one.latest
    if one.hurried:
        one.earliest = placing.ready(begin, one.row["order_lead"], one.row)
    return one


def _has_a_day(one: Candidate, placing: Placing) -> bool:
    days = placing.calendars[one.team].order_days(one.earliest, one.latest)
    return next(days, None) is not None


def _schedule(placing: Placing, candidates: list[Candidate]) -> None:
    """Choose the days; who missed them only by the lead of our access hurries and tries again."""
    groups = _groups(candidates)
    found = _days(placing, candidates, groups)
    if late := [one for one in candidates if _can_hurry(one, found)]:
        for one in late:
            one.hurried = True
        found = _days(placing, candidates, groups)
    placing.schedule = found
    sizes = Counter(groups.values())
    left = {}
    for one in candidates:
        one.day = found.days.get(one.id)
        one.invite_on = found.invited.get(one.customer_id) if _waiting(one) else None
        one.together = sizes[groups[one.id]] > 1
        if one.day:
            placing.placed.append(one)
        else:
            left[one.id] = one
    wish = scheduling.enough(found) if left else None
    placing.unplaced += [_left(one, found.left[key], placing, wish) for key, one in left.items()]


def _can_hurry(one: Candidate, found: Schedule) -> bool:
    left = found.left.get(one.id)
    waits = left is not None and left.reason in ("lead", "invitations_per_day")
    return waits and bool(one.row["same_offer"]) and not one.hurried


def _days(placing: Placing, candidates: list[Candidate], groups: dict[str, str]) -> Schedule:
    policy = placing.policy
    capacity = Capacity(
        policy.moves_per_day,
        policy.seats_per_day,
        policy.invitations_per_day,
        {team.name: Room(team.moves_per_day, team.seats_per_day) for team in policy.teams},
    )
    stand_in = _seat_price(candidates)
    items = [_item(one, groups, stand_in, placing) for one in candidates]
    return scheduling.schedule(
        items, capacity, placing.calendars, start=placing.start, patience=placing.patience
    )


def _seat_price(candidates: list[Candidate]) -> Decimal:
    """Let a seat of unknown price count as the median known one, to choose days only."""
    known = [one for one in candidates if one.unit != SEAT_DAYS and one.row["order_seats"]]
    prices = sorted(one.daily / one.row["order_seats"] for one in known)
    return prices[len(prices) // 2].quantize(MILLIONTH) if prices else Decimal(1)


def _item(one: Candidate, groups: dict[str, str], stand_in: Decimal, placing: Placing) -> Item:
    """Describe a move to the scheduler; what is lost without it is what a renewal commits."""
    daily = one.daily if one.unit != SEAT_DAYS else one.daily * stand_in
    lead = one.row["order_lead"] if one.hurried else one.row["lead_days"]
    asked = placing.policy.together == "customer"
    return Item(
        key=one.id,
        earliest=placing.start if _waiting(one) else one.earliest,
        latest=one.latest,
        seats=one.row["order_seats"],
        daily=daily,
        expires=one.row["expires_on"],
        regret=one.row["exposure"] or daily * YEAR,
        group=groups[one.id],
        together=f"{one.customer_id} {one.latest:%G-%V}" if asked else "",
        customer=one.customer_id,
        team=one.team,
        lead=(lead, one.row["market"] or "") if _waiting(one) else None,
    )


def _waiting(one: Candidate) -> bool:
    """Tell whether a customer has yet to be invited."""
    return one.row["state"] == Step.RELATIONSHIP.value and not one.row.get("pending")


def _groups(candidates: list[Candidate]) -> dict[str, str]:
    """Tie add-ons to their bases where their windows meet; each tie has one name."""
    by_id = {one.id: one for one in candidates}
    members: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        members[_base(one, by_id)].append(one)
    names: dict[str, str] = {}
    for base, group in members.items():
        earliest = max(one.earliest for one in group)
        meets = earliest <= min(one.latest for one in group)
        names |= {one.id: base if meets and len(group) > 1 else one.id for one in group}
    return names


def _base(one: Candidate, by_id: dict[str, Candidate]) -> str:
    """Follow an add-on to the base it hangs on; a ring or a base elsewhere ends the walk."""
    seen = {one.id}
    while (base := by_id.get(one.row["moves_with"] or "")) and base.id not in seen:
        if base.customer_id != one.customer_id:
            break
        seen.add(base.id)
        one = base
    return min(seen) if base and base.id in seen else one.id


def _move(one: Candidate, day: date, batch: str, placing: Placing) -> PlannedMove:
    row, workdays = one.row, placing.calendars[one.team]
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


def _left(one: Candidate, left: Left, placing: Placing, wish: Capacity | None) -> Unplaced:
    """Say what binds, and the least change that was found to place the move."""
    if _waiting(one) and placing.policy.invitations_per_day == 0:
        reason = "its customer must be invited first, and invitations_per_day is 0"
        return _unplaced(one.row, "no_room", reason, "invitations_per_day = 1")
    if left.reason in ("window", "lead"):
        return _late(one, placing)
    if left.reason == "invitations_per_day":
        reason = "no invitation can be sent in time"
    else:
        reason = f"every day from {one.earliest} to {one.latest} is full: {_field(left)}"
    ways = [_wish(wish, placing.policy)] if wish and left.short else []
    if left.short:
        more = " and ".join(f"{amount} more of {_name(*name)}" for *name, amount in left.short)
        ways.append(f"for it alone: {more} on {left.day}")
    if left.earlier:
        ways.append(f"ready {_days_long(left.earlier)} earlier: {left.sooner} has room")
    return _unplaced(one.row, "no_room", reason, "; ".join(ways) or "a longer window")


def _wish(wish: Capacity, policy: Policy) -> str:
    changed = []
    if wish.moves != policy.moves_per_day:
        changed.append(f"moves_per_day = {wish.moves}")
    if wish.seats != policy.seats_per_day:
        changed.append(f"seats_per_day = {wish.seats}")
    return " and ".join(changed)


def _field(left: Left) -> str:
    return _name(left.reason, left.team)


def _name(reason: str, team: str) -> str:
    return f"{reason} of team {team}" if team else reason


def _days_long(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


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
