"""What is scheduled, under which capacities, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cspkit.solving import Problem, Solution

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
