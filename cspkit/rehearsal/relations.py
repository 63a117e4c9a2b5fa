"""How customers answer: the relationship, the agreement, access for the partner (GDAP)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal.records import PARTNER_TENANT, Access, Assignment, Customer
from cspkit.rehearsal.refusals import Denied, Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

INVITATION = (
    "https://admin.microsoft.com/Adminportal/Home?invType=ResellerRelationship"
    f"&partnerId={PARTNER_TENANT}&msppId=0#/partners/invitation"
)
# how Microsoft's page tells a provider's link for one of its resellers apart is not documented
OF_RESELLER = (
    "https://admin.microsoft.com/Adminportal/Home?invType=IndirectResellerRelationship"
    f"&partnerId={{}}&msppId=0&indirectCSPId={PARTNER_TENANT}#/partners/invitation"
)
TEMPLATE = "117a77b0-9360-443b-8795-c6dedc750cf9"
AGREEMENT = "MicrosoftCustomerAgreement"

DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
DIRECTORY_WRITERS = "9360feb5-f418-4baa-8175-e2a00bac4301"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
LICENSE_ADMINISTRATOR = "4d6ac14f-3453-41d0-bef9-a3e0c569773a"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
_DIRECT = ("direct_mosa", "direct_mca", "mca_e", "unknown")
# letters about ends: whose originals they reach, and whether the end is to be scheduled as well
ENDS_LETTERS = {
    "renewal-off": (_DIRECT, False),
    "end-at-term": (_DIRECT, True),
    "partner": (("csp_other",), False),
    "partner-end": (("csp_other",), True),
}
CHANGES_LICENCES = {DIRECTORY_WRITERS, LICENSE_ADMINISTRATOR, USER_ADMINISTRATOR}
READS = CHANGES_LICENCES | {DIRECTORY_READERS, GLOBAL_READER}


def deliver(world: World, customer: Customer) -> None:
    """Let an invitation reach a customer, who accepts after a while, late or never.

    Every letter is in the books; only the first one moves the customer.
    """
    first = customer.delivered_at is None and not customer.related
    entry = {"customer_id": customer.id, "delivered": world.now, "accepted": customer.related_at}
    world.books.invitations.append(entry)
    customer.delivered_at = customer.delivered_at or world.now
    rng = world.draw("acceptance", customer.id)
    if first and rng.random() >= world.options.never_accepts:
        when = world.after(world.options.acceptance, "acceptance", customer.id)
        world.at(when, _accept_later, customer.id)


def ask_to_end(world: World, customer: Customer, letter: str) -> None:
    """Let a letter about ends reach whoever it is for; they do what it asks in time, or never."""
    channels, cancel = ENDS_LETTERS[letter]
    key = (letter, customer.id, world.now)
    if world.draw("ends", *key).random() < world.options.never_answers:
        return
    asked = [one.id for one in world.originals(customer.id) if one.channel in channels]
    when = world.after(world.options.answers, "ends", *key)
    world.at(when, _end_in_portal, customer.id, asked, cancel)


def _end_in_portal(world: World, customer_id: str, names: list[str], cancel: bool) -> None:
    for name in names:
        subscription = world.subscriptions[customer_id][name]
        if subscription.status == "active":
            subscription.auto_renew = False
            if cancel:
                subscription.scheduled = [{"actionType": "Cancel", "scheduleType": "TermEnd"}]
            subscription.version += 1


def accept(world: World, customer: Customer) -> None:
    """Let a customer accept the relationship now, and sign the agreement with it or a bit later.

    The page of the invitation asks for the agreement, but one in seven leaves it for another day.
    """
    if customer.related:
        return
    customer.related_at = world.now
    for entry in world.books.invitations:
        if entry["customer_id"] == customer.id:
            entry["accepted"] = world.now
    audit(world, customer, "create_partner_relationship", resource="customer")
    for access in world.access_of[customer.id]:
        if access.status == "approvalPending":
            _approve_later(world, access)
    if customer.direct_signed_at is None:
        later = world.draw("agreement", customer.id).random() < 1 / 7
        delay = (24 * 60, 3 * 24 * 60) if later else (0, 0)
        world.at(world.after(delay, "agreement", customer.id), sign, customer.id)


def _accept_later(world: World, customer_id: str) -> None:
    accept(world, world.customers[customer_id])


def sign(world: World, customer_id: str) -> None:
    """Let a customer sign the Microsoft Customer Agreement directly."""
    customer = world.customers[customer_id]
    if customer.direct_signed_at is None:
        customer.direct_signed_at = world.now
        world.books.agreements.append(
            {"customer_id": customer_id, "how": "direct", "at": world.now}
        )


def attest(world: World, customer: Customer, agreement: dict[str, Any]) -> None:
    """Take the partner's word that the customer agreed; the same details twice are refused."""
    if agreement in customer.attestations:
        raise Refused(600061)
    customer.attestations.append(agreement)
    world.books.agreements.append({"customer_id": customer.id, "how": "attested", "at": world.now})
    audit(world, customer, "create_customer_agreement", resource="agreement")


