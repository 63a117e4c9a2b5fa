"""How long, how large and how much memory: the status report of many customers.

    python benchmarks/report.py [--rounds N]

Everything is made up: 10,000 customers with one or two originals each. Loading and planning come
before, and are not counted.
"""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.measuring import Run, interleaved, middle, run
from benchmarks.results import Quote, Table, alone
from cspkit import decisions, planning
from cspkit.exports import Exports
from cspkit.ledger import Ledger
from cspkit.settings import Settings
from cspkit.tables import Step, StepState
from tests.originals import customer, exports, original

AS_OF = date(2026, 11, 20)
CUSTOMERS = 10_000


def id_of(number: int) -> str:
    """Make an id that cannot be compressed, as real ones cannot."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


def world(customers: int) -> Exports:
    """Make customers whose originals end over a year, some of them soon."""
    rows = []
    for number in range(1, customers + 1):
        tenant = id_of(number)
        name = f"Comercial Núñez e Hijos {number} S.L."
        about = {"customer_id": tenant, "relationship": "reseller" if number % 3 else "none"}
        rows.append(customer(number, name=name, **about))
        for part in range(1 + number % 2):
            ends = AS_OF + timedelta(days=3 + (number * 7 + part * 31) % 360)
            key = (part + 1) * customers + number
            held = {
                "customer_id": tenant,
                "subscription_id": id_of(key),
                "seats": 1 + number % 90,
                "unit_price": Decimal("11.70"),
                "currency": "EUR",
            }
            rows.append(original(key, number, expires_on=ends.isoformat(), **held))
    return exports(*rows)


def prepare(root: Path, customers: int) -> None:
    """Load, plan, and let some customers have been asked."""
    (root / "cspkit.toml").write_text("", encoding="utf-8")
    settings = Settings.read(root / "cspkit.toml")
    loaded = world(customers)
    loaded.save(root / "tables")
    decisions.write(settings.decisions, loaded)
    policy = settings.policy.model_copy(update={"moves_per_day": 100})
    wide = settings.model_copy(update={"policy": policy})
    plan = planning.plan(loaded, as_of=AS_OF, start=AS_OF + timedelta(days=3), settings=wide)
    plan.save(root / "plan.json")
    with Ledger(settings.ledger_url) as ledger:
        ledger.bind(settings.service.id)
        for number in range(3, customers + 1, 30):
            lease = ledger.lease(id_of(number), "benchmark")
            row = ledger.step(id_of(number), Step.RELATIONSHIP)
            ledger.advance_step(row, StepState.ASKED, run_id="b", lease=lease)


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Let `cspkit report` write page and workbook, each time in a process of its own."""
    customers = 100 if small else CUSTOMERS
    with tempfile.TemporaryDirectory(prefix="cspkit-") as folder:
        root = Path(folder)
        prepare(root, customers)
        moves = len(planning.Plan.read(root / "plan.json").document.moves)
        runs = interleaved({"cspkit report": lambda: reported(root)}, rounds)["cspkit report"]
        sizes = {file.name: file.stat().st_size for file in (root / "report").glob("[!.]*")}
    columns = ["customers", "moves", "wall s", "processor s", "peak MB"]
    yield Table(
        f"The report of {customers:,} customers",
        "python benchmarks/report.py",
        columns + [f"{name}, bytes" for name in sorted(sizes)],
        [[customers, moves, *measures(runs), *(sizes[name] for name in sorted(sizes))]],
        rounds,
        notes=[
            "The page cuts its lists at 20 lines; the workbook has them all. decisions.xlsx has a "
            "row for each customer and original, and is read."
        ],
        quotes=[Quote(f"`cspkit report` of {customers:,} customers, {moves:,} moves", said(runs))],
    )


def reported(root: Path) -> Run:
    """Run the command as a manager's morning would."""
    command = "report --plan plan.json --exports tables --out report --as-of"
    return run([sys.executable, "-m", "cspkit", *command.split(), str(AS_OF)], cwd=root)


def measures(runs: list[Run]) -> list[float]:
    return [middle(runs, what) for what in ("wall", "cpu", "peak")]


def said(runs: list[Run]) -> str:
    wall, _, peak = measures(runs)
    return f"{wall:.1f} s, {peak:,.0f} MB"


if __name__ == "__main__":
    alone(tables, 5, "the status report")
