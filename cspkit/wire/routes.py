"""The calls a service knows, as data: method, path, and whether a user must be signed in."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import quote


@dataclass(frozen=True)
class Route:
    """One call: `user` when an app alone is not enough."""

    name: str
    method: str
    path: str
    user: bool
    source: str

    def at(self, **ids: str) -> str:
        """Fill in the ids; what comes from a file never leaves its place in the path."""
        return self.path.format_map({name: quote(one, safe="") for name, one in ids.items()})


@cache
def routes(package: str) -> dict[str, Route]:
    """Read the calls.csv of a package, by name."""
    text = files(package).joinpath("calls.csv").read_text(encoding="utf-8")
    return {
        row["name"]: Route(
            row["name"], row["method"], row["path"], row["needs"] == "user", row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    }
