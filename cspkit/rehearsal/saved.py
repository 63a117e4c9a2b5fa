"""A whole world as JSON: saved in the evening, served again in the morning."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cspkit.rehearsal import (
    books,
    endings,
    groups,
    migrations,
    people,
    records,
    relations,
    seats,
    transfers,
    transitions,
    world,
)
from cspkit.rehearsal.products import Product, by_sku_id

FORMAT = 1
_KIND = "$"
_CLASSES: dict[str, Any] = {
    found.__name__: found
    for found in (*vars(records).values(), books.Books, world.Options)
    if isinstance(found, type) and is_dataclass(found) and found is not Product
}
_MODULES = (endings, groups, migrations, people, relations, seats, transfers, transitions)
_ACTIONS: dict[str, world.Action] = {
    f"{module.__name__.rpartition('.')[2]}.{name}": found
    for module in _MODULES
    for name, found in vars(module).items()
    if callable(found) and getattr(found, "__module__", "") == module.__name__
}
_NAMES = {action: name for name, action in _ACTIONS.items()}


class NoWorld(OSError):
    """The file holds no world that can be served."""


def save(found: world.World, path: Path) -> None:
    """Write a world to a file."""
    path.write_text(json.dumps(to_json(found), ensure_ascii=False), "utf-8")


def read(path: Path) -> world.World:
    """Read a world from a file; raises NoWorld when the file holds none."""
    try:
        return from_json(json.loads(path.read_text("utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoWorld(
            f"{path} is not a saved world of format {FORMAT} ({type(error).__name__}: {error}); "
            "save one with the control route /control/world"
        ) from error


def to_json(found: world.World) -> dict[str, Any]:
    """Give a world as JSON values; calls that a fault still promises are left out."""
    parts = {name: value for name, value in vars(found).items() if not name.startswith("_")}
    agenda = [
        [encode(due), number, _NAMES[action], encode(list(words))]
        for due, number, action, words in found.agenda
        if action in _NAMES
    ]
    return {
        "format": FORMAT,
        "agenda": agenda,
        "world": encode(parts),
    }


def from_json(value: dict[str, Any]) -> world.World:
    """Make the world that to_json described; raises what a wrong description raises."""
    if value["format"] != FORMAT:
        raise ValueError(f"expected format {FORMAT}, found {value['format']!r}")
    parts = decode(value["world"])
    made = world.World(seed=parts.pop("seed"), now=parts.pop("now"))
    for name, before in list(vars(made).items()):
        if name in parts:
            setattr(made, name, _like(before, parts[name]))
    made.resume(
        [
            (decode(due), number, _ACTIONS[name], tuple(decode(words)))
            for due, number, name, words in value["agenda"]
        ]
    )
    return made


def _like(before: object, after: Any) -> Any:
    """Give a mapping the kind it has in a new world."""
    if isinstance(before, defaultdict):
        return defaultdict(before.default_factory, after)
    return after


def encode(value: Any) -> Any:
    """Write a value as JSON; what JSON does not know is named."""
    if isinstance(value, Product):
        return {_KIND: "product", "is": value.sku_id}
    if is_dataclass(value) and not isinstance(value, type):
        kept = {one.name: encode(getattr(value, one.name)) for one in fields(value)}
        return {_KIND: type(value).__name__} | kept
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and _KIND not in value:
            return {key: encode(item) for key, item in value.items()}
        return {_KIND: "map", "is": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    for name, (kind, write, _) in _PLAIN.items():
        if isinstance(value, kind):
            return {_KIND: name, "is": write(value)}
    return value


def decode(value: Any) -> Any:
    """Read what encode wrote."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_KIND)
    if kind is None:
        return {key: decode(item) for key, item in value.items()}
    if kind == "product":
        return by_sku_id()[value["is"]]
    if kind == "map":
        return {decode(key): decode(item) for key, item in value["is"]}
    if kind in _PLAIN:
        return _PLAIN[kind][2](value["is"])
    made = {key: decode(item) for key, item in value.items() if key != _KIND}
    if kind == "Books":
        made["calls"] = Counter(made["calls"])
    return _CLASSES[kind](**made)


# the order matters: an instant is a date too
_PLAIN: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "instant": (datetime, datetime.isoformat, datetime.fromisoformat),
    "day": (date, date.isoformat, date.fromisoformat),
    "number": (Decimal, str, Decimal),
    "tuple": (
        tuple,
        lambda value: [encode(item) for item in value],
        lambda value: tuple(decode(item) for item in value),
    ),
}
