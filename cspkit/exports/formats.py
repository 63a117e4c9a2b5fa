"""The formats that a load knows: the packaged ones, and maps that a user wrote."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cspkit import validation
from cspkit.errors import ExportError
from cspkit.exports.profiles import Profile, key


@dataclass(frozen=True)
class Match:
    """How well a header row fits a profile."""

    profile: Profile
    known: int
    lacking: tuple[str, ...]
    marked: bool

    @property
    def fits(self) -> bool:
        """Tell whether every column that the profile needs is there."""
        return not self.lacking


class Formats:
    """A set of profiles that header rows are compared with; a user's own maps come first."""

    def __init__(self, profiles: Iterable[Profile], own: Iterable[Profile] = ()) -> None:
        """Know the given profiles, and prefer the user's own where both fit."""
        mine = tuple(own)
        self._own = {profile.id for profile in mine}
        self.profiles = (*mine, *profiles)
        self._seen: dict[tuple[str, ...], tuple[Match, ...]] = {}

    def recognise(self, header: Iterable[str]) -> list[Match]:
        """Compare a header row with every profile, the best first."""
        header = tuple(header)
        if header not in self._seen:
            keys = frozenset(key(cell) for cell in header) - {""}
            matches = (_match(keys, profile) for profile in self.profiles)
            self._seen[header] = tuple(sorted(matches, key=self._order))
        return list(self._seen[header])

    def _order(self, found: Match) -> tuple[bool, bool, bool, int, str]:
        foreign = found.profile.id not in self._own
        return not found.fits, foreign, not found.marked, -found.known, found.profile.id


def match(header: Iterable[str], profile: Profile) -> Match:
    """Compare a header row with a profile."""
    return _match(frozenset(key(cell) for cell in header) - {""}, profile)


def _match(keys: frozenset[str], profile: Profile) -> Match:
    lacking = [name for name, known in profile.must_have if known.isdisjoint(keys)]
    marked = not any(known.isdisjoint(keys) for known in profile.marking)
    return Match(profile, len(keys & profile.spellings), tuple(dict.fromkeys(lacking)), marked)


@cache
def packaged() -> Formats:
    """Return the formats that come with the package, in order of id."""
    folder = resources.files("cspkit.exports").joinpath("profiles")
    files = sorted(folder.iterdir(), key=lambda item: item.name)
    return Formats(
        _profile(file.name, file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".toml")
    )


def with_maps(maps: Iterable[str | Path]) -> Formats:
    """Return the packaged formats and those of a user's own map files.

    Raises ExportError that names the file and the field that is wrong.
    """
    own = []
    for path in map(Path, maps):
        try:
            own.append(_profile(path.name, path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ExportError(path, [f"cannot be read as a map: {error}"]) from error
        except ValidationError as error:
            raise ExportError(path, [": ".join(validation.first(error))]) from error
    return Formats(packaged().profiles, own) if own else packaged()


def _profile(name: str, text: str) -> Profile:
    data: dict[str, Any] = tomllib.loads(text)
    return Profile(id=name.removesuffix(".toml"), **{"title": name, "source": "a map", **data})
