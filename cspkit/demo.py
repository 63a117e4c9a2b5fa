"""The whole road on the samples: load, rank, plan, approve, rehearse, report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cspkit import decisions, exports, listing, planning, ranking, reporting, runbooks, workspace
from cspkit.errors import SettingsError
from cspkit.kernels import warming
from cspkit.ledger import Ledger
from cspkit.rehearsal import samples
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.world import World
from cspkit.settings import Service, Settings

AS_OF = date(2026, 11, 20)
START = date(2026, 11, 23)
MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
BATCHES = 2
PRICE, CURRENCY, CENT = Decimal("12.50"), "EUR", Decimal("0.01")
MONTHS = 12
MARK = ".made-by-cspkit-demo"

Say = Callable[[str], None]


def walk(out: Path, *, say: Say) -> Path:
    """Walk the road in a fresh workspace below out and return the report's path.

    Everything is real but the service: export files, papermill runs, a ledger on disk, HTTP to
    a rehearsal on a free loopback port. A workspace of an earlier demo in out is replaced; any
    other folder in its place raises SettingsError.
    """
    home = _fresh(out)
    with warming.warm(), Server(World.sample(), start=MORNING, control=True) as server:
        service = Service(partner_center=server.url, graph=f"{server.url}/graph")
        settings = workspace.init(home, service)
        shutil.copytree(samples.folder(), settings.exports, dirs_exist_ok=True)

        loaded = exports.load(settings.exports)
        say("1. What the sample exports hold")
        for line in listing.files(loaded.counts()):
            say(line)
        decisions.write(settings.decisions, loaded)

        ranked = ranking.listed(loaded, as_of=AS_OF, settings=settings)
        say(f"2. Who goes first: ten of {len(ranked)} customers")
        for line in listing.ranked(ranked.first(10).to_pylist()):
            say(line)

        plan_file = home / "plan.json"
        draft = planning.plan(loaded, as_of=AS_OF, start=START, settings=settings)
        accepted = _consents(draft, settings)
        plan = planning.plan(
            loaded,
            as_of=AS_OF,
            start=START,
            settings=settings,
            decisions=decisions.read(settings.decisions),
            made_by="cspkit demo",
        )
        plan.save(plan_file)
        say(f"3. Planned: {len(plan.moves)} moves in {len(plan.batches)} batches")
        say(
            f"   No sample customer can be asked: the demo typed {accepted} consents into"
            f" {settings.decisions.name}, at the price of the original or at {PRICE} {CURRENCY}"
        )
        with Ledger(settings.ledger_url) as ledger:
            ledger.bind(settings.service.id)
            ledger.approve(
                plan.hash, by="demo", plan_path=str(plan_file), made_by=plan.document.made_by
            )
        say(f"4. Approved by a second name: demo, plan {plan.hash[:12]}")

        _rehearse(plan, plan_file, server, settings, say)
        books = json.dumps(server.books(), indent=1, default=str)
        (home / "books.json").write_text(books, encoding="utf-8")

        with Ledger(settings.ledger_url) as ledger:
            figures = reporting.status(
                plan=plan,
                ledger=ledger,
                exports=loaded,
                as_of=server.now().date(),
                settings=settings,
            )
            page = reporting.write(figures, out)
        say(f"6. The report is {page.resolve()}")
        say(f"   with its figures in {page.with_name('status.xlsx').resolve()}")
        say(f"Next: open the report, then look around {home.resolve()}, a whole workspace.")
        say("For your own files: `cspkit init my-workspace`, and put them into its exports folder.")
    return page


def _consents(draft: planning.Plan, settings: Settings) -> int:
    """Type the consents to a first plan into decisions.xlsx; return how many."""
    cells: dict[str, dict[str, Any]] = {}
    for move in draft.document.moves:
        paid = move.amount / move.seats / MONTHS if move.amount else PRICE
        cells |= planning.accepted(
            [move],
            by="the demo, for the sample customer",
            on=AS_OF,
            reference="none: a sample",
            price=paid.quantize(CENT),
            currency=move.currency or CURRENCY,
        )
    decisions.fill(settings.decisions, originals=cells)
    return len(cells)


def _rehearse(
    plan: planning.Plan, plan_file: Path, server: Server, settings: Settings, say: Say
) -> None:
    """Run the first batches on the rehearsal's clock, as operators would day by day.

    The rehearsal's own books stay beside the ledger, so that anyone can compare the two.
    """
    common: dict[str, Any] = {"plan": plan_file, "mode": "rehearsal", "settings": settings}

    def run(step: str, **which: Any) -> None:
        receipt = runbooks.run(step, **common, **which)
        counts = ", ".join(f"{number} {word}" for word, number in receipt.counts.items())
        say(f"   {server.now():%d %b %H:%M}  {step:<10} {counts or 'nothing to do'}")
        if receipt.counts.get("failed"):
            say(f"                 why is written in {receipt.html}")

    say(f"5. The rehearsal runs on {server.url}")
    run("invite", due=START)
    server.deliver_outbox(settings.reports / "outbox")
    for batch in plan.document.batches[:BATCHES]:
        server.set_clock(max(server.now(), datetime.combine(batch.date, MORNING.timetz())))
        run("access", batch=batch.batch)
        server.set_clock(server.now() + timedelta(hours=1))
        run("access", batch=batch.batch)
        run("provision", batch=batch.batch)
        server.set_clock(server.now() + timedelta(hours=1))
        run("provision", batch=batch.batch)
        run("verify", batch=batch.batch)
    for batch in plan.document.batches[:1]:
        run("retire", batch=batch.batch)


def _fresh(out: Path) -> Path:
    home = out / "workspace"
    if home.exists():
        if not (home / MARK).exists():
            raise SettingsError(home, "folder", "not made by the demo; choose another --out")
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / MARK).touch()
    return home
