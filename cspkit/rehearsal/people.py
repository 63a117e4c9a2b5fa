"""The users of a tenant and their licences; made when first asked for, from the seats in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import names, seats, seeding
from cspkit.rehearsal.products import Product, by_sku_id
from cspkit.rehearsal.records import Customer, Licence, User
from cspkit.rehearsal.refusals import Denied

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

_EXCHANGE = {"EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_DESKLESS"}
_BAD = "Request_BadRequest"
Wanted = tuple[str, list[str]]


def users(world: World, customer: Customer) -> dict[str, User]:
    """List the users of a tenant by id; the first call draws them."""
    if customer.id not in world.users:
        world.users[customer.id] = _draw(world, customer)
    return world.users[customer.id]


def find(world: World, customer: Customer, name: str) -> User:
    """Find a user by id or principal name; raises Denied 404."""
    everyone = users(world, customer)
    user = everyone.get(name)
    if user is None:
        user = next((other for other in everyone.values() if other.principal == name), None)
    if user is None:
        raise Denied(
            404,
            "Request_ResourceNotFound",
            f"Resource '{name}' does not exist or one of its queried reference-property objects "
            "are not present.",
        )
    return user


def create(world: World, customer: Customer, said: dict[str, str]) -> User:
    """Add a user to a tenant; raises ValueError for a principal name that is taken."""
    everyone = users(world, customer)
    if any(one.principal == said["userprincipalname"].lower() for one in everyone.values()):
        raise ValueError(said["userprincipalname"])
    made = User(
        id=world.new_id("user"),
        name=said["displayname"],
        principal=said["userprincipalname"].lower(),
        usage_location=said["usagelocation"] or None,
    )
    everyone[made.id] = made
    return made


def change_licences(
    world: World, customer: Customer, user: User, *, add: list[Wanted], remove: list[str]
) -> None:
    """Add and remove licences of one user in one step, or raise Denied and change nothing."""
    for sku_id in remove:
        _check_removal(user, sku_id)
    kept = {sku_id for sku_id in user.licences if sku_id not in remove}
    if add and user.usage_location is None:
        raise Denied(
            400,
            _BAD,
            "License assignment cannot be done for user with invalid usage location.",
        )
    for sku_id, _ in add:
        _check_addition(world, customer, sku_id, kept=kept)
        kept.add(sku_id)
    for sku_id in remove:
        del user.licences[sku_id]
        world.consumed[customer.id, sku_id] -= 1
    for sku_id, disabled in add:
        if sku_id not in user.licences:
            world.consumed[customer.id, sku_id] += 1
        user.licences[sku_id] = Licence(world.now, disabled)
    for sku_id in [*remove, *(sku_id for sku_id, _ in add)]:
        world.note_seats(customer.id, sku_id)
    world.books.assignments.append(
        {
            "customer_id": customer.id,
            "user_id": user.id,
            "added": [sku_id for sku_id, _ in add],
            "removed": remove,
            "at": world.now,
        }
    )


def change_group(
    world: World, customer: Customer, group_id: str, *, add: list[Wanted], remove: list[str]
) -> None:
    """Let a group's licences change for its members, some minutes later and one by one."""
    if not members(world, customer, group_id):
        raise Denied(404, "Request_ResourceNotFound", f"Resource '{group_id}' does not exist.")
    for sku_id, _ in add:
        _pool(world, customer, sku_id)
    due = world.after((1, 3), "group", group_id)
    world.at(due, _group_changed, customer.id, group_id, [list(one) for one in add], remove)


def members(world: World, customer: Customer, group_id: str) -> list[User]:
    """List the users that hold a licence through a group."""
    everyone = users(world, customer).values()
    return [u for u in everyone if any(one.by_group == group_id for one in u.licences.values())]


