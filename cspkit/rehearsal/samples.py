"""The export files of the sample world, as portals, tools and people write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from cspkit.rehearsal import graph_json, reconciliation, seeding, sheets
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription
from cspkit.rehearsal.world import World

_BAM_HEADER = (
    "PartnerTenantId,IndirectResellerMpnId,CustomerName,CustomerTenantId,"
    "LegacySubscriptionId,LegacySubscriptionName,LegacyProductName,ExpirationDate,"
    "AutoRenewEnabled,MigrationEligible,NcePsa,CurrentTerm,CurrentBillingPlan,"
    "CurrentSeatCount,StartNewTermInNce,Term,BillingPlan,SeatCount,CustomTermEndDate,AddOn,"
    "BaseSubscriptionId,MigrationIneligibilityReason"
)


def folder() -> Path:
    """Give the folder of the committed samples."""
    return Path(__file__).with_name("samples")


def write(folder: Path, world: World) -> None:
    """Write every export file of the world below folder; the same world gives the same bytes."""
    for name, content in files(world):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def files(world: World) -> Iterable[tuple[str, bytes]]:
    """Yield relative path and content of every export file."""
    related = [customer for customer in world.customers.values() if customer.related]
    legacy = _listed(world, "bam")
    ours = {customer.id for customer, _ in legacy}
    yield "bam/customers.csv", _bam_customers(c for c in related if c.id in ours)
    yield "bam/subscriptions.csv", _bam_subscriptions(legacy)
    yield "partner-center/Customers.csv", _partner_center_customers(related)
    yield (
        "partner-center/reconciliation-nce-2026-10.csv",
        reconciliation.content(_listed(world, "reconciliation")),
    )
    for customer in world.customers.values():
        if customer.in_graph_export:
            answer = graph_json.export(customer, world.subscriptions[customer.id].values())
            text = json.dumps(answer, ensure_ascii=False, indent=1)
            yield f"graph/directory-subscriptions-{customer.id}.json", (text + "\n").encode()
    yield "distributor/suscripciones.xlsx", sheets.distributor(_listed(world, "distributor"))
    yield "ea/acuerdos-ea.xlsx", sheets.agreements(_listed(world, "ea"))


def _listed(world: World, where: str) -> list[tuple[Customer, Subscription]]:
    return [
        (customer, subscription)
        for customer in world.customers.values()
        for subscription in world.subscriptions[customer.id].values()
        if subscription.listed_in == where
    ]


def _bam_customers(customers: Iterable[Customer]) -> bytes:
    rows = [[c.id, c.domain, c.name] for c in customers]
    return _csv(["TenantId", "Domain", "CompanyName"], rows)


def _bam_subscriptions(legacy: list[tuple[Customer, Subscription]]) -> bytes:
    return _csv(
        _BAM_HEADER.split(","), [_bam_row(number, *pair) for number, pair in enumerate(legacy)]
    )


def _bam_row(number: int, customer: Customer, subscription: Subscription) -> list[Any]:
    reasons = _ineligible(subscription, number)
    plan, offer = subscription.cycle.capitalize(), subscription.product.offer
    ends = datetime.combine(subscription.ends_on, datetime.min.time())
    if number % 41 == 40:
        ends = datetime.min
    return [
        PARTNER_TENANT,
        "4847383" if number % 5 == 0 else "",
        customer.name,
        customer.id,
        subscription.id.upper(),
        subscription.friendly_name if number % 9 else f"{customer.name}: sede central",
        subscription.product.name,
        f"{ends:%m/%d/}{ends.year:04}{ends: %H:%M:%S}",
        subscription.auto_renew,
        not reasons,
        "" if reasons or not offer else f"{offer}:{seeding.availability(0, offer)}",
        subscription.term,
        plan,
        subscription.seats,
        False,
        subscription.term,
        plan,
        subscription.seats,
        "",
        bool(subscription.parent_id),
        subscription.parent_id.upper(),
        ";".join(reasons),
    ]


def _ineligible(subscription: Subscription, number: int) -> list[str]:
    reasons = []
    if not subscription.product.offer and not subscription.parent_id:
        reasons.append("The offer has no new commerce equivalent.")
    if number % 23 == 22:
        reasons.append("The subscription was created less than a month ago.")
        reasons.append("Promotional offers cannot be migrated; see the price list, page 4.")
    return reasons


def _partner_center_customers(related: list[Customer]) -> bytes:
    rows = [[c.id, c.name, c.domain, "Cloud Reseller"] for c in related]
    rows += [[c.id, c.name, c.domain, "Indirect Reseller"] for c in related if c.dual_partner]
    header = ["Microsoft ID", "Company name", "Primary domain name", "Relationship"]
    return b"\xef\xbb\xbf" + _csv(header, sorted(rows, key=lambda row: (row[0], row[3])))


def _csv(header: list[str], rows: Iterable[list[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
