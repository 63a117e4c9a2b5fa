"""The collector of reference cycles rests while expressions are built, and no longer."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from cspkit import collecting, ranking
from cspkit.errors import ExportError
from cspkit.exports import Exports, load


def test_the_collector_is_at_work_again_after_an_error(tmp_path: Path) -> None:
    """A load that fails leaves the caller's process as it was."""
    with pytest.raises(ExportError):
        load(tmp_path / "nothing.csv")

    assert gc.isenabled()


def test_the_collector_rests_inside_and_works_after() -> None:
    """It is at rest while the block runs, also where one such block calls another."""
    seen = []
    with collecting.rested():
        with collecting.rested():
            seen.append(gc.isenabled())
        seen.append(gc.isenabled())

    assert seen == [False, False]
    assert gc.isenabled()


def test_a_collector_that_the_caller_stopped_stays_stopped() -> None:
    """Who stopped it for reasons of their own does not find it running after a ranking."""
    gc.disable()
    try:
        ranking.listed(Exports.from_frames(None, None), as_of="2026-11-20")

        assert not gc.isenabled()
    finally:
        gc.enable()
