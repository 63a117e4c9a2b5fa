"""What can happen to each original: route, blockers, deadlines and money, in Ibis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from cspkit import blockers, catalogue, channels, money
from cspkit.decisions import Decisions
from cspkit.policy import Policy, Workdays
from cspkit.settings import Settings
from cspkit.tables import JUDGED, Channel, Route, Step

if TYPE_CHECKING:
    from cspkit.exports import Exports

OVERDUE_YEARS, TERM_YEARS = 2, 6
ACTIVE_LIMIT = 150
Columns = dict[str, Any]


def judge(
    exports: Exports,
    *,
    as_of: date,
    settings: Settings,
    decisions: Decisions | None = None,
) -> ibis.Table:
    """Judge every original; returns one row each, with the columns of `tables.JUDGED`.

    Who is not a `reseller` customer still needs the `relationship`, and with it the agreement,
    which is signed where the invitation is accepted. A related customer still needs `access`,
    because no export says whether delegated administration is active; it is `ready` once
    decisions.xlsx holds the day on which that was seen (`access_on`).
    """
    wide = derive(exports, as_of=as_of, settings=settings, decisions=decisions)
    return wide.mutate(blockers=blockers.spelled(wide.flags)).select(*JUDGED.names)


def derive(
    exports: Exports, *, as_of: date, settings: Settings, decisions: Decisions | None = None
) -> ibis.Table:
    """Judge every original and keep `flags`, its blockers as bits, beside the public columns.

    Few wide selects between three rounds of joins: most of the time of a small judgement goes
    into compiling, and that grows with the columns of each select.
    """
    policy = settings.policy
    rules = channels.rules(settings.channels)
    table = _known(exports, decisions or Decisions.empty())
    table = table.mutate(**_state(table, as_of, policy), **_rule(table, rules))
    table = table.left_join(_rule_facts(rules, policy), "rule")
    table = table.left_join(_product_facts(), [("sku_id", "fact_sku")])
    held = [("customer_id", "holder"), ("sku_id", "held_sku")]
    table = table.left_join(_held_by_product(exports), held)
    table = table.mutate(**_replacement(table, policy))
    table = table.mutate(**_comparison(table))
    days = ibis.memtable(_calendar(as_of, policy.model_dump_json()))
    table = table.left_join(days, [("expires_on", "calendar_day"), ("same", "calendar_same")])
    table = table.mutate(**_dates(table, as_of), **_room(table, policy))
    table = table.mutate(**_route(table), **_order_from(table, as_of), **money.of(table, as_of))
    return table.mutate(flags=blockers.flagged(table, as_of))


def fetch(table: ibis.Table) -> pa.Table:
    """Run an expression; long chains compile twice as fast when selects are left unfused."""
    fuse, ibis.options.sql.fuse_selects = ibis.options.sql.fuse_selects, False
    try:
        return table.to_pyarrow()
    finally:
        ibis.options.sql.fuse_selects = fuse


def _known(exports: Exports, decisions: Decisions) -> ibis.Table:
    """Put beside each original what is known and decided of it and of its customer."""
    table = exports.table("subscriptions")
    named = table.filter(table.base_subscription_id.notnull())
    named = named.select(base_id="base_subscription_id").distinct()
    bases = named.semi_join(table.filter(_alive(table)), [("base_id", "subscription_id")])
    known = [channel.value for channel in Channel]
    channel = ibis.ifelse(table.channel.isin(known), table.channel, "unknown")
    table = table.mutate(channel=channel.fill_null("unknown"), legacy_key=table.offer_id.lower())
    table = table.drop("source_file", "source_row", "assigned_seats", "seen_on")
    offers = ibis.memtable(catalogue.table())
    legacy = offers.filter(offers.legacy_offer_id.notnull())
    legacy = legacy.select(legacy_sku="sku_id", legacy_offer="legacy_offer_id")
    sold = offers.filter(offers.target_offer.notnull())
    sold = sold.select(said_sku="sku_id", sold_offer="target_offer")
    said = _said(decisions)
    table = table.left_join(_customers(exports, decisions), [("customer_id", "known_customer")])
    table = table.left_join(_held_by_tenant(exports), [("customer_id", "tenant")])
    table = table.left_join(said, [("subscription_id", "said_id")])
    table = table.left_join(bases, [("base_subscription_id", "base_id")])
    table = table.left_join(legacy, [("legacy_key", "legacy_offer")])
    return table.left_join(sold, [("said_offer", "sold_offer")])


def _said(decisions: Decisions) -> ibis.Table:
    table = ibis.memtable(decisions.original_table)
    return table.select(
        said_id="subscription_id",
        said_offer="target_offer",
        said_term="term",
        said_cycle="billing_cycle",
        said_seats="seats",
        said_price="sale_price",
        said_currency="currency",
        consented=table.consent_by.notnull() & table.consent_on.notnull(),
        original_held="hold",
    )


def _customers(exports: Exports, decisions: Decisions) -> ibis.Table:
    """Keep one row per customer: related or not, accessible, reachable, on hold."""
    customers = exports.table("customers")
    related = (customers.relationship.lower() == "reseller").fill_null(False)
    facts = customers.group_by(known_customer="customer_id").aggregate(
        related=related.any(), market=customers.market.min()
    )
    said = ibis.memtable(decisions.customer_table).select(
        "contact_email", "access_on", said_customer="customer_id", customer_held="hold"
    )
    return facts.left_join(said, [("known_customer", "said_customer")])


def _state(table: ibis.Table, as_of: date, policy: Policy) -> Columns:
    """Say which step of the customer comes next and how many days the missing steps need.

    `order_lead` leaves access out: the same offer can be ordered before licences can be read.
    """
    accessible = table.related & (table.access_on <= as_of)
    state = ibis.cases(
        (accessible.fill_null(False), blockers.READY),
        (table.related.fill_null(False), Step.ACCESS.value),
        else_=Step.RELATIONSHIP.value,
    )
    signed = policy.relationship_days + policy.agreement_days
    relationship = (Step.RELATIONSHIP.value, signed, signed + policy.access_days)
    leads = [relationship, (Step.ACCESS.value, 0, policy.access_days), (blockers.READY, 0, 0)]
    return {
        "state": state,
        "lead_days": _lookup(state, {name: full for name, _, full in leads}),
        "order_lead": _lookup(state, {name: short for name, short, _ in leads}),
        "held": table.original_held.fill_null(False) | table.customer_held.fill_null(False),
        "sku_id": table.sku_id.lower().fill_null(table.legacy_sku),
    }


def _rule(table: ibis.Table, rules: tuple[channels.Rule, ...]) -> Columns:
    """Choose each original's lifecycle rule; the first that fits, as `channels.choose` does."""
    return {"rule": ibis.cases(*[(_fits(table, rule), rule.name) for rule in rules])}


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


