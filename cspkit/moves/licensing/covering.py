"""Which users a move is about, and what changes for each of them; nothing is read or written here.

Those who are begun come first, then users with a licence of their own, then the members of
groups, always by id. Where people named the users, it is those and no others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cspkit.graph import User

SWAP, TAKE, NOTHING = "swap", "take", ""


@dataclass(frozen=True)
class Change:
    """One user's change: `own` is what happens to their own licence, `groups` what they inherit.

    `take` only removes the old one: what replaces it is there, or comes with the group's change.
    """

    user: User
    own: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What a move is to do: from skuId to skuId, for how many, and who was named or is begun.

    `others` were named for other moves of the same product. None in `named`: nobody was named.
    """

    old: str
    new: str
    seats: int
    named: frozenset[str] | None = None
    others: frozenset[str] = frozenset()
    begun: frozenset[str] = frozenset()
    groups_begun: frozenset[str] = frozenset()

    def is_begun(self, user: User) -> bool:
        """Say whether an earlier pass sent the change of this user, or of a group they are in."""
        inherited = {*user.groups(self.old), *user.groups(self.new)} & self.groups_begun
        return user.id in self.begun or bool(inherited)


def holders(users: Iterable[User], asked: Asked) -> list[User]:
    """List who holds the old licence, in the order in which a move takes them."""
    found = [user for user in users if user.licence(asked.old)]
    if asked.named is None:
        found = [user for user in found if not called(user, asked.others)]
    else:
        found = [user for user in found if called(user, asked.named) or asked.is_begun(user)]
    return sorted(found, key=lambda one: (not asked.is_begun(one), one.groups(asked.old), one.id))


def room(users: Iterable[User], asked: Asked) -> int:
    """Count the seats of the move that nobody took over yet."""
    gone = sum(asked.is_begun(user) and not user.licence(asked.old) for user in users)
    return max(asked.seats - gone, 0)


def covered(users: Collection[User], asked: Asked) -> list[User]:
    """List the users who are still to be changed, at most as many as the move has seats left."""
    found = holders(users, asked)
    begun = sum(asked.is_begun(user) for user in found)
    return found[: max(room(users, asked), begun)]


def changes(users: Iterable[User], asked: Asked) -> list[Change]:
    """Say for each user what happens to their own licence and to what groups give them."""
    return [Change(user, _own(user, asked), user.groups(asked.old)) for user in users]


def _own(user: User, asked: Asked) -> str:
    if user.own(asked.old) is None:
        return NOTHING
    there = user.own(asked.new) or user.groups(asked.new) or user.groups(asked.old)
    return TAKE if there else SWAP


def called(user: User, names: Collection[str]) -> bool:
    """Say whether a user is meant by one of these ids or sign-in names."""
    return user.id.lower() in names or user.principal.lower() in names
