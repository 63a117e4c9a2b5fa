"""Faults that can be switched on: what goes wrong, where, how often; and a log of what did."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

# kind -> whether the call still has its effect in the world
KINDS = {
    # no answer, or a refusal, and nothing has happened
    "throttle": False,
    "refuse": False,
    # two changes meet in the directory
    "busy": False,
    "before": False,
    "reset": False,
    "hang": False,
    # the call never leaves: felt in process; behind a socket the connection is closed instead
    "no_connection": False,
    "no_name": False,
    "no_tls": False,
    # something has happened, or will, whatever the caller sees
    "slow": True,
    "late": True,
    "after": True,
    "lost": True,
    "accepted": True,
    "twice": True,
    # the answer is not what it should be
    "half": True,
    "html": True,
    "broken": True,
    "type": True,
    "strange": True,
    "pascal": True,
    # the page is, but the way to the next one is not
    "foreign": True,
    "loop": True,
    "no_next": True,
    "repeat": True,
    "moved": True,
    "empty": True,
    # somebody else was faster
    "changed": True,
    "rotated": True,
}


# no answer comes back, whatever happens in the world
SILENT = ("reset", "late", "hang", "no_connection", "no_name", "no_tls")


@dataclass
class Rule:
    """One fault: `route` is a pattern on the path, `times` how often, None for always."""

    kind: str
    route: str = "*"
    method: str = "*"
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0
    status: int = 500
    code: int = 800003
    retry_after: str = "57"
    seconds: float = 0.1

    def matches(self, method: str, path: str) -> bool:
        """Say whether a call is meant, whatever the case of its path."""
        return fnmatchcase(path.lower(), self.route.lower()) and self.method in ("*", method)


@dataclass
class Faults:
    """The rules in order of their making; the first that matches and fires is used."""

    seed: int = 1
    rules: list[Rule] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the random numbers of the rules with a chance."""
        self._rng = random.Random(f"{self.seed}/faults")

    def add(self, wanted: object) -> Rule:
        """Switch a fault on from JSON values; raises ValueError that names what is wrong."""
        if not isinstance(wanted, dict):
            raise ValueError("a fault is an object such as {'kind': 'throttle'}")
        if wanted.get("kind") not in list(KINDS):
            raise ValueError(
                f"kind must be one of {', '.join(KINDS)}, found {wanted.get('kind')!r}"
            )
        defaults = asdict(Rule(kind=""))
        for name, value in wanted.items():
            if name not in defaults:
                raise ValueError(f"a fault has no {name!r}; it has {', '.join(defaults)}")
            allowed = (int, float) if isinstance(defaults[name], (int, float)) else (str,)
            if value is None and name == "times":
                continue
            if not isinstance(value, allowed):
                raise ValueError(f"{name} must be like {defaults[name]!r}, found {value!r}")
        rule = Rule(**wanted)
        HTTPStatus(rule.status)
        if not 0 <= rule.seconds <= 86_400:
            raise ValueError(f"seconds must be between 0 and a day, found {rule.seconds!r}")
        self.rules.append(rule)
        return rule

    def pick(self, method: str, path: str) -> Rule | None:
        """Choose the fault of a call, count it and log it; None when all is well."""
        for rule in self.rules:
            if rule.times == 0 or not rule.matches(method, path):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.chance < 1 and self._rng.random() >= rule.chance:
                continue
            if rule.times is not None:
                rule.times -= 1
            self.log.append({"kind": rule.kind, "method": method, "path": path})
            return rule
        return None

    def clear(self) -> None:
        """Switch all faults off; the log stays."""
        self.rules.clear()
