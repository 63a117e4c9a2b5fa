"""What a person reads of a ranked customer: the next action, what is in the way, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cspkit import blockers
from cspkit.exports import arrays
from cspkit.policy import Patience
from cspkit.tables import Step

# What is still missing, what has to come of it first, and how that reads once it is late.
STEPS = {
    Step.RELATIONSHIP.value: (
        "invitation, agreement and access need",
        "the invitation",
        "go out",
        "gone out on",
    ),
    Step.AGREEMENT.value: ("agreement and access need", "the signature", "come", "come by"),
    Step.ACCESS.value: ("access needs", "it", "be asked for", "been asked for on"),
}
PENDING = ("the answer, the agreement and access need", "the answer", "come", "come by")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WHY = (
    *("flags", "last_safe_day", "lead_days", "invite_by", "invited_on", "state"),
    *("has_originals", "has_movable", "patience"),
)
OWN = ("state", "lead_days", "invited_on", "patience")
# Codes of combined columns stay below.
MOST = 2**62


class Sentences:
    """What people read of ranked customers: next_action, blockers and reason, row by row.

    Takes the columns of `judging.summing.summed`. A million customers share some thousand numbers,
    days and names, so each part of a sentence is put into words once for every different value;
    whole sentences are made of them for as many rows at a time as somebody asks for.
    """

    def __init__(self, rows: pa.Table, as_of: date, patience: Patience) -> None:
        """Put into words what differs; `patience` knows the slow seasons of a market."""
        facts = _facts(rows)
        ends = ["expires_on", "rolls_over", "one"]
        self._actions = _each(facts, ["flags", "has_movable"], _action)
        self._blockers = _each(facts, ["all_flags"], _spelled)
        self._what = _each(facts, ["has_movable", "seats", "product"], _what)
        self._why = _each(facts, [*ends, *WHY], partial(_until, as_of=as_of, seasons=patience))

    def of(self, start: int, count: int) -> dict[str, pa.DictionaryArray]:
        """Give the three columns for so many rows from a row on, each different text once."""
        actions, codes, what, why = (
            pa.DictionaryArray.from_arrays(places.slice(start, count), words)
            for places, words in (self._actions, self._blockers, self._what, self._why)
        )
        return {"next_action": actions, "blockers": codes, "reason": _joined(what, why)}


def _joined(left: pa.DictionaryArray, right: pa.DictionaryArray) -> pa.DictionaryArray:
    """Put texts behind texts; each different pair once."""
    many = len(right.dictionary) or 1
    pairs = arrays.numbers(left.indices).astype(np.int64) * many + arrays.numbers(right.indices)
    known = pc.dictionary_encode(arrays.whole(pairs, pa.int64()))
    different = arrays.numbers(known.dictionary)
    texts = (
        words.dictionary.take(arrays.whole(places, pa.int64()))
        for words, places in ((left, different // many), (right, different % many))
    )
    joined = pc.binary_join_element_wise(*texts, arrays.texts([""])[0])
    return pa.DictionaryArray.from_arrays(known.indices, joined)


def _facts(rows: pa.Table) -> dict[str, pa.Array]:
    """Take the values that sentences are made of, each as a column."""
    first = rows.column("first")
    facts = {field.name: pc.struct_field(first, field.name) for field in first.type}
    facts |= {name: rows.column(name) for name in OWN}
    # Compared with numbers that are Arrow's already: making them of Python's would load pandas.
    none, single = arrays.whole([0, 1], pa.int64())
    facts["has_movable"] = pc.greater(rows.column("movable"), none)
    facts["has_originals"] = pc.greater(rows.column("originals"), none)
    facts["one"] = pc.equal(facts["seats"], single)
    facts["all_flags"] = rows.column("flags")
    return {name: column.combine_chunks() for name, column in facts.items()}


def _each(
    facts: Mapping[str, pa.Array], names: Iterable[str], word: Callable[..., str]
) -> tuple[pa.Array, pa.Array]:
    """Put every different combination of values into words; returns each row's place in them."""
    columns = {name: facts[name] for name in names}
    count = len(next(iter(columns.values())))
    codes, most = np.zeros(count, np.int64), 1
    for column in columns.values():
        known = pc.dictionary_encode(column, null_encoding="encode")
        different = len(known.dictionary) or 1
        if most * different > MOST:
            codes, most = _numbered(codes), count
        codes, most = codes * different + arrays.numbers(known.indices), most * different
    codes = _numbered(codes)
    first = np.zeros(codes.max(initial=-1) + 1, np.int64)
    first[codes[::-1]] = np.arange(count - 1, -1, -1)
    every = pa.Table.from_arrays(list(columns.values()), list(columns))
    some = every.take(arrays.whole(first, pa.int64())).to_pylist()
    words = arrays.texts([word(**line) for line in some])
    return arrays.whole(codes.astype(np.int32), pa.int32()), words


