"""Move licence-based subscriptions into the Cloud Solution Provider programme.

`load` reads export files, `rank` says who goes when, `plan` chooses the days, `run` carries
out one runbook; `Ledger` remembers every intent and outcome. Names load on first use, so that
`import cspkit` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cspkit.errors import CspkitError as CspkitError
    from cspkit.exports import Exports as Exports
    from cspkit.exports import load as load
    from cspkit.ledger import Ledger as Ledger
    from cspkit.planning import Plan as Plan
    from cspkit.planning import plan as plan
    from cspkit.ranking import rank as rank
    from cspkit.runbooks import Receipt as Receipt
    from cspkit.runbooks import run as run
    from cspkit.settings import Settings as Settings

__version__ = "0.1.0"

_HOME = {
    "CspkitError": "errors",
    "Exports": "exports",
    "Ledger": "ledger",
    "Plan": "planning",
    "Receipt": "runbooks",
    "Settings": "settings",
    "load": "exports",
    "plan": "planning",
    "rank": "ranking",
    "run": "runbooks",
}

__all__ = [
    "CspkitError",
    "Exports",
    "Ledger",
    "Plan",
    "Receipt",
    "Settings",
    "load",
    "plan",
    "rank",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'cspkit' has no attribute {name!r}")
    return getattr(import_module(f"cspkit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
