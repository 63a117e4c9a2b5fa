"""Columns of plain lists, and the meanings of cells as functions of DuckDB."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cspkit.exports import arrays
from cspkit.exports.defining import FEW, Meaning, constants, define
from cspkit.exports.engine import Engine

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ENGINE = Engine()
_turn = iter(range(10**9))


@given(st.lists(st.none() | CELLS))
def test_texts_come_out_as_they_went_in(values: list[str | None]) -> None:
    """Any text, none at all, and what is missing."""
    assert values == arrays.texts(values).to_pylist()
    arrays.texts(values).validate(full=True)


@given(st.lists(st.integers(-(2**31), 2**31 - 1)), st.lists(st.dates()))
def test_numbers_and_days_come_out_as_they_went_in(numbers: list[int], days: list[date]) -> None:
    """In the type that was asked for."""
    assert numbers == arrays.whole(numbers, pa.int32()).to_pylist()
    assert days == arrays.days(days).to_pylist()


def meaning_of(function: str, cell: str) -> Any:
    (found,) = ENGINE.duck.execute(f"SELECT {function}($1)", [cell]).fetchall()
    return found[0]


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(CELLS, st.tuples(st.none() | st.integers(-9, 9), st.none() | CELLS)),
    CELLS,
)
def test_a_function_tells_what_its_table_says(
    table: dict[str, tuple[int | None, str | None]], other: str
) -> None:
    """Few cells or many, with quotes, blanks or zero bytes; a cell that is in no table has none."""
    name = f"f{next(_turn)}"
    values, problems = zip(*table.values(), strict=True) if table else ((), ())
    meanings = [Meaning("j", "int64", values), Meaning("k", "string", problems, rare=True)]
    define(ENGINE, name, [*table], meanings)
    for cell in [*table, other]:
        expected = table.get(cell, (None, None))
        assert expected == (meaning_of(f"{name}_j", cell), meaning_of(f"{name}_k", cell))


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 200])
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int64", -3),
        ("string", "it's"),
        ("boolean", False),
        ("date", date(2027, 1, 31)),
        ("decimal(18, 6)", Decimal("1958.070000")),
    ],
)
def test_each_type_survives_both_ways(count: int, kind: str, value: Any) -> None:
    """Compared one by one or numbered, a value comes out of its own type."""
    name = f"f{next(_turn)}"
    cells = [f"cell {number}" for number in range(count)]
    define(ENGINE, name, cells, [Meaning("j", kind, [value] * count)])
    assert value == meaning_of(f"{name}_j", cells[-1])
    assert meaning_of(f"{name}_j", "another") is None


def test_constants_tell_of_a_file() -> None:
    """A name with a quote, a number and a day."""
    values = {"a": ("string", "it's.csv"), "b": ("int32", 4), "c": ("date", date(2026, 11, 20))}
    constants(ENGINE, "of_file", values)
    told = ENGINE.duck.execute("SELECT of_file_a(), of_file_b(), of_file_c()").fetchall()
    assert told == [("it's.csv", 4, date(2026, 11, 20))]
