"""How far one run goes: which subjects, how many, until when, and after how many failures."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from cspkit.errors import SettingsError
from cspkit.moves.rows import Subject

WORKERS = 16
# The columns that name what to run, the most exact first; a failed.csv has `subject`.
COLUMNS = ("subject", "move_id", "customer_id")
_NIGHT = timedelta(hours=12)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True)
class Limits:
    """How far a run goes; the defaults set no limit of their own.

    `canary`: only so many of the first subjects. `max_failures`: over all batches of the plan;
    0 leaves it to the policy, which counts each run. `only`: a csv of what to run. `parallel`:
    customers at the same time. `until`: HH:MM on this computer, after which nothing begins.
    Raises SettingsError for what is none of these.
    """

    canary: int = 0
    max_failures: int = 0
    only: str = ""
    parallel: int = 1
    until: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be a limit."""
        for field, least, most in (
            ("canary", 0, None),
            ("max_failures", 0, None),
            ("parallel", 1, WORKERS),
        ):
            value = getattr(self, field)
            if type(value) is not int or value < least or (most is not None and value > most):
                expected = f"{least} or more" if most is None else f"{least} to {most}"
                raise SettingsError("run", field, f"expected {expected}, found {value!r}")
        if self.until and not _CLOCK.fullmatch(self.until):
            problem = f"expected a time of this computer, HH:MM, found {self.until!r}"
            raise SettingsError("run", "until", problem)

    def ends_at(self, now: datetime) -> datetime | None:
        """Return the instant after which nothing begins, in the time zone of this computer.

        A time that has passed is that of tomorrow when it is less than twelve hours away, as in
        a night; otherwise it is a slip, and SettingsError is raised.
        """
        if not self.until:
            return None
        here = now.astimezone()
        hour, minute = map(int, self.until.split(":"))
        # Put together anew, because a day on which the clocks change has another offset.
        ends = datetime.combine(here.date(), time(hour, minute)).astimezone()
        if ends <= here:
            ends = datetime.combine(here.date() + timedelta(1), time(hour, minute)).astimezone()
            if ends - here >= _NIGHT:
                problem = f"{self.until} has passed, it is {here:%H:%M %Z} on this computer"
                raise SettingsError("run", "until", problem)
        return ends


def choose(
    subjects: Sequence[Subject], limits: Limits, *, where: str, noun: str
) -> tuple[list[Subject], list[str]]:
    """Return the subjects that a run is about, and what to tell about those it leaves out.

    `where` says what the subjects were taken from, `noun` what they are called. Raises
    SettingsError for an unreadable file, and for ids that are not there.
    """
    chosen, told = list(subjects), []
    if limits.only:
        chosen = _named(chosen, limits.only, where)
        told.append(f"only the {len(chosen)} of {len(subjects)} {noun} in {Path(limits.only).name}")
    if limits.canary and limits.canary < len(chosen):
        told.append(f"canary: the first {limits.canary} of {len(chosen)} {noun}")
        chosen = chosen[: limits.canary]
    return chosen, told


def _named(subjects: list[Subject], file: str, where: str) -> list[Subject]:
    wanted = read_ids(file)
    known = {name for one in subjects for name in _names(one)}
    missing = [name for name in wanted if name not in known]
    if missing:
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        problem = f"{missing[0]!r}{more} not in {where}: take them out, or name their batch"
        raise SettingsError(file, f"line {wanted[missing[0]]}", problem)
    return [one for one in subjects if not wanted.keys().isdisjoint(_names(one))]


def _names(one: Subject) -> set[str]:
    """List the ids that mean this subject: its own, and its customer's."""
    return {one.id, one.customer_id}


def read_ids(file: str | Path) -> dict[str, int]:
    """Read the ids of a csv and the lines on which they stand; other columns do not matter.

    Takes commas or semicolons, as a spreadsheet may have saved it. Raises SettingsError when it
    cannot be read, has none of the columns `subject`, `move_id`, `customer_id`, or no id.
    """
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise SettingsError(file, "only", f"cannot be read: {why}") from None
    found = _ids(file, text)
    if not found:
        raise SettingsError(file, "only", "expected ids, found none")
    return found


def _ids(file: str | Path, text: str) -> dict[str, int]:
    head = text.partition("\n")[0]
    rows = csv.reader(text.splitlines(), delimiter=";" if head.count(";") else ",")
    names = [name.strip() for name in next(rows, [])]
    column = next((names.index(name) for name in COLUMNS if name in names), None)
    if column is None:
        problem = f"expected a column {', '.join(COLUMNS)}, found {', '.join(names) or 'nothing'}"
        raise SettingsError(file, "line 1", problem)
    found: dict[str, int] = {}
    for row in rows:
        name = row[column].strip().lower() if len(row) > column else ""
        if name:
            found.setdefault(name, rows.line_num)
    return found
