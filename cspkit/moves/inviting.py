"""Invite: one letter per customer, and afterwards a look whether they accepted."""

from __future__ import annotations

from datetime import timedelta

from cspkit import letters
from cspkit.errors import SettingsError
from cspkit.ledger import Lease
from cspkit.moves import reselling
from cspkit.moves.desk import Desk
from cspkit.moves.mailing import sends
from cspkit.moves.posting import compose, licences, post
from cspkit.moves.rows import Done, Look, Outcome, Subject
from cspkit.tables import Step, StepState

LETTER, REMINDER = "invitation", "reminder"
ANSWER_DAYS = 3
ACCEPTED = "the customer accepted us as their reseller"


class Invite:
    """The customer step `relationship`."""

    by = "invite_on"
    about_moves = False
    makes = "asked"

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk

    def look(self, one: Subject) -> Look:
        """Say whether the customer accepted, was asked, or has to be asked."""
        state = self._desk.ledger.step(one.customer_id, Step.RELATIONSHIP).state
        if self._desk.online and self._desk.related(one.customer_id):
            if state is StepState.DONE:
                return Look(state, "nothing", ACCEPTED, Outcome.SKIPPED)
            return Look(state, "note that they accepted", ACCEPTED)
        if state is not StepState.TO_DO:
            due = reminder_due(self._desk, one)
            would_do = "remind them" if due else "look whether they accepted"
            return Look(state, would_do, self._asked(one))
        try:
            text = compose(self._desk, one, LETTER, _asking(self._desk, one, "https://"))
        except SettingsError as error:
            return Look(state, "nothing", _incomplete(error), Outcome.SKIPPED)
        to = text.address or "nobody yet: no contact_email in the decisions"
        return Look(state, "write the invitation", f"to {to}")

    def act(self, one: Subject, lease: Lease) -> Done:
        """Write the letter once, a reminder when it is due, or note that the customer accepted."""
        desk = self._desk
        row = desk.ledger.step(one.customer_id, Step.RELATIONSHIP)
        if desk.related(one.customer_id):
            note_related(desk, one, lease)
            again = row.state is StepState.DONE
            return Done(row.state, StepState.DONE, Outcome.DONE, ACCEPTED, again=again)
        refused = desk.resellers.refusal(one.customer_id)
        if refused.startswith(reselling.UNKNOWN):
            return Done(row.state, row.state, Outcome.SKIPPED, refused)
        try:
            link = desk.resellers.link(one.customer_id, desk.invitation_link)
            asking = _asking(desk, one, link)
            letter = post(desk, one, LETTER, asking)
            if days := reminder_due(desk, one):
                remind(desk, one, asking, days)
        except SettingsError as error:
            return Done(row.state, row.state, Outcome.SKIPPED, _incomplete(error))
        if row.state is StepState.TO_DO:
            evidence = {"letter": letter.file}
            desk.move_step(row, StepState.ASKED, lease, evidence=evidence)
        state = StepState.ASKED if row.state is StepState.TO_DO else row.state
        return Done(row.state, state, Outcome.WAITING, self._asked(one))

    def _asked(self, one: Subject) -> str:
        asked = self._desk.ledger.step(one.customer_id, Step.RELATIONSHIP).asked_at
        since = f"since {asked:%Y-%m-%d}, " if asked else ""
        there = "was sent" if sends(self._desk.settings, self._desk.mode) else "is in the outbox"
        return f"the invitation {there} {since}not accepted yet"


def _asking(desk: Desk, one: Subject, link: str) -> dict[str, letters.Field]:
    """Ask for an answer by the day the plan needs it, or soon where that has gone by."""
    soon = desk.today + timedelta(days=ANSWER_DAYS)
    return {"link": link, "by": max(one.customer.access_by, soon)}


def reminder_due(desk: Desk, one: Subject) -> int:
    """Say which reminder is due, by its days after the question; 0 for none."""
    asked = desk.ledger.step(one.customer_id, Step.RELATIONSHIP).asked_at
    if asked is None:
        return 0
    gone = (desk.today - asked.date()).days
    return max(
        (days for days in desk.settings.letters.remind_after_days if days <= gone), default=0
    )


def remind(desk: Desk, one: Subject, asking: dict[str, letters.Field], days: int) -> None:
    """Write the reminder of a day; of several that fell due together the last is enough."""
    asked = desk.ledger.step(one.customer_id, Step.RELATIONSHIP).asked_at
    assert asked is not None
    mine = desk.planned.get(one.customer_id, [])
    about: dict[str, letters.Field] = {"asked_on": asked.date(), "originals": licences(mine)}
    post(desk, one, REMINDER, {**asking, **about}, f"{asked:%Y-%m-%d}-{days}")


def note_related(desk: Desk, one: Subject, lease: Lease) -> None:
    """Record that the relationship is there, however it came about."""
    row = desk.ledger.step(one.customer_id, Step.RELATIONSHIP)
    if row.state is StepState.DONE:
        return
    evidence = {"seen": "reseller in the list of customers"}
    desk.move_step(row, StepState.DONE, lease, reason=ACCEPTED, evidence=evidence)


def _incomplete(error: SettingsError) -> str:
    return f"{error}; fill it in the decisions"
