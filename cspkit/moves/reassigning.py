"""Reassign: where the skuId changes, each user gets the new licence and loses the old at once."""

from __future__ import annotations

from cspkit.errors import ApiRefused, ApiUnavailable
from cspkit.graph import User
from cspkit.ledger import Lease, MoveRow
from cspkit.moves import delivery, evidence, licensing
from cspkit.moves.desk import Desk
from cspkit.moves.licensing import Survey
from cspkit.moves.rows import Done, Look, Outcome, Subject, by_a_person
from cspkit.planning import PlannedMove
from cspkit.tables import MoveState

SAME_OFFER = "same offer: nobody is reassigned"
NOT_VERIFIED = "the new seats are not verified yet"
_OVER = (MoveState.HUMAN, MoveState.REASSIGNED, MoveState.CLOSED, MoveState.UNDONE)
# what stops a move most comes first: a failure is tried again, a person is asked
_GRAVITY = (Outcome.FAILED, Outcome.HUMAN, Outcome.SKIPPED, Outcome.WAITING)


class Reassign:
    """Swap the licences of the users that a move is about."""

    by = "reassign_on"
    about_moves = True

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk

    def look(self, one: Subject) -> Look:
        """Say who would get the new licence, and everything that is in the way."""
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
        try:
            found = licensing.survey(self._desk, row, one.planned)
        except ApiRefused as error:
            if not evidence.is_closed(error):
                raise
            return Look(state, "read the customer's licence export", evidence.NO_ACCESS)
        stopped = self._stopped(one.planned, found)
        if stopped:
            why, outcome = stopped
            return Look(state, "nothing", f"{found.summary()}; {why}", outcome)
        return Look(state, "reassign", found.summary())

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
            told = "all users have the new licence"
            return Done(before, before, Outcome.DONE, told, again=True)
        if row is None or row.state is not MoveState.VERIFIED:
            return Done(before, before, Outcome.WAITING, NOT_VERIFIED)
        try:
            return self._reassign(row, one.planned, lease)
        except ApiUnavailable as error:
            if error.retry_after is None:
                raise
            return Done(before, before, Outcome.WAITING, str(error), error.request_id or "")

    def _reassign(self, row: MoveRow, move: PlannedMove, lease: Lease) -> Done:
        try:
            found = licensing.survey(self._desk, row, move)
        except ApiRefused as error:
            if not evidence.is_closed(error):
                raise
            return self._by_export(row, lease)
        stopped = self._stopped(move, found)
        if stopped:
            return Done(row.state, row.state, stopped[1], stopped[0])
        refused = licensing.change(self._desk, found, lease)
        return self._judge(row, found, licensing.survey(self._desk, row, move), refused, lease)

    def _stopped(self, move: PlannedMove, found: Survey) -> tuple[str, Outcome] | None:
        problems = licensing.problems(self._desk, move, found)
        if not problems:
            return None
        worst = min((outcome for _, outcome in problems), key=_GRAVITY.index)
        return "; ".join(why for why, _ in problems), worst

    def _judge(
        self, row: MoveRow, before: Survey, now: Survey, refused: list[str], lease: Lease
    ) -> Done:
        """Read back: every user that was covered has the new licence, and none has the old.

        A user that only the second reading shows, because the first list lacked one, counts too.
        """
        seen = before.ids | now.ids
        covered = [one for one in now.users if one.id in seen or now.asked.is_begun(one)]
        open_ones = [one for one in covered if not _changed(one, row)]
        if refused:
            more = f" ({len(refused)} refused in all)" if len(refused) > 1 else ""
            return Done(row.state, row.state, Outcome.FAILED, f"{refused[0]}{more}")
        wrong = now.wrong()
        if wrong:
            words = ", ".join(f"{word} for {count}" for word, count in sorted(wrong.items()))
            why = f"the directory could not give the new licence: {words}; settle it, run again"
            return Done(row.state, row.state, Outcome.FAILED, why)
        if open_ones:
            reason = f"{len(open_ones)} of {len(covered)} users are not through yet"
            if before.groups or now.asked.groups_begun:
                reason += ": members follow their group some minutes later"
            return Done(row.state, row.state, Outcome.WAITING, reason)
        told = self._told(before, len(covered))
        left = f", {len(now.uncovered)} keep the old licence" if now.uncovered else ""
        return self._done(row, lease, f"{len(covered)} users moved{left}", told)

    def _told(self, found: Survey, users: int) -> dict[str, object]:
        """Give what the ledger keeps: how many, by which groups, who signed for what is lost."""
        said = self._desk.said.get(found.row.customer_id, {})
        told: dict[str, object] = {"users": users, "groups": sorted(found.groups)}
        if found.losses:
            told |= {"lost": sorted(found.losses), "signed_by": said.get("losses_accepted_by")}
            told["signed_on"] = str(said.get("losses_accepted_on"))
        return told

    def _by_export(self, row: MoveRow, lease: Lease) -> Done:
        """Without access the customer changes the licences, and their export has to show it."""
        wait, proof = evidence.shows_users(self._desk, row)
        if wait or proof is None:
            return Done(row.state, row.state, Outcome.WAITING, wait)
        reason = f"changed by the customer, by {proof.as_text}"
        return self._done(row, lease, reason, proof.as_detail)

    def _done(self, row: MoveRow, lease: Lease, reason: str, told: dict[str, object]) -> Done:
        self._desk.move(row, MoveState.REASSIGNED, lease, reason=reason, evidence=told)
        return Done(row.state, MoveState.REASSIGNED, Outcome.DONE, reason)


def _changed(user: User, row: MoveRow) -> bool:
    return user.licence(row.target_sku_id) is not None and user.licence(row.sku_id) is None
