"""The figures of the report, from plan, ledger and exports: the one place they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cspkit import collecting, tables
from cspkit import decisions as workbook
from cspkit.policy import Workdays
from cspkit.reporting import asking, changes, figures, grouping, outlook, receipts, waiting
from cspkit.reporting.figures import STEPS, Progress, Row, Standing, records
from cspkit.tables import Step, StepState

if TYPE_CHECKING:
    from cspkit.exports import Exports
    from cspkit.ledger import Ledger
    from cspkit.planning import Plan
    from cspkit.settings import Settings

# The gravest standing among its moves is the standing of a customer.
GRAVITY = (
    Standing.AT_RISK,
    Standing.BLOCKED,
    Standing.WAITING,
    Standing.UNDER_WAY,
    Standing.MOVED,
)


@dataclass(frozen=True)
class Status:
    """Where a plan stands on one day. Frames hold codes; the page finds the words.

    `moves`: one row per move, placed or not: columns of tables.MOVES, name, state, standing,
    why, who, and the lifecycle rule that decided. `customers`: one row per customer: standing,
    why, who, moves, seats, next_expiration and its rule, the three steps, exposure.
    `standings`, `funnel`: moves, seats, customers.
    `weeks`: seats that expire, by standing. `money`: per currency, and in seat days where no
    price is known. `blockers`: moves without a day, by what is in the
    way. `batches`: moves by standing. `runs`: newest first, with their receipts. `sources`:
    row counts, by format. `burndown`, `forecast`: outlook. `invitations`, `ages`,
    `paying_twice`, `coming`, `resellers`: waiting. `consents`, `letters`, `ends`,
    `reseller_money`, `standing_money`: asking. `changes`: since the report of
    `changed_since`. `kept`: the folder of snapshots.
    """

    as_of: date
    plan_hash: str
    service: str
    made_by: str
    made_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    moves: pd.DataFrame
    customers: pd.DataFrame
    standings: pd.DataFrame
    funnel: pd.DataFrame
    weeks: pd.DataFrame
    money: pd.DataFrame
    blockers: pd.DataFrame
    batches: pd.DataFrame
    runs: pd.DataFrame
    sources: pd.DataFrame
    burndown: pd.DataFrame
    forecast: Row
    invitations: pd.DataFrame
    ages: pd.DataFrame
    paying_twice: pd.DataFrame
    coming: pd.DataFrame
    resellers: pd.DataFrame
    reseller_money: pd.DataFrame
    standing_money: pd.DataFrame
    consents: pd.DataFrame
    letters: pd.DataFrame
    ends: pd.DataFrame
    changes: pd.DataFrame
    changed_since: date | None
    kept: Path

    def count(self, standing: str, what: str = "moves") -> int:
        """Return how many moves, seats or customers have one standing."""
        return int(self.standings.set_index("standing")[what].get(str(standing), 0))

    def total(self, what: str = "moves") -> int:
        """Return how many moves or seats there are."""
        return int(self.standings[what].sum())

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Give the figures that page, workbook and `cspkit status` share, by name.

        Moves, seats and customers by standing and by stage; originals and customers by end.
        """
        found: dict[str, dict[str, dict[str, int]]] = {}
        for name, frame in (
            ("standings", self.standings),
            ("stages", self.funnel),
            ("ends", self.ends),
        ):
            key = str(frame.columns[0])
            found[name] = {
                str(row.pop(key)): {what: int(number) for what, number in row.items()}
                for row in records(frame)
            }
        return found

    def customers_at(self, standing: str) -> pd.DataFrame:
        """Return the customers of one standing, the nearest end first."""
        return self.customers[self.customers["standing"] == str(standing)]

    @property
    def open_batches(self) -> pd.DataFrame:
        """Return the batches that still have a move to order, in the order of their days."""
        open_moves = self.batches[Standing.WAITING] + self.batches[Standing.AT_RISK]
        return self.batches[open_moves > 0]

    @property
    def next_batch(self) -> Row | None:
        """Return the next batch from today on that has a move to order."""
        ahead = [row for row in records(self.open_batches) if row["date"] >= self.as_of]
        return ahead[0] if ahead else None

    @property
    def ledger_head(self) -> str:
        """Return the last hash of the newest run in the ledger: an anchor against edits."""
        heads = [row["chain_head"] for row in records(self.runs) if row["chain_head"]]
        return str(heads[0]) if heads else ""


