"""Reassign: where the skuId changes, each user gets the new licence and loses the old at once."""

from __future__ import annotations

from functools import partial

from cspkit import graph
from cspkit.errors import ApiUnclear
from cspkit.graph import Pool, User
from cspkit.ledger import Intent, Lease, MoveRow
from cspkit.moves import delivery
from cspkit.moves.desk import Desk, Overtaken
from cspkit.moves.rows import Done, Look, Outcome, Subject, by_a_person
from cspkit.tables import MoveState

SAME_OFFER = "same offer: nobody is reassigned"
NOT_VERIFIED = "the new seats are not verified yet"
VERB = "licences"
_OVER = (MoveState.HUMAN, MoveState.REASSIGNED, MoveState.CLOSED, MoveState.UNDONE)


class Reassign:
    """Swap the licences of the users that a move is about."""

    by = "reassign_on"
    about_moves = True
    makes = "reassigned"

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk

    def look(self, one: Subject) -> Look:
        """Say how many users would get the new licence."""
        row = self._desk.ledger.move(one.id)
        state = row.state if row else MoveState.PLANNED
        if one.planned.same_offer:
            return Look(state, "nothing", SAME_OFFER, Outcome.SKIPPED)
        if row is not None and row.state in _OVER:
            return delivery.standing(row)
        if row is None or row.state is not MoveState.VERIFIED:
            return Look(state, "wait", NOT_VERIFIED)
        if not self._desk.online:
            return Look(state, "reassign", f"live state was not read: {self._desk.why_offline}")
        users = self._waiting_users(row)
        return Look(state, "reassign", f"{len(users)} users from {row.sku_id}")

    def act(self, one: Subject, lease: Lease) -> Done:
        """Reassign user by user; a run that was cut off goes on with the users that are left."""
        row = self._desk.ledger.move(one.id)
        before = row.state if row else MoveState.PLANNED
        if one.planned.same_offer:
            return Done(before, before, Outcome.SKIPPED, SAME_OFFER)
        if row is not None and row.state is MoveState.HUMAN:
            why = by_a_person(row.move_id, row.reason)
            return Done(before, before, Outcome.HUMAN, why)
        if row is not None and row.state is MoveState.UNDONE:
            return Done(before, before, Outcome.SKIPPED, delivery.UNDONE)
        if row is not None and row.state in (MoveState.REASSIGNED, MoveState.CLOSED):
            return Done(before, before, Outcome.DONE, "all users have the new licence")
        if row is None or row.state is not MoveState.VERIFIED:
            return Done(before, before, Outcome.WAITING, NOT_VERIFIED)
        return self._reassign(row, lease)

    def _reassign(self, row: MoveRow, lease: Lease) -> Done:
        users = self._waiting_users(row)
        pool = self._desk.graph.pools(row.customer_id).get(row.target_sku_id)
        problem, outcome = _problem(row, users, pool)
        if problem:
            return Done(row.state, row.state, outcome, problem)
        assert pool is not None
        for user in users:
            self._swap(row, user, pool, lease)
        left = self._waiting_users(row)
        if left:
            reason = f"{len(left)} of {len(users)} users still have the old licence"
            return Done(row.state, row.state, Outcome.WAITING, reason)
        if not self._desk.ledger.advance(
            row.move_id,
            MoveState.VERIFIED,
            MoveState.REASSIGNED,
            run_id=self._desk.run_id,
            lease=lease,
            evidence={"users": len(users)},
        ):
            raise Overtaken
        return Done(row.state, MoveState.REASSIGNED, Outcome.DONE, f"{len(users)} users moved")

    def _waiting_users(self, row: MoveRow) -> list[User]:
        """List the users still to move: those of the old licence, at most the move's seats."""
        calls = self._desk.ledger.calls(row.move_id, f"{VERB} ")
        sent = {call.verb.partition(" ")[2] for call in calls if call.outcome != "refused"}
        users = [
            user for user in self._desk.graph.users(row.customer_id) if user.licence(row.sku_id)
        ]
        users.sort(key=lambda user: (user.id not in sent, user.id))
        begun = sum(user.id in sent for user in users)
        return users[: max(row.seats - len(sent), 0) + begun]

    def _swap(self, row: MoveRow, user: User, pool: Pool, lease: Lease) -> None:
        """Change one user; after an unclear answer only a look tells, and a look follows."""
        old = user.licence(row.sku_id)
        kept = sorted(old.disabled_plans & pool.plans) if old else []
        path = graph.licences_path(user.id)
        body = graph.licences_body(row.target_sku_id, kept, row.sku_id)
        intent = Intent(row.move_id, row.customer_id, f"{VERB} {user.id}", path, body)
        try:
            self._desk.write(
                intent,
                lease,
                partial(self._desk.graph.change_licences, row.customer_id, path, body),
                repeatable=True,
            )
        except ApiUnclear:
            return


def _problem(row: MoveRow, users: list[User], pool: Pool | None) -> tuple[str, Outcome]:
    """Find what would stop half-way, before the first user is changed."""
    if not row.sku_id or not row.target_sku_id:
        return "the skuId of the original or of the replacement is not known", Outcome.FAILED
    if pool is None:
        return f"the tenant shows no seats of {row.target_sku_id}", Outcome.WAITING
    by_group = [user.id for user in users if (old := user.licence(row.sku_id)) and old.by_group]
    if by_group:
        advice = "move the group's assignment by hand, then run again"
        return f"{len(by_group)} users have the licence from a group: {advice}", Outcome.HUMAN
    nowhere = [user.id for user in users if not user.usage_location]
    if nowhere:
        return f"user {nowhere[0]} has no usage location ({len(nowhere)} in all)", Outcome.FAILED
    needed = sum(user.licence(row.target_sku_id) is None for user in users)
    free = pool.enabled - pool.consumed
    if needed > free:
        return f"{needed} users need the new licence, {free} are free", Outcome.FAILED
    return "", Outcome.DONE
