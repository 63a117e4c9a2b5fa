"""Products, skuIds and offers: what an original is, and what replaces it under the same skuId."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

OFFER = re.compile(r"^[A-Z0-9]{12}:[A-Z0-9]{4}$")
FACTS = pa.schema(
    [
        ("sku_id", pa.string()),
        ("part_number", pa.string()),
        ("name", pa.string()),
        ("legacy_offer_id", pa.string()),
        ("target_offer", pa.string()),
        ("confidence", pa.string()),
        ("segment", pa.string()),
        ("seat_limit", pa.int64()),
        ("life", pa.string()),
    ]
)
REFUSED = pa.schema([("sku_id", pa.string()), ("product", pa.string()), ("reason", pa.string())])
ADDONS = pa.schema(
    [(name, pa.string()) for name in ("sku_id", "base_sku_id", "what", "source")],
)
PLANS = pa.schema([(name, pa.string()) for name in ("plan", "words", "included_in", "source")])
SEGMENTS = pa.schema(
    [(name, pa.string()) for name in ("kind", "id", "segment", "name", "source")],
)


@cache
def table() -> pa.Table:
    """Read the catalogue: one row per skuId; a skuId it lacks is unknown, never an error.

    `target_offer` (product:sku) is the offer that carries the same skuId; it is missing where no
    source names it whole. `confidence` says who does: documented, two_sources, one_source,
    product_only (the product without its sku) or nothing. `life` is current, retired or free.
    """
    return _read("catalogue.csv", FACTS)


@cache
def refused() -> pa.Table:
    """Read the mappings of a skuId to a product that circulate and are wrong, with the reason."""
    return _read("catalogue_refused.csv", REFUSED)


@cache
def addons() -> pa.Table:
    """Read which products an add-on needs beside it: any one of them, in whatever channel."""
    return _read("catalogue_addons.csv", ADDONS)


@cache
def plans() -> dict[str, dict[str, str]]:
    """Map the name of a service plan to what a user has by it, in words.

    `included_in` are the plans that hold all of it, separated by blanks: who gets one of those
    loses nothing. A plan that the list lacks is unknown, and nothing is said to include it.
    """
    rows = _read("catalogue_plans.csv", PLANS).to_pylist()
    return {row["plan"]: {**row, "included_in": row["included_in"] or ""} for row in rows}


@cache
def segments() -> pa.Table:
    """Read which skuIds and legacy offers are not commercial; `kind` is sku or offer."""
    return _read("catalogue_segments.csv", SEGMENTS)


def find(sku_id: str | None) -> dict[str, Any] | None:
    """Return the catalogue's row for a skuId in any letter case, or None."""
    return _by_sku().get((sku_id or "").lower())


def sku_of(target_offer: str | None) -> str | None:
    """Return the skuId that an offer (product:sku) carries, or None when nobody says."""
    return _by_offer().get((target_offer or "").upper())


def refusal(sku_id: str | None, target_offer: str | None) -> str | None:
    """Say why this offer must not replace this skuId, or None when nothing speaks against it."""
    product = (target_offer or "").upper().split(":")[0]
    return _reasons().get(((sku_id or "").lower(), product))


def is_offer(text: str | None) -> bool:
    """Tell whether text is an offer in full: twelve characters, a colon, four characters."""
    return bool(OFFER.match(text or ""))


def _read(name: str, schema: pa.Schema) -> pa.Table:
    with resources.files(__package__).joinpath(name).open("rb") as file:
        return arrow_csv.read_csv(
            file,
            convert_options=arrow_csv.ConvertOptions(
                column_types=schema, strings_can_be_null=True, null_values=[""]
            ),
        )


@cache
def _by_sku() -> dict[str, dict[str, Any]]:
    return {row["sku_id"]: row for row in table().to_pylist()}


@cache
def _by_offer() -> dict[str, str]:
    return {r["target_offer"]: r["sku_id"] for r in table().to_pylist() if r["target_offer"]}


@cache
def _reasons() -> dict[tuple[str, str], str]:
    return {(row["sku_id"], row["product"]): row["reason"] for row in refused().to_pylist()}
