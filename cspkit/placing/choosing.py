"""From judged originals to days: windows, teams, ties, and what found none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from cspkit import blockers, scheduling
from cspkit.placing.candidates import SEAT_DAYS, Candidate, Placing
from cspkit.placing.wording import baseless, blocked, crowded, late, off_day
from cspkit.policy import Patience, Policy, Team, Workdays
from cspkit.scheduling import ALL_TEAMS, Capacity, Item, Room, Schedule
from cspkit.tables import Route

MILLIONTH, YEAR = Decimal("0.000001"), 365


def place(rows: Iterable[dict[str, Any]], start: date, policy: Policy) -> Placing:
    """Give judged originals their days; what cannot have one is listed with the reason.

    Raises SettingsError for a team whose calendar does not exist.
    """
    placing, in_time = _windows(rows, start, policy)
    _schedule(placing, in_time)
    placing.placed.sort(key=lambda one: (one.day or start, one.move_id))
    placing.unplaced.sort(key=lambda one: (one.expires_on or date.max, one.subscription_id))
    return placing


def in_time(rows: Iterable[dict[str, Any]], start: date, policy: Policy) -> set[str]:
    """Name the originals that have a day on which they could be ordered, if there were room."""
    return {one.id for one in _windows(rows, start, policy)[1]}


def _windows(
    rows: Iterable[dict[str, Any]], start: date, policy: Policy
) -> tuple[Placing, list[Candidate]]:
    """Open the window of each original; what has none is unplaced, with the reason."""
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
            placing.unplaced.append(blocked(row, waits[0]))
    open_ones = [one for one in candidates if _has_a_day(one, placing)]
    ids = {one.id for one in open_ones}
    for one in candidates:
        if one.id not in ids:
            why = off_day if one.row.get("by_hand") else late
            placing.unplaced.append(why(one, placing))
    return placing, _with_bases(open_ones, placing)


def _with_bases(candidates: list[Candidate], placing: Placing) -> list[Candidate]:
    """Leave out an add-on that can only come over with its base, where the base stays."""
    staying = {one.subscription_id for one in placing.unplaced}
    left = [one for one in candidates if one.row["moves_with"] in staying]
    if not left:
        return candidates
    placing.unplaced += [baseless(one.row) for one in left]
    return _with_bases([one for one in candidates if one not in left], placing)


def _nothing() -> Schedule:
    return Schedule({}, {}, {}, Decimal(0), Decimal(0))


def _waits(row: dict[str, Any]) -> list[str]:
    table = blockers.table()
    return [code for code in blockers.codes(row["flags"]) if table[code].waits]


def _candidate(row: dict[str, Any], placing: Placing) -> Candidate:
    """Open the window when the customer's steps can be done, access last where it must hurry."""
    team = _team(row, placing.policy.teams)
    if team and row["expires_on"] and not row.get("pinned"):
        row = row | _own_days(row, placing.policy, placing.calendars[team.name])
    one = Candidate(row, placing.start, row["last_safe_day"], team.name if team else ALL_TEAMS)
    if row.get("pinned"):
        one.earliest = one.latest = row["pinned"]
        return one
    return _by_hand(_hurried(one, placing, placing.start))


def _by_hand(one: Candidate) -> Candidate:
    """Leave only the day that a person chose, where it lies in the window; else no day at all."""
    chosen = one.row.get("by_hand")
    if chosen is not None:
        one.earliest, one.latest = max(one.earliest, chosen), min(one.latest, chosen)
    return one


def _team(row: dict[str, Any], teams: tuple[Team, ...]) -> Team | None:
    """Find the team of a customer's market, else the one for all others, else the first."""
    own = [team for team in teams if row["market"] in team.markets]
    rest = [team for team in teams if not team.markets]
    return next(iter([*own, *rest, *teams]), None)


def _own_days(row: dict[str, Any], policy: Policy, workdays: Workdays) -> dict[str, date]:
    """Count a team's own days back from an end, as judging counts those of the whole team.

    Its last safe day never lies after that of the whole team; the others are days that it works.
    """
    needed = policy.verify_days + policy.repair_days + (0 if row["same_offer"] else 1)
    ends = row["expires_on"]
    safe = min(row["last_safe_day"], workdays.back(ends, needed + 1))
    return {
        "last_safe_day": workdays.last_order_day(safe),
        "renewal_safe_on": workdays.back(ends, 1 + policy.repair_days),
        "end_scheduled_by": workdays.back(ends, 1),
    }


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
    groups = _groups(candidates, placing)
    found = _days(placing, candidates, groups)
    if slow := [one for one in candidates if _can_hurry(one, found)]:
        for one in slow:
            one.hurried = True
        found = _days(placing, candidates, groups)
    placing.schedule = found
    sizes = Counter(groups.values())
    left = {}
    for one in candidates:
        one.day = found.days.get(one.id)
        one.invite_on = found.invited.get(one.customer_id) if one.waiting else None
        one.together = sizes[groups[one.id]] > 1
        if one.day:
            placing.placed.append(one)
        else:
            left[one.id] = one
    wish = scheduling.enough(found) if left else None
    placing.unplaced += [crowded(one, found.left[key], placing, wish) for key, one in left.items()]


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
    placing.seat_price = _seat_price(candidates)
    items = [_item(one, groups, placing) for one in candidates]
    return scheduling.schedule(
        items, capacity, placing.calendars, start=placing.start, patience=placing.patience
    )


def _seat_price(candidates: list[Candidate]) -> Decimal:
    """Let a seat of unknown price count as the median known one, to choose days only."""
    known = [one for one in candidates if one.unit != SEAT_DAYS and one.row["order_seats"]]
    prices = sorted(one.daily / one.row["order_seats"] for one in known)
    return prices[len(prices) // 2].quantize(MILLIONTH) if prices else Decimal(1)


def weighed(one: Candidate, placing: Placing) -> Decimal:
    """Say what a day earlier counts for when days are chosen."""
    return one.daily * placing.seat_price if one.unit == SEAT_DAYS else one.daily


def _item(one: Candidate, groups: dict[str, str], placing: Placing) -> Item:
    """Describe a move to the scheduler; what is lost without it is what a renewal commits."""
    daily = weighed(one, placing)
    lead = one.row["order_lead"] if one.hurried else one.row["lead_days"]
    asked = placing.policy.together == "customer"
    return Item(
        key=one.id,
        earliest=one.earliest if one.row.get("by_hand") or not one.waiting else placing.start,
        latest=one.latest,
        seats=one.row["order_seats"],
        daily=daily,
        expires=one.row["expires_on"],
        regret=one.row["exposure"] or daily * YEAR,
        group=groups[one.id],
        together=f"{one.customer_id} {one.latest:%G-%V}" if asked else "",
        customer=one.customer_id,
        team=one.team,
        lead=(lead, one.row["market"] or "") if one.waiting else None,
    )


def _groups(candidates: list[Candidate], placing: Placing) -> dict[str, str]:
    """Tie add-ons to their bases where their windows meet; each tie has one name."""
    by_id = {one.id: one for one in candidates}
    members: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        members[_base(one, by_id)].append(one)
    names: dict[str, str] = {}
    for base, group in members.items():
        earliest = max(one.earliest for one in group)
        latest = min(one.latest for one in group)
        meets = any(placing.calendars[group[0].team].order_days(earliest, latest))
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
