"""State changes by compare-and-set, inside a transaction of the caller."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cspkit.ledger import chain
from cspkit.ledger.records import Claim, Hold, Letter, MoveRow, StepRow, canonical
from cspkit.ledger.schema import (
    FREED_STATES,
    approvals,
    binding,
    events,
    holds,
    letters,
    move_originals,
    moves,
    steps,
)
from cspkit.tables import MoveState, StepState

EVERYONE = "*"
UNSENT = (MoveState.PLANNED, MoveState.CART)
_STAMPS = {
    MoveState.ORDERED: "ordered_at",
    MoveState.PROVISIONED: "provisioned_at",
    MoveState.VERIFIED: "verified_at",
    MoveState.REASSIGNED: "reassigned_at",
    MoveState.CLOSED: "closed_at",
    MoveState.UNDONE: "undone_at",
}
_THERE = (
    MoveState.PROVISIONED,
    MoveState.VERIFIED,
    MoveState.REASSIGNED,
    MoveState.CLOSED,
)
# What an undone move forgets when a newer plan takes it up; the log keeps it.
_AGAIN: dict[str, Any] = dict.fromkeys(
    ("cart_id", "order_id", "subscription_id", "sent_at", *_STAMPS.values())
)


def bind(connection: sa.Connection, service: str, *, at: datetime) -> bool:
    """Bind the ledger to a service; False, and nothing written, when it is bound already."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"one": 1, "service": service, "bound_at": at}
    done = connection.execute(insert(binding).values(row).on_conflict_do_nothing())
    return bool(done.rowcount == 1)


def held(connection: sa.Connection, customer_id: str) -> Hold | None:
    """Find the open hold on a customer, or the one on everyone."""
    query = sa.select(holds).where(
        holds.c.customer_id.in_((customer_id, EVERYONE)), holds.c.released_at.is_(None)
    )
    own_first = query.order_by(holds.c.customer_id.desc(), holds.c.hold_id).limit(1)
    found = connection.execute(own_first).mappings().one_or_none()
    return None if found is None else Hold.of(found)


