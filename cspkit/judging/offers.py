"""What replaces an original: the partner's own offer matrix first, then the built-in catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from cspkit import catalogue
from cspkit.policy import Policy

if TYPE_CHECKING:
    from cspkit.exports import Exports

Columns = dict[str, Any]
Row = dict[str, Any]
SEGMENTS = ("commercial", "education", "nonprofit", "government")
PRODUCT_SKU = r"^([A-Za-z0-9]{12}:[A-Za-z0-9]{4})(:[^\n]*)?\z"
MATRIX = pa.schema(
    [
        ("matrix_sku", pa.string()),
        ("matrix_segment", pa.string()),
        ("matrix_offer", pa.string()),
        ("matrix_place", pa.string()),
        ("choices", pa.int64()),
    ]
)
SKUS = pa.schema(
    [
        ("fact_sku", pa.string()),
        ("sku_segment", pa.string()),
        ("seat_limit", pa.int64()),
        ("life", pa.string()),
        ("fact_offer", pa.string()),
    ]
)
LEGACY = pa.schema(
    [(f"legacy_{name}", pa.string()) for name in ("offer", "sku", "segment", "target", "place")]
)
SOLD = pa.schema([(f"sold_{name}", pa.string()) for name in ("offer", "sku", "segment")])


@dataclass(frozen=True)
class Products:
    """Lookups by skuId, by legacy offer, by offer, and the partner's matrix; each key once."""

    skus: pa.Table
    legacy: pa.Table
    sold: pa.Table
    matrix: pa.Table


def products(exports: Exports) -> Products:
    """Lay the partner's own offer matrix over the catalogue.

    A matrix is a few thousand lines, so it is reduced here, line by line; what it does not name
    stays the catalogue's.
    """
    table = exports.table("offers")
    rows = table.filter(table.target_offer.notnull()).to_pyarrow().to_pylist()
    rows.sort(key=lambda row: (row["target_offer"], row["source_file"] or "", row["source_row"]))
    return Products(
        skus=pa.Table.from_pylist(list(_skus(rows)), schema=SKUS),
        legacy=pa.Table.from_pylist(list(_legacy(rows)), schema=LEGACY),
        sold=pa.Table.from_pylist(list(_sold(rows)), schema=SOLD),
        matrix=pa.Table.from_pylist(list(_matrix(rows)), schema=MATRIX),
    )


def _skus(rows: list[Row]) -> Iterable[Row]:
    """List the skuIds; the segment of one that only the matrix knows is the matrix' own."""
    known = {row["sku_id"]: row for row in catalogue.table().to_pylist()}
    segment = {
        row["id"]: row["segment"]
        for row in catalogue.segments().to_pylist()
        if row["kind"] == "sku"
    }
    said = defaultdict(set)
    for row in rows:
        said[row["sku_id"]].add(row["segment"] or SEGMENTS[0])
    for sku_id in sorted({*known, *segment, *said} - {None}):
        fact = known.get(sku_id, {})
        only = min(said[sku_id]) if len(said[sku_id]) == 1 else None
        retired = fact.get("life") == "retired"
        yield {
            "fact_sku": sku_id,
            "sku_segment": fact.get("segment") or segment.get(sku_id) or only,
            "seat_limit": fact.get("seat_limit"),
            "life": fact.get("life"),
            "fact_offer": None if retired else fact.get("target_offer"),
        }


def _legacy(rows: list[Row]) -> Iterable[Row]:
    """List the legacy offers: their skuId and segment, and what a matrix puts in their place."""
    found: dict[str, Row] = defaultdict(dict)
    for row in catalogue.table().to_pylist():
        if row["legacy_offer_id"]:
            found[row["legacy_offer_id"]]["legacy_sku"] = row["sku_id"]
    for row in catalogue.segments().to_pylist():
        if row["kind"] == "offer":
            found[row["id"]]["legacy_segment"] = row["segment"]
    for key, own in _grouped(rows, "legacy_offer_id").items():
        skus = {row["sku_id"] for row in own} - {None}
        segments = {row["segment"] for row in own} - {None}
        chosen = _chosen(own, min(skus) if len(skus) == 1 else None)
        if len(skus) == 1:
            found[key]["legacy_sku"] = min(skus)
        if len(segments) == 1:
            found[key]["legacy_segment"] = min(segments)
        if chosen:
            found[key] |= {"legacy_target": chosen["target_offer"], "legacy_place": _place(chosen)}
    for key, row in sorted(found.items()):
        yield {"legacy_offer": key, **row}


