"""A rehearsal of a plan: one world for each seed, its days, its verdict, and all of them together.

Nothing here touches the workspace: ledger, outbox and receipts lie in a folder of their own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cspkit.errors import SettingsError
from cspkit.planning import Plan
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
MORE = ("other_gaps", "not_due", "closed", "paid_days", "renewed", "server_errors")
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
    customs: Mapping[str, object] | None = None,
    say: Say = lambda words: None,
) -> Rehearsed:
    """Rehearse a plan with each seed; of each, one batch goes through notebooks as well.

    `customs` changes how the world behaves: fields of the rehearsal's `Options`, such as the
    share of customers that never accept. Raises SettingsError for unknown faults or no days.
    """
    if days < 1:
        raise SettingsError("command line", "--days", f"expected 1 or more, found {days!r}")
    weather.rules(faults)
    how = _How(settings, exports, days, faults, notebooks, dict(customs or {}))
    runs = []
    for seed in seeds:
        runs.append(_one(plan, how, seed))
        figures = runs[-1].verdict.figures
        say(f"seed {seed}: {figures['finished']} of {figures['moves']} in {runs[-1].seconds:.0f} s")
    return Rehearsed(plan.hash, days, faults, runs)


@dataclass(frozen=True)
class _How:
    """What is the same for all seeds."""

    settings: Settings
    exports: Exports | None
    days: int
    faults: str
    notebooks: bool
    customs: dict[str, object]


def _one(plan: Plan, how: _How, seed: int) -> Run:
    began = time.perf_counter()
    with _home(how.settings) as own:
        copy = _copy(plan, own)
        assumed = consenting.assume(copy, how.settings.decisions, own.decisions)
        world = stage(copy, how.exports, seed=seed)
        for name, value in how.customs.items():
            setattr(world.options, name, value)
        with Server(world, start=start_of(copy), control=True) as server:
            own = _pointed(own, server)
            office = Office(copy, own, server.gate)
            try:
                for rule in weather.rules(how.faults):
                    server.gate.faults.add(rule)
                work = Days(copy, office, own)
                _through(work, office, how, seed)
                found = verdict.judge(copy, office)
            finally:
                office.close()
    seconds = time.perf_counter() - began
    return Run(seed, found, seconds, work.sampled, assumed, work.failures)


def _through(work: Days, office: Office, how: _How, seed: int) -> None:
    """Go through all days; one batch, drawn by the seed, goes through its notebooks first."""
    plan, world = office.plan, office.world
    batches = [one.batch for one in plan.document.batches] if how.notebooks else []
    batch = draw(seed, "sampled batch").choice(batches) if batches else ""
    file = plan.save(office.home / "plan.json")
    for day in work.walk(world, how.days):
        if batch:
            office.approve()
            work.sample(day, batch=batch, plan_file=file)
        work.work(world, day)


@contextmanager
def _home(settings: Settings) -> Iterator[Settings]:
    """Make a workspace for one rehearsal, with the policy of the real one."""
    with TemporaryDirectory(prefix="cspkit-rehearsal-", dir=_quick()) as folder:
        root = Path(folder)
        yield settings.model_copy(update={"root": root, "paths": Paths(), "service": Service()})


def _quick() -> str | None:
    """Name a folder in memory where the system has one: the ledger waits for the disk a lot."""
    place = Path("/dev/shm")
    return str(place) if place.is_dir() and os.access(place, os.W_OK) else None


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
