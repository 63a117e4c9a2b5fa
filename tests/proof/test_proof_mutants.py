"""A recipe with one thing wrong is found out, by the books, within its seeds."""

from __future__ import annotations

import pytest

from tests.proof.mutants import MUTANTS, Mutant
from tests.proof.tallying import fresh, many


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_checker_finds_what_is_wrong(mutant: Mutant) -> None:
    """A proof that nothing can fail proves nothing."""
    tally = many(fresh(mutant.seeds), mutant.recipe, until=mutant.finds)

    print(f"{mutant.name}: found after {tally.schedules} schedules")
    assert tally.figures[mutant.finds] > 0, str(tally)
