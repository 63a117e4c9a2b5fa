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
) -> pd.DataFrame:
    """Show the whole derivation for one customer; columns subscription_id ... because.

    `customer` is its id, or a part of its name or domain that no other customer has. Raises
    CspkitError when nobody or more than one fits, or no original of it is in the exports.
    """
    import pandas as pd

    settings = settings or Settings()
    judged = judging.judge(exports, as_of=as_of, settings=settings, decisions=decisions)
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
    yield "rule", rule.name, f"channel {row['channel']}; {rule.source} ({rule.source_date})"
    yield "after its end", _aftermath(rule), _grace(rule, policy)
    yield "renewal stopped by", STOPPERS[rule.stopped_by], rule.stop_how
    if row["renewal_safe_on"]:
        yield "renewal stopped on", row["renewal_safe_on"], "days for a repair before its end"
    yield "route", row["route"], f"the rule of the channel says {rule.route.value}"
    yield "replacement", row["target_offer"] or "none", _replacement(row)
    yield "state", row["state"], _lead(row, policy)
    if row["last_safe_day"]:
        yield "last safe day", row["last_safe_day"], _counted_back(row, policy)
        yield "slack", f"{row['slack_days']} days", "left after the lead time, up to that day"
    if row["invite_by"]:
        yield "invite by", row["invite_by"], f"{row['lead_days']} days before the last safe day"
    yield from _money(row)
    yield from _instead(row)
    for code in row["blockers"].split():
        blocker = blockers.table()[code]
        owner = STOPPERS[rule.stopped_by] if blocker.owner == "renewal" else blocker.owner
        sentence = f"{blocker.sentence}{_refusal(row) if code == 'offer_refused' else ''}"
        yield f"blocker ({blocker.kind})", code, f"{sentence}; {owner}: {blocker.clears}"


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
        "export": "the export's own offer",
        "catalogue": f"the offer of the same skuId in the catalogue, {_confidence(row)}",
    }
    answers = {
        "same": "same skuId, nobody is reassigned",
        "different": "another skuId, users are reassigned",
        "retired": "the product is no longer sold",
        "unknown": f"no source names an offer for skuId {row['sku_id']}",
    }
    source = sources.get(row["target_source"])
    return f"{source}; {answers[row['offer']]}" if source else answers[row["offer"]]


def _confidence(row: dict[str, Any]) -> str:
    found = catalogue.find(row["sku_id"]) or {}
    return CONFIDENCE.get(found.get("confidence") or "", "by nobody named")


def _refusal(row: dict[str, Any]) -> str:
    reason = catalogue.refusal(row["sku_id"], row["target_offer"])
    return f" ({reason})" if reason else ""


def _instead(row: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Say what a purchase would cost where a transfer by hand comes first."""
    last, end, daily = row["last_safe_day"], row["expires_on"], row["order_daily"]
    if row["route"] != Route.CHANNEL_TRANSFER.value or last is None:
        return
    days = (end - last).days + 1
    cost = "unknown" if daily is None else f"{daily * days} {row['order_currency']}"
    because = f"ordered on {last}, old and new are both paid for {days} days"
    yield "purchase instead", cost, because


def _lead(row: dict[str, Any], policy: Policy) -> str:
    access = f"access {policy.access_days}"
    if row["state"] == Step.RELATIONSHIP.value:
        signed = f"relationship {policy.relationship_days}, agreement {policy.agreement_days}"
        return f"{row['lead_days']} days: {signed}, {access}"
    return f"{row['lead_days']} days: {access}" if row["lead_days"] else "nothing is missing"


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
