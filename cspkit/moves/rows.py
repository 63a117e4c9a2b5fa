"""What a step says about one subject: before (look) and after (done); and the frames of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from cspkit import catalogue
from cspkit.planning import PlannedCustomer, PlannedMove

PREVIEW = ("subject", "customer_id", "name", "state", "would_do", "reason")
OUTCOMES = (
    *("subject", "customer_id", "name", "before", "after", "outcome", "reason", "request_id"),
)


class Outcome(StrEnum):
    """How one subject came out of one run."""

    DONE = "done"
    WAITING = "waiting"
    SKIPPED = "skipped"
    FAILED = "failed"
    HUMAN = "human"
    DRY = "dry"


def by_a_person(move_id: str, why: str) -> str:
    """Say why a move waits for a person, and the two commands with which one settles it."""
    absent = f"`cspkit confirm-absent {move_id}`"
    return f"{why}; a person settles it: `cspkit adopt {move_id} ORDER` or {absent}"


@dataclass(frozen=True)
class Subject:
    """What a step is about: a customer, or one move of a customer."""

    id: str
    customer: PlannedCustomer
    move: PlannedMove | None = None

    @property
    def customer_id(self) -> str:
        """The tenant id of the customer."""
        return self.customer.customer_id

    @property
    def name(self) -> str:
        """The customer's name for people."""
        return self.customer.name or ""

    @property
    def planned(self) -> PlannedMove:
        """The move, for steps that are about moves."""
        assert self.move is not None
        return self.move


@dataclass(frozen=True)
class Look:
    """What is, and what would be done. `stop` names the outcome when nothing would be."""

    state: str
    would_do: str
    reason: str = ""
    stop: Outcome | None = None


@dataclass(frozen=True)
class Done:
    """What came of one subject; `again` says that all of it was done before this run."""

    before: str
    after: str
    outcome: Outcome
    reason: str = ""
    request_id: str = ""
    again: bool = False


def acts(look: Look) -> bool:
    """Say whether a step would do something now."""
    return look.stop is None and look.would_do not in ("nothing", "wait")


def change(one: Subject, look: Look, makes: str = "") -> str:
    """Say what is and what would be; `makes` is the state that the step leads to."""
    now = f"{look.state}{_original(one)}"
    if not acts(look):
        return f"{one.id} {one.name}: {now} -> the same: {look.reason or look.would_do}"
    then = makes or look.would_do
    return f"{one.id} {one.name}: {now} -> {then}{', ' * bool(look.reason)}{look.reason}"


def _original(one: Subject) -> str:
    """Say what the originals of a move are; nothing for a customer."""
    if one.move is None:
        return ""
    known = catalogue.find(one.move.sku_id) if one.move.sku_id else None
    product = (known or {}).get("name") or one.move.sku_id or "of an unknown product"
    seats = one.move.original_seats or one.move.seats
    return f", {seats} × {product} until {one.move.expires_on}"


def preview(looks: Iterable[tuple[Subject, Look]]) -> pd.DataFrame:
    """Give one row per subject, with the columns of PREVIEW."""
    rows = [
        (one.id, one.customer_id, one.name, look.state, look.would_do, look.reason)
        for one, look in looks
    ]
    return pd.DataFrame(rows, columns=list(PREVIEW), dtype="str")


def outcomes(results: Iterable[tuple[Subject, Done]]) -> pd.DataFrame:
    """Give one row per subject, with the columns of OUTCOMES."""
    rows = [
        (
            *(one.id, one.customer_id, one.name, done.before, done.after),
            *(str(done.outcome), done.reason, done.request_id),
        )
        for one, done in results
    ]
    return pd.DataFrame(rows, columns=list(OUTCOMES), dtype="str")
