"""May seats leave a pool? What one skuId of one tenant keeps, against what is in use."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

# An agreement, its line and the tenant's subscription of it may end some days apart.
ALIKE = timedelta(days=7)


@dataclass(frozen=True)
class Units:
    """The pool as the tenant shows it: seats that can be used, and licences in use by anybody.

    Blocked and shared accounts and those that a group licenses are in `consumed` like any other.
    """

    enabled: int
    consumed: int


@dataclass(frozen=True)
class Holding:
    """Seats of one subscription of a tenant, whoever sold it; None: not known.

    `lowered` are those of its seats that are sold no more, which the tenant has still to notice.
    """

    id: str
    seats: int | None
    ends_on: date | None
    lowered: int = 0


@dataclass(frozen=True)
class Verdict:
    """Whether a pool covers its use, and why; `missing` seats are None where it is not known.

    `doubt` names ending seats that nobody knows by id: they may have been subtracted twice.
    """

    reason: str
    missing: int | None = None
    doubt: str = ""

    @property
    def covered(self) -> bool:
        """Say whether seats may leave: what is not known never passes."""
        return self.missing == 0


def judge(
    units: Units | None,
    held: Iterable[Holding],
    day: date,
    *,
    leaving: Collection[str] = (),
    absent: Iterable[Holding] = (),
    coming: int = 0,
    taken: int = 0,
) -> Verdict:
    """Judge whether a pool covers its use once all that ends by a day is gone.

    `held` are the subscriptions whose seats are in `enabled`. One ends by then when it is said
    to, when nobody knows its end, and when it is among `leaving`, whatever its end. `absent` are
    originals that the tenant does not list, so that they may be in `enabled` under another id.
    `coming` are seats of verified replacements that `enabled` does not count yet, `taken` those
    that one of the others is about to lose, beside those that some have lost already. Nothing
    passes without a pool, with seats that nobody states, or with seats that belong to nobody.
    """
    listed, unseen = _sorted(held), _sorted(absent)
    unknown = _unknown(units, listed, unseen)
    if units is None or unknown:
        return Verdict(unknown)
    ending = _seats([one for one in (*listed, *unseen) if _ends(one, day, leaving)])
    taken += sum(one.lowered for one in listed if not _ends(one, day, leaving))
    stays = max(units.enabled - ending + coming - taken, 0)
    said = f"{units.enabled} seats - {ending} that end by {day} + {coming} to come"
    said += f" - {taken} taken away = {stays}" if taken else f" = {stays}"
    return Verdict(f"{said}; {units.consumed} in use", max(units.consumed - stays, 0))


def doubt(
    held: Iterable[Holding],
    absent: Iterable[Holding],
    day: date,
    *,
    leaving: Collection[str] = (),
    known: Collection[str] = (),
) -> str:
    """Say which ending seats may be counted twice: of originals that the tenant does not list.

    Such an original may be one of `held` under another id: one that is not among the `known`,
    has as many seats, and ends within ALIKE of it. Empty when every ending seat has its id.
    """
    others = [one for one in _sorted(held) if one.id not in known]
    said = []
    for one in _sorted(absent):
        if not _ends(one, day, leaving):
            continue
        alike = " or ".join(other.id for other in others if _alike(one, other))
        like = f"{alike}, with {one.seats} seats ending then too, could not be matched with it"
        like = like if alike else "nothing there is like it"
        said.append(f"the tenant lists no {one.id}; {like}")
    return "; ".join(said)


def missing_seats(
    units: Units | None, others: Iterable[Holding], seats: int, *, replaced: int = 0
) -> str:
    """Say why the seats of one replacement cannot be in `enabled` yet; empty when they are.

    `others` are the subscriptions that are none of our replacements, `replaced` the seats of our
    other replacements: what those bring proves nothing about this one.
    """
    listed = _sorted(others)
    if units is None or any(one.seats is None for one in listed):
        return _unknown(units, listed, [])
    theirs = _seats(listed) + replaced
    if units.enabled - theirs >= seats:
        return ""
    return f"the tenant shows {units.enabled} seats, {theirs} of them not of this order"


def _alike(one: Holding, other: Holding) -> bool:
    if one.seats is None or one.ends_on is None or other.ends_on is None:
        return False
    return one.seats == other.seats and abs(one.ends_on - other.ends_on) <= ALIKE


def _ends(one: Holding, day: date, leaving: Collection[str]) -> bool:
    return one.id in leaving or one.ends_on is None or one.ends_on <= day


def _unknown(units: Units | None, listed: list[Holding], unseen: list[Holding]) -> str:
    if units is None:
        return "the tenant shows no such pool, so that nobody knows what is in use"
    nameless = [one.id for one in (*listed, *unseen) if one.seats is None]
    if nameless:
        return f"nobody states the seats of subscription {nameless[0]}"
    owned = _seats(listed)
    if owned < units.enabled:
        return f"the tenant shows {units.enabled} seats, but subscriptions of {owned} only"
    return ""


def _sorted(held: Iterable[Holding]) -> list[Holding]:
    return sorted(held, key=lambda one: one.id)


def _seats(held: Iterable[Holding]) -> int:
    return sum(one.seats or 0 for one in held)