def has_agreed(world: World, customer: Customer) -> bool:
    """Say whether the customer signed, or the partner attested."""
    signed = customer.direct_signed_at
    return bool(customer.attestations) or (signed is not None and signed <= world.now)


def grant_early_access(world: World, customer: Customer) -> None:
    """Give the partner access to every second customer that was related from the start."""
    rng = world.draw("early access", customer.id)
    if customer.related_at is None or rng.random() < 0.5:
        return
    since = max(customer.related_at, world.now - timedelta(days=rng.randint(20, 600)))
    grant(world, customer, since)


def grant(world: World, customer: Customer, since: datetime) -> None:
    """Give the partner two years of access that works since an instant."""
    roles = [DIRECTORY_READERS, LICENSE_ADMINISTRATOR, USER_ADMINISTRATOR]
    access = Access(
        id=f"{world.new_id('access')}-{PARTNER_TENANT}",
        customer_id=customer.id,
        display_name=f"managed-{customer.id[:13]}",
        days=730,
        duration="P730D",
        roles=roles,
        created=since,
        modified=since,
        status="active",
        activated=since,
        ends=since + timedelta(days=730),
    )
    group = world.new_id("group")
    access.assignments.append(Assignment(world.new_id("assignment"), group, roles, since, since))
    _keep(world, access)
    world.at(since + timedelta(days=730), _expire, access.id)


def ask_access(
    world: World,
    customer: Customer,
    name: str,
    *,
    duration: str,
    roles: list[str],
    extend: str,
) -> Access:
    """Create an access relationship; it does nothing until locked and approved."""
    days = duration_days(duration)
    if not 1 <= days <= 730 or not 0 < len(name) <= 50 or not roles:
        raise Denied(400, "Request_BadRequest", "The relationship is not valid.")
    if any(access.display_name == name for access in world.access.values()):
        raise Denied(409, "Conflict", f"A relationship named '{name}' already exists.")
    access = Access(
        id=f"{world.new_id('access')}-{PARTNER_TENANT}",
        customer_id=customer.id,
        display_name=name,
        days=days,
        duration=duration,
        roles=roles,
        created=world.now,
        modified=world.now,
        auto_extend=extend,
    )
    _keep(world, access)
    return access


def _keep(world: World, access: Access) -> None:
    world.access[access.id] = access
    world.access_of[access.customer_id].append(access)


def duration_days(duration: str) -> int:
    """Count the days of an ISO 8601 duration; 0 when it is none that is understood."""
    found = re.fullmatch(r"P(?:(\d{1,2})Y)?(?:(\d{1,2})M)?(?:(\d{1,4})D)?", duration)
    if not found:
        return 0
    years, months, days = (int(number or 0) for number in found.groups())
    return years * 365 + months * 30 + days


def request(world: World, access: Access, action: str) -> dict[str, Any]:
    """Lock a relationship for approval, or end it."""
    if action == "lockForApproval" and access.status == "created":
        access.status = "approvalPending"
        if world.customers[access.customer_id].related:
            _approve_later(world, access)
    elif action == "terminate" and access.status == "active":
        access.status = "terminating"
        world.at(world.after(world.options.activation, "end", access.id), _terminate, access.id)
    else:
        raise Denied(
            400,
            "Request_BadRequest",
            f"The action '{action}' is not allowed in status '{access.status}'.",
        )
    access.modified = world.now
    made = {"id": world.new_id("request"), "action": action, "status": "created", "at": world.now}
    access.requests.append(made)
    world.books.access.append(
        {"customer_id": access.customer_id, "id": access.id, "action": action, "at": world.now}
    )
    return made


