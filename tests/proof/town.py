"""A town: many customers with one original each, for workers that are real processes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from cspkit import decisions, planning
from cspkit.clock import FixedClock
from cspkit.ledger import Ledger
from cspkit.planfile import PlanFile, PlannedBatch, PlannedCustomer, PlannedMove, move_id
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.world import World
from cspkit.settings import Paths, Service, Settings
from tests.proof import stage
from tests.proof.stage import ONE, SEATS, START


class Town:
    """The world of a town, and a workspace that can be worked from by any process."""

    def __init__(self, root: Path, size: int, *, seed: int, **options: Any) -> None:
        self.root = root
        self.world = World(seed=seed, now=START)
        for name, value in options.items():
            setattr(self.world.options, name, value)
        self.moves = [_move(number) for number in range(size)]
        for move in self.moves:
            self._settle(move)

    def open(self, url: str, ledger_url: str) -> Settings:
        """Write plan, decisions and an approval, for a rehearsal that is served at an address."""
        service = Service(partner_tenant=PARTNER_TENANT, partner_center=url, graph=f"{url}/graph")
        settings = Settings(root=self.root, service=service, paths=Paths(ledger=ledger_url))
        document = self._plan(service)
        document.write(self.root / "plan.json")
        typed = planning.accepted(
            self.moves,
            by="Carmen",
            on=date(2026, 11, 20),
            reference="mail of 20 November",
            price=Decimal("12.50"),
            currency="EUR",
        )
        decisions.fill(settings.decisions, originals=typed)
        with Ledger(settings.ledger_url, clock=FixedClock(START)) as ledger:
            ledger.bind(service.id)
            ledger.approve(document.hash, by="berta", made_by="ana")
        return settings

    def wrong(self, ledger: Ledger) -> list[str]:
        """Say of each move whether it has exactly its one order, which the ledger knows."""
        placed: dict[str, list[str]] = {}
        for entry in self.world.books.orders:
            placed.setdefault(entry["customer_id"], []).append(entry["order_id"])
        found = []
        for move in self.moves:
            row = ledger.move(move.move_id)
            known = [row.order_id] if row is not None and row.order_id else []
            orders = placed.get(move.customer_id, [])
            if len(orders) != 1 or known != orders:
                state = "unknown" if row is None else f"{row.state} {row.reason}"
                found.append(f"{move.move_id}: ordered {orders}, known {known}, {state}")
        return found + [str(one) for one in ledger.verify()]

    def _settle(self, move: PlannedMove) -> None:
        key = move.customer_id
        domain = f"c{key[:8]}.onmicrosoft.example"
        self.world.customers[key] = replace(
            stage._CUSTOMER, id=key, name=f"Town {key[:8]}", domain=domain, attestations=[]
        )
        (original,) = move.subscription_ids
        self.world.add(replace(stage._original(ONE, 0), id=original, customer_id=key))

    def _plan(self, service: Service) -> PlanFile:
        day = START.date()
        customers = [
            PlannedCustomer(
                customer_id=move.customer_id,
                name=self.world.customers[move.customer_id].name,
                domain=self.world.customers[move.customer_id].domain,
                market="ES",
                language="es",
                state="ready",
                invite_on=day,
                access_by=day,
            )
            for move in self.moves
        ]
        batch = PlannedBatch(
            batch="B001",
            date=day,
            moves=len(self.moves),
            seats=SEATS * len(self.moves),
            customers=len(self.moves),
        )
        return PlanFile(
            service=service.id,
            as_of=date(2026, 11, 20),
            start=day,
            policy={},
            moves=self.moves,
            batches=[batch],
            customers=customers,
            unplaced=[],
            savings=[],
            objective="proof",
            made_by="ana",
        ).sealed()


def _move(number: int) -> PlannedMove:
    customer = f"{number + 1:08x}-0000-4000-8000-000000000001"
    original = f"{number + 1:08x}-0000-4000-8000-00000000000b"
    name = move_id(customer, [original], 1)
    about = {"customer_id": customer, "subscription_ids": [original], "move_id": name}
    return stage._move(ONE, 0, SEATS).model_copy(update=about)