def _sold(rows: list[Row]) -> Iterable[Row]:
    """List the offers and the one skuId that each carries; what two sources deny is left open."""
    found: dict[str, Row] = {}
    for row in catalogue.table().to_pylist():
        if row["target_offer"]:
            found[row["target_offer"]] = {"sold_sku": row["sku_id"], "sold_segment": row["segment"]}
    for offer, own in _grouped(rows, "target_offer").items():
        skus = {row["sku_id"] for row in own} - {None}
        segments = {row["segment"] for row in own} - {None}
        row = found.setdefault(offer, {})
        if skus:
            row["sold_sku"] = min(skus) if len(skus) == 1 else None
        if segments:
            row["sold_segment"] = min(segments) if len(segments) == 1 else None
    for offer, row in sorted(found.items()):
        yield {"sold_offer": offer, **row}


def _matrix(rows: list[Row]) -> Iterable[Row]:
    """Choose, for each skuId and segment, the offer of the matrix; lines without segment fit all.

    Where it names several, the catalogue's is taken when it is one of them, else none.
    """
    for sku_id, own in sorted(_grouped(rows, "sku_id").items()):
        for segment in SEGMENTS:
            fit = [row for row in own if row["segment"] == segment]
            fit = fit or [row for row in own if row["segment"] is None]
            chosen = _chosen(fit, sku_id)
            if fit:
                yield {
                    "matrix_sku": sku_id,
                    "matrix_segment": segment,
                    "matrix_offer": chosen and chosen["target_offer"],
                    "matrix_place": _place(chosen or fit[0]),
                    "choices": len({row["target_offer"] for row in fit}),
                }


def _grouped(rows: list[Row], name: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row[name]:
            groups[row[name]].append(row)
    return groups


def _chosen(rows: list[Row], sku_id: str | None) -> Row | None:
    """Take the only offer, leaving known mistakes out where anything else is named."""
    right = [row for row in rows if not catalogue.refusal(sku_id, row["target_offer"])] or rows
    listed = (catalogue.find(sku_id) or {}).get("target_offer")
    both = [row for row in right if row["target_offer"] == listed]
    if len({row["target_offer"] for row in right}) == 1 or both:
        return (both or right)[0]
    return None


def _place(row: Row) -> str:
    return f"{row['source_file']}, row {row['source_row']}"


def own_offer(offer_id: Any) -> Any:
    """Read product:sku out of an export's offer id; a third part, the availability, rotates."""
    return offer_id.re_extract(PRODUCT_SKU, 1).upper().nullif("")


def segment(table: ibis.Table) -> Any:
    """Name an original's segment: by its legacy offer, by its skuId, else commercial."""
    return ibis.coalesce(table.legacy_segment, table.sku_segment, "commercial")


def with_matrix(table: ibis.Table, found: Products) -> ibis.Table:
    """Put the line of the matrix beside each original, or nothing where there is no matrix."""
    if not found.matrix.num_rows:
        kinds = {"matrix_offer": "string", "matrix_place": "string", "choices": "int64"}
        return table.mutate(**{name: ibis.null(kind) for name, kind in kinds.items()})
    keys = [("sku_id", "matrix_sku"), ("segment", "matrix_segment")]
    # A key that was worked out behind joins must be a column before it can be joined on.
    table = table.select(*table.columns)
    return table.left_join(ibis.memtable(found.matrix), keys).drop("matrix_sku", "matrix_segment")


def replacement(table: ibis.Table, policy: Policy) -> Columns:
    """Find the replacement: decided, else the matrix', the export's own or the catalogue's."""
    listed = ibis.coalesce(table.legacy_target, table.matrix_offer)
    open_choice = table.matrix_offer.isnull() & (table.choices > 1).fill_null(False)
    fact = open_choice.ifelse(ibis.null("string"), table.fact_offer)
    term = table.said_term.fill_null(policy.term)
    cycle = ibis.ifelse(term == "P1M", "monthly", policy.billing_cycle)
    source = ibis.cases(
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
        "mapping_source": source,
        "mapping_place": (source == "matrix").ifelse(place, ibis.null("string")),
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
