"""Read what a service answers without being broken by what it adds, drops or renames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any

_NO_DATE = 1
_FOR_EVER = 9999


def instant(text: object) -> datetime | None:
    """Read an instant with 0 to 7 digits of a second, any zone or none; UTC is meant by none.

    The service writes the year 1 for "not set" and 9999 for "never": both are None.
    """
    if not isinstance(text, str):
        return None
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if read.year in (_NO_DATE, _FOR_EVER):
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def plain(text: object, limit: int = 300) -> str:
    """Turn text of a service into one harmless line."""
    words = unescape(str(text if text is not None else "")).split()
    line = "".join(letter for letter in " ".join(words) if letter.isprintable())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


class Unreadable(ValueError):
    """One item of a list that lacks what it cannot do without."""


class Record:
    """A JSON object read field by field: names in any case, a wrong type counts as missing."""

    def __init__(self, data: object) -> None:
        """Wrap whatever was found; anything but an object is an empty one."""
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}

    def __bool__(self) -> bool:
        """Say whether there is any field."""
        return bool(self.data)

    def get(self, name: str) -> Any:
        """Return a field as it came, or None."""
        if name in self.data:
            return self.data[name]
        wanted = name.casefold()
        found = (value for key, value in self.data.items() if str(key).casefold() == wanted)
        return next(found, None)

    def text(self, name: str, default: str = "") -> str:
        """Return a field as text; numbers become text, anything else counts as missing."""
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return default
        return str(value)

    def id(self, name: str) -> str:
        """Return an id in lower case: the service writes one in either."""
        return self.text(name).strip().lower()

    def needed(self, name: str) -> str:
        """Return an id in lower case; raise Unreadable when there is none."""
        found = self.id(name)
        if not found:
            raise Unreadable(f"expected {name}, found {plain(self.get(name), 40)!r}")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a list; anything else in it is left out."""
        value = self.get(name)
        found = value if isinstance(value, list) else []
        return tuple(one for one in found if isinstance(one, str))

    def whole(self, name: str) -> int | None:
        """Return a whole number, also when it came as text."""
        value = self.get(name)
        if isinstance(value, bool):
            return None
        try:
            return int(value)
        except (TypeError, ValueError, OverflowError):
            return None

    def flag(self, name: str) -> bool | None:
        """Return true or false, also when it came as text; None for anything else."""
        value = self.get(name)
        if isinstance(value, str):
            return {"true": True, "false": False}.get(value.strip().lower())
        return value if isinstance(value, bool) else None

    def instant(self, name: str) -> datetime | None:
        """Return an aware UTC instant."""
        return instant(self.get(name))

    def record(self, name: str) -> Record:
        """Return an object; an empty one where there is none."""
        return Record(self.get(name))

    def records(self, name: str) -> list[Record]:
        """Return the objects of a list; what is no object is left out, the rest stays."""
        return list(records(self.get(name)))


def records(value: object) -> Iterator[Record]:
    """Yield the objects of a list, whatever else is in it."""
    if isinstance(value, list):
        yield from (Record(item) for item in value if isinstance(item, Mapping))