def _rule_facts(rules: tuple[channels.Rule, ...], policy: Policy) -> ibis.Table:
    rows = [
        {
            "rule": rule.name,
            "grace_days": rule.grace(use_grace=policy.use_grace),
            "slides": rule.slides_into_paid_month,
            "stopped_by": rule.stopped_by,
            "rule_route": rule.route.value,
            "needs_cancel": rule.needs_scheduled_cancel,
        }
        for rule in rules
    ]
    return ibis.memtable(pa.Table.from_pylist(rows))


def _product_facts() -> ibis.Table:
    table = ibis.memtable(catalogue.table())
    retired = table.life == "retired"
    return table.select(
        "segment",
        "seat_limit",
        "life",
        fact_sku="sku_id",
        fact_offer=retired.ifelse(ibis.null("string"), table.target_offer),
    )


def _replacement(table: ibis.Table, policy: Policy) -> Columns:
    """Find the replacement: decided, else the export's own product:sku, else the catalogue's."""
    written = table.offer_id.upper().re_extract(r"^([A-Z0-9]{12}:[A-Z0-9]{4})(:.*)?$", 1)
    own = written.nullif("")
    term = table.said_term.fill_null(policy.term)
    cycle = ibis.ifelse(term == "P1M", "monthly", policy.billing_cycle)
    return {
        "own_offer": own,
        "target_offer": ibis.coalesce(table.said_offer, own, table.fact_offer),
        "target_source": ibis.cases(
            (table.said_offer.notnull(), "decision"),
            (own.notnull(), "export"),
            (table.fact_offer.notnull(), "catalogue"),
        ),
        "order_seats": table.said_seats.fill_null(table.seats),
        "original_term": table.term,
        "original_cycle": table.billing_cycle,
        "term": term,
        "billing_cycle": table.said_cycle.fill_null(cycle),
        "rolls_over": ((table.term == "P1M") & table.auto_renew.fill_null(True)).fill_null(False),
    }


def _comparison(table: ibis.Table) -> Columns:
    """Compare the skuIds of original and replacement; only the same one leaves users alone."""
    target, retired = table.target_offer, table.life == "retired"
    own = table.said_offer.isnull() | (target == table.own_offer).fill_null(False)
    sku = ibis.ifelse(own & target.notnull(), table.sku_id, table.said_sku)
    same = sku == table.sku_id
    return {
        "target_sku_id": sku,
        "same_offer": same,
        "same": same.fill_null(False),
        "offer": ibis.cases(
            (target.isnull() & retired, "retired"),
            (target.isnull(), "unknown"),
            (same.fill_null(False), "same"),
            else_="different",
        ),
    }


def _dates(table: ibis.Table, as_of: date) -> Columns:
    """Name the days that must not be missed; the calendar has counted them back from the end."""
    by = table.last_safe_day.fill_null(table.expires_on)
    graced = (table.expires_on + table.grace_days.as_interval("D")).cast("date")
    return {
        "invite_by": _where(table.state == Step.RELATIONSHIP.value, table.invite_by),
        "access_by": _where(table.state != blockers.READY, table.last_safe_day),
        "service_ends": table.last_safe_day.isnull().ifelse(table.expires_on, graced),
        "slack_days": _days_between(by, as_of) - table.lead_days,
    }


