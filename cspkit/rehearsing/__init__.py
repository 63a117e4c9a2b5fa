"""Run a whole plan against a rehearsal, day by day on its clock, and say what came of it."""

from cspkit.rehearsing.running import Rehearsed, rehearse

__all__ = ["Rehearsed", "rehearse"]
