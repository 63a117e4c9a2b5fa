"""The placed originals as moves, what they save, and how near to the least cost they are."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from cspkit import scheduling
from cspkit.placing.candidates import SEAT_DAYS, Candidate, Placing
from cspkit.placing.choosing import weighed
from cspkit.planfile import Optimum, PlannedMove, Saving


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


def _move(one: Candidate, day: date, batch: str, placing: Placing) -> PlannedMove:
    row, workdays = one.row, placing.calendars[one.team]
    verify_by = workdays.after(day, placing.policy.verify_days)
    same = bool(row["same_offer"])
    known = one.unit != SEAT_DAYS
    cost = one.cost(day) if known else None
    saved = one.cost(_first_day(one, placing)) - one.cost(day) if known else None
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
        team=one.team or None,
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
        currency=one.unit if known else None,
        saved=saved,
        reason=_why(one, day, placing),
    )


def _why(one: Candidate, day: date, placing: Placing) -> str:
    if one.row.get("by_hand"):
        by, why = one.row.get("choice_by"), one.row.get("choice_reason")
        return f"chosen by {by or 'hand'}: {why or 'no reason was written'}"
    if day == one.row["last_safe_day"]:
        return "the last safe day"
    early = (one.row["last_safe_day"] - day).days
    why = "later days are full"
    if placing.policy.together:
        why = "later days are full, or moves of the customer go together"
    if one.together:
        why = "base and add-on go together"
    return f"{early} day{'' if early == 1 else 's'} before the last safe day: {why}"


def optimum(placing: Placing) -> Optimum | None:
    """State the cost of the days and its proven bound; None where currencies are not comparable."""
    units = {one.unit for one in placing.placed} - {SEAT_DAYS}
    if len(units) > 1:
        return None
    found = placing.schedule
    paid = (weighed(one, placing) * one.days_before_end for one in placing.placed)
    objective = sum(paid, Decimal(0))
    unknown = any(one.unit == SEAT_DAYS for one in placing.placed)
    return Optimum(
        unit=min(units, default=SEAT_DAYS),
        objective=objective,
        lower_bound=min(found.lower_bound, objective),
        method=found.method,
        left_out=len(found.left),
        left_out_at_least=found.left_out_bound,
        seat_day=placing.seat_price if unknown and units else None,
        together_price=scheduling.wish_price(found) if placing.policy.together else None,
        parted=len(found.parted),
    )
