"""Customers in the order in which they need the programme, each with the reason why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import ibis

from cspkit import blockers, judging
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.settings import Settings
from cspkit.tables import RANKED, Channel, Route, Step, to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

STEPS = {
    Step.RELATIONSHIP.value: (
        "invitation, agreement and access need",
        "the invitation",
        "gone out",
    ),
    Step.ACCESS.value: ("access needs", "it", "been asked for"),
}
FIRST = [
    "product",
    "seats",
    "expires_on",
    "rolls_over",
    "invite_by",
    "last_safe_day",
    "lead_days",
    "flags",
]
NO_SLACK = 1_000_000
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
NEEDED = [
    *FIRST,
    "subscription_id",
    "customer_id",
    "channel",
    "route",
    "slack_days",
    "forfeit",
    "exposure",
    "currency",
    "state",
]
DO = {"gone out": "go out", "been asked for": "be asked for"}


def rank(
    exports: Exports,
    *,
    as_of: date | str,
    settings: Settings | None = None,
    decisions: Decisions | None = None,
    market: str | None = None,
    channel: str | None = None,
    horizon: int | None = None,
    minimum_seats: int | None = None,
    owner: str | None = None,
) -> pd.DataFrame:
    """Rank every customer of the exports; returns the columns of `tables.RANKED`, rank 1 first.

    The nearest natural expiration goes first, then the least slack, then the most seats, then
    the customer id; who has nothing with a route comes last. A monthly roll-over counts as an
    expiration only where the customer has no other.

    The other arguments leave customers out, and the ranks stay those of the whole list: `market`
    and `owner` (of decisions.xlsx) keep their customers, `channel` those with an original of it,
    `minimum_seats` those with as many to move, `horizon` those whose next expiration is at most
    so many days away; what is overdue always is. Raises CspkitError for an impossible as_of, and
    for a word that nobody in the exports or decisions has.
    """
    import pyarrow as pa

    day, said = read_day("as_of", as_of), decisions or Decisions.empty()
    table = ordered(exports, as_of=day, settings=settings or Settings(), decisions=said)
    wanted: list[Any] = []
    if market is not None:
        wanted.append(table.market == _market(exports, market))
    if channel is not None:
        wanted.append(table.customer_id.isin(_of_channel(exports, channel)))
    if horizon is not None:
        wanted.append(table.days_to_expiration <= _count("horizon", horizon))
    if minimum_seats is not None:
        wanted.append(table.seats >= _count("minimum_seats", minimum_seats))
    if owner is not None:
        wanted.append(table.customer_id.isin(_of_owner(said, owner)))
    if wanted:
        table = table.filter(*wanted).order_by("rank")
    rows = judging.fetch(table)
    rendered = [_rendered(row, day) for row in rows.to_pylist()]
    for name in ("next_action", "blockers", "reason"):
        rows = rows.append_column(name, pa.array([row[name] for row in rendered], pa.string()))
    return to_pandas(rows.select(RANKED.names))


def read_day(name: str, value: date | str) -> date:
    """Return a day given as a date or as text such as 2026-11-20; an instant's day is UTC's."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise CspkitError(f"{name}: expected a date or an instant with its zone, found {value}")
        return value.astimezone(UTC).date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        expected = "expected a date such as 2026-11-20"
        raise CspkitError(f"{name}: {expected}, found {value!r}") from None


def _market(exports: Exports, market: str) -> str:
    customers = exports.table("customers")
    known = judging.fetch(customers.select("market").distinct()).column("market").to_pylist()
    return _word("market", market.upper(), [word for word in known if word])


def _of_channel(exports: Exports, channel: str) -> Any:
    """Select the customers with an original of a channel; a word that is none is unknown."""
    word = _word("channel", channel.lower(), list(Channel))
    table = exports.table("subscriptions")
    known = ibis.ifelse(table.channel.isin(list(map(str, Channel))), table.channel, "unknown")
    return table.filter(known.fill_null("unknown") == word).customer_id