def hold(connection: sa.Connection, row: dict[str, Any]) -> bool:
    """Write a hold; False, and nothing written, when the same is on already."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    done = connection.execute(insert(holds).values(row).on_conflict_do_nothing())
    return bool(done.rowcount == 1)


def claim(
    connection: sa.Connection, wanted: Claim, *, service: str, run_id: str, at: datetime
) -> MoveRow:
    """Reserve the originals of a move; return the move that has them, this one or another."""
    other = holder(
        connection, wanted.customer_id, wanted.originals, wanted.part, besides=wanted.move_id
    )
    if other is not None and other.state not in UNSENT:
        return other
    if other is not None:
        _withdraw(connection, other, wanted.move_id, run_id=run_id, at=at)
        return claim(connection, wanted, service=service, run_id=run_id, at=at)
    row = read(connection, wanted.move_id)
    if row is None:
        _insert(connection, wanted, service=service, run_id=run_id, at=at)
    elif row.state is MoveState.REFUSED:
        advance(
            connection,
            wanted.move_id,
            MoveState.REFUSED,
            MoveState.PLANNED,
            run_id=run_id,
            at=at,
            columns=wanted.content | {"cart_id": None},
        )
    elif row.state is MoveState.UNDONE and _newer(connection, row, wanted):
        advance(
            connection,
            wanted.move_id,
            MoveState.UNDONE,
            MoveState.PLANNED,
            run_id=run_id,
            at=at,
            columns=wanted.content | _AGAIN,
        )
    elif row.state in UNSENT:
        _renew(connection, row, wanted, run_id=run_id, at=at)
    found = read(connection, wanted.move_id)
    assert found is not None
    return found


def read(connection: sa.Connection, move_id: str) -> MoveRow | None:
    """Read one move."""
    query = sa.select(moves).where(moves.c.move_id == move_id)
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else MoveRow.of(found)


def moves_of(connection: sa.Connection, customer_id: str, original: str) -> list[MoveRow]:
    """List the moves that have an original, all its parts, in the order of their ids."""
    mine = move_originals.c.customer_id == customer_id
    query = (
        sa.select(moves)
        .join(move_originals, move_originals.c.move_id == moves.c.move_id)
        .where(mine, move_originals.c.original == original, moves.c.state.not_in(FREED_STATES))
        .order_by(moves.c.move_id)
    )
    return [MoveRow.of(row) for row in connection.execute(query).mappings()]


def advance(
    connection: sa.Connection,
    move_id: str,
    before: MoveState,
    after: MoveState,
    *,
    at: datetime,
    run_id: str = "",
    reason: str = "",
    evidence: Mapping[str, Any] | None = None,
    columns: dict[str, Any] | None = None,
) -> bool:
    """Change a state only from the one expected; False, and nothing written, otherwise."""
    values = {"state": after, "prev": before, "reason": reason, "updated_at": at}
    if after in _STAMPS:
        values[_STAMPS[after]] = at
    changed = connection.execute(
        sa.update(moves)
        .where(moves.c.move_id == move_id, moves.c.state == before)
        .values(values | (columns or {}))
        .returning(moves.c.customer_id)
    ).scalar_one_or_none()
    if changed is None:
        return False
    chain.append(
        connection,
        "state",
        move_id,
        at=at,
        run_id=run_id,
        customer_id=str(changed),
        before=before,
        after=after,
        detail={"reason": reason, **(columns or {}), **(evidence or {})},
    )
    return True


def resize(
    connection: sa.Connection,
    row: MoveRow,
    seats: int,
    *,
    run_id: str,
    at: datetime,
    reason: str,
) -> bool:
    """Change the seats of a move whose state stays; False, and nothing written, otherwise."""
    mine = (moves.c.move_id == row.move_id) & (moves.c.state == row.state)
    same = mine & (moves.c.seats == row.seats)
    change = sa.update(moves).where(same).values(seats=seats, updated_at=at)
    if connection.execute(change).rowcount != 1:
        return False
    about: dict[str, Any] = {"run_id": run_id, "customer_id": row.customer_id}
    detail = {"reason": reason, "before": row.seats, "after": seats}
    chain.append(connection, "resized", row.move_id, at=at, detail=detail, **about)
    return True


def advance_step(
    connection: sa.Connection,
    row: StepRow,
    after: StepState,
    *,
    run_id: str,
    at: datetime,
    reason: str,
    evidence: dict[str, Any],
) -> bool:
    """Change the state of a customer step only from the one expected."""
    mine = (steps.c.customer_id == row.customer_id) & (steps.c.step == row.step)
    if connection.execute(sa.select(steps.c.state).where(mine)).scalar_one_or_none() is None:
        first = {"customer_id": row.customer_id, "step": row.step, "updated_at": at}
        connection.execute(sa.insert(steps).values(first))
    values: dict[str, Any] = {"state": after, "prev": row.state, "reason": reason}
    values |= {"evidence": canonical(evidence), "updated_at": at}
    values["asked_at" if after is StepState.ASKED else "done_at"] = at
    change = sa.update(steps).where(mine, steps.c.state == row.state).values(values)
    if connection.execute(change).rowcount != 1:
        return False
    chain.append(
        connection,
        "step",
        row.step,
        at=at,
        run_id=run_id,
        customer_id=row.customer_id,
        before=row.state,
        after=after,
        detail={"reason": reason, **evidence},
    )
    return True


def step(connection: sa.Connection, customer_id: str, name: str) -> StepRow:
    """Read a customer step; one that never began is still to do."""
    mine = (steps.c.customer_id == customer_id) & (steps.c.step == name)
    found = connection.execute(sa.select(steps).where(mine)).mappings().one_or_none()
    return StepRow(customer_id, name, StepState.TO_DO) if found is None else StepRow.of(found)


def claim_letter(
    connection: sa.Connection,
    customer_id: str,
    letter: str,
    *,
    language: str,
    file: str,
    run_id: str,
    at: datetime,
    cycle: str = "1",
) -> Letter:
    """Reserve a letter, or return the one reserved before."""
    query = sa.select(letters).where(
        letters.c.customer_id == customer_id,
        letters.c.letter == letter,
        letters.c.cycle == cycle,
    )
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        row = {"customer_id": customer_id, "letter": letter, "cycle": cycle, "file": file}
        row |= {"language": language, "run_id": run_id}
        connection.execute(sa.insert(letters).values(**row, claimed_at=at))
        about: dict[str, Any] = {"run_id": run_id, "customer_id": customer_id}
        chain.append(connection, "letter_claimed", letter, at=at, detail={"file": file}, **about)
        found = connection.execute(query).mappings().one()
    return Letter.of(found)


def letter_written(connection: sa.Connection, letter: Letter, *, run_id: str, at: datetime) -> None:
    """Note that the file of a letter is complete."""
    connection.execute(
        sa.update(letters)
        .where(
            letters.c.customer_id == letter.customer_id,
            letters.c.letter == letter.letter,
            letters.c.cycle == letter.cycle,
            letters.c.written_at.is_(None),
        )
        .values(written_at=at)
    )
    about: dict[str, Any] = {"run_id": run_id, "customer_id": letter.customer_id}
    chain.append(connection, "letter_written", letter.letter, at=at, **about)


def replaced_seats(connection: sa.Connection, customer_id: str, sku_id: str, besides: str) -> int:
    """Add up the seats of a customer's other replacements that are there already."""
    query = sa.select(sa.func.coalesce(sa.func.sum(moves.c.seats), 0)).where(
        moves.c.customer_id == customer_id,
        moves.c.target_sku_id == sku_id,
        moves.c.state.in_(_THERE),
        moves.c.move_id != besides,
    )
    return int(connection.execute(query).scalar_one())


