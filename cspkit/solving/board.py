"""Bundles on their days, and the room that is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cspkit.solving.bundles import Bundles
from cspkit.solving.problem import Ints


@dataclass
class Board:
    """Bundles on days (-1: left out) and what every limit has left; never overfull."""

    bundles: Bundles
    day: Ints
    free: Ints

    @classmethod
    def empty(cls, bundles: Bundles) -> Board:
        """Begin with all bundles left out."""
        return cls(bundles, np.full(bundles.count, -1, np.int64), bundles.room.copy())

    def put(self, one: int, day: int) -> None:
        """Move a bundle to a day, or out (-1)."""
        if self.day[one] >= 0:
            self.free[:, self.day[one]] += self.bundles.need[one]
        if day >= 0:
            self.free[:, day] -= self.bundles.need[one]
        self.day[one] = day

    def fits(self, one: int) -> np.ndarray:
        """Tell on which days of all days a bundle finds room, whatever its window."""
        return np.asarray((self.bundles.need[one][:, None] <= self.free).all(axis=0))

    def on(self, day: int) -> Ints:
        """List the bundles on a day."""
        return np.flatnonzero(self.day == day)

    @property
    def left_out(self) -> int:
        """Count the moves left out."""
        return int(self.bundles.size[self.day < 0].sum())

    @property
    def objective(self) -> int:
        """Add up the costs of all bundles."""
        return int(self.bundles.cost(np.arange(self.bundles.count), self.day).sum())

    @property
    def rank(self) -> tuple[int, int]:
        """Compare boards: fewer moves left out first, then less cost."""
        return self.left_out, self.objective

    def copy(self) -> Board:
        """Copy what can change."""
        return Board(self.bundles, self.day.copy(), self.free.copy())