def _approve_later(world: World, access: Access) -> None:
    options = world.options
    slow = world.draw("approval", access.customer_id).random() < options.slow_approvals
    span = options.slow_approval if slow else options.approval
    world.at(world.after(span, "approval", access.id), approve, access.id)


def approve(world: World, access_id: str) -> None:
    """Let the customer approve a locked relationship; it is active some minutes later."""
    access = world.access[access_id]
    if access.status != "approvalPending":
        return
    _become(world, access, "activating")
    world.books.access.append(
        {"customer_id": access.customer_id, "id": access_id, "action": "approve", "at": world.now}
    )
    world.at(world.after(world.options.activation, "active", access_id), _activate, access_id)


def _activate(world: World, access_id: str) -> None:
    access = world.access[access_id]
    _become(world, access, "active")
    access.activated = world.now
    access.ends = world.now + timedelta(days=access.days)
    world.at(access.ends, _expire, access_id)


def _terminate(world: World, access_id: str) -> None:
    _become(world, world.access[access_id], "terminated")


def _expire(world: World, access_id: str) -> None:
    """End a relationship, or extend it by half a year where that was agreed."""
    access = world.access[access_id]
    if access.status != "active":
        return
    if access.auto_extend == "P180D":
        access.ends = world.now + timedelta(days=180)
        world.at(access.ends, _expire, access_id)
    else:
        # its roles no longer work; the word changes once more some minutes later
        _become(world, access, "expiring")
        world.at(world.after(world.options.activation, "over", access_id), _expired, access_id)


def _expired(world: World, access_id: str) -> None:
    _become(world, world.access[access_id], "expired")


def _become(world: World, access: Access, status: str) -> None:
    access.status = status
    access.modified = world.now


def extend(world: World, access: Access, duration: str) -> None:
    """Let an active relationship extend itself, or no more; raises Denied."""
    if access.status != "active" or GLOBAL_ADMINISTRATOR in access.roles:
        raise Denied(400, "Request_BadRequest", "The relationship cannot extend itself.")
    access.auto_extend = duration
    access.modified = world.now
    entry = {"customer_id": access.customer_id, "id": access.id, "action": "extend"}
    world.books.access.append({**entry, "at": world.now})


def assign(world: World, access: Access, group_id: str, *, roles: list[str]) -> Assignment:
    """Give a security group roles of an active relationship; it works some minutes later."""
    if access.status != "active":
        raise Denied(400, "Request_BadRequest", "The relationship is not active.")
    if not roles or not set(roles) <= set(access.roles):
        raise Denied(400, "Request_BadRequest", "A role is not part of the relationship.")
    if any(assignment.group_id == group_id for assignment in access.assignments):
        raise Denied(409, "Conflict", "The access container already has an assignment.")
    active_from = world.after((0, 5), "assignment", access.id)
    made = Assignment(world.new_id("assignment"), group_id, roles, world.now, active_from)
    access.assignments.append(made)
    return made


def roles_in(world: World, customer_id: str) -> set[str]:
    """Collect the roles that the partner holds in a tenant now."""
    return {
        role
        for access in world.access_of[customer_id]
        if access.status == "active"
        for assignment in access.assignments
        if assignment.active_from <= world.now
        for role in assignment.roles
    }


def audit(world: World, customer: Customer, operation: str, *, resource: str, **data: str) -> None:
    """Write a record that the partner can ask for."""
    world.books.audit.append(
        {
            "customer_id": customer.id,
            "customer_name": customer.name,
            "resource": resource,
            "operation": operation,
            "data": data,
            "at": world.now,
        }
    )


def moment(text: object) -> datetime:
    """Read an ISO 8601 instant; raises ValueError."""
    return datetime.fromisoformat(str(text))
