"""What can be in the way of an original: codes as data, and the condition for each of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, reduce
from importlib import resources
from typing import TYPE_CHECKING, Any

from cspkit.tables import BlockerKind, Channel, Route, Step

if TYPE_CHECKING:
    import ibis

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


def flagged(judged: ibis.Table, as_of: Any, stale_before: Any) -> Any:
    """Write down what is in the way of each original as the bits of one number.

    What its customer still needs was flagged with the customer, by `of_customer`.
    """
    routed = judged.route != Route.NONE.value
    purchase = judged.route == Route.PURCHASE.value
    overdue = (judged.expires_on < as_of) & ~judged.rolls_over
    # Most ask for a route first; asked of each alone it took longer than all the rest.
    on_the_way = _bits(_of_routed(judged, overdue, stale_before)) + judged.routed_flags
    bought = _bits(_of_purchase(judged, overdue)) + judged.purchase_flags
    return _bits(_of_all(judged)) + routed.ifelse(on_the_way, 0) + purchase.ifelse(bought, 0)


def of_customer(customers: ibis.Table) -> dict[str, Any]:
    """Flag what a customer still needs: for all originals with a route, and for purchases."""
    relationship = customers.state == Step.RELATIONSHIP.value
    no_contact = customers.contact_email.isnull()
    routed = {
        "relationship_missing": relationship & ~customers.pending,
        "invitation_pending": relationship & customers.pending,
        "access_missing": customers.state == Step.ACCESS.value,
        "contact_refused": customers.contact_email == customers.refused_address,
        "contact_missing": (customers.state != READY) & no_contact,
    }
    purchase = {
        "agreement_missing": customers.unsigned,
        "reseller_agreement_unsigned": customers.reseller_unsigned,
    }
    return {"routed_flags": _bits(routed), "purchase_flags": _bits(purchase)}


def of_nobody() -> dict[str, int]:
    """Flag what a customer that no list and no person knows needs, as `of_customer` does."""
    return {
        "routed_flags": bit("relationship_missing") | bit("contact_missing"),
        "purchase_flags": bit("agreement_missing"),
    }


def bit(code: str) -> int:
    """Give the bit of a blocker's code."""
    return 1 << list(table()).index(code)


def _bits(conditions: Mapping[str, Any]) -> Any:
    # What is not known is no condition that holds: no engine takes the branch of a missing value.
    bits = [condition.ifelse(bit(code), 0) for code, condition in conditions.items()]
    return _total(bits).cast("int64")


def _total(terms: list[Any]) -> Any:
    """Add by halves: engines take time by the square of the depth of an expression."""
    half = len(terms) // 2
    return _total(terms[:half]) + _total(terms[half:]) if half else terms[0]


def spelled(flags: Any) -> Any:
    """Spell the bits of `flags` out as codes separated by a space, most serious first."""
    words = [((flags & (1 << at)) != 0).ifelse(f"{code} ", "") for at, code in enumerate(table())]
    return reduce(lambda left, right: left + right, words).rstrip()


def _of_all(judged: ibis.Table) -> dict[str, Any]:
    """Say, for each blocker's code, when it is in the way whatever the route is."""
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
    }


def _of_routed(judged: ibis.Table, overdue: Any, stale_before: Any) -> dict[str, Any]:
    """Say what is in the way of an original that has a route."""
    dated = judged.expires_on.notnull()
    backwards = (judged.starts_on > judged.expires_on).fill_null(False)
    renews = judged.stopped_by != "nobody"
    return {
        "term_end_unapproved": judged.unapproved,
        "hold": judged.held,
        "overdue": overdue,
        "end_missing": ~dated,
        "end_implausible": dated & (judged.last_safe_day.isnull() | backwards),
        "seats_missing": judged.order_seats.isnull(),
        **_of_offer(judged),
        "base_missing": judged.base_missing,
        "with_base": judged.moves_with.notnull(),
        "channel_unknown": judged.channel == Channel.UNKNOWN.value,
        "stale_facts": judged.seen_on < stale_before,
        "suspended": judged.status == "suspended",
        "auto_renew_on": renews & judged.auto_renew,
        "auto_renew_unknown": renews & judged.auto_renew.isnull(),
        "end_unscheduled": renews & judged.needs_cancel & ~judged.auto_renew,
        "price_unknown": judged.price_unknown,
    }


def _of_purchase(judged: ibis.Table, overdue: Any) -> dict[str, Any]:
    """Say what is in the way of an original whose replacement is bought beside it."""
    return {
        "too_late": ~overdue & (judged.order_from > judged.last_safe_day),
        "consent_missing": ~judged.consented.fill_null(False),
    }


def _of_offer(judged: ibis.Table) -> dict[str, Any]:
    """Say what is in the way of the offer that replaces an original."""
    product = judged.target_offer.split(":")[0]
    refused = judged.refused.notnull() & judged.refused.contains(" " + product + " ")
    unknown = judged.offer == "unknown"
    return {
        "offer_refused": refused,
        "offer_discontinued": judged.offer == "discontinued",
        "offer_ambiguous": unknown & judged.open_choice,
        "offer_unknown": unknown & ~judged.open_choice,
        "offer_unchecked": judged.target_offer.notnull() & judged.same_offer.isnull(),
        "offer_conflict": (judged.mapping_source == "matrix")
        & (judged.fact_offer != judged.target_offer),
        "segment_mismatch": judged.target_segment != judged.segment,
        "segment": judged.segment != "commercial",
    }
