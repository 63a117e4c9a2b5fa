"""The answer of the report: three sentences, written from the figures."""

from __future__ import annotations

from cspkit.reporting.figures import Standing, records
from cspkit.reporting.summary import Status
from cspkit.reporting.words import Words


def answer(status: Status, words: Words) -> list[str]:
    """Say how much is done, what comes next, and what is wrong."""
    if not status.total():
        return [words.of("This plan has no moves: nothing that was loaded can or must move.")]
    return [_done(status, words), _next(status, words), _danger(status, words)]


def _done(status: Status, words: Words) -> str:
    _, number = words.translations.ngettext, words.number
    total, moved = status.total(), status.count(Standing.MOVED)
    way = status.count(Standing.UNDER_WAY)
    done = _(
        "{moved} of {total} move is done, with {seats} seats",
        "{moved} of {total} moves are done, with {seats} seats",
        total,
    )
    if not moved:
        done = words.of("None of {total} moves is done yet")
    going = _("{way} is under way", "{way} are under way", way) if way else ""
    return (
        "; ".join(filter(None, [done, going])).format(
            moved=number(moved),
            total=number(total),
            way=number(way),
            seats=number(status.count(Standing.MOVED, "seats")),
        )
        + "."
    )


def _next(status: Status, words: Words) -> str:
    _ = words.translations.ngettext
    waiting = status.count(Standing.WAITING)
    text = _(
        "{n} move waits for its day or its customer",
        "{n} moves wait for their day or their customer",
        waiting,
    ).format(n=words.number(waiting))
    batch = status.next_batch
    if batch is None:
        return f"{text}."
    follows = _(
        "the next batch is {batch} on {day}, with {n} move",
        "the next batch is {batch} on {day}, with {n} moves",
        batch["moves"],
    ).format(
        batch=batch["batch"],
        day=words.day(batch["date"], "EEEE d MMMM"),
        n=words.number(batch["moves"]),
    )
    return f"{text}; {follows}."


def _danger(status: Status, words: Words) -> str:
    _ = words.translations.ngettext
    customers, blocked = status.customers_at(Standing.AT_RISK), status.count(Standing.BLOCKED)
    text = words.of("No customer is at risk")
    if len(customers):
        text = _(
            "{n} customer is at risk, with its end on {day}",
            "{n} customers are at risk, with the nearest end on {day}",
            len(customers),
        ).format(
            n=words.number(len(customers)),
            day=words.day(records(customers.head(1))[0]["next_expiration"]),
        )
    if not blocked:
        return f"{text}."
    stuck = _(
        "{n} move cannot go ahead until somebody decides",
        "{n} moves cannot go ahead until somebody decides",
        blocked,
    ).format(n=words.number(blocked))
    return f"{text}; {stuck}."
