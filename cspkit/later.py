"""Modules that load on first use: building expressions needs Ibis, running kept SQL does not."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """Stand for a module, or for a name in one as `module:name`, until something is asked of it."""

    def __init__(self, where: str) -> None:
        """Remember where it is; nothing is imported."""
        self._where = where

    def __getattr__(self, name: str) -> Any:
        """Load it and pass on what it has."""
        return getattr(self._found(), name)

    def __getitem__(self, key: Any) -> Any:
        """Load it and look something up in it."""
        return self._found()[key]

    def _found(self) -> Any:
        module, _colon, name = self._where.partition(":")
        found = import_module(module)
        return getattr(found, name) if name else found


ibis: Any = Later("ibis")
deferred: Any = Later("ibis:_")
