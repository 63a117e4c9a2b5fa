"""A recipe with one thing wrong is found out, by the books, within its seeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cspkit.ledger import Lease
from cspkit.moves import STEPS
from cspkit.tables import MoveState
from tests.proof.exhaustive import quiet
from tests.proof.interleaving import Life
from tests.proof.mutants import MUTANTS, Mutant, NoCompare, NoLease, RetireTooMuch
from tests.proof.simulation import RECIPE, Recipe, Schedule, Staged
from tests.proof.stage import CUSTOMER, FULL, ONE, START
from tests.proof.tallying import fresh, many
from tests.proof.weather import Calm


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_checker_finds_what_is_wrong(mutant: Mutant) -> None:
    """A proof that nothing can fail proves nothing."""
    tally = many(fresh(mutant.seeds), mutant.recipe, until=mutant.finds)

    print(f"{mutant.name}: found after {tally.schedules} schedules")
    assert tally.figures[mutant.finds] > 0, str(tally)


@pytest.mark.parametrize(("ledger", "others"), [(Staged, 0), (NoLease, 1)])
def test_the_lease_keeps_the_second_one_from_calling(ledger: type[Staged], others: int) -> None:
    """While one works on a customer, another sends nothing at all for it."""
    schedule = _played_beside(Recipe(ledger=ledger, cases=(ONE,)))
    carts = schedule.world.books.calls["POST /v1/customers/<customer_id>/carts"]

    assert others == carts


def _played_beside(recipe: Recipe) -> Schedule:
    """Let one operator run while somebody else holds the customer."""
    schedule = quiet(ONE, Calm(), recipe=recipe)
    schedule.door.open(schedule.world, schedule.storm)
    schedule.stage.reset(schedule.ledger)
    holder = schedule.ledger.live(Life(None, "somebody"), schedule.clock)  # type: ignore[arg-type]
    holder.life = None
    Staged.lease(holder, CUSTOMER, "somebody@elsewhere:1:1")
    schedule.pass_once("ana")
    return schedule


@pytest.mark.parametrize(("ledger", "moved"), [(Staged, False), (NoCompare, True)])
def test_a_state_that_moved_on_is_not_set_again(ledger: type[Staged], moved: bool) -> None:
    """Who still believes in an older state changes nothing, even with the lease."""
    schedule = quiet(ONE, Calm(), recipe=Recipe(ledger=ledger, cases=(ONE,)))
    schedule.play()
    (move,) = schedule.stage.moves
    schedule.ledger.clock = schedule.clock
    lease: Lease = schedule.ledger.lease(CUSTOMER, "late@elsewhere:1:1")

    done = schedule.ledger.advance(
        move.move_id, MoveState.CART, MoveState.HUMAN, run_id="late", lease=lease
    )

    assert moved is done


@pytest.mark.parametrize(("steps", "gaps"), [(STEPS, 0), (STEPS | {"retire": RetireTooMuch}, 1)])
def test_a_pool_that_would_run_short_keeps_its_original(steps: dict, gaps: int) -> None:  # type: ignore[type-arg]
    """Seven users, six new seats: the original stays, or somebody is without a licence."""
    schedule = quiet(FULL, Calm(), recipe=replace(RECIPE, steps=steps, cases=(FULL,)))
    schedule.names, schedule.replans = ("berta",), True

    verdict = schedule.play()

    assert schedule.world.now > START
    assert gaps == verdict.gaps
