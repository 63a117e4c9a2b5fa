"""How long, how large and how much memory: the status report of many customers.

python benchmarks/report.py 10000       # customers; each has one or two originals

Everything is made up. The report is written in a process of its own, so that its peak of memory
is its own; loading and planning come before, and are not counted.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from cspkit import cli, planning, reporting
from cspkit.exports import Exports
from cspkit.ledger import Ledger
from cspkit.settings import Settings
from cspkit.tables import Step, StepState
from tests.originals import customer, exports, original

AS_OF = date(2026, 11, 20)
LIMIT = 2_000_000


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
    settings = Settings(root=root)
    loaded = world(customers)
    loaded.save(root / "tables")
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


def report(root: Path) -> None:
    """Work out and write the report, as the command line does, and say what it took."""
    settings = Settings(root=root)
    plan = planning.Plan.read(root / "plan.json")
    loaded = cli.opening.exports_of([root / "tables"], settings)
    began, busy = time.perf_counter(), time.process_time()
    with Ledger(settings.ledger_url) as ledger:
        found = reporting.status(
            plan=plan, ledger=ledger, exports=loaded, as_of=AS_OF, settings=settings
        )
    worked, worked_busy = time.perf_counter() - began, time.process_time() - busy
    began, busy = time.perf_counter(), time.process_time()
    page = reporting.write(found, root / "report")
    wrote, wrote_busy = time.perf_counter() - began, time.process_time() - busy
    print(f"customers {len(found.customers):,}, moves {found.total():,}")
    print(f"figures: {worked:.1f} s, {worked_busy:.1f} s of it computing")
    print(f"page and workbook: {wrote:.1f} s, {wrote_busy:.1f} s of it computing")
    for file in sorted(page.parent.iterdir()):
        size = file.stat().st_size
        print(f"{file.name}: {size:,} bytes{'' if size < LIMIT else ', over the 2 MB'}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak of memory: {peak:.0f} MiB, loading the tables included")


def main(customers: int) -> None:
    """Prepare here, report in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="cspkit-") as folder:
        prepare(Path(folder), customers)
        command = [sys.executable, __file__, "--report", folder]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1] == "--report":
        report(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]))
