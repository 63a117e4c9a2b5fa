"""Access: is the agreement there, and may we read and change licences in the tenant."""

from __future__ import annotations

from functools import partial

from cspkit import graph
from cspkit.errors import SettingsError
from cspkit.graph import ROLES, Assignment, Relationship
from cspkit.ledger import Intent, Lease
from cspkit.moves import agreeing, announcing, evidence, lasting
from cspkit.moves.desk import Desk
from cspkit.moves.inviting import note_related
from cspkit.moves.posting import post
from cspkit.moves.rows import Done, Look, Outcome, Subject
from cspkit.settings import FILE
from cspkit.tables import Mode, Step, StepState

LETTER = "access"
REHEARSAL_GROUP = "00000000-0000-4000-8000-0000000000aa"
THERE = "agreement and access are there"
NOT_RELATED = "the customer has not accepted the invitation yet"


class Access:
    """The customer steps `agreement` and `access`."""

    by = "access_by"
    about_moves = False

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk
        self._warnings: dict[str, str] = {}

    def look(self, one: Subject) -> Look:
        """Say which of agreement and access is still missing."""
        desk = self._desk
        missing = [
            step
            for step in (Step.AGREEMENT, Step.ACCESS)
            if desk.ledger.step(one.customer_id, step).state is not StepState.DONE
        ]
        state = desk.ledger.step(one.customer_id, Step.ACCESS).state
        if not missing:
            return Look(state, "nothing", THERE, Outcome.SKIPPED)
        if desk.online and not desk.related(one.customer_id):
            return Look(state, "wait", NOT_RELATED)
        would_do = "ask for access" if state is StepState.TO_DO else "look whether it is there"
        if Step.AGREEMENT in missing and desk.mode is Mode.DRY and desk.online:
            how = agreeing.agreed(desk, one.customer_id)
            if how:
                missing.remove(Step.AGREEMENT)
                would_do = f"note the agreement, {would_do}"
                rest = f"missing: {', '.join(missing)}; " if missing else ""
                return Look(state, would_do, f"{rest}the agreement is there: {how}")
        told, whole = agreeing.intended(desk, one.customer_id)
        if Step.AGREEMENT in missing and told:
            would_do = f"attest the agreement, {would_do}" if whole else would_do
            return Look(state, would_do, f"missing: {', '.join(missing)}; {told}")
        return Look(state, would_do, f"missing: {', '.join(missing)}")

    def act(self, one: Subject, lease: Lease) -> Done:
        """Note what is there and ask for what is not; nothing is asked for twice."""
        desk = self._desk
        before = desk.ledger.step(one.customer_id, Step.ACCESS).state
        if not desk.related(one.customer_id):
            return Done(before, before, Outcome.WAITING, NOT_RELATED)
        note_related(desk, one, lease)
        agreement = agreeing.settle(desk, one, lease)
        access = self._access(one, lease)
        after = desk.ledger.step(one.customer_id, Step.ACCESS).state
        proof = evidence.named(desk, one.customer_id) if access else None
        if proof is not None:
            file, on = proof
            self._warnings[one.customer_id] = f"{access}; until then {file} of {on} is looked at"
            access = ""
        unsaid = "" if agreement else announcing.days(desk, one)
        reason = "; ".join(wait for wait in (agreement, access) if wait)
        warning = "; ".join(filter(None, (self._warnings.pop(one.customer_id, ""), unsaid)))
        if reason:
            return Done(before, after, Outcome.WAITING, "; ".join(filter(None, (reason, warning))))
        return Done(before, after, Outcome.DONE, warning or THERE)

    def _access(self, one: Subject, lease: Lease) -> str:
        found = self._desk.relationships(one.customer_id)
        active = [each for each in found if each.status == "active" and _covers(each)]
        until = lasting.needed_until(self._desk, one.customer_id)
        if not active:
            return self._ask(one, found, lease)
        enough = [each for each in active if not lasting.too_short(each, until)]
        done = self._desk.ledger.step(one.customer_id, Step.ACCESS).state is StepState.DONE
        # one that lasts, beside one that does not, came later: it may not be in use yet
        if done and len(enough) in (0, len(active)):
            wait = ""
        else:
            wait = self._use(one, enough or active, lease)
        if wait or enough:
            return wait
        return self._outlast(one, found, lasting.longest(active), lease)

    def _outlast(
        self, one: Subject, found: list[Relationship], best: Relationship, lease: Lease
    ) -> str:
        """Make access last as long as the moves: extended, or asked for again in good time.

        What we asked for ourselves is not extended: the letter said how long it lasts at most.
        """
        until = lasting.needed_until(self._desk, one.customer_id)
        ends = f"{best.ends_at:%Y-%m-%d}" if best.ends_at else "never"
        what = f"the access ends on {ends}, before the moves are done on {until}"
        if not _is_ours(best, one) and lasting.extended(self._desk, one, best, lease):
            return ""
        if lasting.is_soon(best, self._desk.clock.now()):
            return f"{what}: {self._ask(one, found, lease)}"
        self._warnings[one.customer_id] = f"{what}: it is asked for again two months before"
        return ""

    def _ask(self, one: Subject, found: list[Relationship], lease: Lease) -> str:
        """Ask for access once; a request that was approved, ended or refused is followed by one."""
        mine = [each for each in found if _is_ours(each, one)]
        pending = next((each for each in mine if each.status == "approvalpending"), None)
        if any(each.status in ("approved", "activating") for each in mine):
            return "the access is approved and begins to work in some minutes"
        if pending is None:
            made = next((each for each in mine if each.status == "created"), None)
            made = made or self._create(one, len(mine) + 1, lease)
            self._lock(one, made, lease)
            pending = made
        days = graph.DURATION.strip("PD")
        cycle = pending.id if _number(pending, one) > 1 else ""
        post(self._desk, one, LETTER, {"link": pending.approval_link, "days": days}, cycle)
        self._move(one, StepState.ASKED, lease, f"relationship {pending.id}")
        return "the customer has not approved the access yet"

    def _use(self, one: Subject, active: list[Relationship], lease: Lease) -> str:
        """Find roles that already work, or have them assigned to our group."""
        held = [
            (relationship, assignment)
            for relationship in active
            if not self._is_new(one, relationship)
            for assignment in self._desk.graph.assignments(relationship.id)
            if _covers(assignment)
        ]
        working = [pair for pair in held if pair[1].status == "active"]
        if not held:
            self._assign(one, active[0], lease)
        if not working or not self._desk.graph.can_read(one.customer_id):
            return "the access is approved and begins to work in some minutes"
        relationship, assignment = working[0]
        ends = f"{relationship.ends_at:%Y-%m-%d}" if relationship.ends_at else "never"
        reason = f"relationship {relationship.id}, group {assignment.group_id}, ends {ends}"
        self._move(one, StepState.DONE, lease, reason)
        return ""

    def _is_new(self, one: Subject, relationship: Relationship) -> bool:
        """Say whether we made it and never sent an assignment for it: then it has none of ours."""
        calls = self._desk.ledger.calls
        made = _is_ours(relationship, one) and bool(calls(relationship.id, "gdap-lock"))
        return made and not calls(relationship.id, "gdap-assign")

    def _create(self, one: Subject, number: int, lease: Lease) -> Relationship:
        path = graph.relationships_path()
        body = graph.relationship_body(one.customer_id, _name(one.customer_id, number))
        intent = Intent(one.customer_id, one.customer_id, f"gdap-create-{number}", path, body)
        return self._desk.write(intent, lease, partial(self._desk.graph.create_relationship, body))

    def _lock(self, one: Subject, made: Relationship, lease: Lease) -> None:
        path, body = graph.requests_path(made.id), {"action": "lockForApproval"}
        intent = Intent(made.id, one.customer_id, "gdap-lock", path, body)
        self._desk.write(intent, lease, partial(self._desk.graph.lock_for_approval, path, body))

    def _assign(self, one: Subject, relationship: Relationship, lease: Lease) -> None:
        path, body = graph.assignments_path(relationship.id), graph.assignment_body(self._group())
        intent = Intent(relationship.id, one.customer_id, "gdap-assign", path, body)
        self._desk.write(intent, lease, partial(self._desk.graph.assign, path, body))

    def _group(self) -> str:
        settings = self._desk.settings
        if settings.service.access_group:
            return settings.service.access_group
        if self._desk.mode is Mode.REHEARSAL:
            return REHEARSAL_GROUP
        problem = "needed to use the access: the id of the partner's security group"
        raise SettingsError(settings.root / FILE, "service.access_group", problem)

    def _move(self, one: Subject, after: StepState, lease: Lease, reason: str) -> None:
        row = self._desk.ledger.step(one.customer_id, Step.ACCESS)
        if row.state is after:
            return
        self._desk.move_step(row, after, lease, reason=reason)


def _covers(what: Relationship | Assignment) -> bool:
    return set(ROLES) <= set(what.roles)


def _name(customer_id: str, number: int) -> str:
    """Name a relationship by the customer: names are unique, so a second request is refused."""
    return f"cspkit {customer_id}" + (f" {number}" if number > 1 else "")


def _is_ours(found: Relationship, one: Subject) -> bool:
    return found.name.startswith(_name(one.customer_id, 1))


def _number(found: Relationship, one: Subject) -> int:
    """Read which request of ours a relationship is."""
    rest = found.name.removeprefix(_name(one.customer_id, 1)).strip()
    return int(rest) if rest.isdecimal() else 1
