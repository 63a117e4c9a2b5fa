"""Customers in the order in which they need the programme, each with the reason why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from cspkit import collecting, judging, wording
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.exports import arrays
from cspkit.judging import running
from cspkit.judging.given import gather
from cspkit.policy import Patience
from cspkit.settings import Settings
from cspkit.tables import RANKED, Channel, to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

# Rows that are put into words and written at a time.
PART = 32_768


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
    frame = to_pandas(rows.table())
    frame.attrs["overdue_elsewhere"] = rows.elsewhere
    return frame


class Listed:
    """Ranked customers, handed over as Arrow tables with the columns of `tables.RANKED`.

    `elsewhere` counts the overdue customers that market, channel or owner left out. Sentences are
    as long as all the rest, so they are made part by part for who writes part by part.
    """

    def __init__(self, rows: pa.Table, sentences: wording.Sentences, elsewhere: int) -> None:
        """Take rows in their order and what makes sentences of them."""
        self._rows, self._sentences, self.elsewhere = rows, sentences, elsewhere

    def __len__(self) -> int:
        """Count the customers."""
        return int(self._rows.num_rows)

    def parts(self, size: int = PART) -> Iterator[pa.Table]:
        """Give all customers in tables of so many rows; one without rows where there are none.

        Sentences are coded, each different text once a table; `arrays.plain` spells them out.
        """
        for start in range(0, len(self) or 1, size):
            yield self._coded(size, start)

    def first(self, count: int) -> pa.Table:
        """Give so many customers."""
        return arrays.plain(self._coded(count, 0))

    def _coded(self, count: int, start: int) -> pa.Table:
        rows = self._rows.slice(start, count)
        for name, column in self._sentences.of(start, count).items():
            rows = rows.append_column(name, column)
        return rows.select(RANKED.names)

    def table(self) -> pa.Table:
        """Give all customers at once."""
        return pa.concat_tables(map(arrays.plain, self.parts()))


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
) -> Listed:
    """Rank as `rank` does, and return Arrow, which is quicker to write than a frame."""
    import pyarrow.compute as pc

    day, said = read_day("as_of", as_of), decisions or Decisions.empty()
    ready = settings or Settings()
    rows = _ranked(exports, day, ready, said, steps)
    narrowed = (market, channel, horizon, minimum_seats, owner)
    if all(one is None for one in narrowed):
        return _worded(rows, day, ready, 0)
    overdue = pc.fill_null(pc.less(rows["days_to_expiration"], 0), False)
    whose: list[Any] = []
    if market is not None:
        whose.append(pc.equal(rows["market"], _market(rows, market)))
    if channel is not None:
        whose.append(pc.is_in(rows["customer_id"], _of_channel(exports, channel)))
    if owner is not None:
        whose.append(pc.is_in(rows["customer_id"], _of_owner(said, owner)))
    pressing: list[Any] = []
    if horizon is not None:
        pressing.append(pc.less_equal(rows["days_to_expiration"], _count("horizon", horizon)))
    if minimum_seats is not None:
        enough = pc.greater_equal(rows["seats"], _count("minimum_seats", minimum_seats))
        pressing.append(pc.or_(enough, overdue))
    ours = _all(whose, rows.num_rows)
    elsewhere = pc.sum(pc.and_(overdue, pc.invert(ours))).as_py() or 0
    rows = rows.filter(pc.and_(ours, _all(pressing, rows.num_rows)))
    return _worded(rows, day, ready, elsewhere)


def _worded(rows: pa.Table, as_of: date, settings: Settings, elsewhere: int) -> Listed:
    patience = Patience(settings.policy.slow_seasons)
    return Listed(rows, wording.Sentences(rows, as_of, patience), elsewhere)


def _ranked(
    exports: Exports, as_of: date, settings: Settings, decisions: Decisions, steps: Any
) -> pa.Table:
    """Fetch all customers in their order, numbered; columns as `judging.summing.summed` has them.

    Numbered here: an engine would sort twice, by the order and then by the ranks.
    """
    given = gather(exports, as_of=as_of, settings=settings, decisions=decisions, steps=steps)
    rows = running.ranked(exports, given)
    numbers = np.arange(1, rows.num_rows + 1)
    return rows.append_column("rank", arrays.whole(numbers, pa.int64()))


def _all(wanted: list[Any], count: int) -> Any:
    """Join conditions; what is missing in a row fits none."""
    import pyarrow.compute as pc

    everyone: Any = pa.repeat(True, count)
    return reduce(lambda left, right: pc.and_(left, pc.fill_null(right, False)), wanted, everyone)


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


def _market(rows: pa.Table, market: str) -> str:
    known = rows["market"].unique().to_pylist()
    return _word("market", market.upper(), [word for word in known if word])


def _of_channel(exports: Exports, channel: str) -> pa.Array:
    """Select the customers with an original of a channel; a word that is none is unknown."""
    import ibis

    word = _word("channel", channel.lower(), list(Channel))
    table = exports.table("subscriptions")
    known = ibis.ifelse(table.channel.isin(list(map(str, Channel))), table.channel, "unknown")
    whose = table.filter(known.fill_null("unknown") == word).select("customer_id").distinct()
    return judging.fetch(whose)["customer_id"].combine_chunks()


def _of_owner(decisions: Decisions, owner: str) -> pa.Array:
    """List the customers of an owner, in any letter case."""
    rows = decisions.customer_table.select(["customer_id", "owner"]).to_pylist()
    owned = [(row["customer_id"], row["owner"]) for row in rows if row["owner"]]
    names = {name.casefold(): name for _, name in owned}
    _word("owner", names.get(owner.casefold(), owner), list(names.values()))
    theirs = [customer for customer, name in owned if name.casefold() == owner.casefold()]
    return pa.array(theirs, pa.string())


def _word(name: str, value: str, known: list[Any]) -> str:
    if value not in known:
        some = f"one of {', '.join(sorted(map(str, known)))}" if known else "none, nobody has any"
        raise CspkitError(f"{name}: expected {some}; found {value!r}")
    return value


def _count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CspkitError(f"{name}: expected a whole number from 0 on, found {value!r}")
    return value
