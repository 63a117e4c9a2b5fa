"""New-commerce migrations and their schedules, as Partner Center words them."""

from __future__ import annotations

import re
from datetime import date

from flask import Response, request

from cspkit.rehearsal import changes, migrations
from cspkit.rehearsal.answers import (
    Json,
    body,
    customer,
    instant,
    lowered,
    midnight,
    partner_center,
    reply,
    the_world,
)
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.rehearsal.refusals import Refused
from cspkit.rehearsal.seeding import guid

routes = partner_center("migrations")
_HERE = "/customers/<customer_id>/migrations/newcommerce"
MOST = 300
_PROGRESS = ("id", "startedTime", "status")


@routes.post(f"{_HERE}/validate")
def validate(customer_id: str) -> Response:
    """Say whether a legacy subscription can be migrated, and why not."""
    one, sent = customer(customer_id), body()
    item, wanted = _wanted(one, sent)
    answer: Json = {"currentSubscriptionId": item.id}
    refused = migrations.problem(the_world(), item, wanted)
    if refused is None:
        found = migrations.catalog_item(the_world(), item)
        return reply(answer | {"isEligible": True, "catalogItemId": found})
    code, problem = refused
    text = migrations.NO_OFFER if code == 5 else problem.description
    return reply(answer | {"isEligible": False, "errors": [{"code": code, "description": text}]})


@routes.post(_HERE)
def create(customer_id: str) -> Response:
    """Begin a migration, add-ons included; it takes some minutes."""
    one, sent = customer(customer_id), body()
    item, wanted = _wanted(one, sent)
    named = sent.get("addonmigrations") or []
    if not isinstance(named, list) or not all(isinstance(entry, dict) for entry in named):
        raise Refused(2000, "addOnMigrations")
    ids = [str(lowered(entry).get("currentsubscriptionid")).lower() for entry in named]
    migrations.check_addons(the_world(), one, item, ids)
    addons = [_wanted(one, lowered(entry)) for entry in named]
    made = migrations.start(the_world(), one, [(item, wanted), *addons])
    return reply(_migration(made), 201)


@routes.get(f"{_HERE}/<migration_id>")
def get(customer_id: str, migration_id: str) -> Response:
    """Show how far a migration has come."""
    return reply(_migration(_find(customer(customer_id), migration_id)))


@routes.get(f"{_HERE}/events")
def events(customer_id: str) -> Response:
    """List what happened in a migration, as a bare array."""
    one = customer(customer_id)
    wanted = request.args.get("migration_id", "").lower()
    current = request.args.get("current_subscription_id", "").lower()
    if not wanted and not current:
        raise Refused(2000, "migration_id or current_subscription_id")
    found = [
        migration
        for migration in the_world().migrations.values()
        if migration["customer"] == one.id and _is(migration, wanted, current)
    ]
    return reply([event for migration in found for event in _events(migration)])


def _is(migration: Json, wanted: str, current: str) -> bool:
    return wanted in ("", migration["id"]) and current in ("", migration["subscription"])


@routes.get("/migrations/newcommerce")
def query() -> Response:
    """List migrations by customer, subscription or reference, at most 300 on a page."""
    asked = lowered(request.args.to_dict())
    known = {
        "customertenantid": "customer",
        "currentsubscriptionid": "subscription",
        "externalreferenceid": "reference",
    }
    chosen = {known[name]: value for name, value in asked.items() if name in known}
    if not chosen:
        raise Refused(2000, "CustomerTenantId, CurrentSubscriptionId or ExternalReferenceId")
    found = [one for one in the_world().migrations.values() if _fits(one, chosen)]
    return _page(sorted(found, key=lambda one: str(one["id"])), asked.get("pagesize", ""))


def _page(found: list[Json], size: str) -> Response:
    """Answer with a bare array; the token of the next page is in a header."""
    if size and not re.fullmatch("[1-9][0-9]{0,5}", size):
        raise Refused(2000, "PageSize")
    most = min(int(size or MOST), MOST)
    after = request.headers.get("MS-ContinuationToken", "")
    rest = [one for one in found if one["id"] > after]
    answer = reply([{"addOnMigrations": []} | _migration(one) for one in rest[:most]])
    if len(rest) > most:
        answer.headers["MS-ContinuationToken"] = rest[most - 1]["id"]
    return answer


def _fits(one: Json, chosen: dict[str, str]) -> bool:
    return all(str(one[name]).lower() == value.lower() for name, value in chosen.items())


@routes.post(f"{_HERE}/schedules")
def create_schedule(customer_id: str) -> Response:
    """Plan a migration."""
    one, sent = customer(customer_id), body()
    item, wanted = _wanted(one, sent, when=True)
    return reply(_schedule(migrations.schedule(the_world(), one, item, wanted)), 201)


@routes.get(f"{_HERE}/schedules")
def schedules(customer_id: str) -> Response:
    """List the schedules of one customer, as a bare array."""
    one = customer(customer_id)
    everything = the_world().schedules.values()
    return reply([_schedule(found) for found in everything if found["customer"] == one.id])


@routes.get("/migrations/newcommerce/schedules")
def all_schedules() -> Response:
    """List the schedules of all customers, as a bare array."""
    return reply([_schedule(found) for found in the_world().schedules.values()])


@routes.get(f"{_HERE}/schedules/<schedule_id>")
def get_schedule(customer_id: str, schedule_id: str) -> Response:
    """Show one schedule."""
    return reply(_schedule(_find_schedule(customer(customer_id), schedule_id)))


