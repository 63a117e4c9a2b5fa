"""Days for moves and invitations at least cost under the team's capacities; knows no files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cspkit.policy import DAY, Patience, Workdays

if TYPE_CHECKING:
    from cspkit.solving import Problem, Solution

# Costs are counted in whole millionths; in larger units where that would overflow.
FINEST, COARSEST = 10**6, 1
TRIED_MOVES = 2_000
ALL_TEAMS = ""


@dataclass(frozen=True)
class Item:
    """A move with its window; a day before `expires` costs `daily`, leaving it out `regret`.

    Items of one `group` share a day whatever happens, those of one `together` where nobody loses
    by it. `lead` is how many days of whose market the customer's own steps take from the
    invitation on; missing where no invitation is needed.
    """

    key: str
    earliest: date
    latest: date
    seats: int
    daily: Decimal
    expires: date
    regret: Decimal = Decimal(0)
    group: str = ""
    together: str = ""
    customer: str = ""
    team: str = ALL_TEAMS
    lead: tuple[int, str] | None = None


@dataclass(frozen=True)
class Room:
    """What can be placed on one day; missing where there is no limit."""

    moves: int | None = None
    seats: int | None = None


@dataclass(frozen=True)
class Capacity:
    """What all teams, and each of them, can place on a day, and the invitations of a day."""

    moves: int | None = None
    seats: int | None = None
    invitations: int | None = None
    teams: Mapping[str, Room] = field(default_factory=dict)


@dataclass(frozen=True)
class Left:
    """Why an item has no day, and the least that would give it one beside all others.

    `reason` is `window`, `lead`, `invitations_per_day` or a capacity (`team` says whose). `short`
    lists what the `day` would have to offer more. It would also have a day, `sooner`, if it were
    ready `earlier` days earlier.
    """

    reason: str
    team: str = ALL_TEAMS
    day: date | None = None
    short: tuple[tuple[str, str, int], ...] = ()
    earlier: int | None = None
    sooner: date | None = None


@dataclass(frozen=True)
class Schedule:
    """Days of items, days of invitations by customer, what has no day, and the proof.

    No schedule that places the same items and keeps the same wishes costs less than `lower_bound`;
    none leaves out fewer than `left_out_bound`.
    """

    days: dict[str, date]
    invited: dict[str, date]
    left: dict[str, Left]
    objective: Decimal
    lower_bound: Decimal
    left_out_bound: int = 0
    parted: tuple[str, ...] = ()
    method: str = "none"
    setting: Setting | None = None
    solution: Solution | None = None

    @property
    def gap(self) -> float:
        """Distance of the cost to its bound, as a share of the cost."""
        return float((self.objective - self.lower_bound) / max(self.objective, Decimal(1)))


@dataclass(frozen=True)
class Setting:
    """A problem in whole numbers, and what its numbers stand for."""

    items: tuple[Item, ...]
    days: tuple[date, ...]
    invitation_days: tuple[date, ...]
    customers: tuple[str, ...]
    teams: tuple[str, ...]
    wishes: tuple[str, ...]
    scale: int
    open_days: Any
    capacity: Capacity
    problem: Problem


def schedule(
    items: Iterable[Item],
    capacity: Capacity,
    calendars: Mapping[str, Workdays],
    *,
    start: date,
    patience: Patience | None = None,
) -> Schedule:
    """Give items their days at least total cost; the order of the items changes nothing.

    As many items as can be get a day; of those that cannot all have one, the ones whose loss is
    regretted least are left out. `calendars` holds the working days of each team that an item
    names, under `ALL_TEAMS` those of the office that invites, from `start` on.
    """
    ordered = tuple(sorted(items, key=lambda item: item.key))
    if not ordered:
        return Schedule({}, {}, {}, Decimal(0), Decimal(0))
    return _solved(_setting(ordered, capacity, calendars, start, patience))


def what_if(known: Schedule, capacity: Capacity) -> Schedule:
    """Answer at once what other capacities would do, starting from a schedule that is known."""
    if known.setting is None:
        return known
    return _solved(_with(known.setting, capacity), known.solution)


def bound_if(known: Schedule, capacity: Capacity) -> Decimal:
    """Bound what other capacities would cost for the same items, before anything is planned."""
    from cspkit import solving

    if known.setting is None or known.solution is None:
        return Decimal(0)
    problem = _with(known.setting, capacity).problem
    proven = solving.lower_bound(problem, known.solution)
    return Decimal(proven) / known.setting.scale


def wish_price(known: Schedule) -> Decimal:
    """Price the wish to go together: what the schedule costs more than without it."""
    from cspkit import solving

    if known.setting is None or known.solution is None or not known.setting.wishes:
        return Decimal(0)
    price = solving.wish_price(known.setting.problem, known.solution)
    return Decimal(price) / known.setting.scale


def enough(known: Schedule) -> Capacity | None:
    """Find, by trying, the least moves a day, then seats, that place whatever lacks only those.

    None where no such capacity helps, or where trying would take too long.
    """
    setting = known.setting
    crowded = {key for key, left in known.left.items() if left.short}
    if setting is None or not crowded or len(setting.items) > TRIED_MOVES:
        return None
    tried = [item for item in setting.items if item.key in known.days or item.key in crowded]
    keys, old = {item.key for item in tried}, setting.capacity
    moves = max(len(tried), old.moves or 0)
    seats = max(sum(item.seats for item in tried), old.seats or 0)

    def works(capacity: Capacity) -> bool:
        return not keys & what_if(known, capacity).left.keys()

    if not works(replace(old, moves=moves, seats=None)):
        return None
    best = replace(old, seats=None)
    if old.moves is not None:
        best = replace(
            best, moves=_least(old.moves, moves, lambda n: works(replace(best, moves=n)))
        )
    if old.seats is None or works(replace(best, seats=old.seats)):
        return replace(best, seats=old.seats)
    return replace(best, seats=_least(old.seats, seats, lambda n: works(replace(best, seats=n))))


def _least(low: int, high: int, works: Callable[[int], bool]) -> int:
    """Halve the span between a number that may be too small and one that works."""
    low -= 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def _setting(
    items: tuple[Item, ...],
    capacity: Capacity,
    calendars: Mapping[str, Workdays],
    start: date,
    patience: Patience | None,
) -> Setting:
    """Count everything in whole numbers: days from the first, costs in millionths."""
    import numpy as np

    from cspkit.solving import Problem

    first = min(start, *(item.earliest for item in items))
    last = max(item.latest for item in items)
    teams = tuple(sorted({item.team for item in items}))
    worked = {team: set(calendars[team].order_days(first, last)) for team in teams}
    days = tuple(sorted(set().union(*worked.values())))
    waits = any(item.lead for item in items)
    sent = tuple(_worked(calendars[ALL_TEAMS], start, last)) if waits else ()
    leads = sorted({item.lead for item in items if item.lead})
    customers = tuple(sorted({item.customer for item in items}))
    wishes = tuple(sorted({item.together for item in items if item.together}))
    place = {key: number for number, key in enumerate(customers)}
    scale = _scale(items)
    numbers = np.array([day.toordinal() for day in days], np.int64)
    ready = [
        [(patience or Patience(())).ready(day, *lead).toordinal() for day in sent] for lead in leads
    ]
    problem = Problem(
        day_number=numbers,
        first=np.searchsorted(numbers, _ordinals(item.earliest for item in items)),
        last=np.searchsorted(numbers, _ordinals(item.latest for item in items), "right") - 1,
        weight=_ints(int(item.daily * scale) for item in items),
        expires=_ordinals(item.expires for item in items),
        seats=_ints(item.seats for item in items),
        team=_ints(teams.index(item.team) for item in items),
        group=_numbered([item.group for item in items]),
        together=_numbered([item.together for item in items]),
        loss=_ints(int(item.regret * scale) for item in items),
        customer=_ints(place[item.customer] for item in items),
        lead=_ints(leads.index(item.lead) if item.lead else -1 for item in items),
        ready=np.array(ready, np.int64).reshape(len(leads), len(sent)),
        invitation_day_number=_ordinals(sent),
        invitations_per_day=np.zeros(len(sent), np.int64),
    )
    open_days = np.array([[day in worked[team] for day in days] for team in teams], bool)
    open_days = open_days.reshape(len(teams), len(days))
    setting = Setting(
        items, days, sent, customers, teams, wishes, scale, open_days, capacity, problem
    )
    return _with(setting, capacity)


def _with(setting: Setting, capacity: Capacity) -> Setting:
    """Put capacities into a problem; a team without a limit of its own still has days off."""
    import numpy as np

    def line(room: int | None, count: int) -> Any:
        return None if room is None else np.full(count, room, np.int64)

    def lines(which: str) -> Any:
        rooms = [getattr(capacity.teams.get(team, Room()), which) for team in setting.teams]
        off = which == "moves" and not setting.open_days.all()
        if all(room is None for room in rooms) and not off:
            return None
        plenty = sum(item.seats for item in setting.items) + len(setting.items)
        limits = np.array([plenty if room is None else room for room in rooms], np.int64)
        return np.where(setting.open_days, limits[:, None], 0)

    count = len(setting.days)
    invited = len(setting.items) if capacity.invitations is None else capacity.invitations
    problem = replace(
        setting.problem,
        moves_per_day=line(capacity.moves, count),
        seats_per_day=line(capacity.seats, count),
        team_moves_per_day=lines("moves"),
        team_seats_per_day=lines("seats"),
        invitations_per_day=line(invited, len(setting.invitation_days)),
    )
    return replace(setting, problem=problem, capacity=capacity)


def _solved(setting: Setting, start: Solution | None = None) -> Schedule:
    from cspkit import solving

    found = solving.solve(setting.problem, start)
    days = {
        item.key: setting.days[day]
        for item, day in zip(setting.items, found.day.tolist(), strict=True)
        if day >= 0
    }
    cost = (
        item.daily * ((item.expires - days[item.key]).days + 1)
        for item in setting.items
        if item.key in days
    )
    sent = zip(setting.customers, found.invitation.tolist(), strict=True)
    return Schedule(
        days=days,
        invited={key: setting.invitation_days[day] for key, day in sent if day >= 0},
        left={setting.items[one.move].key: _left(one, setting) for one in found.unplaced},
        objective=sum(cost, Decimal(0)),
        lower_bound=Decimal(found.lower_bound) / setting.scale,
        left_out_bound=found.left_out_bound,
        parted=tuple(setting.wishes[number] for number in found.parted),
        method=found.method,
        setting=setting,
        solution=found,
    )


def _left(one: Any, setting: Setting) -> Left:
    """Say in names and dates what the solver says in numbers."""
    by_invitation = one.reason == "invitations_per_day"
    days = setting.invitation_days if by_invitation else setting.days
    reason, team = _named(one.reason, setting)
    return Left(
        reason=reason,
        team=team,
        day=days[one.day] if one.day >= 0 else None,
        short=tuple((*_named(name, setting), amount) for name, amount in one.short),
        earlier=one.earlier,
        sooner=setting.days[one.sooner] if one.sooner >= 0 else None,
    )


def _named(limit: str, setting: Setting) -> tuple[str, str]:
    name, _, number = limit.rstrip("]").partition("[")
    return name.removeprefix("team_"), setting.teams[int(number)] if number else ALL_TEAMS


def _scale(items: Sequence[Item]) -> int:
    """Choose the finest unit in which no cost is too large for the solver."""
    from cspkit.solving.problem import LARGEST_COST

    span = (max(item.expires for item in items) - min(item.earliest for item in items)).days + 2
    top = max(max(item.daily * span, item.regret) for item in items)
    scale = FINEST
    while scale > COARSEST and top * scale >= LARGEST_COST:
        scale //= 10
    return scale


def _worked(workdays: Workdays, first: date, last: date) -> Iterable[date]:
    day = first
    while day <= last:
        if workdays.is_workday(day):
            yield day
        day += DAY


def _ints(values: Iterable[int]) -> Any:
    import numpy as np

    return np.fromiter(values, np.int64)


def _ordinals(days: Iterable[date]) -> Any:
    return _ints(day.toordinal() for day in days)


def _numbered(keys: list[str]) -> Any:
    """Number keys in their order; an empty one is none."""
    place = {key: number for number, key in enumerate(sorted({key for key in keys if key}))}
    return _ints(place.get(key, -1) for key in keys)
