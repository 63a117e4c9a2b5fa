"""What may go wrong while a plan is rehearsed: faults by name, each with its chance per call."""

from __future__ import annotations

from typing import Any

from cspkit.errors import SettingsError

Rule = dict[str, Any]


def _often(chance: float, *kinds: str, **more: Any) -> list[Rule]:
    return [{"kind": kind, "chance": chance, "times": None, **more} for kind in kinds]


# reads fail and slow down; now and then an order's answer is lost
_LIGHT = [
    *_often(0.01, "throttle", "before", method="GET", status=503),
    *_often(0.005, "half", "broken", "html", method="GET"),
    *_often(0.01, "lost", "after", route="*/checkout"),
]
# every group of faults on every route, about one call in five
_HEAVY = [
    *_often(0.02, "throttle", retry_after="57"),
    *_often(0.02, "before", status=503),
    *_often(0.02, "refuse", status=401, code=800001, method="GET"),
    *_often(0.02, "refuse", status=409, code=800064, route="*/checkout"),
    *_often(0.02, "reset", "lost", "after", "hang", seconds=100),
    *_often(0.02, "late", seconds=840, route="*/checkout"),
    *_often(0.02, "twice", "lost", "after", "rotated", route="*/checkout"),
    *_often(0.01, "half", "broken", "html", "type", "strange", "pascal", method="GET"),
    *_often(0.01, "loop", "no_next", "repeat", "foreign", "empty", "moved", route="*/customers"),
]
KINDS: dict[str, list[Rule]] = {"none": [], "light": _LIGHT, "heavy": _HEAVY}


def rules(name: str) -> list[Rule]:
    """Give the faults of a name; raises SettingsError for one that there is not."""
    if name not in KINDS:
        raise SettingsError(
            "command line", "--faults", f"expected {', '.join(KINDS)}, found {name!r}"
        )
    return KINDS[name]
