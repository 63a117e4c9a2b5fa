"""What can be in the way of an original: codes as data, and the condition for each of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, reduce
from importlib import resources
from typing import Any

import ibis

from cspkit import catalogue
from cspkit.tables import FRESH_DAYS, BlockerKind, Channel, Route, Step

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
        "no_legal_way": judged.stuck,
        "buy_at_term_end": judged.route == Route.BUY_AT_TERM_END.value,
        "over_150": judged.crowded,
        "over_seat_limit": judged.over_seats,
        "other_partner": judged.route == Route.PARTNER_TRANSFER.value,
        "own_legacy": judged.route == Route.NCE_MIGRATION.value,
        "channel_transfer": judged.route == Route.CHANNEL_TRANSFER.value,
        "term_end_unapproved": judged.unapproved & routed,
        "hold": routed & judged.held,
        "overdue": routed & overdue,
        "too_late": purchase & ~overdue & (judged.order_from > judged.last_safe_day),
        "end_missing": routed & ~dated,
        "end_implausible": routed & dated & (judged.last_safe_day.isnull() | backwards),
        "seats_missing": routed & judged.order_seats.isnull(),
        **_of_offer(judged, routed),
        **_of_base(judged, routed),
        "channel_unknown": routed & (judged.channel == Channel.UNKNOWN.value),
        "stale_facts": routed & (judged.seen_on < as_of - timedelta(days=FRESH_DAYS)),
        "suspended": routed & (judged.status == "suspended"),
        **_of_customer(judged, routed, purchase),
        "auto_renew_on": renews & judged.auto_renew,
        "auto_renew_unknown": renews & judged.auto_renew.isnull(),
        "end_unscheduled": renews & judged.needs_cancel & ~judged.auto_renew,
        "consent_missing": purchase & ~judged.consented.fill_null(False),
        "price_unknown": routed & judged.daily_price.isnull(),
    }


def _of_offer(judged: ibis.Table, routed: Any) -> dict[str, Any]:
    """Say what is in the way of the offer that replaces an original."""
    pairs = [f"{row['sku_id']} {row['product']}" for row in catalogue.refused().to_pylist()]
    refused = (judged.sku_id + " " + judged.target_offer.split(":")[0]).isin(pairs)
    listed = judged.mapping_source == "matrix"
    unknown = judged.offer == "unknown"
    other = judged.target_segment != judged.segment
    return {
        "offer_refused": routed & refused,
        "offer_discontinued": routed & (judged.offer == "discontinued"),
        "offer_ambiguous": routed & unknown & judged.open_choice,
        "offer_unknown": routed & unknown & ~judged.open_choice,
        "offer_unchecked": routed & judged.target_offer.notnull() & judged.same_offer.isnull(),
        "offer_conflict": routed & listed & (judged.fact_offer != judged.target_offer),
        "segment_mismatch": routed & other,
        "segment": routed & (judged.segment != "commercial"),
    }


def _of_base(judged: ibis.Table, routed: Any) -> dict[str, Any]:
    """Say what is in the way of an add-on."""
    return {
        "base_missing": routed & judged.base_missing,
        "with_base": routed & judged.moves_with.notnull(),
    }


def _of_customer(judged: ibis.Table, routed: Any, purchase: Any) -> dict[str, Any]:
    """Say which steps of the customer are missing."""
    relationship = judged.state == Step.RELATIONSHIP.value
    return {
        "relationship_missing": routed & relationship & ~judged.pending,
        "invitation_pending": routed & relationship & judged.pending,
        "agreement_missing": purchase & judged.unsigned,
        "reseller_agreement_unsigned": purchase & judged.reseller_unsigned.fill_null(False),
        "access_missing": routed & (judged.state == Step.ACCESS.value),
        "contact_refused": routed & (judged.contact_email == judged.refused_address),
        "contact_missing": routed & (judged.state != READY) & judged.contact_email.isnull(),
    }
