"""What plans and exports say of an original: its channel, its rule, its price."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from cspkit import catalogue, channels
from cspkit.money import CYCLES_IN_3_YEARS, CYCLES_IN_TERM, THREE_YEARS
from cspkit.planning import Plan, PlannedMove
from cspkit.settings import Settings

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Limit:
    """How long a renewal of a channel can be cancelled, and by whom."""

    days: int
    who: str


@dataclass(frozen=True)
class Price:
    """What an original costs a day, and for a whole term; None where nobody states it."""

    daily: Decimal | None = None
    term: Decimal | None = None
    currency: str = ""


class Originals:
    """Plans at hand, exports only when a price or a term is really asked for."""

    def __init__(self, settings: Settings, plans: Iterable[Plan]) -> None:
        """Take the settings of a workspace and the plans whose moves are carried out."""
        self._settings = settings
        self._planned = {
            original: move
            for plan in plans
            for move in plan.document.moves
            for original in move.subscription_ids
        }

    def planned(self, original: str) -> PlannedMove | None:
        """Return the move that a plan has for an original."""
        return self._planned.get(original)

    def rule(self, original: str) -> channels.Rule | None:
        """Return the rule by which an original was judged when it was planned."""
        move = self.planned(original)
        name = _plain(move.rule or "") if move else ""
        return next((rule for rule in self._rules if _plain(rule.name) == name), None)

    def channel(self, original: str) -> str:
        """Name the channel of an original; empty where nobody knows it."""
        rule = self.rule(original)
        return rule.channel.value if rule else str(self._row(original).get("channel") or "")

    def canceller(self, original: str) -> str:
        """Say who can cancel a renewal: partner, current_partner, or else the customer."""
        limit = limits().get(self.channel(original))
        return limit.who if limit else "customer"

    def product(self, original: str, sku_id: str = "") -> str:
        """Name an original for people."""
        move = self.planned(original)
        known = catalogue.find(sku_id or (move.sku_id if move else "") or "")
        named = str(known["name"]) if known and known.get("name") else ""
        return named or str(self._row(original).get("product") or original)

    def term(self, original: str) -> str:
        """Return the term that an original had, such as P1Y; empty where nobody says."""
        return str(self._row(original).get("term") or "")

    def price(self, original: str, seats: int | None, *, uplift: Decimal = Decimal(0)) -> Price:
        """Reckon the price of an original a day and a term, by its export; unknown stays so.

        `uplift` is what a paid month costs more, such as 0.03.
        """
        row = self._row(original)
        unit, currency, cycle = (row.get(k) for k in ("unit_price", "currency", "billing_cycle"))
        count = seats if seats is not None else row.get("seats")
        per_3_years = CYCLES_IN_3_YEARS.get(str(cycle))
        if unit is None or not currency or not count or per_3_years is None:
            return Price()
        whole = Decimal(str(unit)) * int(count)
        in_term = CYCLES_IN_TERM.get((str(row.get("term")), str(cycle)))
        daily = (whole * (1 + uplift) * per_3_years / THREE_YEARS).quantize(CENT)
        term = None if in_term is None else (whole * in_term).quantize(CENT)
        return Price(daily, term, str(currency))

    def _row(self, original: str) -> dict[str, Any]:
        return self._rows.get(original, {})

    @cached_property
    def _rules(self) -> tuple[channels.Rule, ...]:
        return channels.rules(self._settings.channels)

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        """Load the workspace's exports, once, and keep what is known of the planned originals."""
        folder = self._settings.exports
        if not folder.is_dir() or not any(path.is_file() for path in folder.rglob("*")):
            return {}
        from cspkit import exports

        loaded = exports.load(folder, partner_tenant=self._settings.service.partner_tenant)
        wanted = ("subscription_id", "channel", "product", "term", "billing_cycle", "seats")
        table = loaded.table("subscriptions").select(*wanted, "unit_price", "currency")
        return {row["subscription_id"]: row for row in table.to_pyarrow().to_pylist()}


def _plain(rule: str) -> str:
    """Name a rule without the mark that a workspace changed it."""
    return rule.removesuffix("+settings")


def cancel_until(channel: str, renewed: datetime) -> datetime | None:
    """Say until when a renewal can be cancelled by the rules of a channel; None: nobody says."""
    limit = limits().get(channel)
    if limit is None:
        return None
    begins = datetime.combine(renewed.date(), time(tzinfo=renewed.tzinfo))
    return begins + timedelta(days=limit.days)


@cache
def limits() -> dict[str, Limit]:
    """Read how long a renewal can be cancelled, by channel."""
    text = (files("cspkit.reconciling") / "cancelling.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["channel"]: Limit(int(row["days"]), row["who"]) for row in rows}


def plans_of(approved: Iterable[tuple[str, str]], settings: Settings, service: str) -> list[Plan]:
    """Read the plans that were approved from where they were then; what is gone is left out."""
    found: dict[str, Plan] = {}
    for plan_hash, path in approved:
        file = Path(path) if Path(path).is_absolute() else settings.path(path)
        if not path or plan_hash in found or not file.is_file():
            continue
        plan = _plan(file)
        if plan is not None and plan.hash == plan_hash and plan.document.service == service:
            found[plan_hash] = plan
    return list(found.values())


def _plan(file: Path) -> Plan | None:
    from cspkit.errors import CspkitError

    try:
        return Plan.read(file)
    except CspkitError:
        return None