def holder(
    connection: sa.Connection,
    customer_id: str,
    originals: Iterable[str],
    part: int,
    *,
    besides: str = "",
) -> MoveRow | None:
    """Find a move that has one of these originals, a sent one before an unsent one."""
    query = (
        sa.select(moves)
        .join(move_originals, move_originals.c.move_id == moves.c.move_id)
        .where(
            move_originals.c.customer_id == customer_id,
            move_originals.c.original.in_(list(originals)),
            move_originals.c.part == part,
            move_originals.c.state.not_in(FREED_STATES),
            moves.c.move_id != besides,
        )
        .order_by(moves.c.state.in_(UNSENT), moves.c.move_id)
        .limit(1)
    )
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else MoveRow.of(found)


def orders(connection: sa.Connection, customer_id: str) -> set[str]:
    """List every order a customer's moves have or had: an undone one is nobody's new order."""
    mine = (moves.c.customer_id == customer_id) & moves.c.order_id.is_not(None)
    found = set(connection.execute(sa.select(moves.c.order_id).where(mine)).scalars())
    was = (events.c.customer_id == customer_id) & (events.c.kind == "state")
    query = sa.select(events.c.detail).where(was, events.c.after == MoveState.ORDERED)
    told = [json.loads(detail) for detail in connection.execute(query).scalars()]
    return {str(one) for one in (*found, *(each.get("order_id") for each in told)) if one}


def _newer(connection: sa.Connection, row: MoveRow, wanted: Claim) -> bool:
    """Say whether a plan came after a move was undone: it knows of that and orders anew."""
    if row.plan_hash == wanted.plan_hash:
        return False
    before = approvals.c.approved_at <= row.undone_at
    query = sa.select(approvals.c.approval_id).where(approvals.c.plan_hash == wanted.plan_hash)
    return connection.execute(query.where(before).limit(1)).first() is None


def _withdraw(
    connection: sa.Connection, row: MoveRow, for_move: str, *, run_id: str, at: datetime
) -> None:
    """Free the originals of a move of an older plan that was never sent: its cart is nothing."""
    reason = f"replaced by {for_move} of a newer plan before anything was ordered"
    if row.state is MoveState.CART:
        _drop_cart(connection, row, reason, run_id=run_id, at=at)
    about: dict[str, Any] = {"at": at, "run_id": run_id, "reason": reason}
    advance(connection, row.move_id, MoveState.PLANNED, MoveState.REFUSED, **about)


def _drop_cart(
    connection: sa.Connection, row: MoveRow, reason: str, *, run_id: str, at: datetime
) -> None:
    about: dict[str, Any] = {"at": at, "run_id": run_id, "reason": reason}
    no_cart = {"cart_id": None}
    advance(connection, row.move_id, row.state, MoveState.PLANNED, columns=no_cart, **about)


def _renew(
    connection: sa.Connection, row: MoveRow, wanted: Claim, *, run_id: str, at: datetime
) -> None:
    """Take over the content of a newer plan; a cart made for the old content is dropped."""
    if row.state is MoveState.CART and row.order != wanted.order:
        reason = "the plan changed, so the cart is dropped"
        _drop_cart(connection, row, reason, run_id=run_id, at=at)
    if row.plan_hash != wanted.plan_hash or row.order != wanted.order:
        change = sa.update(moves).where(moves.c.move_id == row.move_id)
        connection.execute(change.values(wanted.content | {"updated_at": at}))
        about: dict[str, Any] = {"run_id": run_id, "customer_id": wanted.customer_id}
        chain.append(connection, "replanned", row.move_id, at=at, detail=wanted.content, **about)


def _insert(
    connection: sa.Connection, wanted: Claim, *, service: str, run_id: str, at: datetime
) -> None:
    key = {"move_id": wanted.move_id, "service": service, "customer_id": wanted.customer_id}
    key |= {"part": wanted.part}  # type: ignore[dict-item]
    stamps = {"created_at": at, "updated_at": at}
    connection.execute(sa.insert(moves).values({**key, **wanted.content, **stamps}))
    rows = [
        {**key, "original": original, "state": MoveState.PLANNED} for original in wanted.originals
    ]
    connection.execute(sa.insert(move_originals), rows)
    chain.append(
        connection,
        "claimed",
        wanted.move_id,
        at=at,
        run_id=run_id,
        customer_id=wanted.customer_id,
        after=MoveState.PLANNED,
        detail={"originals": list(wanted.originals), **wanted.content},
    )
