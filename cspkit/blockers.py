"""What can be in the way of an original: codes as data, and the condition for each of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, reduce
from importlib import resources
from typing import Any

import ibis

from cspkit import catalogue
from cspkit.tables import BlockerKind, Channel, Route, Step

ENDED = ("disabled", "deleted")
READY = "ready"


@dataclass(frozen=True)
class Blocker:
    """One reason why an original cannot go ahead, who must act and what clears it."""

    code: str
    kind: BlockerKind
    owner: str
    waits: bool
    sentence: str
    clears: str
    action: str = ""


@cache
def table() -> dict[str, Blocker]:
    """Return all blockers by code, most serious first; owner `renewal` is who can stop it."""
    text = resources.files(__package__).joinpath("blockers.toml").read_text(encoding="utf-8")
    found = [Blocker(**row) for row in tomllib.loads(text)["blockers"]]
    return {row.code: row for row in found}


@cache
def codes(flags: int) -> tuple[str, ...]:
    """Name the blockers in a row's `flags`, most serious first."""
    return tuple(code for at, code in enumerate(table()) if flags >> at & 1)


def flagged(judged: ibis.Table, as_of: date) -> Any:
    """Write down what is in the way of each original as the bits of one number."""
    conditions = _conditions(judged, as_of)
    bits = [conditions[code].fill_null(False).ifelse(1 << at, 0) for at, code in enumerate(table())]
    return reduce(lambda left, right: left + right, bits).cast("int64")


def spelled(flags: Any) -> Any:
    """Spell the bits of `flags` out as codes separated by a space, most serious first."""
    words = [((flags & (1 << at)) != 0).ifelse(f"{code} ", "") for at, code in enumerate(table())]
    return reduce(lambda left, right: left + right, words).rstrip()


def _conditions(judged: ibis.Table, as_of: date) -> Mapping[str, Any]:
    """Say, for each blocker's code, when it is in the way."""
    routed = judged.route != Route.NONE.value
    purchase = judged.route == Route.PURCHASE.value
    product = judged.target_offer.split(":")[0]
    pairs = [f"{row['sku_id']} {row['product']}" for row in catalogue.refused().to_pylist()]
    refused = (judged.sku_id + " " + product).isin(pairs)
    dated = judged.expires_on.notnull()
    backwards = (judged.starts_on > judged.expires_on).fill_null(False)
    overdue = (judged.expires_on < as_of) & ~judged.rolls_over
    renews = routed & (judged.stopped_by != "nobody")
    return {
        "no_tenant": judged.customer_id.isnull(),
        "other_market": judged.other_market,
        "already_ours": judged.channel == Channel.CSP_NCE.value,
        "ended": judged.status.isin(ENDED),
        "trial": judged.is_trial,
        "free": judged.life == "free",
        "over_150": judged.crowded,
        "over_seat_limit": judged.over_seats,
        "other_partner": judged.route == Route.PARTNER_TRANSFER.value,
        "own_legacy": judged.route == Route.NCE_MIGRATION.value,
        "channel_transfer": judged.route == Route.CHANNEL_TRANSFER.value,
        "hold": routed & judged.held,
        "overdue": routed & overdue,
        "too_late": purchase & ~overdue & (judged.order_from > judged.last_safe_day),
        "end_missing": routed & ~dated,
        "end_implausible": routed & dated & (judged.last_safe_day.isnull() | backwards),
        "seats_missing": routed & judged.order_seats.isnull(),
        "offer_refused": routed & refused,
        "offer_retired": routed & (judged.offer == "retired"),
        "offer_unknown": routed & (judged.offer == "unknown"),
        "offer_unchecked": routed & judged.target_offer.notnull() & judged.same_offer.isnull(),
        "segment_mismatch": routed & (_segment(judged.target_sku_id) != judged.segment),
        "segment": purchase & (judged.segment != "commercial"),
        "base_missing": routed & judged.base_subscription_id.notnull() & judged.base_id.isnull(),
        "with_base": routed & judged.base_id.notnull(),
        "channel_unknown": routed & (judged.channel == Channel.UNKNOWN.value),
        "suspended": routed & (judged.status == "suspended"),
        "relationship_missing": routed & (judged.state == Step.RELATIONSHIP.value),
        "agreement_missing": purchase & (judged.state == Step.RELATIONSHIP.value),
        "access_missing": routed & (judged.state == Step.ACCESS.value),
        "contact_missing": routed & (judged.state != READY) & judged.contact_email.isnull(),
        "auto_renew_on": renews & judged.auto_renew,
        "auto_renew_unknown": renews & judged.auto_renew.isnull(),
        "end_unscheduled": renews & judged.needs_cancel & ~judged.auto_renew,
        "consent_missing": purchase & ~judged.consented.fill_null(False),
        "price_unknown": routed & judged.daily_price.isnull(),
    }


def _segment(sku_id: Any) -> Any:
    """Name the segment that the catalogue knows for a skuId."""
    rows = catalogue.table().to_pylist()
    names = sorted({row["segment"] for row in rows})
    return ibis.cases(
        *[
            (sku_id.isin([r["sku_id"] for r in rows if r["segment"] == name]), name)
            for name in names
        ]
    )
