"""What is asked of the solver and what it answers: whole numbers only."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cspkit.errors import SettingsError

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
LARGEST_COST = 2**46
LARGEST_COUNT = 2**31
ABSENT: Any = None


@dataclass(frozen=True, eq=False)
class Problem:
    """Moves with windows, and what a day can take; days are indices into `day_number`.

    Moves (one entry each): `first` and `last` day allowed; `weight`, what a day earlier costs, in
    the smallest unit of the caller; `expires`, the day number of the natural expiration, so that
    a move on day d costs weight × (expires − day_number[d] + 1); `seats`; `team`; `group`, moves
    with the same number share a day whatever happens (-1: none); `together`, the same as a wish;
    `loss`, the regret of leaving a move out, by default its cost on the first day. Fewest moves
    are left out first, then least regret and cost.

    Invitations: `customer` of each move; `lead`, a line of `ready` (-1: needs no invitation);
    `ready`, per line and invitation day, the day number from which moves can be ordered; never
    falling. Invitations have days of their own: `invitation_day_number`, `invitations_per_day`.

    Days: `day_number`, rising; capacities `moves_per_day`, `seats_per_day` of all teams and
    `team_moves_per_day`, `team_seats_per_day` (a line per team), missing where there is no limit.
    """

    day_number: Ints
    first: Ints
    last: Ints
    weight: Ints
    expires: Ints
    seats: Ints = ABSENT
    team: Ints = ABSENT
    group: Ints = ABSENT
    together: Ints = ABSENT
    loss: Ints = ABSENT
    customer: Ints = ABSENT
    lead: Ints = ABSENT
    ready: Ints = ABSENT
    moves_per_day: Ints | None = None
    seats_per_day: Ints | None = None
    team_moves_per_day: Ints | None = None
    team_seats_per_day: Ints | None = None
    invitation_day_number: Ints = ABSENT
    invitations_per_day: Ints = ABSENT

    def __post_init__(self) -> None:
        """Turn every field into whole numbers of the right shape, or say which one is wrong."""
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is not None:
                object.__setattr__(self, entry.name, _whole(entry.name, value))
        self._fill()
        self._check()

    @property
    def moves(self) -> int:
        """Number of moves."""
        return len(self.first)

    @property
    def days(self) -> int:
        """Number of days."""
        return len(self.day_number)

    @property
    def customers(self) -> int:
        """One more than the highest number of a customer."""
        return _size(self.customer)

    def cost(self, day: Ints) -> Ints:
        """Price each move on its day; a move without a day costs nothing."""
        on = self.day_number[np.maximum(day, 0)] if self.days else np.zeros_like(day)
        return np.where(day >= 0, self.weight * (self.expires - on + 1), 0)

    def _fill(self) -> None:
        moves, none = len(self.first), np.zeros(0, np.int64)
        for name, value in (("seats", 0), ("team", 0), ("group", -1), ("together", -1)):
            self._default(name, np.full(moves, value, np.int64))
        self._default("customer", np.arange(moves, dtype=np.int64))
        begin = self.day_number[0] if self.days else 0
        self._default("loss", self.weight * np.maximum(self.expires - begin + 1, 1))
        self._default("lead", np.full(moves, -1, np.int64))
        self._default("invitation_day_number", none)
        self._default("invitations_per_day", none)
        self._default("ready", np.zeros((0, len(self.invitation_day_number)), np.int64))

    def _default(self, name: str, value: Ints) -> None:
        if getattr(self, name) is None:
            object.__setattr__(self, name, value)

    def _check(self) -> None:
        for name in ("last", "weight", "expires", "seats", "team", "group", "together"):
            _shape(name, getattr(self, name), (self.moves,))
        for name in ("loss", "customer", "lead"):
            _shape(name, getattr(self, name), (self.moves,))
        for name in ("weight", "seats", "team", "loss", "customer"):
            _least(name, getattr(self, name), 0)
        for name in ("moves_per_day", "seats_per_day"):
            self._capacity(name, (self.days,))
        for name in ("team_moves_per_day", "team_seats_per_day"):
            table = getattr(self, name)
            self._capacity(name, (0 if table is None else table.shape[0], self.days))
            if table is not None and self.moves and _size(self.team) > len(table):
                raise _wrong(name, f"one line for each of {_size(self.team)} teams", len(table))
        for name in ("day_number", "invitation_day_number"):
            if (np.diff(getattr(self, name)) <= 0).any():
                raise _wrong(name, "numbers that rise", "a number that does not")
        self._check_invitations()
        self._check_cost()

    def _check_invitations(self) -> None:
        days = len(self.invitation_day_number)
        self._capacity("invitations_per_day", (days,))
        _shape("ready", self.ready, (self.ready.shape[0], days))
        if (np.diff(self.ready, axis=1) < 0).any():
            raise _wrong("ready", "lines that never fall", "a line that does")
        if _size(self.lead) > len(self.ready):
            raise _wrong("ready", f"a line for each of {_size(self.lead)} leads", len(self.ready))

    def _capacity(self, name: str, shape: tuple[int, ...]) -> None:
        table = getattr(self, name)
        if table is not None:
            _shape(name, table, shape)
            _least(name, table, 0)

    def _check_cost(self) -> None:
        numbers = [*self.day_number[[0, -1]].tolist()] if self.days else []
        dates = np.append(self.expires, numbers)
        span = int(dates.max() - dates.min()) + 2 if len(dates) else 0
        top = int(self.weight.max(initial=0)) * span
        if max(top, int(self.loss.max(initial=0))) >= LARGEST_COST:
            raise _wrong("weight", "costs below 2**46; count in a coarser unit", top)


@dataclass(frozen=True)
class Unplaced:
    """A move left without a day: why, and the least that would let it in beside all others.

    `reason` is `window` (no day in it), `lead` (ready too late even if invited at once),
    `invitations_per_day`, or a capacity, with its team's number in brackets. `short` lists the
    (capacity, amount) that one more day index `day` would have to offer. `earlier` is by how many
    calendar days it would have to be ready earlier, where that alone lets it in, on day index
    `sooner`.
    """

    move: int
    reason: str
    day: int = -1
    short: tuple[tuple[str, int], ...] = ()
    earlier: int | None = None
    sooner: int = -1


@dataclass(frozen=True, eq=False)
class Solution:
    """Days for moves (-1: left out), their total cost, and the total below which no plan can go.

    The bound holds for every plan that places the same moves and keeps the same wishes.
    `left_out_bound` is how many moves every plan must leave out. `invitation` is, per customer, an
    index into `invitation_day_number`, -1 where none is sent. `parted` lists the numbers of
    `together` whose moves could not share a day. `prices` say, per capacity and day, what one more
    move or seat would save.
    """

    day: Ints
    invitation: Ints
    objective: int
    lower_bound: int
    method: str
    left_out: int = 0
    left_out_bound: int = 0
    unplaced: tuple[Unplaced, ...] = ()
    parted: tuple[int, ...] = ()
    prices: dict[str, Ints] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """Distance of the cost to its bound, as a share of the cost."""
        return (self.objective - self.lower_bound) / max(self.objective, 1)


def _whole(name: str, value: ArrayLike) -> Ints:
    array: NDArray[Any] = np.asarray(value)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise _wrong(name, "whole numbers", array.dtype)
    top = LARGEST_COST if name in ("weight", "loss") else LARGEST_COUNT
    if (array.min() < -top) or (array.max() >= top):
        raise _wrong(name, f"numbers below {top}", array.max())
    return np.ascontiguousarray(array, np.int64)


def _shape(name: str, array: Ints, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise _wrong(name, f"shape {shape}", array.shape)


def _least(name: str, array: Ints, least: int) -> None:
    if array.size and array.min() < least:
        raise _wrong(name, f"no number below {least}", array.min())


def _size(numbers: Ints) -> int:
    return int(numbers.max()) + 1 if len(numbers) else 0


def _wrong(name: str, expected: str, found: object) -> SettingsError:
    return SettingsError("problem", name, f"expected {expected}, found {str(found)!r}")
