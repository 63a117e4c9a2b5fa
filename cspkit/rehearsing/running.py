"""A rehearsal of a plan: one world for each seed, its days, its verdict, and all of them together.

Nothing here touches the workspace: ledger, outbox and receipts lie in a folder of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cspkit.errors import SettingsError
from cspkit.planning import Plan
from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.seeding import draw
from cspkit.rehearsal.server import Server
from cspkit.rehearsing import consenting, verdict, weather
from cspkit.rehearsing.days import Days
from cspkit.rehearsing.office import Office
from cspkit.rehearsing.staging import stage, start_of
from cspkit.rehearsing.verdict import Verdict
from cspkit.settings import Paths, Service, Settings

if TYPE_CHECKING:
    from cspkit.exports import Exports

SUMMED = ("moves", "finished", "gaps", "double_orders", "human", "api_calls", "lost", "late")
MORE = ("paid_days", "renewed", "server_errors")
Say = Callable[[str], object]
Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One seed: what came of it, and how long it took."""

    seed: int
    verdict: Verdict
    seconds: float
    notebooks: list[str]
    consents_assumed: int
    broken_notebooks: list[str]

    def as_json(self) -> Json:
        """Give the run as JSON values."""
        more: Json = {"seconds": round(self.seconds, 1), "notebooks": self.notebooks}
        more["broken_notebooks"] = self.broken_notebooks
        more["consents_assumed"] = self.consents_assumed
        return {"seed": self.seed, **self.verdict.as_json(), **more}


@dataclass(frozen=True)
class Rehearsed:
    """A plan rehearsed with one seed or several."""

    plan_hash: str
    days: int
    faults: str
    runs: list[Run]

    def as_json(self) -> Json:
        """Give moves, finished, gaps, double_orders, human, api_calls summed over the seeds.

        `runs` has the same figures for each seed, with the moves that failed and why; `spread`
        the least, the middle and the most over the seeds.
        """
        every = [run.verdict.figures for run in self.runs]
        total = {name: sum(one[name] for one in every) for name in (*SUMMED, *MORE)}
        spread = {
            name: {
                "least": min(one[name] for one in every),
                "median": median(one[name] for one in every),
                "most": max(one[name] for one in every),
            }
            for name in total
        }
        about = {"plan": self.plan_hash, "days": self.days, "faults": self.faults}
        seeds = {"seeds": [run.seed for run in self.runs]}
        runs = [run.as_json() for run in self.runs]
        return {**total, **about, **seeds, "spread": spread, "runs": runs}


def rehearse(
    plan: Plan,
    *,
    settings: Settings,
    exports: Exports | None = None,
    days: int = 365,
    seeds: Sequence[int] = (1,),
    faults: str = "none",
    notebooks: bool = True,
    say: Say = lambda words: None,
) -> Rehearsed:
    """Rehearse a plan with each seed; of each, one batch goes through notebooks as well.

    Raises SettingsError for unknown faults or a number of days below one.
    """
    if days < 1:
        raise SettingsError("command line", "--days", f"expected 1 or more, found {days!r}")
    weather.rules(faults)
    runs = []
    for seed in seeds:
        run = _one(plan, settings, exports, days=days, seed=seed, faults=faults, real=notebooks)
        runs.append(run)
        figures = run.verdict.figures
        say(f"seed {seed}: {figures['finished']} of {figures['moves']} in {run.seconds:.0f} s")
    return Rehearsed(plan.hash, days, faults, runs)


def _one(
    plan: Plan,
    settings: Settings,
    exports: Exports | None,
    *,
    days: int,
    seed: int,
    faults: str,
    real: bool,
) -> Run:
    began = time.perf_counter()
    with _home(settings) as own:
        copy = _copy(plan, own)
        assumed = consenting.assume(copy, settings.decisions, own.decisions)
        world = stage(copy, exports, seed=seed)
        with Server(world, start=start_of(copy), control=True) as server:
            own = _pointed(own, server)
            plan_file = copy.save(own.root / "plan.json")
            office = Office(copy, own, server.gate)
            try:
                work = Days(copy, office, own)
                _break(server.gate, faults)
                batch = _sampled(copy, seed) if real else ""
                for day in work.walk(world, days):
                    if batch:
                        office.approve()
                        work.sample(day, batch=batch, plan_file=plan_file)
                    work.work(world, day)
                found = verdict.judge(copy, office)
            finally:
                office.close()
    return Run(seed, found, time.perf_counter() - began, work.sampled, assumed, work.failures)


@contextmanager
def _home(settings: Settings) -> Iterator[Settings]:
    """Make a workspace for one rehearsal, with the policy of the real one."""
    with TemporaryDirectory(prefix="cspkit-rehearsal-", dir=_quick()) as folder:
        root = Path(folder)
        yield settings.model_copy(update={"root": root, "paths": Paths(), "service": Service()})


def _quick() -> str | None:
    """Name a folder in memory where the system has one: the ledger waits for the disk a lot."""
    place = Path("/dev/shm")
    return str(place) if place.is_dir() else None


def _pointed(settings: Settings, server: Server) -> Settings:
    service = Service(
        partner_tenant=PARTNER_TENANT, partner_center=server.url, graph=f"{server.url}/graph"
    )
    return settings.model_copy(update={"service": service})


def _copy(plan: Plan, settings: Settings) -> Plan:
    """Make the same plan for the rehearsal's service: one for a tenant runs nowhere else."""
    service = settings.service.id
    if plan.document.service == service:
        return plan
    return Plan(plan.document.model_copy(update={"service": service}).sealed())


def _break(gate: Gate, faults: str) -> None:
    for rule in weather.rules(faults):
        gate.faults.add(rule)


def _sampled(plan: Plan, seed: int) -> str:
    batches = [one.batch for one in plan.document.batches]
    return draw(seed, "sampled batch").choice(batches) if batches else ""