def _group_changed(
    world: World, customer_id: str, group_id: str, add: list[list[Any]], remove: list[str]
) -> None:
    """Change each member; one for whom no seat is left says so in its own state."""
    customer = world.customers[customer_id]
    for user in members(world, customer, group_id):
        for sku_id in remove:
            held = user.licences.get(sku_id)
            if held is not None and held.by_group == group_id:
                del user.licences[sku_id]
                world.consumed[customer_id, sku_id] -= held.error == "None"
        for sku_id, disabled in add:
            pool = _pool(world, customer, sku_id)
            full = pool.consumed >= pool.enabled + pool.warning
            if sku_id not in user.licences:
                error = "CountViolation" if full else "None"
                user.licences[sku_id] = Licence(world.now, disabled, group_id, error)
                world.consumed[customer_id, sku_id] += not full
    for sku_id in [*remove, *(sku_id for sku_id, _ in add)]:
        world.note_seats(customer_id, sku_id)


def _pool(world: World, customer: Customer, sku_id: str) -> seats.Pool:
    pools = {pool.product.sku_id: pool for pool in seats.pools(world, customer.id)}
    if sku_id not in pools:
        raise Denied(400, _BAD, f"License {sku_id} does not correspond to a valid company License.")
    return pools[sku_id]


def _check_removal(user: User, sku_id: str) -> None:
    licence = user.licences.get(sku_id)
    if licence is None:
        raise Denied(400, _BAD, "User does not have a corresponding license.")
    if licence.by_group is not None:
        raise Denied(
            400,
            _BAD,
            "User license is inherited from a group membership and it cannot be removed directly "
            "from the user.",
        )


def _check_addition(world: World, customer: Customer, sku_id: str, *, kept: set[str]) -> None:
    pool = _pool(world, customer, sku_id)
    if sku_id not in kept and pool.consumed >= pool.enabled + pool.warning:
        raise Denied(
            400, _BAD, f"Subscription with SKU {sku_id} does not have any available licenses."
        )
    for other in kept - {sku_id}:
        clash = _clash(pool.product, by_sku_id().get(other))
        if clash:
            raise Denied(
                400,
                _BAD,
                f"License assignment failed because service plans {clash[0]} and {clash[1]} are "
                "mutually exclusive",
            )


def _clash(one: Product, other: Product | None) -> tuple[str, str] | None:
    """Find two mailbox plans that no user can have at once."""
    mine = _EXCHANGE & set(one.plans)
    theirs = _EXCHANGE & set(other.plans) if other else set()
    if mine and theirs and mine != theirs:
        return min(mine), min(theirs)
    return None


def _draw(world: World, customer: Customer) -> dict[str, User]:
    """Draw as many users as the seats in use need, plus one without licence and location."""
    rng = world.draw("users", customer.id)
    everyone: list[User] = []
    for pool in seats.pools(world, customer.id):
        sku_id, needed = pool.product.sku_id, world.consumed[customer.id, pool.product.sku_id]
        free = [user for user in everyone if not _blocked(user, pool.product)]
        while len(free) < needed:
            user = _user(world, customer, len(everyone), rng)
            everyone.append(user)
            free.append(user)
        for user in free[:needed]:
            user.licences[sku_id] = Licence(world.now)
    if everyone and rng.random() < 0.04:
        for licence in everyone[0].licences.values():
            licence.by_group = seeding.guid(world.seed, "licence group", customer.id)
    nobody = _user(world, customer, len(everyone), rng)
    nobody.usage_location = None
    return {user.id: user for user in sorted([*everyone, nobody], key=lambda user: user.id)}


def _blocked(user: User, product: Product) -> bool:
    held = (by_sku_id().get(sku_id) for sku_id in user.licences)
    return any(other is not None and _clash(product, other) for other in held)


def _user(world: World, customer: Customer, number: int, rng: Any) -> User:
    first, last = names.person(rng)
    return User(
        id=seeding.guid(world.seed, "user", customer.id, number),
        name=f"{first} {last}",
        principal=f"user{number}@{customer.domain}",
        usage_location=customer.market,
    )
