"""Rejects that a person puts right are loaded beside the files they came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cspkit import exports
from cspkit.errors import ExportError

ROWS = """subscription_id,customer_id,channel,product,sku_id,seats,term,expires_on
s1,00000001-0000-4000-8000-000000000000,direct_mosa,A,,10,P1Y,2027-03-31
s2,00000001-0000-4000-8000-000000000000,direct_mosa,A,,n/d,P1Y,2027-03-31
s3,00000001-0000-4000-8000-000000000000,direct_mosa,A,,n/d,P1Y,2027-03-31
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Exports with two rows whose seats cannot be read."""
    (tmp_path / "subscriptions.csv").write_text(ROWS)
    return tmp_path


def test_what_was_put_right_is_accepted_and_no_longer_open(folder: Path) -> None:
    """The source stays as it is; its reject is done once the correction is accepted."""
    file = folder / exports.CORRECTIONS
    rejects = exports.load(folder).rejects
    count = exports.correct(file, rejects.iloc[[0]], "12")
    again = exports.load(folder)

    assert (len(rejects), count) == (2, 1)
    assert again.subscriptions["subscription_id"].tolist() == ["s1", "s2"]
    assert again.subscriptions["seats"].tolist() == [10, 12]
    assert [row - 1 for row in exports.open_rejects(again, file)["source_row"]] == [3]


def test_a_correction_that_does_not_fit_stays_open(folder: Path) -> None:
    """Typing another wrong value settles nothing, and can be typed over."""
    file = folder / exports.CORRECTIONS
    rejects = exports.load(folder).rejects
    exports.correct(file, rejects, "ten")
    still = exports.open_rejects(exports.load(folder), file)
    exports.correct(file, rejects, "10")
    done = exports.open_rejects(exports.load(folder), file)

    assert (len(still), len(done)) == (2, 0)


def test_without_corrections_all_are_open(folder: Path) -> None:
    """Nobody has put anything right yet."""
    assert len(exports.open_rejects(exports.load(folder), folder / exports.CORRECTIONS)) == 2


def test_a_place_that_cannot_be_written_is_named(folder: Path) -> None:
    """A sentence, and no half file."""
    rejects = exports.load(folder).rejects

    with pytest.raises(ExportError, match="cannot be written"):
        exports.correct(folder / "subscriptions.csv" / exports.CORRECTIONS, rejects, "1")
