"""May this move be ordered now? Live facts are read again; a move that drifted is left alone."""

from __future__ import annotations

from cspkit.errors import ApiRefused
from cspkit.graph import Owned
from cspkit.moves import consent, costs
from cspkit.moves.agreeing import NOT_AGREED, agreed
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Look, Outcome, Subject
from cspkit.planning import PlannedMove
from cspkit.tables import FRESH_DAYS, Route, Step, StepState

ORDER = "order"


def ready(desk: Desk, one: Subject, state: str) -> Look:
    """Look at a move that was not sent yet; `stop` is set when it must not be ordered now."""
    move = one.planned
    why_not = _plan_facts(desk, move) or _taken(desk, one) or consent.refusal(desk, move)
    if why_not:
        return Look(state, "nothing", why_not, Outcome.SKIPPED)
    wait = _customer_facts(desk, one)
    if wait:
        return Look(state, "wait", wait, Outcome.WAITING)
    seen = _seen_live(desk, one)
    drift = _drift(seen, move)
    if drift:
        return Look(state, "nothing", f"drifted: {drift}; plan again", Outcome.SKIPPED)
    dearer = _dearer(desk, one)
    if dearer:
        return Look(state, "nothing", f"price_changed: {dearer}; plan again", Outcome.SKIPPED)
    stale = _stale(desk, seen, move)
    if stale:
        return Look(state, "nothing", stale, Outcome.SKIPPED)
    what = f"{move.seats} × {move.target_offer}, {move.term} {move.billing_cycle}"
    return Look(state, ORDER, what)


def drifted(desk: Desk, one: Subject) -> str:
    """Say how the originals changed since the plan, as far as their tenant shows; else empty."""
    return _drift(_seen_live(desk, one), one.planned)


def _plan_facts(desk: Desk, move: PlannedMove) -> str:
    if move.route != Route.PURCHASE:
        return f"its route is {move.route}, which is not carried out by an order"
    if desk.today < move.date:
        return f"its day is {move.date}, and each day earlier is paid twice"
    if move.expires_on < desk.today:
        return f"the original ended on {move.expires_on}: plan again"
    held = sorted(set(move.subscription_ids) & desk.held_originals)
    return f"original {held[0]} is on hold in the decisions" if held else ""


def _taken(desk: Desk, one: Subject) -> str:
    move = one.planned
    other = desk.ledger.holder_of(one.customer_id, move.subscription_ids, move.part)
    if other is None or other.move_id == move.move_id:
        return ""
    return f"its original is {other.state} by {other.move_id} already"


def _customer_facts(desk: Desk, one: Subject) -> str:
    if not desk.online and not desk.by_hand:
        missing = [
            step
            for step in (Step.RELATIONSHIP, Step.AGREEMENT)
            if desk.ledger.step(one.customer_id, step).state is not StepState.DONE
        ]
        known = f"; the ledger knows of no {' and no '.join(missing)}" if missing else ""
        return f"live state was not read: {desk.why_offline}{known}"
    if not desk.related(one.customer_id):
        return "the customer has not accepted the invitation yet"
    if not agreed(desk, one.customer_id):
        return NOT_AGREED
    return desk.resellers.refusal(one.customer_id)


def _seen_live(desk: Desk, one: Subject) -> list[Owned]:
    """Find the originals in the customer's tenant, where we may look into it."""
    if not desk.online:
        return []
    if desk.ledger.step(one.customer_id, Step.ACCESS).state is not StepState.DONE:
        return []
    try:
        owned = desk.once(desk.graph.owned, one.customer_id)
    except ApiRefused as error:
        if error.status in (401, 403):
            return []
        raise
    by_id = {key: each for each in owned for key in each.ids}
    return [by_id[original] for original in one.planned.subscription_ids if original in by_id]


def _drift(found: list[Owned], move: PlannedMove) -> str:
    """Compare the originals with what the tenant shows."""
    changes = (_changed(each, move) for each in found)
    return next((change for change in changes if change), "") or _more_seats(found, move)


def _stale(desk: Desk, found: list[Owned], move: PlannedMove) -> str:
    """Refuse to order on old facts: they were seen lately, or the tenant shows them now."""
    seen_on = move.seen_on or desk.plan.document.as_of
    if len(found) >= len(move.subscription_ids) or (desk.today - seen_on).days <= FRESH_DAYS:
        return ""
    return (
        f"stale_facts: its original was last seen on {seen_on}, more than {FRESH_DAYS} days ago,"
        " and the tenant does not show it to us: load newer exports and plan again, or run access"
    )


def _dearer(desk: Desk, one: Subject) -> str:
    """Compare the cost that was planned from a price sheet with the sheet of today."""
    market = one.customer.market
    if not desk.online or desk.sheets is None or not market or one.planned.unit_cost is None:
        return ""
    return costs.risen(one.planned, desk.sheets.of(market), desk.today)


def _more_seats(found: list[Owned], move: PlannedMove) -> str:
    """Seats that were added since the plan are in no consent; fewer are within it."""
    seats = [each.seats for each in found]
    seen = move.original_seats
    if seen is None or len(found) < len(move.subscription_ids) or None in seats:
        return ""
    now = sum(count for count in seats if count is not None)
    return f"the originals now have {now} seats, {seen} were seen" if now > seen else ""


def _changed(original: Owned, move: PlannedMove) -> str:
    """Name what differs; a date means the end of the term only while it is enabled."""
    if original.status in ("deleted", "lockedout"):
        return f"original {original.id} is {original.status}"
    ends = original.next_change_at
    if original.status == "enabled" and ends is not None and ends.date() > move.expires_on:
        return f"original {original.id} now ends on {ends.date()}, planned was {move.expires_on}"
    return ""
