"""How a customer's originals were judged, step by step, each with what decided it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from cspkit import blockers, catalogue, channels, judging
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.policy import Policy
from cspkit.settings import Settings
from cspkit.tables import Route, Step

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

COLUMNS = ["subscription_id", "product", "what", "value", "because"]
CONFIDENCE = {
    "documented": "which Microsoft documents",
    "two_sources": "on which two sources agree",
    "one_source": "which one unchecked source names",
}
STOPPERS = {
    "partner": "partner",
    "customer": "customer",
    "current_partner": "current partner",
    "nobody": "nobody",
}


def explain(
    exports: Exports,
    customer: str,
    *,
    as_of: date,
    settings: Settings | None = None,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Show the whole derivation for one customer; columns subscription_id ... because.

    `customer` is its id, or a part of its name or domain that no other customer has. Raises
    CspkitError when nobody or more than one fits, or no original of it is in the exports.
    """
    import pandas as pd

    settings = settings or Settings()
    judged = judging.judge(
        exports, as_of=as_of, settings=settings, decisions=decisions, steps=steps
    )
    judged = judged.filter(judged.customer_id == find(exports, customer))
    rows = judging.fetch(judged.order_by("expires_on", "subscription_id")).to_pylist()
    if not rows:
        raise CspkitError(
            f"customer: expected one with originals in the exports, found {customer!r}"
        )
    rules = {rule.name: rule for rule in channels.rules(settings.channels)}
    lines = [
        (row["subscription_id"], row["product"], what, str(value), because)
        for row in rows
        for what, value, because in _steps(row, rules[row["rule"]], settings.policy)
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def find(exports: Exports, customer: str) -> str:
    """Return the id of the customer with this id, or with this part of its name or domain.

    Whoever bears the whole id, name or domain goes before those who only contain it. What fits
    nobody is taken for an id that no list of customers knows.
    """
    wanted = customer.strip().lower()
    known = exports.table("customers")
    parts = [known[name].lower().fill_null("") for name in ("customer_id", "name", "domain")]
    whole = (parts[0] == wanted) | (parts[1] == wanted) | (parts[2] == wanted)
    part = whole | parts[1].contains(wanted) | parts[2].contains(wanted)
    rows = known.mutate(whole=whole).filter(part).order_by("customer_id").select(*FOUND)
    found = judging.fetch(rows).to_pylist() if wanted else []
    found = [row for row in found if row["whole"]] or found
    names = {row["customer_id"]: row["name"] for row in found}
    if len(names) > 1:
        first = ", ".join(f"{name!r} ({key})" for key, name in list(names.items())[:3])
        raise CspkitError(
            f"customer: expected one, found {len(names)} for {customer!r}: {first}; give the id"
        )
    return next(iter(names), wanted)


FOUND = ("customer_id", "name", "whole")


def _steps(
    row: dict[str, Any], rule: channels.Rule, policy: Policy
) -> Iterator[tuple[str, Any, str]]:
    seen = f"; facts of {row['seen_on']}" if row["seen_on"] else ""
    yield "rule", rule.name, f"channel {row['channel']}; {rule.source} ({rule.source_date}){seen}"
    yield "after its end", _aftermath(rule), _grace(rule, policy)
    yield "renewal stopped by", STOPPERS[rule.stopped_by], rule.stop_how
    if row["renewal_safe_on"]:
        yield "renewal stopped on", row["renewal_safe_on"], "days for a repair before its end"
    yield "route", row["route"], _route(row, rule)
    yield "replacement", row["target_offer"] or "none", _replacement(row)
    if row["moves_with"]:
        yield "moves with", row["moves_with"], "the channel ties an add-on to its base"
    yield "state", row["state"], _lead(row, policy)
    yield from _days(row, policy)
    yield from _money(row)
    yield from _replacement_price(row)
    yield from _instead(row)
    for code in row["blockers"].split():
        blocker = blockers.table()[code]
        owner = STOPPERS[rule.stopped_by] if blocker.owner == "renewal" else blocker.owner
        sentence = f"{blocker.sentence}{_detail(code, row)}"
        yield f"blocker ({blocker.kind})", code, f"{sentence}; {owner}: {blocker.clears}"


def _route(row: dict[str, Any], rule: channels.Rule) -> str:
    if row["route"] == rule.route:
        return f"the rule of the channel says {rule.route.value}"
    codes = [code for code in row["blockers"].split() if blockers.table()[code].kind != "to_do"]
    return f"not {rule.route.value}, because of {', '.join(codes) or 'what its customer holds'}"


def _days(row: dict[str, Any], policy: Policy) -> Iterator[tuple[str, Any, str]]:
    """List the days that count, each with what it was counted from."""
    if row["last_safe_day"]:
        yield "order from", row["order_from"], "the first day on which nothing is missing"
        yield "last safe day", row["last_safe_day"], _counted_back(row, policy)
        yield "slack", f"{row['slack_days']} days", "left after the lead time, up to that day"
        yield "end scheduled by", row["end_scheduled_by"], "the last working day before its end"
    if row["invite_by"]:
        why = f"{row['lead_days']} days before the last safe day, slow seasons not counted"
        yield "invite by", row["invite_by"], why
    if row["undo_until"]:
        yield "undo until", row["undo_until"], "Partner Center names the instant with the order"


def _aftermath(rule: channels.Rule) -> str:
    if rule.slides_into_paid_month:
        uplift = f" at {rule.uplift:.0%} more" if rule.uplift else ""
        return f"goes on as a paid month{uplift} unless its end is scheduled"
    if rule.grace_days:
        return f"{rule.grace_days} days of grace"
    return "service ends"


def _grace(rule: channels.Rule, policy: Policy) -> str:
    counted = rule.grace(use_grace=policy.use_grace)
    if counted:
        return f"{counted} days count, as the policy asks and the rule is sure"
    if not rule.grace_days:
        return "no grace"
    return "grace does not count: " + (
        "the rule is not sure" if not rule.sure else "the policy does not ask for it"
    )


def _replacement(row: dict[str, Any]) -> str:
    sources = {
        "decision": "chosen in decisions.xlsx",
        "matrix": f"our own offer matrix ({row['mapping_place']})",
        "export": "the export's own offer",
        "catalogue": f"the offer of the same skuId in the catalogue, {_confidence(row)}",
    }
    answers = {
        "same": "same skuId, nobody is reassigned",
        "different": "another skuId, users are reassigned",
        "discontinued": "the product is no longer sold",
        "unknown": f"no source names an offer for skuId {row['sku_id']}",
    }
    source = sources.get(row["mapping_source"])
    segment = "" if row["segment"] == "commercial" else f"; segment {row['segment']}"
    answer = answers[row["offer"]] + segment
    return f"{source}; {answer}" if source else answer


def _confidence(row: dict[str, Any]) -> str:
    found = catalogue.find(row["sku_id"]) or {}
    return CONFIDENCE.get(found.get("confidence") or "", "by nobody named")


def _detail(code: str, row: dict[str, Any]) -> str:
    """Add to a blocker's sentence what only this original knows."""
    if code == "offer_refused":
        reason = catalogue.refusal(row["sku_id"], row["target_offer"])
        return f" ({reason})" if reason else ""
    if code == "offer_conflict":
        known = (catalogue.find(row["sku_id"]) or {}).get("target_offer")
        return f" (matrix {row['target_offer']}, catalogue {known})"
    if code == "stale_facts":
        return f" (seen on {row['seen_on']})"
    return ""


def _instead(row: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Say what the legal route costs, and a purchase where a transfer by hand comes first."""
    last, end, currency = row["last_safe_day"], row["expires_on"], row["order_currency"]
    if last is None:
        return
    days = (end - last).days + 1
    because = f"ordered on {last}, old and new are both paid for {days} days"
    if row["overlap_cost"] is not None:
        carried = row["route"] != Route.PURCHASE.value
        why = "nothing is paid twice on this route" if carried else because
        yield "overlap at least", f"{row['overlap_cost']} {currency or ''}".strip(), why
    if row["alternative"]:
        cost = row["alternative_cost"]
        found = "unknown" if cost is None else f"{cost} {currency}"
        yield f"{row['alternative']} instead", found, because


def _lead(row: dict[str, Any], policy: Policy) -> str:
    parts = []
    if row["state"] == Step.RELATIONSHIP.value:
        parts.append(f"relationship {policy.relationship_days}")
    if row["state"] in (Step.RELATIONSHIP.value, Step.AGREEMENT.value):
        parts.append(f"agreement {policy.agreement_days}")
    if row["state"] != blockers.READY:
        parts.append(f"access {policy.access_days}")
    found = f"{row['lead_days']} days: {', '.join(parts)}" if parts else "nothing is missing"
    return f"{found}; invited on {row['invited_on']}" if row["invited_on"] else found


def _counted_back(row: dict[str, Any], policy: Policy) -> str:
    reassign = "" if row["same_offer"] else ", 1 to reassign"
    where = "-".join(part for part in (policy.country, policy.subdivision) if part)
    return (
        f"{policy.verify_days} working day(s) of {where} to verify{reassign}, {policy.repair_days}"
        f" for a repair, all before {row['expires_on']}; orders only on order days"
    )


def _money(row: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    if row["daily_price"] is None:
        yield "price per day", "unknown", "price, currency, billing cycle or seats are missing"
        return
    currency = row["currency"]
    yield "price per day", f"{row['daily_price']} {currency}", f"all {row['seats']} seats"
    if row["forfeit"] is not None:
        yield "forfeit if moved now", f"{row['forfeit']} {currency}", "the days up to its end"
    if row["exposure"] is not None:
        yield "exposure if renewed", f"{row['exposure']} {currency}", "one whole term"


def _replacement_price(row: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    sources = {
        "decision": "the sale price in decisions.xlsx",
        "sheet": f"our own price sheet ({row['price_place']})",
        "original": "no price is known, so that of its original stands in",
    }
    if row["order_daily"] is not None:
        price = f"{row['order_daily']} {row['order_currency']}"
        yield "replacement per day", price, sources[row["price_source"]]