def _of_owner(decisions: Decisions, owner: str) -> list[str]:
    """List the customers of an owner, in any letter case."""
    rows = decisions.customer_table.select(["customer_id", "owner"]).to_pylist()
    owned = [(row["customer_id"], row["owner"]) for row in rows if row["owner"]]
    names = {name.casefold(): name for _, name in owned}
    _word("owner", names.get(owner.casefold(), owner), list(names.values()))
    return [customer for customer, name in owned if name.casefold() == owner.casefold()]


def _word(name: str, value: str, known: list[Any]) -> str:
    if value not in known:
        some = f"one of {', '.join(sorted(map(str, known)))}" if known else "none, nobody has any"
        raise CspkitError(f"{name}: expected {some}; found {value!r}")
    return value


def _count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CspkitError(f"{name}: expected a whole number from 0 on, found {value!r}")
    return value


def ordered(
    exports: Exports, *, as_of: date, settings: Settings, decisions: Decisions | None = None
) -> ibis.Table:
    """Rank in the engine: the columns of RANKED that are values, and those of the first original.

    `first` holds values of the original that gives the customer its place; what a person reads
    is rendered from them.
    """
    judged = judging.derive(exports, as_of=as_of, settings=settings, decisions=decisions)
    judged = judged.select(*NEEDED)
    table = _summed(judged)
    table = _named(table, exports)
    table = table.mutate(
        days_to_expiration=table.next_expiration.delta(ibis.literal(as_of), unit="day"),
    )
    place = ibis.row_number().over(order_by=_order(table))
    return table.mutate(rank=(place + 1).cast("int64")).order_by("rank")


def _summed(judged: ibis.Table) -> ibis.Table:
    """Sum up each customer; money only where all of it is known and in one currency.

    Roll-overs date a customer only where it has no real end. One pass of aggregates does it:
    windows over all originals would take longer than all the judging.
    """
    judged = judged.mutate(movable=judged.route != Route.NONE.value)
    judged = judged.mutate(real=judged.movable & judged.expires_on.notnull() & ~judged.rolls_over)
    movable, real = judged.movable, judged.real
    sums = judged.group_by("customer_id").aggregate(
        next_expiration=_either(judged.expires_on, real, movable),
        slack_days=_either(judged.slack_days, real, movable),
        originals=judged.count(),
        movable=movable.sum().cast("int64"),
        seats=judged.seats.sum(where=movable).fill_null(0).cast("int64"),
        forfeit=judged.forfeit.sum(where=movable),
        exposure=judged.exposure.sum(where=movable),
        forfeit_unknown=(movable & judged.forfeit.isnull()).any(),
        exposure_unknown=(movable & judged.exposure.isnull()).any(),
        currencies=judged.currency.nunique(where=movable),
        one_currency=judged.currency.min(where=movable),
        state=judged.state.min(),
        flags=(judged.channel == Channel.CSP_NCE.value).ifelse(0, judged.flags).bit_or(),
        first=ibis.struct({name: judged[name] for name in FIRST}).argmin(_first(judged)),
    )
    single = sums.currencies == 1
    return sums.mutate(
        forfeit_if_moved_now=(single & ~sums.forfeit_unknown).ifelse(sums.forfeit, None),
        exposure_if_renewed=(single & ~sums.exposure_unknown).ifelse(sums.exposure, None),
        currency=single.ifelse(sums.one_currency, None),
        slack_days=sums.slack_days.cast("int64"),
    )


def _either(column: Any, real: Any, movable: Any) -> Any:
    return column.min(where=real).fill_null(column.min(where=movable))


def _first(judged: ibis.Table) -> Any:
    """Order the originals of a customer: the one that gives it its place comes first."""
    return ibis.struct(
        {
            "kind": ibis.cases((judged.real, 0), (judged.movable, 1), else_=2),
            "end": judged.expires_on.fill_null(date.max),
            "slack": judged.slack_days.fill_null(NO_SLACK),
            "seats": -judged.seats.fill_null(0),
            "id": judged.subscription_id,
        }
    )