def _numbered(codes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Number codes anew by their first appearance."""
    found = pc.dictionary_encode(arrays.whole(codes, pa.int64()))
    return arrays.numbers(found.indices).astype(np.int64)


def _spelled(all_flags: int) -> str:
    return " ".join(blockers.codes(all_flags))


def _codes(flags: int | None) -> tuple[str, ...]:
    return () if flags is None else blockers.codes(flags)


def _action(flags: int | None, has_movable: bool) -> str:
    """Name what a person does next, what stops every order going before the rest."""
    known = [blockers.table()[code] for code in _codes(flags)]
    actions = [one.action for one in sorted(known, key=lambda one: not one.waits)]
    otherwise = "put it in a plan" if has_movable else "nothing to do"
    return next((action for action in actions if action), otherwise)


def _what(has_movable: bool, seats: int | None, product: str | None) -> str:
    """Say how many seats of what end first; nothing where nothing is to move."""
    if not has_movable:
        return ""
    number = "An unknown number of" if seats is None else str(seats)
    return f"{number} seat{'' if seats == 1 else 's'} of {product or 'an unnamed product'}"


def _until(
    *,
    expires_on: date | None,
    rolls_over: bool | None,
    one: bool | None,
    as_of: date,
    has_movable: bool,
    **known: Any,
) -> str:
    """Say when they end, and what stops that or by when the next step must be taken."""
    why = _why(as_of=as_of, has_movable=has_movable, **known)
    return f"{_end(expires_on, rolls_over, one, as_of)}{why}" if has_movable else why


def _end(expires_on: date | None, rolls_over: bool | None, one: bool | None, as_of: date) -> str:
    if expires_on is None:
        return f" {'has' if one else 'have'} no known end"
    day = _day(expires_on, as_of)
    if rolls_over:
        return f" renew{'s' if one else ''} every month, next on {day}"
    if expires_on < as_of:
        return f" ended on {day}, {_days((as_of - expires_on).days)} ago"
    return f" end{'s' if one else ''} {'today' if expires_on == as_of else f'on {day}'}"


def _why(
    *, as_of: date, flags: int | None, has_originals: bool, has_movable: bool, **known: Any
) -> str:
    """Say what stops it or by when the next step must be taken; `; ` goes before it."""
    codes = _codes(flags)
    if not has_originals:
        return "no subscription of this customer is in the exports"
    if not has_movable:
        return f"nothing to move: {_sentence(codes)}"
    stops = tuple(code for code in codes if blockers.table()[code].waits)
    if "overdue" in stops:
        return f"; {_after_the_end(codes)}"
    if stops == ("end_missing",):
        return f"; {blockers.table()['end_missing'].clears}"
    pending = "invitation_pending" in codes
    return f"; {_sentence(stops) if stops else _deadline(pending, as_of=as_of, **known)}"


def _sentence(codes: tuple[str, ...]) -> str:
    return blockers.table()[codes[0]].sentence if codes else "no route is known"


def _after_the_end(codes: tuple[str, ...]) -> str:
    """Say what has most likely become of an original that nobody has seen end."""
    if "auto_renew_on" in codes:
        return "auto-renew was on, so a new term has probably begun: look before anything else"
    if "end_unscheduled" in codes:
        return "no end was scheduled, so it probably runs on as a paid month: look first"
    return blockers.table()["overdue"].sentence


def _deadline(
    pending: bool,
    *,
    last_safe_day: date,
    lead_days: int,
    invite_by: date | None,
    invited_on: date | None,
    state: str,
    patience: str,
    seasons: Patience,
    as_of: date,
) -> str:
    """Say by when the next step must be taken, or that its day has passed."""
    if state == blockers.READY:
        late = "was" if last_safe_day < as_of else "is"
        return f"the last safe day to order {late} {_day(last_safe_day, as_of)}"
    start = invite_by or seasons.begin(last_safe_day, lead_days, patience)
    what, it, do, done = PENDING if pending else STEPS[state]
    when = f"should have {done}" if start < as_of else f"has to {do} by"
    need = f"{what} about {_days(lead_days)}, so {it} {when} {_day(start, as_of)}"
    if not pending:
        return need
    return f"invited{f' on {_day(invited_on, as_of)}' if invited_on else ''}, no answer yet; {need}"


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def _day(day: date, as_of: date) -> str:
    """Write a day as people say it, with the year where it is another than this."""
    return f"{day.day} {MONTHS[day.month - 1]}{'' if day.year == as_of.year else f' {day.year}'}"
