"""The partner's own offer matrix laid over the catalogue: small tables to look offers up in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cspkit import catalogue
from cspkit.exports import arrays

Row = dict[str, Any]
SEGMENTS = ("commercial", "education", "nonprofit", "government")
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
        ("needs_base", pa.bool_()),
        ("refused", pa.string()),
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


def products(offers: pa.Table) -> Products:
    """Lay the partner's own offer matrix over the catalogue.

    A matrix is a few thousand lines, so it is reduced here, line by line; what it does not name
    stays the catalogue's.
    """
    rows = [row for row in offers.to_pylist() if row["target_offer"] is not None]
    rows.sort(key=lambda row: (row["target_offer"], row["source_file"] or "", row["source_row"]))
    return Products(
        skus=arrays.table(list(_skus(rows)), SKUS),
        legacy=arrays.table(list(_legacy(rows)), LEGACY),
        sold=arrays.table(list(_sold(rows)), SOLD),
        matrix=arrays.table(list(_matrix(rows)), MATRIX),
    )


def _skus(rows: list[Row]) -> Iterable[Row]:
    """List the skuIds; the segment of one that only the matrix knows is the matrix' own.

    `refused` are the products that circulate for it and are wrong, each between blanks.
    """
    known = {row["sku_id"]: row for row in catalogue.table().to_pylist()}
    segment = {
        row["id"]: row["segment"]
        for row in catalogue.segments().to_pylist()
        if row["kind"] == "sku"
    }
    said = defaultdict(set)
    for row in rows:
        said[row["sku_id"]].add(row["segment"] or SEGMENTS[0])
    refused: dict[str, str] = defaultdict(lambda: " ")
    for row in catalogue.refused().to_pylist():
        refused[row["sku_id"]] += f"{row['product']} "
    addons = set(catalogue.addons().column("sku_id").to_pylist())
    for sku_id in sorted({*known, *segment, *said, *addons, *refused} - {None}):
        fact = known.get(sku_id, {})
        only = min(said[sku_id]) if len(said[sku_id]) == 1 else None
        retired = fact.get("life") == "retired"
        yield {
            "fact_sku": sku_id,
            "sku_segment": fact.get("segment") or segment.get(sku_id) or only,
            "seat_limit": fact.get("seat_limit"),
            "life": fact.get("life"),
            "fact_offer": None if retired else fact.get("target_offer"),
            "needs_base": sku_id in addons,
            "refused": refused.get(sku_id),
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
