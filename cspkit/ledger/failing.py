"""Which subjects of a plan stand failed: by what the log says of each last."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from cspkit.ledger import chain
from cspkit.ledger.opened import Opened
from cspkit.ledger.schema import events, runs

FAILED, MENDED = "failed", "mended"


class Failing(Opened):
    """Note failures in the log, and count those that nothing has mended since."""

    def note_failure(
        self, run_id: str, subject: str, customer_id: str, *, reason: str, mended: bool = False
    ) -> None:
        """Note that a subject failed in a run, or that one which had failed has succeeded."""
        about: dict[str, Any] = {"customer_id": customer_id, "detail": {"reason": reason}}
        about |= {"at": self.clock.now(), "run_id": run_id}
        with self._write() as connection:
            chain.append(connection, MENDED if mended else FAILED, subject, **about)

    def failures(self, plan_hash: str) -> set[tuple[str, str]]:
        """Return each (step, subject) that failed in a run of a plan and was not mended since."""
        said = sa.select(runs.c.step, events.c.subject, events.c.kind).join(
            runs, runs.c.run_id == events.c.run_id
        )
        ours = (runs.c.plan_hash == plan_hash) & events.c.kind.in_((FAILED, MENDED))
        with self._read() as connection:
            found = connection.execute(said.where(ours).order_by(events.c.event_id)).all()
        last = {(str(step), str(subject)): kind for step, subject, kind in found}
        return {key for key, kind in last.items() if kind == FAILED}
