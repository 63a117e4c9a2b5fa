"""The other half of the fresh schedules, so that two processors play them: odd seeds."""

from __future__ import annotations

from tests.proof.tallying import fresh, many
from tests.proof.test_proof_schedules import SCHEDULES, checked


def test_as_many_more_fresh_schedules() -> None:
    """Together with the even ones: 2,000 in every test run."""
    seeds = fresh(SCHEDULES, odd=True)
    tally = many(seeds)

    checked(tally)
    assert tally.schedules == len(seeds)
