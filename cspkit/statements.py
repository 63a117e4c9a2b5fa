"""SQL that is written once: expressions are built and compiled only where no kept SQL serves.

A `described` function turns what it makes of rows into `Rows`: the key says of what the rows are
made, and only where no statement is kept under that key the function is called and Ibis compiles
what it returns. So the expressions stay the one source of all SQL. Statements hold no data: what
changes from load to load is given to the engine as tables, functions and variables.

They are kept in the user's cache folder, or in `CSPKIT_CACHE`; `off` keeps none. A statement is
known by the versions of what compiles it and by the text of the modules that say what it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, cached_property, wraps
from importlib import metadata
from pathlib import Path
from typing import Any

from cspkit import writing

PLACE = "CSPKIT_CACHE"
# Stands in kept statements for the name that a load gives its tables.
TOKEN = "cspkit_000000000000"
SOURCES = (".py", ".toml", ".csv")
COMPILERS = ("duckdb", "ibis-framework", "sqlglot")
# Folders of other versions that stay, and statements of one version at most.
KEPT_VERSIONS, MOST = 3, 5_000
_known: dict[str, Statement] = {}


@dataclass(frozen=True)
class Statement:
    """A query in SQL, and the types of its columns in Ibis' words."""

    sql: str
    schema: dict[str, str]


class Rows:
    """Rows of the engine that are described, and built as an Ibis expression only when needed."""

    def __init__(self, key: Callable[[], str], make: Callable[[], Any]) -> None:
        """Remember how to say what they are made of, and how to make them."""
        self._key, self._make = key, make

    @cached_property
    def key(self) -> str:
        """Say what these rows are made of, as a digest."""
        return self._key()

    @cached_property
    def expression(self) -> Any:
        """Build the Ibis expression."""
        return self._make()


def described(make: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that is given `Rows` describe what it returns, and build it later.

    Called with expressions it works at once, so that such functions can call each other. All its
    arguments are part of the key; what is more than values says its own as `statement_key`.
    """

    @wraps(make)
    def describe(*given: Any, **named: Any) -> Any:
        everything = (*given, *named.values())
        if not _holds_rows(everything):
            return make(*given, **named)
        what = f"{make.__module__}.{make.__qualname__}"
        return Rows(
            lambda: digest(what, given, named),
            lambda: make(*map(built, given), **{name: built(one) for name, one in named.items()}),
        )

    return describe


def table(name: str, schema: Mapping[str, str]) -> Rows:
    """Describe a table of the engine by its name and the types of its columns."""

    def make() -> Any:
        import ibis

        return ibis.table(dict(schema), name=name)

    return Rows(lambda: digest("table", name, dict(schema)), make)


def built(value: Any) -> Any:
    """Replace described rows by their expressions, also within lists and mappings."""
    if isinstance(value, Rows):
        return value.expression
    if isinstance(value, (list, tuple)):
        return type(value)(map(built, value))
    if isinstance(value, dict):
        return {name: built(one) for name, one in value.items()}
    return value


def digest(*parts: Any) -> str:
    """Name what something is made of."""
    return hashlib.blake2b(_spelled(parts).encode(), digest_size=16).hexdigest()


def statement(rows: Rows, compiled: Callable[[Any], str]) -> Statement:
    """Find the statement that is kept for rows, or build, compile and keep it."""
    if rows.key not in _known:
        found = _read(rows.key)
        if found is None:
            expression = rows.expression
            schema = {name: str(kind) for name, kind in expression.schema().items()}
            found = Statement(compiled(expression), schema)
            _write(rows.key, found)
        _known[rows.key] = found
    return _known[rows.key]


def _holds_rows(values: Iterable[Any]) -> bool:
    return any(
        isinstance(value, Rows)
        or (isinstance(value, (list, tuple)) and _holds_rows(value))
        or (isinstance(value, dict) and _holds_rows(value.values()))
        for value in values
    )


def _spelled(value: Any) -> str:
    if isinstance(value, Rows):
        return value.key
    if value is None or isinstance(value, (str, int, float, date, Decimal)):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_spelled, value))})"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{_spelled(k)}:{_spelled(v)}' for k, v in value.items())}}}"
    if isinstance(value, (set, frozenset)):
        return f"<{','.join(sorted(map(_spelled, value)))}>"
    if (key := getattr(value, "statement_key", None)) is not None:
        return f"{type(value).__name__} {_spelled(key)}"
    raise TypeError(f"no statement can be known by an argument of type {type(value).__name__}")


@cache
def fingerprint() -> str:
    """Name what all statements depend on: the compilers' versions and the modules' text."""
    package = Path(__file__).parent
    versions = [f"{name} {metadata.version(name)}" for name in COMPILERS]
    found = hashlib.blake2b("\n".join(versions).encode(), digest_size=10)
    for folder in (package, package / "exports", package / "judging"):
        for file in sorted(folder.iterdir()):
            if file.suffix in SOURCES:
                found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()


def folder() -> Path | None:
    """Return where statements are kept; None where they are not."""
    place = os.environ.get(PLACE, "")
    if place.casefold() == "off":
        return None
    if not place:
        import platformdirs

        place = platformdirs.user_cache_dir("cspkit", appauthor=False)
    return Path(place) / "statements" / fingerprint()


def _read(key: str) -> Statement | None:
    """Read a kept statement; one that cannot be read, or that others could write, is none."""
    if (place := folder()) is None:
        return None
    try:
        if not _ours(place):
            return None
        held = json.loads((place / f"{key}.json").read_text("utf-8"))
        return Statement(held["sql"], dict(held["schema"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(key: str, found: Statement) -> None:
    """Keep a statement; where that cannot be done, the next run compiles it again, and says so."""
    if (place := folder()) is None:
        return
    try:
        if not place.exists():
            place.mkdir(mode=0o700, parents=True)
            _forget_old(place)
        if not _ours(place):
            _say_unkept(place.parent, "others can write there")
        elif len(os.listdir(place)) < MOST:
            text = json.dumps({"sql": found.sql, "schema": found.schema})
            writing.write(place / f"{key}.json", text, flushed=False, private=True)
    except OSError as error:
        _say_unkept(place.parent, error.strerror or str(error))


@cache
def _say_unkept(place: Path, why: str) -> None:
    """Say once in a process that nothing is kept: by a logger, whose default is standard error."""
    import logging

    logging.getLogger(__name__).warning(
        "cspkit: compiled SQL cannot be kept in %s (%s), so each run compiles it anew, which takes"
        " longer; name a folder of your own in %s, or off",
        *(place, why, PLACE),
    )


def _ours(place: Path) -> bool:
    """Tell whether only this user can have written there: what stands there is executed."""
    if not hasattr(os, "getuid"):
        return True
    found = place.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def _forget_old(place: Path) -> None:
    """Remove the statements of all versions but the newest few."""
    others = sorted(place.parent.iterdir(), key=lambda other: other.stat().st_mtime, reverse=True)
    for other in others[KEPT_VERSIONS:]:
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
