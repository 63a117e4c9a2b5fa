"""Days for moves at least total cost, with a proof of how good they are."""

from cspkit.solving.problem import Problem, Solution, Unplaced
from cspkit.solving.solver import lower_bound, solve, wish_price

__all__ = ["Problem", "Solution", "Unplaced", "lower_bound", "solve", "wish_price"]
