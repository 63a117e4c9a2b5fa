"""The partner's own Partner Center: all verbs in one place, and many customers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cspkit.errors import ApiError
from cspkit.partner_center.auditing import Auditing
from cspkit.partner_center.buying import Buying
from cspkit.partner_center.customers import Customers
from cspkit.partner_center.offering import Offering
from cspkit.partner_center.subscriptions import Subscriptions
from cspkit.partner_center.transferring import Transferring

T = TypeVar("T")
WORKERS = 8


class PartnerCenter(Customers, Offering, Buying, Subscriptions, Transferring, Auditing):
    """The verbs that the programme needs; all calls carry a token of the partner's tenant."""


def of_each(
    read: Callable[[str], T], customer_ids: Iterable[str], *, workers: int = WORKERS
) -> Iterator[tuple[str, T | ApiError]]:
    """Read something of many customers with several threads at once, in the order given.

    The threads share the pace of the wire. What could not be read is the error itself, so that
    one customer never costs the others; any other error goes up.
    """

    def one(customer_id: str) -> tuple[str, T | ApiError]:
        try:
            return customer_id, read(customer_id)
        except ApiError as error:
            return customer_id, error

    pool = ThreadPoolExecutor(workers, thread_name_prefix="cspkit")
    try:
        yield from pool.map(one, customer_ids)
    finally:
        pool.shutdown(cancel_futures=True)
