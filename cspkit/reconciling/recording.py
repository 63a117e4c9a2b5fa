"""Write down what a comparison saw: in the ledger, and a letter where an original renewed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cspkit import letters
from cspkit.errors import LedgerError, SettingsError
from cspkit.ledger import EndRow, Lease, MoveRow
from cspkit.ledger.people import ACCEPTED
from cspkit.moves import posting
from cspkit.moves.desk import Desk
from cspkit.moves.holdings import Seen
from cspkit.moves.provisioning import claim_of
from cspkit.moves.rows import Subject
from cspkit.planning import Plan, PlannedCustomer
from cspkit.reconciling.comparing import Comparison
from cspkit.reconciling.differences import Accepted, Difference
from cspkit.reconciling.ending import (
    CURRENCY,
    EXTENDED,
    HOW,
    TERM,
    TO,
    TOLD,
    Verdict,
    by_hand,
)
from cspkit.reconciling.orders import FREEZABLE
from cspkit.reconciling.originals import Originals
from cspkit.tables import Channel, EndState, MoveState

LETTER = "renewed"


class Recorder:
    """Record one comparison in the run of a desk; `notes` say what could not be recorded."""

    def __init__(self, desk: Desk, plans: Iterable[Plan], facts: Originals) -> None:
        """Take the desk whose run is open, and the plans that know customers and moves."""
        self._desk = desk
        self._facts = facts
        self._plans = list(plans)
        self.notes: list[str] = []

    def accept(self, found: Iterable[Accepted]) -> None:
        """Keep who wants a difference as it is, and why, with all that was seen of it."""
        for one in found:
            about = one.difference
            detail = one.as_json() | {"fact": about.fact}
            which = {"customer_id": about.customer_id, "run_id": self._desk.run_id}
            self._desk.ledger.observe(ACCEPTED, about.subject, detail=detail, **which)

    def record(self, made: Comparison) -> None:
        """Keep every difference, freeze the moves that must not order, advance the ends."""
        for one in made.differences:
            self._desk.ledger.observe(
                "differs",
                one.subject,
                customer_id=one.customer_id,
                run_id=self._desk.run_id,
                detail=one.as_json(),
            )
            if one.freezes:
                self._freeze(one)
        for verdict in made.verdicts:
            self._end(verdict)

    def _freeze(self, one: Difference) -> None:
        """Let a move wait for a person, so that no run orders what was ordered already."""
        with self._leased(one.customer_id) as lease:
            row = self._row(one, lease) if lease else None
            if lease is None or row is None or row.state not in FREEZABLE:
                return
            self._try(
                f"{one.subject} was not stopped",
                lambda: self._desk.ledger.advance(
                    row.move_id,
                    row.state,
                    MoveState.HUMAN,
                    run_id=self._desk.run_id,
                    lease=lease,
                    reason=f"an order was seen that the ledger did not place: {one.freezes[0]}",
                    evidence={"candidates": list(one.freezes), "service": one.service},
                ),
            )

    def _row(self, one: Difference, lease: Lease) -> MoveRow | None:
        """Read a move, or take it from a plan where the ledger never heard of it."""
        row = self._desk.ledger.move(one.subject)
        if row is not None:
            return row
        for plan in self._plans:
            for move in plan.document.moves:
                if move.move_id == one.subject:
                    subject = Subject(move.move_id, self._customer(one.customer_id), move)
                    claim = claim_of(subject, plan.hash)
                    return self._desk.ledger.claim(claim, run_id=self._desk.run_id, lease=lease)
        return None

    def _end(self, verdict: Verdict) -> None:
        ledger, seen, wanted = self._desk.ledger, verdict.seen, verdict.row
        row = ledger.track_end(
            wanted.customer_id,
            wanted.original,
            expires_on=wanted.plan_expires_on,
            run_id=self._desk.run_id,
        )
        if row.state is not wanted.state:
            return
        if (verdict.after or verdict.again) and not self._written(row, verdict):
            return
        if seen is None:
            return
        at = self._desk.clock.now()
        ledger.see_end(row, seen_expires_on=seen.ends_on, at=at, run_id=self._desk.run_id)
        if EndState.RENEWED in (verdict.after, row.state) and verdict.after is not EndState.ENDED:
            self._tell(verdict)

    def _written(self, row: EndRow, verdict: Verdict) -> bool:
        after, ledger = verdict.after, self._desk.ledger
        with self._leased(row.customer_id) as lease:
            if lease is None:
                return False
            about: dict[str, Any] = {"run_id": self._desk.run_id, "lease": lease}
            about |= {"evidence": verdict.evidence, **verdict.columns}
            return self._try(
                f"the end of {row.original} was not recorded",
                lambda: (
                    ledger.note_end(row, **about)
                    if after is None
                    else ledger.advance_end(row, after, reason=verdict.reason, **about)
                ),
            )

    def _tell(self, verdict: Verdict) -> None:
        """Write to the customer once for each renewal, unless they are on hold.

        A paid month has a letter of its own, which the step that ends originals writes.
        """
        row, seen = verdict.row, verdict.seen
        facts = {**row.facts, **verdict.evidence}
        if seen is None or facts.get(HOW) == EXTENDED:
            return
        until = verdict.columns.get("cancel_until", row.cancel_until)
        bought = str(Channel.CSP_NCE if seen.sold else self._facts.channel(row.original))
        why_not = self._desk.hold(row.customer_id) or ("" if bought in TOLD else by_hand(bought))
        if until is not None and until <= self._desk.clock.now():
            why_not = f"it could be cancelled until {until:%Y-%m-%d}"
        cycle = f"{row.original}-{facts.get(TO) or seen.ends_on}"
        if self._desk.ledger.letter(row.customer_id, LETTER, cycle) is None and why_not:
            self.notes.append(f"no letter to {row.customer_id} about {row.original}: {why_not}")
        if why_not:
            return
        try:
            self._post(verdict, seen, facts, until, cycle)
        except (SettingsError, posting.NotPosted) as error:
            self.notes.append(f"no letter to {row.customer_id} about {row.original}: {error}")

    def _post(
        self,
        verdict: Verdict,
        seen: Seen,
        facts: Mapping[str, Any],
        until: datetime | None,
        cycle: str,
    ) -> None:
        row, ends = verdict.row, seen.ends_on or verdict.row.plan_expires_on
        product = self._facts.product(row.original, seen.sku_id)
        amount, today = facts.get(TERM), self._desk.today
        # Where nobody states a limit, the next day is the latest that is surely not too late.
        by = until.date() if until else today + timedelta(days=1)
        fields: dict[str, letters.Field] = {
            "originals": [letters.Licences(seen.seats or 0, product, ends)] if ends else [],
            "ended": row.plan_expires_on,
            "until": seen.ends_on,
            "by": by,
            "cost": letters.Price(Decimal(amount) if amount else None, facts.get(CURRENCY, "")),
        }
        about = Subject(row.customer_id, self._customer(row.customer_id))
        channel = Channel.CSP_NCE if seen.sold else self._facts.channel(row.original)
        posting.post(self._desk, about, LETTER, fields, cycle, channel=channel)

    def _customer(self, customer_id: str) -> PlannedCustomer:
        """Find a customer in the plans; one of no plan is known by Partner Center's list alone."""
        for plan in self._plans:
            for one in plan.customers:
                if one.customer_id == customer_id:
                    return one
        shown = self._desk.customers.get(customer_id)
        return PlannedCustomer(
            customer_id=customer_id,
            name=shown.name if shown else None,
            domain=shown.domain if shown else None,
            market=None,
            language=None,
            state="",
            invite_on=None,
            access_by=self._desk.today,
        )

    @contextmanager
    def _leased(self, customer_id: str) -> Iterator[Lease | None]:
        """Hold the customer's lease; None, and a note, while another worker has it."""
        ledger = self._desk.ledger
        lease = ledger.lease(customer_id, self._desk.holder)
        if lease.holder != self._desk.holder:
            self.notes.append(f"{lease.holder} works on {customer_id}: recorded by the next run")
            yield None
            return
        try:
            yield lease
        finally:
            ledger.release_lease(lease)

    def _try(self, what: str, write: Callable[[], bool]) -> bool:
        try:
            return write()
        except LedgerError as error:
            self.notes.append(f"{what}: {error}")
            return False
