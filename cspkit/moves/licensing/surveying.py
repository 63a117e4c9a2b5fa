"""What a change of product means in one tenant: its users, its pools, what each would lose."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from cspkit.graph import Pool, State, User
from cspkit.ledger import MoveRow
from cspkit.moves.desk import Desk
from cspkit.moves.licensing import covering, losing
from cspkit.moves.licensing.covering import Asked, Change
from cspkit.planning import PlannedMove

USER_VERB, GROUP_VERB = "licences ", "group-licences "
# what Graph says of an assignment that it could not carry out
WRONG = {
    "countviolation": "no seat was left (CountViolation)",
    "mutuallyexclusiveviolation": "another licence excludes it (MutuallyExclusiveViolation)",
    "dependencyviolation": "it needs another licence (DependencyViolation)",
    "prohibitedinusagelocationviolation": "not in that place (ProhibitedInUsageLocationViolation)",
    "uniquenessviolation": "an address is taken already (UniquenessViolation)",
}
_NAMES = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Survey:
    """A tenant as it is now, and what one move changes in it."""

    row: MoveRow
    asked: Asked
    users: tuple[User, ...]
    pools: dict[str, Pool]
    rivals: tuple[str, ...] = ()

    @property
    def old(self) -> Pool | None:
        """The pool of the product that goes."""
        return self.pools.get(self.asked.old)

    @property
    def new(self) -> Pool | None:
        """The pool of the product that comes."""
        return self.pools.get(self.asked.new)

    @cached_property
    def changes(self) -> list[Change]:
        """What happens to each user that is still to be changed."""
        return covering.changes(covering.covered(self.users, self.asked), self.asked)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of those users."""
        return frozenset(one.user.id for one in self.changes)

    @cached_property
    def uncovered(self) -> list[User]:
        """Who holds the old licence and is not covered by the seats of this move."""
        return [one for one in covering.holders(self.users, self.asked) if one.id not in self.ids]

    @cached_property
    def groups(self) -> dict[str, list[User]]:
        """The groups that give the old licence to a covered user, with all who have it by them."""
        wanted = sorted({group for one in self.changes for group in one.groups})
        return {
            group: [user for user in self.users if group in user.groups(self.asked.old)]
            for group in wanted
        }

    @cached_property
    def losses(self) -> Counter[str]:
        """Count by name of a service plan the users who would lose it."""
        found: Counter[str] = Counter()
        if self.old is not None and self.new is not None:
            for one in self.changes:
                found.update(losing.lost(one.user, self.old, self.new, self.pools))
        return found

    @property
    def begun(self) -> list[User]:
        """The users whose change was sent, now or by an earlier run."""
        return [user for user in self.users if self.asked.is_begun(user)]

    def wrong(self) -> Counter[str]:
        """Count in words what the service could not do for users whose change was sent."""
        bad = (self._wrong(user) for user in self.begun)
        words = (state.error or state.state for state in bad if state is not None)
        return Counter(WRONG.get(word, word) for word in words)

    def _wrong(self, user: User) -> State | None:
        states = [one for one in user.states if one.sku_id == self.asked.new and one.is_wrong]
        return states[0] if states and not user.licence(self.asked.new) else None

    def summary(self) -> str:
        """Say in words who changes."""
        blocked = sum(not one.user.enabled for one in self.changes)
        inherited = sum(bool(one.groups) for one in self.changes)
        said = [f"{len(self.changes)} users from {self.asked.old} to {self.asked.new}"]
        if blocked:
            said.append(f"{blocked} of them shared or blocked")
        if inherited:
            said.append(f"{inherited} by {len(self.groups)} groups")
        if self.uncovered:
            said.append(f"{len(self.uncovered)} more hold the old one and keep it")
        return ", ".join(said)


def survey(desk: Desk, row: MoveRow, move: PlannedMove) -> Survey:
    """Read a tenant for a move; what is begun is known from the ledger."""
    named = _named(desk, row.customer_id, move)
    siblings = [
        other
        for other in desk.planned.get(row.customer_id, [])
        if other.sku_id == row.sku_id and other.move_id != row.move_id
    ]
    others = [_named(desk, row.customer_id, other) for other in siblings]
    rivals = {one.target_offer for one in siblings if one.target_sku_id != row.target_sku_id}
    asked = Asked(
        row.sku_id,
        row.target_sku_id,
        row.seats,
        named,
        frozenset[str]().union(*(one for one in others if one)),
        _sent(desk, row, USER_VERB),
        _sent(desk, row, GROUP_VERB),
    )
    users = tuple(desk.graph.users(row.customer_id))
    return Survey(row, asked, users, desk.graph.pools(row.customer_id), tuple(sorted(rivals)))


def _sent(desk: Desk, row: MoveRow, verb: str) -> frozenset[str]:
    calls = desk.ledger.calls(row.move_id, verb)
    return frozenset(call.verb.partition(" ")[2] for call in calls if call.outcome != "refused")


def _named(desk: Desk, customer_id: str, move: PlannedMove) -> frozenset[str] | None:
    """Read the users that people named for the originals of a move; None when nobody did."""
    rows = [desk.originals.get(key, {}) for key in move.subscription_ids]
    mine = [row for row in rows if row.get("customer_id") in (None, customer_id)]
    texts = [str(row["users"]) for row in mine if row.get("users")]
    names = {word.lower() for text in texts for word in _NAMES.split(text) if word}
    return frozenset(names) if names else None
