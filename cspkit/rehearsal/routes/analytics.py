"""Partner analytics: subscriptions and licences of all customers, as of the last midnight."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, request

from cspkit.rehearsal import changes, seats
from cspkit.rehearsal.answers import (
    Json,
    check_partner_token,
    instant,
    refusal,
    reply,
    the_world,
    user_only,
)
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription
from cspkit.rehearsal.refusals import Refused
from cspkit.rehearsal.seats import Pool

routes = Blueprint("analytics", __name__, url_prefix="/partner/v1/analytics")
routes.before_request(check_partner_token)
routes.register_error_handler(Refused, refusal)
MOST = 10_000
_STATUS = {"active": "ACTIVE", "warning": "ACTIVE", "deleted": "DEPROVISIONED"}
_FILTER = re.compile(r"(\w+)\s+(eq|ne|lt|le|gt|ge)\s+('[^']*'|[\w:.+-]+)", re.I)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
}


@routes.get("/subscriptions")
def subscriptions() -> Response:
    """List the subscriptions of all customers, filtered, in order, or counted by a field."""
    world = the_world()
    rows = [
        _subscription(one, item)
        for one in sorted(world.customers.values(), key=lambda one: one.id)
        if one.related
        for item in changes.sold_by_us(world, one)
    ]
    rows = _ordered(_filtered(rows))
    grouped = request.args.get("aggregateBy", "")
    return _page(_counted(rows, grouped) if grouped else rows)


@routes.get("/commercial/deployment/license")
@user_only
def deployment() -> Response:
    """Compare seats sold with seats assigned, by customer and product."""
    return _page([_licences(one, pool) for one, pool in _pools()])


@routes.get("/commercial/usage/license")
@user_only
def usage() -> Response:
    """Show how many seats were used, by customer and product."""
    rows = []
    for one, pool in _pools():
        row = _licences(one, pool)
        del row["licensesDeployed"]
        rows.append(
            row
            | {
                "workloadCode": "EXO",
                "workloadName": "Exchange",
                "licensesActive": pool.consumed,
                "licensesQualified": row.pop("licensesSold"),
            }
        )
    return _page(rows)


def _pools() -> list[tuple[Customer, Pool]]:
    world = the_world()
    related = sorted((c for c in world.customers.values() if c.related), key=lambda one: one.id)
    return [(one, pool) for one in related for pool in seats.pools(world, one.id)]


def _licences(one: Customer, pool: Pool) -> Json:
    return {
        "processedDateTime": the_world().now.strftime("%Y-%m-%dT00:00:00"),
        "serviceCode": "o365",
        "serviceName": "Microsoft Office 365",
        "channel": "reseller",
        "customerTenantId": one.id.upper(),
        "customerName": one.name.upper(),
        "productId": pool.product.sku_id.upper(),
        "productName": pool.product.name.upper(),
        "licensesDeployed": pool.consumed,
        "licensesSold": pool.enabled,
    }


def _subscription(one: Customer, item: Subscription) -> Json:
    """Describe a subscription; these dates have no zone."""
    ends = _day(item.ends_on)
    renewed = item.starts_on > item.created.date()
    return {
        "customerTenantId": one.id.upper(),
        "customerName": one.name.upper(),
        "customerMarket": one.market,
        "id": item.id.upper(),
        "status": _STATUS.get(item.status, "SUSPENDED"),
        "productName": item.product.name.upper(),
        "subscriptionType": "Office",
        "autoRenewEnabled": item.auto_renew,
        "partnerId": PARTNER_TENANT.upper(),
        "friendlyName": item.friendly_name,
        "partnerName": "Contoso",
        "providerName": "Contoso",
        "creationDate": _moment(item.created),
        "effectiveStartDate": _day(item.starts_on),
        "commitmentEndDate": ends,
        "currentStateEndDate": ends,
        "trialToPaidConversionDate": None,
        "trialStartDate": _day(item.starts_on) if item.is_trial else None,
        "trialEndDate": ends if item.is_trial else None,
        "lastUsageDate": None,
        "deprovisionedDate": None,
        "lastRenewalDate": _day(item.starts_on) if renewed else None,
        "licenseCount": item.seats,
        "churnRisk": "Low" if item.auto_renew else "High",
        "billingCycleName": item.cycle.upper(),
    }


def _day(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"


def _moment(at: datetime) -> str:
    return instant(at).rstrip("Z")


def _filtered(rows: list[Json]) -> list[Json]:
    text = request.args.get("filter") or request.args.get("$filter") or ""
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.I) if text.strip() else []:
        found = _FILTER.fullmatch(part.strip())
        if found is None:
            raise Refused(2000, "filter")
        name, verb, value = _field(rows, found[1]), found[2].lower(), _value(found[3])
        rows = [row for row in rows if _holds(row[name], verb, value)]
    return rows


def _field(rows: list[Json], asked: str) -> str:
    known = {name.lower(): name for name in (rows[0] if rows else {})}
    if rows and asked.lower() not in known:
        raise Refused(2000, asked)
    return known.get(asked.lower(), asked)


def _value(text: str) -> object:
    plain = text.strip("'")
    if plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    return int(plain) if plain.isdecimal() and len(plain) < 12 else plain


def _holds(found: object, verb: str, value: object) -> bool:
    if type(found) is not type(value):
        return verb == "ne"
    if isinstance(found, str) and isinstance(value, str):
        return _COMPARE[verb](found.lower(), value.lower())
    return _COMPARE[verb](found, value)


def _ordered(rows: list[Json]) -> list[Json]:
    name, _, way = request.args.get("orderby", "").strip().partition(" ")
    if not name or not rows:
        return rows
    field = _field(rows, name)
    down = way.strip().lower() == "desc"
    return sorted(rows, key=lambda row: (str(row[field]), row["id"]), reverse=down)


def _counted(rows: list[Json], grouped: str) -> list[Json]:
    field = _field(rows, grouped)
    count: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    for row in rows:
        count[str(row[field])] += 1
        licences[str(row[field])] += row["licenseCount"]
    return [
        {field: key, "subscriptionCount": str(count[key]), "licenseCount": str(licences[key])}
        for key in sorted(count)
    ]


def _page(rows: list[Json]) -> Response:
    """Answer with one page; this API writes its own names and two of them with a capital."""
    top, skip = _number("top", MOST), _number("skip", 0)
    shown = rows[skip : skip + min(top, MOST)]
    after = skip + len(shown)
    more = after < len(rows) and bool(shown)
    link = f"{request.path}?top={top}&skip={after}" if more else None
    return reply({"Value": shown, "@nextLink": link, "TotalCount": len(rows)})


def _number(name: str, usual: int) -> int:
    text = request.args.get(name, str(usual))
    if not re.fullmatch("[0-9]{1,6}", text):
        raise Refused(2000, name)
    return int(text)
