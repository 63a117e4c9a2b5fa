"""How customers and other partners answer our letters about ends, and what we type of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from cspkit import decisions
from cspkit.moves.desk import Desk
from cspkit.rehearsal.world import World

RENEWALS = ("renewal-off", "partner")
KINDS = (*RENEWALS, "end-at-term", "partner-end")
CUSTOMER = "a rehearsed customer"
CANCEL = {"scheduleType": "TermEnd", "actionType": "Cancel"}
Cells = dict[str, Any]


class Answers:
    """The post between our letters and the decisions: who reads one does what it asks, or never.

    `typed` are the cells that operators have typed so far, by original.
    """

    def __init__(self, desk: Desk, world: World) -> None:
        """Stand between a desk and a world."""
        self._desk, self._world = desk, world
        self._carried: set[tuple[str, str, str]] = set()
        self._arrived: dict[str, Cells] = {}
        self._files = 0
        self.typed: dict[str, Cells] = {}

    def carry(self, outbox: Path) -> None:
        """Bring the letters that were written since the last time to those they are for."""
        files = sum(1 for _ in outbox.glob("*.eml"))
        if files == self._files:
            return
        self._files = files
        rows = self._desk.ledger.letters()
        for row in rows[rows["letter"].isin(KINDS)].to_dict("records"):
            letter = (str(row["customer_id"]), str(row["letter"]), str(row["cycle"]))
            if letter not in self._carried:
                self._carried.add(letter)
                self._read_later(*letter)

    def type_in(self) -> set[str]:
        """Type what has arrived into the desk's decisions; return the originals it is about."""
        arrived, self._arrived = self._arrived, {}
        for name, cells in arrived.items():
            self.typed.setdefault(name, {}).update(cells)
            self._desk.originals.setdefault(name, {"hold": None}).update(cells)
        return set(arrived)

    def write_down(self, file: Path) -> None:
        """Write what was typed into the workbook, for those who read it there."""
        if self.typed:
            decisions.fill(file, originals=self.typed)

    def _read_later(self, customer_id: str, kind: str, cycle: str) -> None:
        world, key = self._world, (customer_id, kind, cycle)
        if world.draw("answers", *key).random() < world.options.never_answers:
            return
        when = world.after(world.options.answers, "answer", *key)
        world.at(when, self._act, customer_id, kind, self._about(customer_id, cycle))

    def _about(self, customer_id: str, cycle: str) -> list[str]:
        """Find the originals of a letter: named in its cycle, or the ledger knows them by it."""
        name = cycle.partition(" ")[0]
        if name in self._world.subscriptions[customer_id]:
            return [name]
        ends = self._desk.ledger.ends(customer_id)
        told = zip(ends["original"], ends["evidence"], strict=True)
        return sorted(str(one) for one, facts in told if json.loads(facts).get("letter") == cycle)

    def _act(self, world: World, customer_id: str, kind: str, names: list[str]) -> None:
        """Do in the portal what a letter asks for, and answer it."""
        held, on = world.subscriptions[customer_id], world.now.date()
        for name in names:
            found = held.get(name)
            if found is None or found.status != "active":
                continue
            found.auto_renew = False
            cells = {"renewal_off_by": CUSTOMER, **_evidence("renewal_off", on)}
            if kind not in RENEWALS:
                found.scheduled = [dict(CANCEL)]
                cells |= _evidence("end_scheduled", on)
            found.version += 1
            self._arrived.setdefault(name, {}).update(cells)


def _evidence(what: str, on: date) -> Cells:
    return {f"{what}_on": on, f"{what}_evidence": "rehearsal"}
