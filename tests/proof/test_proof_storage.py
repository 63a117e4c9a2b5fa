"""A ledger that cannot be written any more; full, locked, copied and late ones: test_ledger*.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cspkit.clock import FixedClock
from cspkit.ledger import Ledger
from tests.ledgers import CUSTOMER, NOON, SERVICE, sqlite

# root may write everywhere, so the process becomes somebody else once all is loaded
_WORKER = """
import os, sys
from cspkit.errors import LedgerError
from cspkit.ledger import Ledger, new_holder
with Ledger(sys.argv[1]) as ledger:
    holder = new_holder()
    ledger.lease(sys.argv[2], holder)
    folder = os.path.dirname(sys.argv[3])
    for place, mode in ((os.path.dirname(folder), 0o755), (folder, 0o555), (sys.argv[3], 0o444)):
        os.chmod(place, mode)
    ledger._engine.dispose()
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        ledger.lease("another", holder)
    except LedgerError as error:
        print("refused:", error)
"""


def test_a_ledger_that_became_read_only_refuses_in_one_line(file: Path) -> None:
    """Somebody takes the right to write: nothing is half written, what was there is there."""
    with Ledger(sqlite(file), clock=FixedClock(NOON)) as ledger:
        ledger.bind(SERVICE)

    done = subprocess.run(
        [sys.executable, "-c", _WORKER, sqlite(file), CUSTOMER, str(file)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    file.parent.chmod(0o755)
    file.chmod(0o644)

    assert done.stderr == ""
    assert done.stdout.startswith("refused: ledger sqlite://")
    assert "readonly" in done.stdout and done.stdout.count("\n") == 1
    with Ledger(sqlite(file), clock=FixedClock(NOON)) as ledger:
        assert (ledger.service, ledger.health().problems) == (SERVICE, [])
