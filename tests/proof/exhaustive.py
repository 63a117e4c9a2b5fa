"""Every boundary with every fault once, at the first try and at the retry: none left to chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tests.proof.judging import Verdict
from tests.proof.simulation import RECIPE, Recipe, Schedule
from tests.proof.stage import START, Case
from tests.proof.weather import Calm, Fault, Once, Unseen, Weather, faults_of

TRIES = ("first", "retry")
SETTLED = timedelta(minutes=46)


@dataclass(frozen=True)
class Point:
    """One call of a quiet run, one fault, one try."""

    number: int
    method: str
    path: str
    fault: Fault
    attempt: str
    second: str


@dataclass
class Swept:
    """What came of all points: how many there are, how many were played, which failed."""

    calls: int
    points: int
    met: int = 0
    played: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[object, Verdict]] = field(default_factory=list)

    def add(self, point: object, verdict: Verdict) -> None:
        """Count one point."""
        self.played += 1
        if verdict.bad:
            self.bad.append((point, verdict))


def quiet(
    case: Case,
    weather: Weather,
    *,
    recipe: Recipe = RECIPE,
    second: str = "same",
    dies_at: int = 0,
    lives: int = 0,
) -> Schedule:
    """Set up one operator in a calm, but for what the weather and the crashes say."""
    options = {"second_checkout": second, "replay_hours": 0}
    schedule = Schedule(1, replace(recipe, cases=(case,), options=options))
    schedule.names, schedule.storm, schedule.replans = ("ana",), weather, False
    troupe = schedule.troupe
    troupe.storm_ends = START
    troupe.dies_at, troupe.dying_lives = dies_at, lives
    return schedule


def points(case: Case) -> Iterator[Point]:
    """List every call of a quiet run with everything that can go wrong with it."""
    calm = Calm()
    quiet(case, calm).play()
    for number, (method, path) in enumerate(calm.noted, start=1):
        seconds = ("same", "800065") if path.endswith("/checkout") else ("same",)
        for fault in faults_of(method, path):
            for attempt in TRIES:
                for second in seconds:
                    yield Point(number, method, path, fault, attempt, second)


def sweep(case: Case, *, besides: Collection[tuple[str, str]] = ()) -> Swept:
    """Play every point, but for those of calls that were swept elsewhere."""
    listed = [one for one in points(case) if (one.method, one.path) not in besides]
    swept = Swept(len({point.number for point in listed}), len(listed))
    for point in listed:
        weather = Once(point.number, point.fault, retry=point.attempt == "retry")
        verdict = quiet(case, weather, second=point.second).play()
        swept.met += weather.met[point.fault[0]] > 0
        swept.faults[point.fault[0]] += 1
        swept.add(point, verdict)
    return swept


def sweep_late(case: Case, unanswered: str) -> Swept:
    """Play every fault of the reads that settle a checkout once its settle window is over.

    `unanswered` is what became of the checkout: the request was lost, or its answer.
    """

    def played(then: Weather) -> Verdict:
        schedule = quiet(case, Calm(), second="800065")
        schedule.storm = Unseen(unanswered, schedule.clock.now, SETTLED, then)
        return schedule.play()

    calm = Calm()
    played(calm)
    listed = [
        Point(number, method, path, fault, TRIES[0], "800065")
        for number, (method, path) in enumerate(calm.noted, start=1)
        if method == "GET" and ("/carts/" in path or path.endswith("/orders"))
        for fault in faults_of(method, path)
    ]
    swept = Swept(len({point.number for point in listed}), len(listed))
    for point in listed:
        once = Once(point.number, point.fault, retry=False)
        verdict = played(once)
        swept.met += once.met[point.fault[0]] > 0
        swept.faults[point.fault[0]] += 1
        swept.add(point, verdict)
    return swept


def sweep_crashes(case: Case) -> Swept:
    """Let the process die at every boundary, ledger reads included: once, and twice in a row."""
    schedule = quiet(case, Calm())
    schedule.play()
    boundaries = schedule.operator_boundaries
    swept = Swept(boundaries, boundaries * len(TRIES))
    for number in range(1, boundaries + 1):
        for lives in range(1, len(TRIES) + 1):
            played = quiet(case, Calm(), dies_at=number, lives=lives)
            verdict = played.play()
            swept.met += played.troupe.crashes > 0
            swept.add((number, lives), verdict)
    return swept
