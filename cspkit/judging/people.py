"""What each customer still needs, from exports, decisions and what the ledger has seen."""

from __future__ import annotations

from typing import Any

import ibis

from cspkit import blockers
from cspkit.judging import prices
from cspkit.judging.sources import Source
from cspkit.tables import Step

PENDING = ("pending", "invited", "requested")
KEPT = (
    *("listed", "known_customer", "name", "market", "state", "pending", "invited_on"),
    *("lead_days", "order_lead", "routed_flags", "purchase_flags", "customer_held"),
)


def people(source: Source) -> ibis.Table:
    """Say of each customer which step comes next; one row each, keyed by known_customer.

    Columns listed (in the exports), known_customer, name, market, state, pending, unsigned,
    invited_on, lead_days, order_lead, ready_in, orderable_in, patience, price_market,
    other_market, routed_flags, purchase_flags, customer_held. `order_lead` leaves access out: the
    same offer can be ordered before licences can be read. Both leads leave out the slow seasons
    of the market, named in `patience`; `ready_in` and `orderable_in` are the days until they are
    over, seasons and all. What happened after as_of is not known yet.
    """
    customers, as_of = source.table("customers"), source.value("as_of")
    word = customers.relationship.lower()
    facts = customers.group_by(listed="customer_id").aggregate(
        reseller=(word == "reseller").fill_null(False).any(),
        asked=word.isin(PENDING).fill_null(False).any(),
        name=customers.name.min(),
        market=customers.market.min(),
    )
    said = source.fact("people")
    table = facts.outer_join(said, facts.listed == said.said_customer)
    past = {
        name: (table[name] <= as_of).fill_null(False)
        for name in (
            *("invited_on", "agreement_on", "access_on", "related_on"),
            "reseller_agreement_on",
        )
    }
    related = table.reseller.fill_null(False) | past["related_on"]
    signed = past["agreement_on"] | (related & ~table.unsigned.fill_null(False))
    invited = past["invited_on"] & ~related
    table = table.select(
        "contact_email",
        "refused_address",
        "customer_held",
        "market",
        "name",
        listed=table.listed.notnull(),
        known_customer=ibis.coalesce(table.listed, table.said_customer),
        invited_on=invited.ifelse(table.invited_on, ibis.null("date")),
        reseller_unsigned=table.reseller_id.notnull() & ~past["reseller_agreement_on"],
        pending=~related & (invited | table.asked.fill_null(False)),
        unsigned=~signed,
        state=ibis.cases(
            (~related, Step.RELATIONSHIP.value),
            (~signed, Step.AGREEMENT.value),
            (past["access_on"], blockers.READY),
            else_=Step.ACCESS.value,
        ),
    )
    table = table.mutate(**_leads(table, source), **blockers.of_customer(table))
    return _of_market(table, source)


def _of_market(table: ibis.Table, source: Source) -> ibis.Table:
    """Put beside each customer what depends on its market: seasons, prices, and whether we sell."""
    table = table.left_join(source.fact("seasons"), [("market", "season_market")])
    table = table.left_join(prices.markets(source), [("market", "price_market")])
    # Engines differ in whether a list holds what is missing; an unknown market is none of others.
    ours, there = source.value("markets"), table.market.notnull()
    table = table.select(
        *KEPT,
        patience=table.season.fill_null(""),
        price_market=table.price_market.fill_null(prices.EVERYWHERE),
        other_market=(ours != "") & there & ~ours.split(",").contains(table.market),
    )
    # A key that was worked out behind joins must be a column before it can be joined on.
    table = table.select(*table.columns)
    waits = source.fact("waits")
    for lead, until in (("lead_days", "ready_in"), ("order_lead", "orderable_in")):
        named = waits.select(waiting="market", waited="counted", **{until: "days"})
        here = [("patience", "waiting"), (lead, "waited")]
        kept = table.columns
        table = table.left_join(named, here).select(*kept, until)
    return table


def _leads(table: ibis.Table, source: Source) -> dict[str, Any]:
    """Count the days that the missing steps need; an invitation under way has used up some."""
    waited, signing, access_days = (
        source.value(name) for name in ("relationship_days", "agreement_days", "access_days")
    )
    gone = source.value("as_of").delta(table.invited_on, unit="day").fill_null(0)
    left = ibis.greatest(waited - gone, ibis.least(1, waited))
    accept = (table.state == Step.RELATIONSHIP.value).ifelse(left, 0)
    sign = table.unsigned.ifelse(signing, 0)
    access = (table.state == blockers.READY).ifelse(0, access_days)
    order_lead = (accept + sign).cast("int64")
    return {"order_lead": order_lead, "lead_days": (order_lead + access).cast("int64")}


def unknown(source: Source) -> dict[str, Any]:
    """Give what holds for a customer that no list and no person knows: it needs everything."""
    signed = source.value("relationship_days") + source.value("agreement_days")
    return {
        "state": Step.RELATIONSHIP.value,
        "pending": False,
        "order_lead": signed,
        "lead_days": signed + source.value("access_days"),
        "ready_in": source.value("unknown_ready"),
        "orderable_in": source.value("unknown_orderable"),
        "patience": "",
        "price_market": prices.EVERYWHERE,
        "other_market": False,
        "customer_held": False,
        **blockers.of_nobody(),
    }
