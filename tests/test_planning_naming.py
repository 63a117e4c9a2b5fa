"""Which batches are meant by what people type, and one line that helps with a slip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit.errors import UnknownParameter
from cspkit.planning import naming

KNOWN = ["B001", "B002", "B003"]
MANY = [f"B{number:03d}" for number in range(1, 21)]
RANGE = "batch: expected one of the plan's, or a range such as"


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)).map(sorted), max_size=5))
def test_a_range_names_each_from_one_to_the_other_once(ranges: list[list[int]]) -> None:
    """In the order typed, and what was named before is not named again."""
    expected: list[str] = []
    for first, last in ranges:
        expected += [name for name in MANY[first : last + 1] if name not in expected]

    assert expected == naming.named(MANY, [f"{MANY[a]}-{MANY[b]}" for a, b in ranges])


def test_a_name_with_a_dash_is_a_name_before_it_is_a_range() -> None:
    """A plan made elsewhere may call its batches as it likes; no name at all stays one."""
    assert naming.named(["A", "B", "B-1"], ["B-1", "", "A"]) == ["B-1", "", "A"]


@pytest.mark.parametrize(
    ("known", "word", "message"),
    [
        (
            MANY,
            "B020-B001",
            f"{RANGE} B001-B020, found 'B020-B001' (it runs backwards, did you mean B001-B020?);"
            " the plan has 20 batches, B001 to B020",
        ),
        (
            KNOWN,
            "B001-X",
            f"{RANGE} B001-B003, found 'B001-X' (no batch 'X'); the plan has B001, B002, B003",
        ),
        (
            KNOWN,
            "B001-B009",
            f"{RANGE} B001-B003, found 'B001-B009' (no batch 'B009'); the plan has B001, B002,"
            " B003",
        ),
        (
            KNOWN,
            "B1-B2",
            f"{RANGE} B001-B003, found 'B1-B2' (no batch 'B1', did you mean B001?);"
            " the plan has B001, B002, B003",
        ),
        (
            KNOWN,
            "B1",
            f"{RANGE} B001-B003, found 'B1' (did you mean B001?); the plan has B001, B002, B003",
        ),
        (KNOWN, "b002", "(did you mean B002?)"),
        (KNOWN, "B001,B002", "found 'B001,B002'; the plan has"),
        (KNOWN, "-B002", "(no batch '')"),
        (KNOWN, "B001-B002-B003", "found 'B001-B002-B003'; the plan has"),
        ([], "B001", "batch: expected one of the plan's, found 'B001'; the plan has no batch"),
    ],
)
def test_a_slip_is_told_with_what_the_plan_has(known: list[str], word: str, message: str) -> None:
    """What was expected, what was found, what is wrong with it and what there is, in one line."""
    with pytest.raises(UnknownParameter) as error:
        naming.named(known, [word])

    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_one_batch_is_no_range() -> None:
    """What takes one batch says so, instead of naming a form that it would refuse as well."""
    with pytest.raises(UnknownParameter) as error:
        naming.one(KNOWN, "B001-B002")

    assert str(error.value) == (
        "batch: expected one of the plan's, found 'B001-B002'; the plan has B001, B002, B003"
    )
