"""Which lifecycle rule decides, and how an original can legally come over."""

from __future__ import annotations

from functools import reduce
from typing import Any

import ibis

from cspkit import blockers, channels
from cspkit.judging.deadlines import where
from cspkit.judging.sources import Source
from cspkit.tables import Route

Columns = dict[str, Any]
# Partner Center documentation, transition seat-based services: above this, a tenant cannot hold
# old and new subscriptions together.
ACTIVE_LIMIT = 150
# Transfers and migrations carry an original over; nothing is paid twice.
WITHOUT_OVERLAP = (
    Route.PARTNER_TRANSFER.value,
    Route.NCE_MIGRATION.value,
    Route.CHANNEL_TRANSFER.value,
    Route.BUY_AT_TERM_END.value,
)


def rule(table: ibis.Table, rules: tuple[channels.Rule, ...]) -> Columns:
    """Choose each original's lifecycle rule; the first that fits, as `channels.choose` does."""
    return {"rule": ibis.cases(*[(_fits(table, one), one.name) for one in rules])}


def _fits(table: ibis.Table, rule: channels.Rule) -> Any:
    conditions = [table.channel == rule.channel.value]
    if_unstated = not rule.grace_days
    for column, first, past in (
        (table.starts_on, rule.starts_from, rule.starts_before),
        (table.expires_on, rule.expires_from, rule.expires_before),
    ):
        if first:
            conditions.append((column >= first).fill_null(if_unstated))
        if past:
            conditions.append((column < past).fill_null(if_unstated))
    if rule.terms:
        conditions.append(table.term.isin(rule.terms).fill_null(if_unstated))
    return reduce(lambda left, right: left & right, conditions)


def alive(table: ibis.Table) -> Any:
    """Tell which subscriptions a tenant still holds."""
    return ~table.status.isin(blockers.ENDED).fill_null(False) & ~table.is_trial.fill_null(False)


def room(table: ibis.Table) -> Columns:
    """Compare what a tenant holds with its limits; old and new side by side must stay within.

    `mergeable` says that one subscription per product would bring the tenant under the limit.
    """
    held = alive(table)
    over = table.same & (table.seats_held + table.order_seats > table.seat_limit).fill_null(False)
    crowded = (table.subscriptions_held > ACTIVE_LIMIT).fill_null(False)
    purchase = table.rule_route == Route.PURCHASE.value
    free = (table.life == "free").fill_null(False)
    return {
        "gone": ~held | free | table.customer_id.isnull() | table.other_market,
        "crowded": crowded & purchase,
        "over_seats": over & purchase,
        "mergeable": (table.products_held <= ACTIVE_LIMIT).fill_null(False),
    }


def route(table: ibis.Table, source: Source) -> Columns:
    """Choose the legal route.

    Without room for old and new together, what is left is to buy at term end, where a sure rule
    gives grace, the policy counts it and two people approved; an original that only lacks those
    two signatures, or whose tenant can merge its subscriptions, stays dated until somebody acts.
    """
    no_room = table.crowded | table.over_seats
    at_end = no_room & table.at_end
    approved = at_end & table.approved_twice.fill_null(False) & source.value("use_grace")
    merge = table.crowded & ~table.over_seats & table.mergeable
    stuck = no_room & ~at_end & ~merge & ~table.gone
    return {
        "stuck": stuck,
        "unapproved": at_end & ~approved,
        "route": ibis.cases(
            (table.gone | stuck, Route.NONE.value),
            (approved, Route.BUY_AT_TERM_END.value),
            else_=table.rule_route,
        ),
    }


def alternatives(table: ibis.Table) -> Columns:
    """Price the legal route by its overlap, and the purchase beside a transfer made by hand."""
    by_hand = table.route == Route.CHANNEL_TRANSFER.value
    nothing = (table.purchase_cost * 0).fill_null(0).cast(table.purchase_cost.type())
    return {
        "overlap_cost": ibis.cases(
            (table.route.isin(WITHOUT_OVERLAP), nothing),
            (table.route == Route.PURCHASE.value, table.purchase_cost),
        ),
        "alternative": where(by_hand, ibis.literal(Route.PURCHASE.value)),
        "alternative_cost": where(by_hand, table.purchase_cost),
    }
