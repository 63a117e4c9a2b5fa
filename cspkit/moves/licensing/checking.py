"""What would stop a change of licences half-way: all of it is said before the first change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from cspkit.graph import User
from cspkit.moves.desk import Desk
from cspkit.moves.licensing import covering, losing
from cspkit.moves.licensing.covering import SWAP
from cspkit.moves.licensing.surveying import Survey
from cspkit.moves.rows import Outcome
from cspkit.names import person
from cspkit.planning import PlannedMove

SHOWN = 3
UNSIGNED, UNNAMED, NOWHERE = "lost_plans_unsigned", "users_unnamed", "usage_location_missing"
TOO_FEW, GROUP = "over_assignment", "group_by_hand"
SIGNATURE = "losses_accepted, losses_accepted_by and losses_accepted_on in decisions.xlsx"
Problem = tuple[str, Outcome]


def problems(desk: Desk, move: PlannedMove, found: Survey) -> list[Problem]:
    """List what is in the way, each with its code and what it makes of the move.

    Decisions that lack leave it alone (skipped), what is wrong in the tenant fails, what no call
    of ours can do goes to a person. Empty when every user can be changed.
    """
    row = found.row
    if not row.sku_id or not row.target_sku_id:
        why = "the skuId of the original or of the replacement is not known: plan again"
        return [(why, Outcome.FAILED)]
    if found.new is None:
        return [(f"the tenant shows no seats of {row.target_sku_id}", Outcome.WAITING)]
    return [
        *_choice(found),
        *_groups(found),
        *_places(found),
        *_room(found),
        *_losses(desk, move, found),
    ]


def _choice(found: Survey) -> Iterator[Problem]:
    asked = found.asked
    cell = "in decisions.xlsx (originals, users)"
    if asked.named is not None:
        unknown = sorted(
            name
            for name in asked.named
            if not any(
                covering.called(user, {name}) and (user.licence(asked.old) or asked.is_begun(user))
                for user in found.users
            )
        )
        if unknown:
            what = f"{len(unknown)} of those named hold no {asked.old}, first {unknown[0]!r}"
            yield f"{UNNAMED}: {what}: correct them {cell}", Outcome.SKIPPED
    if found.uncovered and (asked.named is not None or found.rivals):
        more = len(found.uncovered) + len(found.changes)
        why = f"{more} users are meant and the move has {asked.seats} seats"
        if asked.named is None:
            why += f", while others go to {', '.join(found.rivals)}: name who goes where"
        else:
            why += ": name fewer"
        yield f"{UNNAMED}: {why} {cell}", Outcome.SKIPPED


def _groups(found: Survey) -> Iterator[Problem]:
    """A group is moved as a whole, and only where each member gets the licence from it alone."""
    for group, members in found.groups.items():
        left = [user for user in members if user.id not in found.ids]
        if left:
            why = f"it gives the licence to {len(members)} users and this move covers"
            what = f"{GROUP}: group {group}: {why} {len(members) - len(left)}"
            yield f"{what}: change the group, or the seats, by hand", Outcome.HUMAN
    twice = [one.user for one in found.changes if len(one.groups) > 1]
    if twice:
        yield f"{GROUP}: {_who(twice)} from several groups: settle it by hand", Outcome.HUMAN
    richer = [one.user for one in found.changes if one.groups and _richer(one.user, found)]
    if richer:
        why = "from a group and, with more in it, as their own: settle it by hand"
        yield f"{GROUP}: {_who(richer)} {why}", Outcome.HUMAN


def _who(users: list[User]) -> str:
    some = ", ".join(user.id for user in users[:SHOWN])
    verb = "has" if len(users) == 1 else "have"
    return f"{len(users)} users ({some}{', ...' if len(users) > SHOWN else ''}) {verb} it"


def _richer(user: User, found: Survey) -> bool:
    """Say whether a user's own licence has enabled what that of the group has not."""
    own = user.own(found.asked.old)
    given = [one for one in user.states if one.sku_id == found.asked.old and one.group_id]
    return own is not None and any(one.disabled_plans - own.disabled_plans for one in given)


def _places(found: Survey) -> Iterator[Problem]:
    nowhere = [
        one.user
        for one in found.changes
        if (one.own == SWAP or one.groups) and not one.user.usage_location
    ]
    if nowhere:
        some = ", ".join(user.id for user in nowhere[:SHOWN])
        more = ", ..." if len(nowhere) > SHOWN else ""
        what = f"{len(nowhere)} users have no usage location: {some}{more}"
        yield f"{NOWHERE}: {what}; set it in the admin center", Outcome.FAILED


def _room(found: Survey) -> Iterator[Problem]:
    assert found.new is not None
    needed = sum(one.user.licence(found.asked.new) is None for one in found.changes)
    free = found.new.enabled - found.new.consumed
    if needed > free:
        what = f"{needed} users need the new licence, {max(free, 0)} are free"
        yield f"{TOO_FEW}: {what}; free seats or order more", Outcome.FAILED


def _losses(desk: Desk, move: PlannedMove, found: Survey) -> Iterator[Problem]:
    """Nobody loses an archive, a hold or a mailbox that the customer did not sign for."""
    said = desk.said.get(move.customer_id, {})
    rows = [desk.originals.get(key, {}) for key in move.subscription_ids]
    names = [said.get("contact_name"), *(row.get("consent_by") for row in rows)]
    why = unsigned(found.losses, said, [str(name) for name in names if name], desk.today)
    if why:
        yield f"{UNSIGNED}: {why}", Outcome.SKIPPED


def unsigned(
    losses: Mapping[str, int], said: Mapping[str, Any], speaks: Iterable[str], today: date
) -> str:
    """Say what a customer's signature for lost service plans lacks; empty when it is whole.

    `losses` counts users by plan, `said` is the customer's row of the decisions, and `speaks`
    names the people who speak for the customer: only they can sign.
    """
    if not losses:
        return ""
    signed = losing.accepted(said.get("losses_accepted"))
    left = {name: count for name, count in losses.items() if name.upper() not in signed}
    if left:
        what = f"up to {max(left.values())} users would lose {losing.in_words(left)}"
        return f"{what}; the customer signs {' '.join(sorted(losses))!r} in {SIGNATURE}"
    by, on = said.get("losses_accepted_by"), said.get("losses_accepted_on")
    if not by or on is None or on > today:
        return f"expected who signed for the losses, and a day until {today}: {SIGNATURE}"
    if person(str(by)) not in {person(name) for name in speaks}:
        who = "nobody that the decisions name for this customer (contact_name, consent_by)"
        return f"{str(by)!r} signed for the losses and is {who}"
    return ""
