"""Customers in the order in which they need the programme, each with the reason why."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np

from cspkit import collecting, judging, wording
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.judging.people import people
from cspkit.policy import Patience
from cspkit.settings import Settings
from cspkit.tables import RANKED, Channel, Route, to_pandas

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from cspkit.exports import Exports

FIRST = [
    "product",
    "seats",
    "expires_on",
    "rolls_over",
    "invite_by",
    "last_safe_day",
    "lead_days",
    "patience",
    "invited_on",
    "flags",
]
NO_SLACK = 1_000_000
ELSEWHERE = b"overdue_elsewhere"
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


def rank(
    exports: Exports,
    *,
    as_of: date | str,
    settings: Settings | None = None,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
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

    `steps` are what the ledger has seen of the customers' own steps, as `judging.judge` takes it.

    The other arguments leave customers out, and the ranks stay those of the whole list. `market`
    and `owner` (of decisions.xlsx) say whose customers, `channel` keeps those with an original of
    it. `minimum_seats` keeps those with as many to move and `horizon` those whose next expiration
    is at most so many days away: neither hides a customer that is overdue or in grace.
    `attrs["overdue_elsewhere"]` of the frame counts the overdue customers that the first three
    left out. Raises CspkitError for an impossible as_of, and for a word that nobody in the
    exports or decisions has.
    """
    rows = listed(
        exports,
        as_of=as_of,
        settings=settings,
        decisions=decisions,
        steps=steps,
        market=market,
        channel=channel,
        horizon=horizon,
        minimum_seats=minimum_seats,
        owner=owner,
    )
    frame = to_pandas(rows)
    frame.attrs["overdue_elsewhere"] = int((rows.schema.metadata or {})[ELSEWHERE])
    return frame


@collecting.rested()
def listed(
    exports: Exports,
    *,
    as_of: date | str,
    settings: Settings | None = None,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
    market: str | None = None,
    channel: str | None = None,
    horizon: int | None = None,
    minimum_seats: int | None = None,
    owner: str | None = None,
) -> pa.Table:
    """Rank as `rank` does, and return Arrow, which is quicker to write than a frame.

    Its metadata counts the overdue customers that market, channel or owner left out.
    """
    import pyarrow.compute as pc

    day, said = read_day("as_of", as_of), decisions or Decisions.empty()
    ready = settings or Settings()
    table = summed(exports, as_of=day, settings=ready, decisions=said, steps=steps)
    whose: list[Any] = []
    if market is not None:
        whose.append(table.market == _market(exports, market))
    if channel is not None:
        whose.append(table.customer_id.isin(_of_channel(exports, channel)))
    if owner is not None:
        whose.append(table.customer_id.isin(_of_owner(said, owner)))
    overdue = (table.days_to_expiration < 0).fill_null(False)
    pressing: list[Any] = []
    if horizon is not None:
        pressing.append(table.days_to_expiration <= _count("horizon", horizon))
    if minimum_seats is not None:
        pressing.append((table.seats >= _count("minimum_seats", minimum_seats)) | overdue)
    elsewhere = 0
    if whose or pressing:
        table = table.mutate(rank=(ibis.row_number().over(order_by=_order(table)) + 1))
        table = table.mutate(overdue=overdue, ours=_all(whose), soon=_all(pressing))
        rows = judging.fetch(table.filter(table.overdue | (table.ours & table.soon)))
        elsewhere = pc.sum(pc.and_(rows["overdue"], pc.invert(rows["ours"]))).as_py() or 0
        rows = rows.filter(pc.and_(rows["ours"], rows["soon"])).sort_by("rank")
    else:
        # Numbered here: an engine would sort twice, by the order and then by the ranks.
        rows = judging.fetch(table.order_by(_order(table)))
        rows = rows.append_column("rank", pc.add(np.arange(rows.num_rows), 1))
    found = wording.worded(rows, day, Patience(ready.policy.slow_seasons)).select(RANKED.names)
    return found.replace_schema_metadata({ELSEWHERE: str(elsewhere)})


def _all(wanted: list[Any]) -> Any:
    """Join conditions; what is missing in a row fits none."""
    return reduce(lambda left, right: left & right.fill_null(False), wanted, ibis.literal(True))


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


def summed(
    exports: Exports,
    *,
    as_of: date,
    settings: Settings,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
) -> ibis.Table:
    """Sum up the customers in the engine: the values of RANKED but the rank, flags and `first`.

    `first` holds values of the original that gives the customer its place; what a person reads
    is rendered from them.
    """
    said = decisions or Decisions.empty()
    judged = judging.derive(exports, as_of=as_of, settings=settings, decisions=said, steps=steps)
    everyone = people(exports, said, steps, as_of=as_of, policy=settings.policy)
    table = _named(_summed(judged.select(*NEEDED)), everyone)
    days = table.next_expiration.delta(ibis.literal(as_of), unit="day")
    table = table.mutate(days_to_expiration=days)
    return table.select(*[name for name in RANKED.names if name in table.columns], "flags", "first")


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
        currency=judged.currency.min(where=movable),
        other_currency=judged.currency.max(where=movable),
        state=judged.state.min(),
        flags=(judged.channel == Channel.CSP_NCE.value).ifelse(0, judged.flags).bit_or(),
        first=ibis.struct({name: judged[name] for name in FIRST}).argmin(_first(judged)),
    )
    single = sums.currency == sums.other_currency
    return sums.mutate(
        forfeit_if_moved_now=(single & ~sums.forfeit_unknown).ifelse(sums.forfeit, None),
        exposure_if_renewed=(single & ~sums.exposure_unknown).ifelse(sums.exposure, None),
        currency=single.ifelse(sums.currency, None),
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


def _named(table: ibis.Table, everyone: ibis.Table) -> ibis.Table:
    """Add names and markets, and the listed customers of whom no subscription is known."""
    names = everyone.filter(everyone.listed).select(
        "known_customer", "name", "market", known_state="state"
    )
    table = table.outer_join(names, table.customer_id == names.known_customer)
    table = table.mutate(
        customer_id=ibis.coalesce(table.customer_id, table.known_customer),
        state=table.state.fill_null(table.known_state),
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