def _named(table: ibis.Table, exports: Exports) -> ibis.Table:
    """Add names and markets, and the customers of whom no subscription is known."""
    customers = exports.table("customers")
    names = customers.group_by("customer_id").aggregate(
        name=customers.name.min(),
        market=customers.market.min(),
        related=(customers.relationship.lower() == "reseller").fill_null(False).any(),
    )
    table = table.outer_join(names, table.customer_id == names.customer_id)
    related = table.related.fill_null(False)
    without = related.ifelse(Step.ACCESS.value, Step.RELATIONSHIP.value)
    table = table.mutate(
        customer_id=ibis.coalesce(table.customer_id, table.customer_id_right),
        state=table.state.fill_null(without),
        flags=table.flags.fill_null(0).cast("int64"),
    )
    return table.mutate(
        **{name: table[name].fill_null(0) for name in ("originals", "movable", "seats")},
        **{
            name: table[name].cast(RANKED.schema[name])
            for name in ("forfeit_if_moved_now", "exposure_if_renewed")
        },
    )


def _order(table: ibis.Table) -> list[Any]:
    return [
        (table.movable == 0).asc(),
        table.next_expiration.asc(nulls_first=False),
        table.slack_days.asc(nulls_first=False),
        table.seats.desc(),
        table.customer_id.asc(nulls_first=False),
    ]


def _rendered(row: dict[str, Any], as_of: date) -> dict[str, str]:
    """Put a row's codes and values into the words that a person reads."""
    first = row["first"]
    codes = blockers.codes(first["flags"]) if first else ()
    return {
        "blockers": " ".join(blockers.codes(row["flags"])),
        "next_action": _action(codes) if row["movable"] else "nothing to do",
        "reason": _reason(row, codes, as_of),
    }


def _action(codes: tuple[str, ...]) -> str:
    actions = [blockers.table()[code].action for code in codes]
    return next((action for action in actions if action), "put it in a plan")


def _reason(row: dict[str, Any], codes: tuple[str, ...], as_of: date) -> str:
    if not row["originals"]:
        return "no subscription of this customer is in the exports"
    if not row["movable"]:
        return f"nothing to move: {_sentence(codes)}"
    subject = _subject(row["first"], as_of)
    stops = tuple(code for code in codes if blockers.table()[code].waits)
    if stops:
        return f"{subject}; {_sentence(stops)}"
    return f"{subject}; {_deadline(row['first'], row['state'], as_of)}"


def _sentence(codes: tuple[str, ...]) -> str:
    return blockers.table()[codes[0]].sentence if codes else "no route is known"


def _subject(first: dict[str, Any], as_of: date) -> str:
    seats, product = first["seats"], first["product"] or "an unnamed product"
    one = seats == 1
    subject = f"{'An unknown number of' if seats is None else seats} seat{'' if one else 's'}"
    subject = f"{subject} of {product}"
    end = first["expires_on"]
    if end is None:
        return f"{subject} {'has' if one else 'have'} no known end"
    if first["rolls_over"]:
        return f"{subject} renew{'s' if one else ''} every month, next on {_day(end)}"
    if end < as_of:
        ago = (as_of - end).days
        return f"{subject} ended on {_day(end)}, {ago} day{'' if ago == 1 else 's'} ago"
    return f"{subject} end{'s' if one else ''} on {_day(end)}"


def _deadline(first: dict[str, Any], state: str, as_of: date) -> str:
    """Say by when the next step must be taken, or that its day has passed."""
    last, lead = first["last_safe_day"], first["lead_days"]
    if state == blockers.READY:
        return f"the last safe day to order {'was' if last < as_of else 'is'} {_day(last)}"
    start = first["invite_by"] or last - timedelta(days=lead)
    what, it, done = STEPS[state]
    when = f"should have {done} on" if start < as_of else f"has to {DO[done]} by"
    return f"{what} about {lead} days, so {it} {when} {_day(start)}"


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
