"""What we wait for an answer to: consents, letters that did not arrive, ends of originals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cspkit.moves import consent
from cspkit.reporting.figures import Row, Standing, seats
from cspkit.tables import EndState, MoveState

if TYPE_CHECKING:
    from cspkit.ledger import Ledger
    from cspkit.planning import Plan

NOT_ORDERED = (MoveState.PLANNED, MoveState.CART)
ARRIVED = ("sent",)


def consents(
    moves: Iterable[Row], plan: Plan, said: Mapping[str, dict[str, Any]], as_of: date
) -> list[Row]:
    """List the customers whose word is missing for what is planned, the first order first.

    `said` are the rows of decisions.xlsx about originals, by subscription id.
    """
    planned = {move.move_id: move for move in plan.document.moves}
    waiting: dict[str, list[Row]] = {}
    for move in moves:
        if move["batch"] and move["state"] in NOT_ORDERED:
            why = consent.disagreement(planned[move["move_id"]], dict(said), as_of)
            if why:
                own = {**move, "missing": why.partition(":")[0]}
                waiting.setdefault(move["customer_id"], []).append(own)
    rows = [
        {
            "customer_id": customer_id,
            "name": own[0]["name"],
            "missing": min(own, key=lambda move: (move["date"], move["move_id"]))["missing"],
            "moves": len(own),
            "seats": seats(own),
            "first_order": min(move["date"] for move in own),
        }
        for customer_id, own in waiting.items()
    ]
    return sorted(rows, key=lambda row: (row["first_order"], row["customer_id"]))


def letters(ledger: Ledger, names: Mapping[str, str]) -> list[Row]:
    """List the letters by mail that did not arrive, or nobody knows of, the oldest first."""
    rows = [
        {
            "customer_id": letter.customer_id,
            "name": names.get(letter.customer_id, letter.customer_id),
            "letter": letter.letter,
            "since": mail.updated_at.date(),
            "mail": "unclear" if mail.state == "sending" else mail.state,
            "error": mail.answer,
        }
        for letter, mail in ledger.correspondence()
        if mail is not None and mail.state not in ARRIVED
    ]
    return sorted(rows, key=lambda row: (row["since"], row["customer_id"], row["letter"]))


def ends(moves: Iterable[Row], ledger: Ledger) -> list[Row]:
    """Count the originals of placed moves by how far their end is; one nobody minds is open."""
    known = {(row.customer_id, row.original): row.state for row in _ends(ledger)}
    found: dict[EndState, set[tuple[str, str]]] = {state: set() for state in EndState}
    for move in moves:
        for original in str(move["subscription_ids"]).split() if move["batch"] else ():
            key = (move["customer_id"], original)
            found[EndState(known.get(key, EndState.OPEN))].add(key)
    return [
        {
            "end": str(state),
            "originals": len(keys),
            "customers": len({customer_id for customer_id, _ in keys}),
        }
        for state, keys in found.items()
    ]


def _ends(ledger: Ledger) -> Iterable[Any]:
    return ledger.ends().itertuples(index=False)


def reseller_money(
    moves: Iterable[Row], of_customer: Mapping[str, str], saved: Mapping[str, Decimal | None]
) -> list[Row]:
    """Add up by reseller and currency what is paid twice, saved by waiting, and at risk.

    Empty unless there are several resellers. `saved` is by move id; a move whose saving its plan
    does not say, as that of an earlier version does not, leaves its reseller's unknown.
    """
    listed = list(moves)
    if len({of_customer.get(move["customer_id"], "") for move in listed}) < 2:
        return []
    sums = _sums(listed, lambda move: of_customer.get(move["customer_id"], ""), saved)
    return [{"reseller_id": key[0], **row} for key, row in sorted(sums.items())]


def standing_money(moves: Iterable[Row], saved: Mapping[str, Decimal | None]) -> list[Row]:
    """Add up the same by standing and currency, in the order of the standings."""
    sums = _sums(moves, lambda move: str(move["standing"]), saved)
    order = list(map(str, Standing))
    keys = sorted(sums, key=lambda key: (order.index(key[0]), key[1]))
    return [{"standing": key[0], **sums[key]} for key in keys]


def _sums(
    moves: Iterable[Row], group: Callable[[Row], str], saved: Mapping[str, Decimal | None]
) -> dict[tuple[str, str], Row]:
    sums: dict[tuple[str, str], dict[str, Decimal | None]] = {}
    unknown: set[tuple[str, str]] = set()
    for move in moves:
        if move["batch"] and move["currency"] and move["overlap_cost"] is not None:
            key = (group(move), move["currency"])
            _add(sums, key, "paid_twice", move["overlap_cost"])
            own = saved.get(move["move_id"])
            unknown |= {key} if own is None else set()
            _add(sums, key, "saved", own or Decimal(0))
        for currency, amount in move["exposures"]:
            if move["standing"] == Standing.AT_RISK and currency and amount is not None:
                _add(sums, (group(move), currency), "at_risk", amount)
    nothing = dict.fromkeys(("paid_twice", "saved", "at_risk"))
    return {
        key: {"currency": key[1], **nothing, **row, **({"saved": None} if key in unknown else {})}
        for key, row in sums.items()
    }


def _add(
    sums: dict[tuple[str, str], dict[str, Decimal | None]],
    key: tuple[str, str],
    what: str,
    amount: Decimal,
) -> None:
    row = sums.setdefault(key, {})
    row[what] = (row.get(what) or Decimal(0)) + amount
