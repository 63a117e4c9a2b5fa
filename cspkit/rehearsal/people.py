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
# how many of the users are shared mailboxes or blocked, which hold licences like everybody
SHARED = 0.06
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
    had = service(user)
    for sku_id in remove:
        _take(world, customer, user, sku_id)
    for sku_id, disabled in add:
        _give(world, customer, user, sku_id, disabled)
    world.note_service(customer.id, user.id, had=had, has=service(user))
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


def service(user: User) -> set[str]:
    """Name what a user is served with now: any licence at all, and a mailbox."""
    works = {sku_id for sku_id, held in user.licences.items() if held.error == "None"}
    found = {"licence"} if works else set()
    plans = {plan for sku_id in works for plan in _plans(sku_id)}
    return found | ({"mailbox"} if plans & _EXCHANGE else set())


def known(sku_id: str) -> Product | None:
    """Find a product by its skuId."""
    return by_sku_id().get(sku_id)


def _plans(sku_id: str) -> tuple[str, ...]:
    found = known(sku_id)
    return found.plans if found else ()


def _take(world: World, customer: Customer, user: User, sku_id: str) -> None:
    held = user.licences[sku_id]
    if held.by_group is not None:
        held.own_disabled = None
        return
    del user.licences[sku_id]
    world.consumed[customer.id, sku_id] -= 1


def _give(world: World, customer: Customer, user: User, sku_id: str, disabled: list[str]) -> None:
    held = user.licences.get(sku_id)
    if held is not None and held.by_group is not None:
        held.own_disabled = disabled
        return
    if held is None:
        world.consumed[customer.id, sku_id] += 1
    user.licences[sku_id] = Licence(world.now, disabled)


def pool_of(world: World, customer: Customer, sku_id: str) -> seats.Pool:
    """Find the seats of a product in a tenant; raises Denied where there are none."""
    pools = {pool.product.sku_id: pool for pool in seats.pools(world, customer.id)}
    if sku_id not in pools:
        raise Denied(400, _BAD, f"License {sku_id} does not correspond to a valid company License.")
    return pools[sku_id]


def _check_removal(user: User, sku_id: str) -> None:
    licence = user.licences.get(sku_id)
    if licence is None:
        raise Denied(400, _BAD, "User does not have a corresponding license.")
    if licence.by_group is not None and licence.own_disabled is None:
        raise Denied(
            400,
            _BAD,
            "User license is inherited from a group membership and it cannot be removed directly "
            "from the user.",
        )


def _check_addition(world: World, customer: Customer, sku_id: str, *, kept: set[str]) -> None:
    pool = pool_of(world, customer, sku_id)
    if sku_id not in kept and pool.consumed >= pool.enabled + pool.warning:
        raise Denied(
            400, _BAD, f"Subscription with SKU {sku_id} does not have any available licenses."
        )
    for other in kept - {sku_id}:
        problem = clash(pool.product, known(other))
        if problem:
            raise Denied(
                400,
                _BAD,
                f"License assignment failed because service plans {problem[0]} and {problem[1]} "
                "are mutually exclusive",
            )


def clash(one: Product, other: Product | None) -> tuple[str, str] | None:
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
    shared = world.draw("shared mailboxes", customer.id)
    for user in everyone:
        user.enabled = shared.random() >= SHARED
    nobody = _user(world, customer, len(everyone), rng)
    nobody.usage_location = None
    return {user.id: user for user in sorted([*everyone, nobody], key=lambda user: user.id)}


def _blocked(user: User, product: Product) -> bool:
    held = (by_sku_id().get(sku_id) for sku_id in user.licences)
    return any(other is not None and clash(product, other) for other in held)


def _user(world: World, customer: Customer, number: int, rng: Any) -> User:
    first, last = names.person(rng)
    return User(
        id=seeding.guid(world.seed, "user", customer.id, number),
        name=f"{first} {last}",
        principal=f"user{number}@{customer.domain}",
        usage_location=customer.market,
    )
