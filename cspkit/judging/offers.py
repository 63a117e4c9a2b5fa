"""What replaces an original: the partner's own offer matrix first, then the built-in catalogue."""

from __future__ import annotations

from typing import Any

import ibis

from cspkit.judging.sources import Source

Columns = dict[str, Any]
PRODUCT_SKU = r"^([A-Za-z0-9]{12}:[A-Za-z0-9]{4})(:[^\n]*)?\z"


def own_offer(offer_id: Any) -> Any:
    """Read product:sku out of an export's offer id; a third part, the availability, rotates."""
    return offer_id.re_extract(PRODUCT_SKU, 1).upper().nullif("")


def segment(table: ibis.Table) -> Any:
    """Name an original's segment: by its legacy offer, by its skuId, else commercial."""
    return ibis.coalesce(table.legacy_segment, table.sku_segment, "commercial")


def replacement(table: ibis.Table, source: Source) -> Columns:
    """Find the replacement: decided, else the matrix', the export's own or the catalogue's."""
    listed = ibis.coalesce(table.legacy_target, table.matrix_offer)
    open_choice = table.matrix_offer.isnull() & (table.choices > 1).fill_null(False)
    fact = open_choice.ifelse(ibis.null("string"), table.fact_offer)
    term = table.said_term.fill_null(source.value("term"))
    cycle = ibis.ifelse(term == "P1M", "monthly", source.value("billing_cycle"))
    named_by = ibis.cases(
        (table.said_offer.notnull(), "decision"),
        (listed.notnull(), "matrix"),
        (table.own_offer.notnull(), "export"),
        (fact.notnull(), "catalogue"),
    )
    place = ibis.ifelse(table.legacy_target.notnull(), table.legacy_place, table.matrix_place)
    target_segment = ibis.cases(
        (table.said_offer.notnull(), table.sold_segment),
        (listed.notnull(), table.segment),
        (table.own_offer.notnull(), table.sold_segment),
        else_=table.sku_segment,
    )
    return {
        "target_offer": ibis.coalesce(table.said_offer, listed, table.own_offer, fact),
        "listed_offer": listed,
        "mapping_source": named_by,
        "mapping_place": (named_by == "matrix").ifelse(place, ibis.null("string")),
        "target_segment": target_segment,
        "open_choice": open_choice,
        "order_seats": table.said_seats.fill_null(table.seats),
        "original_term": table.term,
        "original_cycle": table.billing_cycle,
        "term": term,
        "billing_cycle": table.said_cycle.fill_null(cycle),
        "rolls_over": ((table.term == "P1M") & table.auto_renew.fill_null(True)).fill_null(False),
    }


def comparison(table: ibis.Table) -> Columns:
    """Compare the skuIds of original and replacement; only the same one leaves users alone."""
    target = table.target_offer
    discontinued = target.isnull() & (table.life == "retired").fill_null(False)
    own = table.said_offer.isnull() | (
        (target == table.own_offer).fill_null(False)
        | (target == table.listed_offer).fill_null(False)
    )
    sku = ibis.ifelse(own & target.notnull(), table.sku_id, table.sold_sku)
    same = sku == table.sku_id
    return {
        "target_sku_id": sku,
        "same_offer": same,
        "same": same.fill_null(False),
        "offer": ibis.cases(
            (discontinued, "discontinued"),
            (target.isnull(), "unknown"),
            (same.fill_null(False), "same"),
            else_="different",
        ),
    }
