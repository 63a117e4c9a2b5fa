"""What notebooks show, and tools to look and to choose; a runbook loads only what it shows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cspkit.widgets.saying import plain_errors
from cspkit.widgets.showing import WORDS, Shown, show

if TYPE_CHECKING:
    from cspkit.widgets.customers import Customers
    from cspkit.widgets.files import Files, source
    from cspkit.widgets.planner import Planner
    from cspkit.widgets.plans import Comparison
    from cspkit.widgets.rejects import Corrections

__all__ = [
    "WORDS",
    "Comparison",
    "Corrections",
    "Customers",
    "Files",
    "Planner",
    "Shown",
    "plain_errors",
    "show",
    "source",
]

_HOMES = {
    "Comparison": "plans",
    "Corrections": "rejects",
    "Customers": "customers",
    "Files": "files",
    "Planner": "planner",
    "source": "files",
}


def __getattr__(name: str) -> Any:
    """Load a tool when it is first named: grids and charts take a second to import."""
    if name not in _HOMES:
        raise AttributeError(f"cspkit.widgets has no {name!r}")
    return getattr(import_module(f"cspkit.widgets.{_HOMES[name]}"), name)