@collecting.rested()
def status(
    *, plan: Plan, ledger: Ledger, exports: Exports, as_of: date, settings: Settings
) -> Status:
    """Work out where a plan stands on a day; reads only."""
    from cspkit import judging

    progress = _progress(plan, ledger)
    placed, unplaced = records(plan.moves), records(plan.unplaced)
    moves = figures.judge_moves(placed, unplaced, progress, as_of, settings.policy)
    people = {row["customer_id"]: row for row in records(exports.customers)}
    judged = judging.judge(exports, as_of=as_of, settings=settings)
    facts = judged.select(
        "customer_id", "subscription_id", "product", "exposure", "currency", "rule"
    )
    originals = {
        (row["customer_id"], row["subscription_id"]): row
        for row in judging.fetch(facts).to_pylist()
    }
    for move in moves:
        move["name"] = people.get(move["customer_id"], {}).get("name") or move["customer_id"]
        own = _originals(move, originals)
        move["exposures"] = [(row["currency"], row["exposure"]) for row in own]
        move["product"] = ", ".join(sorted({row["product"] or "" for row in own} - {""}))
        move["rule"] = " ".join(sorted({row["rule"] for row in own}))
    customers = _customers(moves, people, progress)
    approval = ledger.approval(plan.hash)
    times = _times(ledger)
    outlook.done_on(moves, times["verified_at"], times["reassigned_at"])
    for move in moves:
        move["past"] = _past(move, progress)
    with_day = [move for move in moves if move["batch"]]
    asked = waiting.invitations(customers, _asked(ledger), as_of)
    kept_runs = records(receipts.read(settings.reports))
    resellers, said = _decided(settings)
    saved = {move.move_id: move.saved for move in plan.document.moves}
    names = {row["customer_id"]: row["name"] for row in customers}
    kept = settings.reports / changes.FOLDER
    before = changes.latest(kept, as_of, settings.service.id)
    return Status(
        as_of=as_of,
        plan_hash=plan.hash,
        service=settings.service.id,
        made_by=plan.document.made_by or "",
        made_at=plan.document.made_at,
        approved_by=approval.by if approval else "",
        approved_at=approval.approved_at if approval else None,
        moves=_frame(moves, MOVES),
        customers=_frame(customers, CUSTOMERS),
        standings=pd.DataFrame(figures.standings(moves)),
        funnel=pd.DataFrame(figures.funnel(moves, progress)),
        weeks=_frame(figures.weeks(moves, as_of), ["when", "week", *map(str, Standing), "seats"]),
        money=_frame(_money(moves, records(plan.savings)), MONEY),
        blockers=_frame(grouping.blockers(moves), BLOCKERS),
        batches=_frame(grouping.batches(moves, records(plan.batches)), BATCHES),
        runs=_frame(grouping.runs(records(ledger.runs()), kept_runs), RUNS),
        sources=_frame(grouping.sources(records(exports.files)), SOURCES),
        burndown=_frame(outlook.burndown(with_day, as_of), ["day", "planned", "left"]),
        forecast=outlook.forecast(with_day, as_of, seed=int(plan.hash[:8], 16)),
        invitations=_frame(asked, INVITATIONS),
        ages=_frame(waiting.ages(asked), ["upto", "above", "customers", "seats"]),
        paying_twice=_frame(waiting.paying_twice(moves, times["ordered_at"], as_of), TWICE),
        coming=_frame(
            waiting.coming_days(moves, Workdays(settings.policy), as_of),
            ["day", *waiting.DUE, "seats"],
        ),
        resellers=_frame(waiting.resellers(moves, resellers), RESELLERS),
        standing_money=_frame(asking.standing_money(moves, saved), STANDING_MONEY),
        reseller_money=_frame(asking.reseller_money(moves, resellers, saved), RESELLER_MONEY),
        consents=_frame(asking.consents(moves, plan, said, as_of), CONSENTS),
        letters=_frame(asking.letters(ledger, names), LETTERS),
        ends=_frame(asking.ends(moves, ledger), ["end", "originals", "customers"]),
        changes=_frame(changes.compare(before, moves), ["before", "now", "moves", "seats"]),
        changed_since=before.as_of if before else None,
        kept=kept,
    )


MOVES = [
    *("standing", "state", "why", "who", "name", *tables.MOVES.names),
    *("product", "rule", "would_fit"),
]
CUSTOMERS = [
    *("customer_id", "name", "market", "standing", "why", "who", "reason", "moves", "seats"),
    *("next_expiration", "rule", *map(str, STEPS), "exposure", "currency"),
]
MONEY = ["unit", "moves", "stand_in_prices", "planned", "everyone_first_day", "saved", "at_risk"]
BLOCKERS = [
    *("code", "who", "reason", "would_fit", "moves", "seats", "customers", "first_expiration"),
]
INVITATIONS = [
    *("customer_id", "name", "market", "asked_on", "days", "next_expiration", "seats"),
]
TWICE = [
    *("customer_id", "name", "move_id", "product", "seats", "since", "until", "days_left"),
    *("overlap_cost", "currency"),
]
RESELLERS = ["reseller_id", "moves", "seats", "customers", *map(str, Standing)]
STANDING_MONEY = ["standing", "currency", "paid_twice", "saved", "at_risk"]
RESELLER_MONEY = ["reseller_id", "currency", "paid_twice", "saved", "at_risk"]
CONSENTS = ["customer_id", "name", "missing", "moves", "seats", "first_order"]
LETTERS = ["customer_id", "name", "letter", "since", "mail", "error"]
SOURCES = ["profile", "files", "read", "accepted", "rejected", "set_aside"]
BATCHES = ["batch", "date", "moves", "seats", "customers", *map(str, Standing)]
RUNS = [
    *("run_id", "step", "mode", "batch", "due", "by", "started", "ended", "status"),
    *("counts", "error", "chain_head", "receipt"),
]


