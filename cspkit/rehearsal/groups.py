"""Groups that give licences: changed at once, felt by their members some minutes later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import people
from cspkit.rehearsal.records import Customer, Licence, User
from cspkit.rehearsal.refusals import Denied

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

DELAY = (1, 3)
Given = dict[str, list[str]]


def find(world: World, customer: Customer, group_id: str) -> Given:
    """Map the skuIds that a group gives to their disabled plans; raises Denied 404."""
    kept = world.groups.get(group_id)
    if kept is not None and kept["customer_id"] == customer.id:
        licences: Given = kept["licences"]
        return licences
    given: Given = {}
    for user in members(world, customer, group_id):
        for sku_id, held in user.licences.items():
            if held.by_group == group_id:
                given.setdefault(sku_id, held.disabled_plans)
    if not given:
        raise Denied(404, "Request_ResourceNotFound", f"Resource '{group_id}' does not exist.")
    world.groups[group_id] = {"customer_id": customer.id, "licences": given}
    return given


def change(
    world: World,
    customer: Customer,
    group_id: str,
    *,
    add: list[people.Wanted],
    remove: list[str],
) -> None:
    """Let a group's licences change for its members, some minutes later and one by one."""
    given = find(world, customer, group_id)
    for sku_id, _ in add:
        people.pool_of(world, customer, sku_id)
    if any(sku_id not in given for sku_id in remove):
        raise Denied(400, "Request_BadRequest", "Group does not have a corresponding license.")
    who = [user.id for user in members(world, customer, group_id)]
    for sku_id in remove:
        del given[sku_id]
    given.update(add)
    due = world.after(DELAY, "group", group_id)
    world.at(due, _changed, customer.id, group_id, [list(one) for one in add], remove, who)
    world.books.assignments.append(
        {
            "customer_id": customer.id,
            "group_id": group_id,
            "added": [sku_id for sku_id, _ in add],
            "removed": remove,
            "at": world.now,
        }
    )


def members(world: World, customer: Customer, group_id: str) -> list[User]:
    """List the users that hold a licence through a group."""
    everyone = people.users(world, customer).values()
    return [u for u in everyone if any(one.by_group == group_id for one in u.licences.values())]


def _changed(
    world: World,
    customer_id: str,
    group_id: str,
    add: list[list[Any]],
    remove: list[str],
    who: list[str],
) -> None:
    """Change each member; one for whom it does not work says so in its own state."""
    customer = world.customers[customer_id]
    everyone = people.users(world, customer)
    for user in (everyone[user_id] for user_id in who if user_id in everyone):
        had = people.service(user)
        for sku_id in remove:
            _take(world, customer, user, sku_id, group_id)
        for sku_id, disabled in add:
            _give(world, customer, user, Licence(world.now, disabled, group_id), sku_id)
        world.note_service(customer_id, user.id, had=had, has=people.service(user))
    for sku_id in [*remove, *(sku_id for sku_id, _ in add)]:
        world.note_seats(customer_id, sku_id)


def _take(world: World, customer: Customer, user: User, sku_id: str, group_id: str) -> None:
    held = user.licences.get(sku_id)
    if held is None or held.by_group != group_id:
        return
    if held.own_disabled is not None:
        user.licences[sku_id] = Licence(held.since, held.own_disabled)
        return
    del user.licences[sku_id]
    world.consumed[customer.id, sku_id] -= held.error == "None"


def _give(world: World, customer: Customer, user: User, made: Licence, sku_id: str) -> None:
    held = user.licences.get(sku_id)
    if held is not None and held.by_group is None:
        made.own_disabled = held.disabled_plans
    else:
        made.error = _error(world, customer, user, sku_id)
        world.consumed[customer.id, sku_id] += made.error == "None" and held is None
    user.licences[sku_id] = made


def _error(world: World, customer: Customer, user: User, sku_id: str) -> str:
    """Say in Graph's word why a member does not get what its group gives."""
    pool = people.pool_of(world, customer, sku_id)
    if user.usage_location is None:
        return "ProhibitedInUsageLocationViolation"
    for other in user.licences:
        if other != sku_id and people.clash(pool.product, people.known(other)):
            return "MutuallyExclusiveViolation"
    return "CountViolation" if pool.consumed >= pool.enabled + pool.warning else "None"