def _order_from(table: ibis.Table, as_of: date) -> Columns:
    """Open the window once the missing steps can be done.

    The same offer needs nobody's licences read before it is ordered, so where the time is short
    it goes ahead of our access rather than let the original end unreplaced.
    """
    after_all = _plus(as_of, table.lead_days)
    hurried = table.same & (after_all > table.last_safe_day).fill_null(False)
    return {"order_from": ibis.ifelse(hurried, _plus(as_of, table.order_lead), after_all)}


@lru_cache(maxsize=8)
def _calendar(as_of: date, policy_json: str) -> pa.Table:
    """List for each possible end, and for the same or another offer, the days counted back."""
    policy = Policy.model_validate_json(policy_json)
    workdays = Workdays(policy)
    lead = policy.relationship_days + policy.agreement_days + policy.access_days
    first = as_of - timedelta(days=365 * OVERDUE_YEARS)
    rows = []
    for number in range(365 * (OVERDUE_YEARS + TERM_YEARS)):
        day = first + timedelta(days=number)
        for same in (True, False):
            last = last_safe_day(day, same, policy, workdays)
            rows.append(
                {
                    "calendar_day": day,
                    "calendar_same": same,
                    "last_safe_day": last,
                    "invite_by": workdays.on_or_before(last - timedelta(days=lead)),
                    "renewal_safe_on": workdays.back(day, 1 + policy.repair_days),
                    "end_scheduled_by": workdays.back(day, 1),
                }
            )
    return pa.Table.from_pylist(rows)


def last_safe_day(expires_on: date, same: bool, policy: Policy, workdays: Workdays) -> date:
    """Return the last day for an order so that checks and a repair end before expires_on.

    The order, the days to verify, one to reassign where the offer differs, and the days for a
    repair are all different working days, each strictly before expires_on.
    """
    needed = policy.verify_days + policy.repair_days + (0 if same else 1)
    return workdays.last_order_day(workdays.back(expires_on, needed + 1))


def _alive(table: ibis.Table) -> Any:
    """Tell which subscriptions a tenant still holds."""
    return ~table.status.isin(blockers.ENDED).fill_null(False) & ~table.is_trial.fill_null(False)


def _held_by_tenant(exports: Exports) -> ibis.Table:
    """Count what each tenant holds."""
    table = exports.table("subscriptions")
    held = table.filter(_alive(table)).group_by(tenant="customer_id")
    return held.aggregate(subscriptions_held=lambda t: t.count())


def _held_by_product(exports: Exports) -> ibis.Table:
    """Sum the seats that each tenant holds of the products that have a limit."""
    limited = [row for row in catalogue.table().to_pylist() if row["seat_limit"]]
    by_offer = {row["legacy_offer_id"]: row["sku_id"] for row in limited if row["legacy_offer_id"]}
    table = exports.table("subscriptions")
    legacy = table.offer_id.lower().cases(*by_offer.items())
    table = table.mutate(held_sku=table.sku_id.lower().fill_null(legacy))
    table = table.filter(_alive(table) & table.held_sku.isin([r["sku_id"] for r in limited]))
    held = table.group_by("held_sku", holder="customer_id")
    return held.aggregate(seats_held=lambda t: t.seats.sum())


def _room(table: ibis.Table, policy: Policy) -> Columns:
    """Compare what a tenant holds with its limits; old and new side by side must stay within."""
    alive, nowhere = _alive(table), ibis.literal(False)
    abroad = ~table.market.isin(policy.markets) if policy.markets else nowhere
    abroad = abroad.fill_null(False)
    over = table.same & (table.seats_held + table.order_seats > table.seat_limit).fill_null(False)
    crowded = (table.subscriptions_held > ACTIVE_LIMIT).fill_null(False)
    purchase = table.rule_route == Route.PURCHASE.value
    return {
        "other_market": abroad,
        "gone": ~alive
        | (table.life == "free").fill_null(False)
        | table.customer_id.isnull()
        | abroad,
        "crowded": crowded & purchase,
        "over_seats": over & purchase,
    }


def _route(table: ibis.Table) -> Columns:
    """Choose the legal route; without room for two, only sure grace allows one after another."""
    no_room = table.crowded | table.over_seats
    at_end = (table.grace_days > 0) & ~table.slides
    return {
        "route": ibis.cases(
            (table.gone, Route.NONE.value),
            (no_room & at_end, Route.BUY_AT_TERM_END.value),
            (no_room, Route.NONE.value),
            else_=table.rule_route,
        )
    }


def _where(condition: Any, value: Any) -> Any:
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def _lookup(column: Any, values: Mapping[str, int]) -> Any:
    return ibis.cases(*[(column == key, value) for key, value in values.items()])


def _plus(day: date, days: Any) -> Any:
    return (ibis.literal(day) + days.as_interval("D")).cast("date")


def _days_between(later: Any, earlier: date) -> Any:
    return later.delta(ibis.literal(earlier), unit="day")
