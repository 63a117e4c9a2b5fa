"""The ranking with what people look for in it, and who is left when they look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cspkit import judging
from cspkit.tables import to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.decisions import Decisions
    from cspkit.exports import Exports

SAID = ["owner", "ticket", "contact_name", "contact_email"]


def known(ranked: pd.DataFrame, exports: Exports, decisions: Decisions) -> pd.DataFrame:
    """Put beside the ranked customers what filters and call lists need, in the same order.

    Adds channels (those of its originals, separated by a space) and, of decisions.xlsx, owner,
    ticket, contact_name and contact_email.
    """
    table = exports.table("subscriptions")
    table = table.mutate(channel=table.channel.fill_null("unknown"))
    bought = table.group_by("customer_id").agg(
        channels=table.channel.collect().unique().sort().join(" ")
    )
    channels = to_pandas(judging.fetch(bought.select("customer_id", "channels")))
    said = decisions.customers[["customer_id", *SAID]]
    both = ranked.merge(channels, "left", on="customer_id").merge(said, "left", on="customer_id")
    return both.assign(channels=both["channels"].fillna(""))


def narrowed(
    customers: pd.DataFrame,
    *,
    text: str = "",
    market: str = "",
    channel: str = "",
    days: int | None = None,
    seats: int = 0,
    blocker: str = "",
    owner: str = "",
) -> pd.DataFrame:
    """Keep the customers that fit all that is asked; nothing asked keeps everybody.

    Takes the frame of `known`. `text` is a part of the name or the tenant id in any case, `days`
    the most until the nearest expiration, `seats` the least to move: neither of the last two
    hides a customer that is overdue. `blocker` is a code. Ranks stay those of the whole list.
    """
    keep = customers["rank"].notna()
    if text:
        words = customers["name"].fillna("") + " " + customers["customer_id"]
        keep &= words.str.casefold().str.contains(text.strip().casefold(), regex=False)
    if market:
        keep &= customers["market"].fillna("") == market
    if owner:
        keep &= customers["owner"].fillna("").str.casefold() == owner.casefold()
    for column, word in (("channels", channel), ("blockers", blocker)):
        if word:
            keep &= (" " + customers[column].fillna("") + " ").str.contains(
                f" {word} ", regex=False
            )
    left = customers["days_to_expiration"]
    if days is not None:
        keep &= (left <= days).fillna(False).astype(bool)
    if seats:
        keep &= ((customers["seats"] >= seats) | (left < 0)).fillna(False).astype(bool)
    return customers[keep]
