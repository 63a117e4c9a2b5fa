"""What a step works with: plan, ledger, service, clock; and outside writes made the one way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cspkit import channels, decisions
from cspkit.azure_billing import AzureBilling
from cspkit.blockers import READY
from cspkit.channels import Rule
from cspkit.clock import Clock, today
from cspkit.errors import ApiRefused, ApiUnavailable, ApiUnclear
from cspkit.graph import Graph, Relationship
from cspkit.ledger import Approval, Call, EndRow, Intent, Lease, Ledger, MoveRow, StepRow
from cspkit.moves.costs import Sheets
from cspkit.moves.providers import Providers
from cspkit.moves.reselling import Resellers
from cspkit.moves.stopping import Stop
from cspkit.partner_center import Customer, PartnerCenter
from cspkit.planning import Excess, Plan, PlannedMove, over_caps
from cspkit.settings import Settings
from cspkit.tables import EndState, Mode, MoveState, Step, StepState
from cspkit.wire import Wire

T = TypeVar("T")
NOTHING_HAPPENED = (401, 429)
RELATED = "reseller"
# Seconds that a look at a customer counts, for all its moves.
FRESH = 120.0
RELATIONSHIPS_PER_PAGE = 300


@dataclass(frozen=True)
class Read:
    """What was read of a customer, when, and how often its lease had been taken by then."""

    value: Any
    at: float
    fence: int | None


class Overtaken(Exception):
    """Another worker has the customer by now, or a hold is on: nothing was sent."""


@dataclass
class Desk:
    """Everything one run needs; `why_offline` says why a dry run reads nothing live."""

    settings: Settings
    plan: Plan
    mode: Mode
    clock: Clock
    partner_center: PartnerCenter
    graph: Graph
    holder: str
    run_id: str = ""
    why_offline: str = ""
    wires: tuple[Wire, ...] = field(default=(), repr=False)
    sheets: Sheets | None = field(default=None, repr=False)
    azure: AzureBilling | None = field(default=None, repr=False)
    ledger: Ledger = field(init=False, repr=False)
    crowd: int = field(default=1, init=False)
    stop: Stop = field(default_factory=Stop, init=False, repr=False)
    seconds: Callable[[], float] = field(default=time.monotonic, repr=False)
    _seen: dict[str, dict[str, Read]] = field(default_factory=dict, init=False, repr=False)

    @property
    def online(self) -> bool:
        """Say whether live state is read."""
        return not self.why_offline

    @property
    def by_hand(self) -> bool:
        """Say whether people do what a run would call for."""
        return self.settings.service.by_hand

    @property
    def today(self) -> date:
        """The day of the run, by the clock of its service."""
        return today(self.clock)

    @property
    def outbox(self) -> Path:
        """The folder that letters wait in."""
        return self.settings.reports / "outbox"

    @cached_property
    def customers(self) -> dict[str, Customer]:
        """The partner's customers, read once in a run."""
        return {one.id: one for one in self.partner_center.customers()}

    @cached_property
    def invitation_link(self) -> str:
        """The link that invites every customer, read once in a run."""
        if self.by_hand:
            return self.settings.service.invitation_link
        return self.partner_center.relationship_link()

    @cached_property
    def resellers(self) -> Resellers:
        """The indirect resellers of the partner, read once in a run where somebody has one."""
        if self.by_hand:
            return Providers(self.partner_center, self.said, self.settings)
        return Resellers(self.partner_center, self.said)

    @cached_property
    def said(self) -> dict[str, dict[str, Any]]:
        """What people decided about customers, by customer id; missing cells are empty."""
        rows = decisions.read(self.settings.decisions).customer_table.to_pylist()
        return {row["customer_id"]: row for row in rows}

    @cached_property
    def originals(self) -> dict[str, dict[str, Any]]:
        """What people decided about originals, by subscription id; missing cells are empty."""
        rows = decisions.read(self.settings.decisions).original_table.to_pylist()
        return {row["subscription_id"]: row for row in rows}

    @cached_property
    def planned(self) -> dict[str, list[PlannedMove]]:
        """The moves of the plan by customer id."""
        found: dict[str, list[PlannedMove]] = {}
        for move in self.plan.document.moves:
            found.setdefault(move.customer_id, []).append(move)
        return found

    @cached_property
    def excess(self) -> Excess:
        """Which caps of the settings the plan exceeds."""
        return over_caps(self.plan.document, self.settings.policy)

    @cached_property
    def approvals(self) -> list[Approval]:
        """Who approved the plan."""
        return self.ledger.approvals_of(self.plan.hash)

    @cached_property
    def held_originals(self) -> set[str]:
        """Originals that people put on hold in the decisions."""
        return {key for key, row in self.originals.items() if row["hold"]}

    def forget(self) -> None:
        """Drop what is read once in a run, before the next run at the same desk."""
        for name in ("customers", "_all_relationships", "approvals"):
            self.__dict__.pop(name, None)
        self._seen.clear()

    def relationships(self, customer_id: str) -> list[Relationship]:
        """List the GDAP relationships with a customer.

        The whole list is read once where that is fewer calls than asking for each customer.
        """
        pages = -(-len(self.customers) // RELATIONSHIPS_PER_PAGE)
        if self.crowd <= pages:
            return self.graph.relationships(customer_id)
        return [one for one in self._all_relationships if one.customer_id in ("", customer_id)]

    @cached_property
    def _all_relationships(self) -> list[Relationship]:
        return self.graph.relationships()

    def once(self, read: Callable[[str], T], customer_id: str) -> T:
        """Read something of a customer once, however many moves ask for it within FRESH seconds.

        It is read anew once this run or another one changed anything: see `begin_with`.
        """
        name = getattr(read, "__qualname__", repr(read))
        seen = self._seen.setdefault(customer_id, {})
        kept = seen.get(name)
        if kept is None or self.seconds() - kept.at > FRESH:
            fence, at = self.ledger.fence(customer_id, self.holder), self.seconds()
            kept = seen[name] = Read(read(customer_id), at, fence)
        found: T = kept.value
        return found

    def begin_with(self, lease: Lease) -> None:
        """Drop what was read of a customer if anybody else had its lease since, or has it still."""
        self._seen[lease.subject] = {
            name: replace(kept, fence=lease.fence)
            for name, kept in self._seen.get(lease.subject, {}).items()
            if kept.fence in (lease.fence - 1, lease.fence)
        }

    def related(self, customer_id: str) -> bool:
        """Say whether the customer has accepted us as their reseller."""
        if self.by_hand:
            return self.is_past(Step.RELATIONSHIP, customer_id)
        found = self.customers.get(customer_id)
        return found is not None and found.relationship == RELATED

    def is_past(self, step: Step, customer_id: str) -> bool:
        """Say whether a customer step is done by results in the ledger, or by the plan's exports.

        A plan names the first step that a customer still needs.
        """
        if self.ledger.step(customer_id, step).state is StepState.DONE:
            return True
        plan = self.plan.document.customers
        state = next((one.state for one in plan if one.customer_id == customer_id), "")
        order = [Step.RELATIONSHIP, Step.AGREEMENT, Step.ACCESS, READY]
        return state in order and order.index(state) > order.index(step)

    def hold(self, customer_id: str) -> str:
        """Say who put a customer on hold and why; empty when nobody did."""
        held = self.ledger.held(customer_id)
        if held is not None:
            return f"on hold since {held.held_at:%Y-%m-%d} by {held.by}: {held.reason}"
        return "on hold in the decisions" if self.said.get(customer_id, {}).get("hold") else ""

    def write(
        self,
        intent: Intent,
        lease: Lease,
        send: Callable[[str], T],
        *,
        repeatable: bool = False,
        changes: bool = True,
    ) -> T:
        """Make one outside write: its intent committed before, its outcome after.

        What was read of the customer is read anew afterwards, unless the call `changes` nothing.
        """
        self.check_stop()
        call = self.ledger.intend(intent, run_id=self.run_id, lease=lease, repeatable=repeatable)
        try:
            return self.settled(call, send)
        finally:
            if changes:
                # the next move is judged by what is left
                self._seen.pop(intent.customer_id, None)

    def move(
        self,
        row: MoveRow,
        after: MoveState,
        lease: Lease,
        *,
        reason: str = "",
        evidence: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> None:
        """Change the state of a move; raise Overtaken when it is not the one in `row` any more."""
        moved = self.ledger.advance(
            row.move_id,
            row.state,
            after,
            run_id=self.run_id,
            lease=lease,
            reason=reason,
            evidence=evidence,
            **columns,
        )
        if not moved:
            raise Overtaken

    def move_step(
        self,
        row: StepRow,
        after: StepState,
        lease: Lease,
        *,
        reason: str = "",
        evidence: dict[str, Any] | None = None,
    ) -> None:
        """Change the state of a customer step; raise Overtaken as `move` does."""
        about: dict[str, Any] = {"run_id": self.run_id, "lease": lease, "reason": reason}
        if not self.ledger.advance_step(row, after, evidence=evidence, **about):
            raise Overtaken

    def move_end(
        self,
        row: EndRow,
        after: EndState,
        lease: Lease,
        *,
        reason: str = "",
        evidence: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> None:
        """Change the state of the end of an original; raise Overtaken as `move` does."""
        about: dict[str, Any] = {"run_id": self.run_id, "lease": lease, "reason": reason}
        if not self.ledger.advance_end(row, after, evidence=evidence, **about, **columns):
            raise Overtaken

    def end(self, customer_id: str, original: str) -> EndRow:
        """Say how far the end of an original is; one that nobody minds yet is open."""
        found = self.ledger.end(customer_id, original)
        return found or EndRow(customer_id, original, EndState.OPEN)

    def ends(self, move: PlannedMove) -> list[EndRow]:
        """Say how far the ends of all originals of a move are, in their order."""
        return [self.end(move.customer_id, name) for name in move.subscription_ids]

    def rule(self, move: PlannedMove) -> Rule:
        """Find the rule that a move was planned by, with the values that it has now."""
        return channels.named(self._rules, move.rule)

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        return channels.rules(self.settings.channels)

    def check_stop(self) -> None:
        """Raise Overtaken when the run was asked to stop: before an intent, never after it."""
        if self.stop.reason:
            raise Overtaken

    def settled(self, call: Call | None, send: Callable[[str], T]) -> T:
        """Send a write whose intent is committed, and record what came of it."""
        if call is None:
            raise Overtaken
        try:
            result = send(call.request_id)
        except ApiRefused as error:
            nothing = error.status in NOTHING_HAPPENED
            self._record(call, "unsent" if nothing else "refused", error)
            raise
        except ApiUnavailable as error:
            self._record(call, "unsent", error)
            raise
        except ApiUnclear as error:
            self._record(call, "unclear", error)
            raise
        self.ledger.settle(call, "done")
        return result

    def _record(self, call: Call, outcome: str, error: Any) -> None:
        self.ledger.settle(call, outcome, status=error.status, code=error.code, detail=str(error))

    def close(self) -> None:
        """Close ledger and connections, however far the opening came."""
        if hasattr(self, "ledger"):
            self.ledger.close()
        for wire in self.wires:
            wire.close()
