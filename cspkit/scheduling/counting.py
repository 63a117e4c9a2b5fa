"""From names, dates and money to the solver's whole numbers, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cspkit.policy import DAY, Patience, Workdays
from cspkit.scheduling.parts import ALL_TEAMS, Capacity, Item, Left, Room, Schedule, Setting

if TYPE_CHECKING:
    from cspkit.solving import Solution

# Costs are counted in whole millionths; in larger units where that would overflow.
FINEST, COARSEST = 10**6, 1


def counted(
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
    return under(setting, capacity)


def under(setting: Setting, capacity: Capacity) -> Setting:
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


def solved(setting: Setting, start: Solution | None = None) -> Schedule:
    """Solve a problem and name what comes out."""
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
