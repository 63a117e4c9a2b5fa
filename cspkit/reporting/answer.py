"""The answer of the report: three sentences, written from the figures."""

from __future__ import annotations

from cspkit.reporting.figures import Standing, records
from cspkit.reporting.summary import Status
from cspkit.reporting.words import Words


def answer(status: Status, words: Words) -> list[str]:
    """Say how much is done, what comes next, and what is wrong."""
    if not status.total():
        return [words.text("This plan has no moves: nothing that was loaded can or must move.")]
    said = [_done(status, words), _next(status, words), _danger(status, words)]
    return [words.joined(sentence) for sentence in said]


def _done(status: Status, words: Words) -> str:
    many, number = words.translations.ngettext, words.number
    total, moved = status.total(), status.count(Standing.MOVED)
    way = status.count(Standing.UNDER_WAY)
    done = many(
        "{moved} of {total} move is done, with {seats} seats",
        "{moved} of {total} moves are done, with {seats} seats",
        total,
    )
    if not moved:
        done = words.text("None of {total} moves is done yet")
    going = many("{way} is under way", "{way} are under way", way) if way else ""
    placed = int(status.moves["batch"].fillna("").astype(bool).sum())
    dated = many(
        "{placed} of them has a day in this plan",
        "{placed} of them have a day in this plan",
        placed,
    )
    # the pages that look ahead count these alone
    dated = dated if placed != total else ""
    return (
        "; ".join(filter(None, [done, going, dated])).format(
            moved=number(moved),
            placed=number(placed),
            total=number(total),
            way=number(way),
            seats=number(status.count(Standing.MOVED, "seats")),
        )
        + "."
    )


def _next(status: Status, words: Words) -> str:
    many = words.translations.ngettext
    waiting = status.count(Standing.WAITING)
    text = many(
        "{n} move waits for its day or its customer",
        "{n} moves wait for their day or their customer",
        waiting,
    ).format(n=words.number(waiting))
    batch = status.next_batch
    if batch is None:
        return f"{text}."
    follows = many(
        "the next batch is {batch} on {day}, with {n} move",
        "the next batch is {batch} on {day}, with {n} moves",
        batch["moves"],
    ).format(
        batch=batch["batch"],
        day=words.day(batch["date"], "full"),
        n=words.number(batch["moves"]),
    )
    return f"{text}; {follows}."


def _danger(status: Status, words: Words) -> str:
    many = words.translations.ngettext
    customers, blocked = status.customers_at(Standing.AT_RISK), status.count(Standing.BLOCKED)
    text = words.text("No customer is at risk")
    if len(customers):
        text = many(
            "{n} customer is at risk, with its end on {day}",
            "{n} customers are at risk, with the nearest end on {day}",
            len(customers),
        ).format(
            n=words.number(len(customers)),
            day=words.day(records(customers.head(1))[0]["next_expiration"]),
        )
    if not blocked:
        return f"{text}."
    stuck = many(
        "{n} move cannot go ahead until somebody decides",
        "{n} moves cannot go ahead until somebody decides",
        blocked,
    ).format(n=words.number(blocked))
    return f"{text}; {stuck}."


def outlook_of(status: Status, words: Words) -> str:
    """Say when the moves that are left will be done, and how sure that is."""
    return words.joined(_outlook(status, words))


def _outlook(status: Status, words: Words) -> str:
    many, found = words.translations.ngettext, status.forecast
    left = many("{n} move is left", "{n} moves are left", found["left"]).format(
        n=words.number(found["left"])
    )
    if found["finish"] is None and found["left"]:
        few = words.text("{left}; too few are finished yet to say how late the rest will be.")
        return few.format(left=left)
    if not found["left"]:
        return words.text("Every move of the plan is done.")
    early, middle, late = (words.day(day) for day in found["finish"])
    text = words.text(
        "{left}. If they come as the finished ones came, the last is done on {middle}"
        " (between {early} and {late} in 8 of 10 cases)"
    ).format(left=left, middle=middle, early=early, late=late)
    gaps = found["late"][1]
    if not gaps:
        return words.text("{text}, each before its original ends.").format(text=text)
    after = many(
        "{text}; {n} of them after its original has ended.",
        "{text}; {n} of them after their originals have ended.",
        gaps,
    )
    return after.format(text=text, n=words.number(gaps))
