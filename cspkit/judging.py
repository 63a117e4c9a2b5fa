"""What can happen to each original: route, blockers, deadlines and money, in Ibis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from cspkit import blockers, catalogue, channels
from cspkit.decisions import Decisions
from cspkit.policy import Policy, Workdays
from cspkit.settings import Settings
from cspkit.tables import JUDGED, MONEY, Channel, Route, Step

if TYPE_CHECKING:
    from cspkit.exports import Exports

OVERDUE_YEARS, TERM_YEARS = 2, 6
ACTIVE_LIMIT = 150
# Price and seats beyond these are mistakes of an export, and the price then counts as unknown.
# The price of three years stays below 2^53 millionths, so that engines which divide in floating
# point still divide it exactly.
MAX_PRICE, MAX_SEATS, MAX_AMOUNT = 100_000, 1_000_000, 250_000_000
MILLION = 1_000_000
THREE_YEARS = 3 * 365
CYCLES_IN_3_YEARS = {"monthly": 36, "annual": 3, "triennial": 1}
CYCLES_IN_TERM = {
    ("P1M", "monthly"): 1,
    ("P1Y", "monthly"): 12,
    ("P1Y", "annual"): 1,
    ("P3Y", "monthly"): 36,
    ("P3Y", "annual"): 3,
    ("P3Y", "triennial"): 1,
}


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
    return wide.select(*JUDGED.names)


def derive(
    exports: Exports, *, as_of: date, settings: Settings, decisions: Decisions | None = None
) -> ibis.Table:
    """Judge every original and keep `flags`, its blockers as bits, beside the public columns."""
    policy = settings.policy
    rules = channels.rules(settings.channels)
    table = _originals(exports, decisions or Decisions.empty())
    table = _states(table, as_of, policy)
    table = _ruled(table, rules, policy)
    table = _offered(table, policy)
    table = _dated(table, as_of, policy)
    table = _routed(table, policy)
    table = _priced(table, as_of)
    table = table.mutate(term=table.replacement_term, billing_cycle=table.replacement_cycle)
    return blockers.flagged(table, as_of)


def fetch(table: ibis.Table) -> pa.Table:
    """Run an expression; long chains compile twice as fast when selects are left unfused."""
    fuse, ibis.options.sql.fuse_selects = ibis.options.sql.fuse_selects, False
    try:
        return table.to_pyarrow()
    finally:
        ibis.options.sql.fuse_selects = fuse


def _originals(exports: Exports, decisions: Decisions) -> ibis.Table:
    """Put beside each original what is known and decided of it and of its customer."""
    table = exports.table("subscriptions")
    table = table.drop("source_file", "source_row")
    table = table.left_join(_customers(exports, decisions), "customer_id").drop("customer_id_right")
    said = ibis.memtable(decisions.original_table).select(
        said_id="subscription_id",
        said_offer="target_offer",
        said_term="term",
        said_cycle="billing_cycle",
        said_seats="seats",
        said_price="sale_price",
        said_currency="currency",
        consented=lambda t: t.consent_by.notnull() & t.consent_on.notnull(),
        held="hold",
    )
    table = table.left_join(said, table.subscription_id == said.said_id).drop("said_id")
    bases = exports.table("subscriptions").select(base_id="subscription_id").distinct()
    table = table.left_join(bases, table.base_subscription_id == bases.base_id)
    known = [channel.value for channel in Channel]
    channel = ibis.ifelse(table.channel.isin(known), table.channel, "unknown")
    return table.mutate(
        channel=channel.fill_null("unknown"),
        consented=table.consented.fill_null(False),
        held=table.held.fill_null(False) | table.customer_held.fill_null(False),
    )


def _customers(exports: Exports, decisions: Decisions) -> ibis.Table:
    """Keep one row per customer: related or not, accessible, reachable, on hold."""
    customers = exports.table("customers")
    said = ibis.memtable(decisions.customer_table)
    said = said.select("customer_id", "contact_email", "access_on", customer_held="hold")
    related = (customers.relationship.lower() == "reseller").fill_null(False)
    facts = customers.group_by("customer_id").aggregate(related=related.any())
    return facts.left_join(said, "customer_id").drop("customer_id_right")


def _states(table: ibis.Table, as_of: date, policy: Policy) -> ibis.Table:
    """Say which step of the customer comes next and how many days the missing steps need.

    `order_lead` leaves access out: the same offer can be ordered before licences can be read.
    """
    accessible = table.related & (table.access_on <= as_of)
    table = table.mutate(
        state=ibis.cases(
            (accessible.fill_null(False), blockers.READY),
            (table.related.fill_null(False), Step.ACCESS.value),
            else_=Step.RELATIONSHIP.value,
        )
    )
    to_agreement = policy.relationship_days + policy.agreement_days
    leads = {
        Step.RELATIONSHIP.value: (to_agreement + policy.access_days, to_agreement),
        Step.ACCESS.value: (policy.access_days, 0),
        blockers.READY: (0, 0),
    }
    return table.mutate(
        lead_days=_lookup(table.state, {state: lead for state, (lead, _) in leads.items()}),
        order_lead=_lookup(table.state, {state: lead for state, (_, lead) in leads.items()}),
    )


def _ruled(table: ibis.Table, rules: tuple[channels.Rule, ...], policy: Policy) -> ibis.Table:
    """Choose each original's lifecycle rule; the first that fits, as `channels.choose` does."""
    chosen = ibis.cases(*[(_fits(table, rule), rule.name) for rule in rules])
    facts = pa.Table.from_pylist(
        [
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
    )
    return table.mutate(rule=chosen).left_join(ibis.memtable(facts), "rule").drop("rule_right")


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


def _offered(table: ibis.Table, policy: Policy) -> ibis.Table:
    """Find the replacement: decided, else the export's own product:sku, else the catalogue's."""
    legacy = ibis.memtable(catalogue.table()).filter(lambda t: t.legacy_offer_id.notnull())
    legacy = legacy.select(legacy_sku="sku_id", legacy_offer="legacy_offer_id")
    table = table.left_join(legacy, table.offer_id.lower() == legacy.legacy_offer)
    table = table.mutate(sku_id=table.sku_id.lower().fill_null(table.legacy_sku))
    facts = ibis.memtable(catalogue.table()).select(
        "segment", "seat_limit", "life", fact_sku="sku_id", fact_offer="target_offer"
    )
    table = table.left_join(facts, table.sku_id == facts.fact_sku)
    written = table.offer_id.upper().re_extract(r"^([A-Z0-9]{12}:[A-Z0-9]{4})(:.*)?$", 1)
    table = table.mutate(
        own_offer=written.nullif(""),
        fact_offer=ibis.ifelse(table.life == "retired", ibis.null("string"), table.fact_offer),
    )
    target = ibis.coalesce(table.said_offer, table.own_offer, table.fact_offer)
    table = table.mutate(
        target_offer=target,
        target_source=ibis.cases(
            (table.said_offer.notnull(), "decision"),
            (table.own_offer.notnull(), "export"),
            (table.fact_offer.notnull(), "catalogue"),
        ),
    )
    return _replaced(table, policy)


def _replaced(table: ibis.Table, policy: Policy) -> ibis.Table:
    """Compare the skuIds of original and replacement; only the same one leaves users alone."""
    by_offer = ibis.memtable(catalogue.table()).filter(lambda t: t.target_offer.notnull())
    by_offer = by_offer.select(offer_sku="sku_id", offer_of="target_offer")
    table = table.left_join(by_offer, table.target_offer == by_offer.offer_of)
    own = (table.target_offer == table.own_offer) | (table.target_offer == table.fact_offer)
    table = table.mutate(
        target_sku_id=ibis.ifelse(own.fill_null(False), table.sku_id, table.offer_sku)
    )
    same = table.target_sku_id == table.sku_id
    term = table.said_term.fill_null(policy.term)
    return table.mutate(
        same_offer=same,
        offer=ibis.cases(
            (table.target_offer.isnull() & (table.life == "retired"), "retired"),
            (table.target_offer.isnull(), "unknown"),
            (same.fill_null(False), "same"),
            else_="different",
        ),
        order_seats=table.said_seats.fill_null(table.seats),
        replacement_term=term,
        replacement_cycle=table.said_cycle.fill_null(
            ibis.ifelse(term == "P1M", "monthly", policy.billing_cycle)
        ),
    )


def _dated(table: ibis.Table, as_of: date, policy: Policy) -> ibis.Table:
    """Count back from the end, in working days of the team, to the days that must not be missed."""
    table = table.mutate(same=table.same_offer.fill_null(False))
    days = ibis.memtable(_calendar(as_of, policy.model_dump_json()))
    table = table.left_join(
        days, [table.expires_on == days.calendar_day, table.same == days.calendar_same]
    )
    rolls = (table.term == "P1M") & table.auto_renew.fill_null(True)
    table = table.mutate(
        rolls_over=rolls.fill_null(False),
        invite_by=ibis.ifelse(table.state == "relationship", table.invite_by, ibis.null("date")),
        access_by=ibis.ifelse(
            table.state != blockers.READY, table.last_safe_day, ibis.null("date")
        ),
        full_lead_from=_plus(as_of, table.lead_days),
        service_ends=table.expires_on + table.grace_days.as_interval("D"),
        slack_days=_days_between(table.last_safe_day.fill_null(table.expires_on), as_of)
        - table.lead_days,
    )
    # The same offer needs nobody's licences read before it is ordered, so where the time is
    # short it goes ahead of our access rather than let the original end unreplaced.
    hurried = table.same & (table.full_lead_from > table.last_safe_day).fill_null(False)
    return table.mutate(
        service_ends=table.service_ends.cast("date"),
        order_from=ibis.ifelse(hurried, _plus(as_of, table.order_lead), table.full_lead_from),
    )


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


def _routed(table: ibis.Table, policy: Policy) -> ibis.Table:
    """Choose the legal route; a purchase needs room for old and new side by side."""
    alive = ~table.status.isin(blockers.ENDED).fill_null(False) & ~table.is_trial.fill_null(False)
    table = table.mutate(alive=alive)
    of_customer = ibis.window(group_by="customer_id")
    of_product = ibis.window(group_by=["customer_id", "sku_id"])
    held = table.alive.ifelse(table.seats, 0).sum().over(of_product)
    table = table.mutate(
        crowded=table.alive.ifelse(1, 0).sum().over(of_customer) > ACTIVE_LIMIT,
        over_seats=table.same & (held + table.order_seats > table.seat_limit).fill_null(False),
    )
    free = (table.life == "free").fill_null(False)
    no_room = (table.crowded | table.over_seats) & (table.rule_route == Route.PURCHASE.value)
    at_end = (table.grace_days > 0) & ~table.slides
    return table.mutate(
        free=free,
        no_room=no_room,
        route=ibis.cases(
            (~table.alive | free | table.customer_id.isnull(), Route.NONE.value),
            (no_room & at_end, Route.BUY_AT_TERM_END.value),
            (no_room, Route.NONE.value),
            else_=table.rule_route,
        ),
    )


def _priced(table: ibis.Table, as_of: date) -> ibis.Table:
    """Reckon money in whole millionths, rounded once to the nearest; unknown stays unknown."""
    original = _millionths(table.unit_price, table.seats)
    per_3_years = original * _lookup(table.billing_cycle, CYCLES_IN_3_YEARS)
    days = _days_between(table.expires_on, as_of).clip(lower=0)
    in_term = ibis.cases(
        *[
            ((table.term == term) & (table.billing_cycle == cycle), count)
            for (term, cycle), count in CYCLES_IN_TERM.items()
        ]
    )
    decided = _millionths(table.said_price, table.order_seats) * _lookup(
        table.replacement_cycle, CYCLES_IN_3_YEARS
    )
    stand_in = _millionths(table.unit_price, table.order_seats) * _lookup(
        table.billing_cycle, CYCLES_IN_3_YEARS
    )
    return table.mutate(
        daily_price=_money(_share(per_3_years, 1)),
        forfeit=_money(_share(per_3_years, days)),
        exposure=_money(original * in_term),
        order_daily=_money(_share(decided.fill_null(stand_in), 1)),
        order_currency=decided.notnull().ifelse(table.said_currency, table.currency),
        price_source=ibis.cases((decided.notnull(), "decision"), (stand_in.notnull(), "original")),
    )


def _millionths(price: Any, seats: Any) -> Any:
    """Multiply a price by seats in whole millionths, or say unknown where either is absurd."""
    sane = price.between(0, MAX_PRICE) & seats.between(1, MAX_SEATS)
    total = sane.ifelse(price, ibis.null(MONEY)) * sane.ifelse(seats, ibis.null("int64"))
    total = (total <= MAX_AMOUNT).ifelse(total, ibis.null(total.type()))
    return (total * MILLION).cast("int64")


def _share(per_3_years: Any, days: Any) -> Any:
    """Take so many days of the price of three years; the odd divisor never ends in a tie."""
    rest = per_3_years % THREE_YEARS
    whole = _quotient(per_3_years, THREE_YEARS)
    return whole * days + _quotient(2 * rest * days + THREE_YEARS, 2 * THREE_YEARS)


def _quotient(number: Any, divisor: int) -> Any:
    return ((number - number % divisor) / divisor).cast("int64")


def _money(millionths: Any) -> Any:
    millionth = ibis.literal(Decimal("0.000001"), type="decimal(18, 6)")
    return (millionths.cast("decimal(18, 0)") * millionth).cast(MONEY)


def _where(condition: Any, value: Any) -> Any:
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def _lookup(column: Any, values: Mapping[str, int]) -> Any:
    return ibis.cases(*[(column == key, value) for key, value in values.items()])


def _plus(day: date, days: Any) -> Any:
    return (ibis.literal(day) + days.as_interval("D")).cast("date")


def _days_between(later: Any, earlier: date) -> Any:
    return later.delta(ibis.literal(earlier), unit="day")
