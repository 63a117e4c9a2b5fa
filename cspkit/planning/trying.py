"""What another capacity, lead time or overlap would do to a plan, without making it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cspkit import placing, scheduling, validation
from cspkit.decisions import Decisions
from cspkit.errors import SettingsError
from cspkit.planning import facts
from cspkit.planning.making import plan, sifted
from cspkit.planning.result import Plan
from cspkit.policy import Policy
from cspkit.ranking import read_day
from cspkit.scheduling import Capacity, Room, Schedule
from cspkit.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

LEAST = Decimal("0.005")


def curve(
    exports: Exports,
    *,
    as_of: date | str,
    start: date | str,
    settings: Settings,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
    capacities: Iterable[int],
    operator_day: float = 0,
) -> pd.DataFrame:
    """Reckon what a plan costs at other numbers of moves a day, one row each, rising.

    Columns moves_per_day, placed, left, cost (what is paid twice, in the plan's currency; a seat
    of unknown price counts as the median known one), saved (against the row before), busy_days
    (days with more orders than the row before allows) and pays: whether the additional orders
    save more than so many days of an operator cost, or place moves that had no day.
    """
    import pandas as pd

    known, policy = _schedule(exports, as_of, start, settings, decisions, steps), settings.policy
    rows: list[dict[str, Any]] = []
    for moves in sorted(set(capacities)):
        found = scheduling.what_if(known, _capacity(policy, moves))
        row = {"moves_per_day": moves, "placed": len(found.days), "left": len(found.left)}
        rows.append(row | {"cost": float(_cost(found))} | _gain(rows, row, found, operator_day))
    return pd.DataFrame(rows)


def _gain(
    rows: list[dict[str, Any]], row: dict[str, Any], found: Schedule, operator_day: float
) -> dict[str, Any]:
    if not rows:
        return {"saved": None, "busy_days": None, "pays": True}
    last = rows[-1]
    saved = last["cost"] - float(_cost(found))
    load: dict[date, int] = {}
    for day in found.days.values():
        load[day] = load.get(day, 0) + 1
    busy = sum(count > last["moves_per_day"] for count in load.values())
    pays = row["left"] < last["left"] or saved > busy * operator_day + float(LEAST)
    return {"saved": saved, "busy_days": busy, "pays": pays}


def _cost(found: Schedule) -> Decimal:
    """Add up what the placed moves pay twice."""
    if found.setting is None:
        return Decimal(0)
    placed = [
        (item, found.days[item.key]) for item in found.setting.items if item.key in found.days
    ]
    return sum(
        (item.daily * ((item.expires - day).days + 1) for item, day in placed), Decimal(0)
    ).quantize(Decimal("0.01"))


def _schedule(
    exports: Exports,
    as_of: date | str,
    start: date | str,
    settings: Settings,
    decisions: Decisions | None,
    steps: pd.DataFrame | None,
) -> Schedule:
    first = read_day("start", start)
    rows, _ = facts.originals(
        exports,
        as_of=read_day("as_of", as_of),
        settings=settings,
        decisions=decisions,
        steps=steps,
    )
    possible, _ = sifted(rows, settings.policy, first)
    return placing.place(possible, first, settings.policy).schedule


def _capacity(policy: Policy, moves: int) -> Capacity:
    teams = {team.name: Room(team.moves_per_day, team.seats_per_day) for team in policy.teams}
    return Capacity(moves, policy.seats_per_day, policy.invitations_per_day, teams)


def tried(
    exports: Exports,
    *,
    as_of: date | str,
    start: date | str,
    settings: Settings,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
    changes: Mapping[str, int],
    made_by: str = "nobody: only tried",
) -> Plan:
    """Make the plan that a policy with other numbers would give.

    Raises SettingsError where a value cannot be one of the policy.
    """
    return plan(
        exports,
        as_of=as_of,
        start=start,
        settings=settings.model_copy(update={"policy": changed(settings.policy, changes)}),
        decisions=decisions,
        steps=steps,
        made_by=made_by,
    )


def changed(policy: Policy, changes: Mapping[str, int]) -> Policy:
    """Return a policy with other numbers; raises SettingsError for one that it cannot have."""
    try:
        return Policy.model_validate({**policy.model_dump(), **changes})
    except ValidationError as error:
        raise SettingsError("policy", *validation.first(error)) from error


def beside(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Lay plans side by side: what, moves, days, no_day, and what is paid twice per unit."""
    import pandas as pd

    rows = []
    for what, one in plans.items():
        costs = {line.unit: float(line.planned) for line in one.document.savings}
        moved, days = len(one.document.moves), len(one.document.batches)
        left = len(one.document.unplaced)
        rows.append({"what": what, "moves": moved, "days": days, "no_day": left, **costs})
    return pd.DataFrame(rows)