def _frame(rows: list[Row], columns: list[str]) -> pd.DataFrame:
    """Make a frame that keeps plain values and has its columns also when it has no row."""
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _progress(plan: Plan, ledger: Ledger) -> Progress:
    steps = records(ledger.steps())
    return Progress(
        moves={row["move_id"]: row["state"] for row in records(ledger.moves())},
        steps={(row["customer_id"], row["step"]): row["state"] for row in steps},
        needs={customer.customer_id: customer.state for customer in plan.customers},
    )


def _times(ledger: Ledger) -> dict[str, dict[str, date]]:
    """Find the day on which each move was ordered, verified, reassigned."""
    rows = records(ledger.moves())
    names = ("ordered_at", "verified_at", "reassigned_at")
    return {name: {row["move_id"]: row[name].date() for row in rows if row[name]} for name in names}


def _asked(ledger: Ledger) -> dict[str, date]:
    return {
        row["customer_id"]: row["asked_at"].date()
        for row in records(ledger.steps())
        if row["step"] == Step.RELATIONSHIP and row["asked_at"]
    }


def _past(move: Row, progress: Progress) -> set[str]:
    """Name what need not be done any more for a move that waits."""
    customer = move["customer_id"]
    asked = progress.step(customer, Step.RELATIONSHIP) != StepState.TO_DO
    ready = progress.ready(customer)
    return {name for name, past in (("invite", asked), ("access", ready)) if past}


def _decided(settings: Settings) -> tuple[dict[str, str], dict[str, Row]]:
    """Read who resells to each customer, and what was said of each original, by id."""
    said = workbook.read(settings.decisions)
    resellers = {
        row["customer_id"]: row["reseller_id"] or ""
        for row in said.customer_table.select(["customer_id", "reseller_id"]).to_pylist()
    }
    return resellers, {row["subscription_id"]: row for row in said.original_table.to_pylist()}


def _customers(moves: list[Row], people: Mapping[str, Row], progress: Progress) -> list[Row]:
    """Sum up each customer by the gravest of its moves, the nearest end first."""
    by_customer: dict[str, list[Row]] = {}
    for move in moves:
        by_customer.setdefault(move["customer_id"], []).append(move)
    rows = []
    for customer_id, own in by_customer.items():
        worst = min(own, key=lambda move: (GRAVITY.index(move["standing"]), grouping.end_of(move)))
        exposed = _exposed(own)
        rows.append(
            {
                "customer_id": customer_id,
                "name": worst["name"],
                "market": people.get(customer_id, {}).get("market"),
                "standing": str(worst["standing"]),
                "why": worst["why"],
                "who": worst["who"],
                "reason": None if worst["batch"] else worst["reason"],
                "moves": len(own),
                "seats": figures.seats(own),
                "next_expiration": worst["expires_on"],
                "rule": worst["rule"],
                **{str(step): str(progress.step(customer_id, step)) for step in STEPS},
                "exposure": next(iter(exposed.values())) if len(exposed) == 1 else None,
                "currency": " ".join(exposed),
            }
        )
    return sorted(rows, key=lambda row: (row["next_expiration"] or date.max, row["customer_id"]))


def _originals(move: Row, judged: Mapping[tuple[str, str], Row]) -> list[Row]:
    """List the judged originals of a move."""
    keys = [(move["customer_id"], one) for one in str(move["subscription_ids"]).split()]
    return [judged[key] for key in keys if key in judged]


def _exposed(moves: Iterable[Row]) -> dict[str, Decimal]:
    """Add up, per currency, what the moves at risk would commit by renewing once more."""
    sums: dict[str, Decimal] = {}
    for move in moves:
        for currency, amount in move["exposures"]:
            if move["standing"] == Standing.AT_RISK and currency and amount is not None:
                sums[currency] = sums.get(currency, Decimal(0)) + amount
    return dict(sorted(sums.items()))


def _money(moves: Iterable[Row], savings: Iterable[Row]) -> list[Row]:
    """Put what the plan saves beside what a missed renewal would commit, per currency."""
    rows = {row["unit"]: {**row, "at_risk": None} for row in savings}
    for currency, amount in _exposed(moves).items():
        rows.setdefault(currency, {"unit": currency})["at_risk"] = amount
    # Currencies are written in capitals, so that seat days come after them.
    return [rows[unit] for unit in sorted(rows)]