@routes.put(f"{_HERE}/schedules/<schedule_id>")
def put_schedule(customer_id: str, schedule_id: str) -> Response:
    """Change a schedule that has not happened yet."""
    one, sent = customer(customer_id), body()
    found = _find_schedule(one, schedule_id)
    _, wanted = _wanted(one, {"currentsubscriptionid": found["subscription"]} | sent, when=True)
    if found["status"] != "Created":
        raise Refused(2000, "the schedule is over.")
    found["wanted"] = wanted
    migrations.plan(the_world(), found)
    return reply(_schedule(found))


@routes.post(f"{_HERE}/schedules/<schedule_id>/cancel")
def cancel_schedule(customer_id: str, schedule_id: str) -> Response:
    """Give a planned migration up."""
    found = _find_schedule(customer(customer_id), schedule_id)
    if found["status"] != "Created":
        raise Refused(2000, "the schedule is over.")
    found |= {"status": "Cancelled", "modified": the_world().now}
    return reply(_schedule(found))


def _find(one: Customer, migration_id: str) -> Json:
    found = the_world().migrations.get(migration_id)
    if found is None or found["customer"] != one.id:
        raise Refused(900224, migration_id)
    return found


def _find_schedule(one: Customer, schedule_id: str) -> Json:
    found = the_world().schedules.get(schedule_id)
    if found is None or found["customer"] != one.id:
        raise Refused(900224, schedule_id)
    return found


def _wanted(one: Customer, sent: Json, *, when: bool = False) -> tuple[Subscription, Json]:
    """Read what a migration should become; what is left out stays as it is."""
    item = changes.find(the_world(), one, str(sent.get("currentsubscriptionid")).lower())
    term = sent.get("termduration") or item.term
    cycle = sent.get("billingcycle") or item.cycle
    quantity, full = sent.get("quantity") or 0, sent.get("purchasefullterm") or False
    if not isinstance(term, str) or not isinstance(cycle, str) or not isinstance(full, bool):
        raise Refused(2000, "termDuration, billingCycle and purchaseFullTerm")
    if type(quantity) is not int or not 0 <= quantity <= item.product.max_seats:
        raise Refused(2000, "quantity")
    wanted: Json = {"term": term, "cycle": cycle.lower(), "quantity": quantity, "full_term": full}
    wanted["reference"] = str(sent.get("externalreferenceid") or "")
    wanted["on"] = _target(sent) if when else None
    return item, wanted


def _target(sent: Json) -> date | None:
    text = sent.get("targetdate")
    if text is None and sent.get("migrateonrenewal") is True:
        return None
    try:
        found = date.fromisoformat(str(text)[:10])
    except ValueError:
        raise Refused(2000, "targetDate") from None
    if found <= the_world().now.date():
        raise Refused(2000, "targetDate")
    return found


def _migration(found: Json) -> Json:
    answer: Json = {"id": found["id"], "startedTime": instant(found["started"])}
    if found["addons"]:
        others = [the_world().migrations[other] for other in found["addons"]]
        answer["addOnMigrations"] = [_part(_migration(other)) for other in others]
    if "completed" in found:
        answer["completedTime"] = instant(found["completed"])
        answer["newCommerceSubscriptionId"] = found["new_subscription"]
        answer["newCommerceOrderId"] = found["new_order"]
    answer |= {
        "currentSubscriptionId": found["subscription"].upper(),
        "status": found["status"],
        "customerTenantId": found["customer"],
        "catalogItemId": found["catalog_item"],
        "subscriptionEndDate": midnight(found["ends_on"]),
        "quantity": found["quantity"],
        "termDuration": found["term"],
        "billingCycle": found["cycle"].capitalize(),
        "purchaseFullTerm": found["full_term"],
    }
    return answer | ({"externalReferenceId": found["reference"]} if found["reference"] else {})


def _part(answer: Json) -> Json:
    """Show an add-on inside the migration that it belongs to: without its own progress."""
    return {name: value for name, value in answer.items() if name not in _PROGRESS}


def _events(migration: Json) -> list[Json]:
    return [
        {
            "id": guid(0, "migration event", migration["id"], name),
            "newCommerceMigrationId": migration["id"],
            "currentSubscriptionId": migration["subscription"],
            "customerTenantId": migration["customer"],
            "createdTime": instant(when),
            "eventName": name,
        }
        for name, when in migration["events"]
    ]


def _schedule(found: Json) -> Json:
    wanted = found["wanted"]
    answer: Json = {
        "id": found["id"],
        "currentSubscriptionId": found["subscription"],
        "subscriptionEndDate": midnight(found["ends_on"]),
        "status": found["status"],
        "customerTenantId": found["customer"],
        "quantity": wanted["quantity"],
        "termDuration": wanted["term"],
        "billingCycle": wanted["cycle"].capitalize(),
        "purchaseFullTerm": wanted["full_term"],
        # times of schedules have an offset, their days have no zone at all
        "createdTime": instant(found["created"]).replace("Z", "+00:00"),
        "lastModifiedTime": instant(found["modified"]).replace("Z", "+00:00"),
    }
    if wanted["on"]:
        answer["targetDate"] = f"{wanted['on'].isoformat()}T00:00:00"
    else:
        answer["migrateOnRenewal"] = True
    if "migration" in found:
        answer["newCommerceMigrationId"] = found["migration"]
    if "error" in found:
        answer["errorCode"], answer["errorDescription"] = found["error"]
    return answer
