"""Sentences for originals without a day: why, and the least that would give them one."""

from __future__ import annotations

from typing import Any

from cspkit import blockers
from cspkit.placing.candidates import Candidate, Placing
from cspkit.planfile import Unplaced
from cspkit.policy import Policy
from cspkit.scheduling import Capacity, Left


def blocked(row: dict[str, Any], code: str) -> Unplaced:
    """Say what stands in the way of an original, and what clears it."""
    blocker = blockers.table()[code]
    return Unplaced.of(row, code, blocker.sentence, blocker.clears)


def baseless(row: dict[str, Any]) -> Unplaced:
    """Say that an add-on waits for its base."""
    base = f"its base, {row['moves_with']},"
    return Unplaced.of(
        row,
        "base_left",
        f"{base} is not moved by this plan, and the two can only come over together",
        f"whatever lets {base} have a day",
    )


def off_day(one: Candidate, placing: Placing) -> Unplaced:
    """Say why the day that a person chose for a move cannot be had."""
    chosen, row = one.row["by_hand"], one.row
    first, last = placing.ready(placing.start, row["lead_days"], row), row["last_safe_day"]
    why = f"ready from {first}, last safe day {last}"
    if first <= chosen <= last:
        why = "no orders are placed on that day"
    words = f"decisions.xlsx has it ordered on {chosen}, which cannot be: {why}"
    return Unplaced.of(
        row, "no_room", words, "another day in `order_on` of decisions.xlsx, or none"
    )


def late(one: Candidate, placing: Placing) -> Unplaced:
    """Say how many days are missing, or when a month that renews by itself can be tried again."""
    need, last = one.earliest, one.latest
    if one.row["rolls_over"]:
        return Unplaced.of(
            one.row,
            "too_late",
            f"it renews every month, and what is missing needs until {need}",
            f"plan again from an export of after {one.row['expires_on']}",
        )
    if last < placing.start:
        return Unplaced.of(
            one.row,
            "too_late",
            f"its last safe day, {last}, lies before the start of the plan",
            "agree with the customer how to bridge the gap, or renew for the shortest term",
        )
    missing = (need - last).days
    begin = one.invite_on or placing.start
    return Unplaced.of(
        one.row,
        "too_late",
        f"what is missing needs until {need}, and the last safe day is {last}",
        f"{_days_long(missing)} less for the steps that begin on {begin}",
    )


def crowded(one: Candidate, left: Left, placing: Placing, wish: Capacity | None) -> Unplaced:
    """Say what binds, and the least change that was found to place the move."""
    if one.waiting and placing.policy.invitations_per_day == 0:
        reason = "its customer must be invited first, and invitations_per_day is 0"
        return Unplaced.of(one.row, "no_room", reason, "invitations_per_day = 1")
    if left.reason in ("window", "lead"):
        return (off_day if one.row.get("by_hand") else late)(one, placing)
    if left.reason == "invitations_per_day":
        reason = "no invitation can be sent in time"
    else:
        full = _name(left.reason, left.team)
        reason = f"every day from {one.earliest} to {one.latest} is full: {full}"
    ways = [_wish(wish, placing.policy)] if wish and left.short else []
    if left.short:
        more = " and ".join(f"{amount} more of {_name(*name)}" for *name, amount in left.short)
        ways.append(f"for it alone: {more} on {left.day}")
    if left.earlier:
        ways.append(f"ready {_days_long(left.earlier)} earlier: {left.sooner} has room")
    return Unplaced.of(one.row, "no_room", reason, "; ".join(ways) or "a longer window")


def _wish(wish: Capacity, policy: Policy) -> str:
    changed = []
    if wish.moves != policy.moves_per_day:
        changed.append(f"moves_per_day = {wish.moves}")
    if wish.seats != policy.seats_per_day:
        changed.append(f"seats_per_day = {wish.seats}")
    return " and ".join(changed)


def _name(reason: str, team: str) -> str:
    return f"{reason} of team {team}" if team else reason


def _days_long(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"
