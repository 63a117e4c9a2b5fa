"""What is wrong with a value that a person wrote, in words."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cspkit import validation


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)

    count: int = Field(1, ge=0, lt=10)
    share: Decimal = Decimal(0)
    name: str = Field("a", max_length=3, pattern="^[a-z]*$")
    on: date | None = None
    at: datetime | None = None
    kept: bool = True
    kind: Literal["left", "right"] = "left"
    listed: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _fits(self) -> Part:
        if self.count == 9:
            raise ValueError("expected room for one more, found none")
        return self


class Whole(BaseModel):
    part: Part
    word: str


def said(**part: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as raised:
        Whole.model_validate({"part": part, "word": ""})
    return validation.first(raised.value)


@pytest.mark.parametrize(
    ("part", "field", "problem"),
    [
        ({"count": -1}, "count", "expected at least 0, found -1"),
        ({"count": 10}, "count", "expected less than 10, found 10"),
        ({"count": "many"}, "count", "expected a whole number, found 'many'"),
        ({"count": 1.5}, "count", "expected a whole number, found 1.5"),
        ({"share": "a"}, "share", "expected a number, found 'a'"),
        ({"name": 5}, "name", "expected a text in quotes, found 5"),
        ({"name": "abcd"}, "name", "expected at most 3 signs, found 'abcd'"),
        ({"name": "A"}, "name", "expected a text of the form ^[a-z]*$, found 'A'"),
        ({"on": "soon"}, "on", "expected a day such as 2026-11-20, found 'soon'"),
        ({"kept": "no way"}, "kept", "expected true or false, found 'no way'"),
        ({"kind": "up"}, "kind", "expected 'left' or 'right', found 'up'"),
        ({"listed": 3}, "listed", "expected a list in [ ], found 3"),
        ({"listed": [3]}, "listed.0", "expected a text in quotes, found 3"),
        ({"cuont": 3}, "cuont", "no such field; look at its spelling"),
    ],
)
def test_a_wrong_value_is_told(part: dict[str, Any], field: str, problem: str) -> None:
    """What was expected, in words of the file it stands in, and what was found."""
    assert said(**part) == (f"part.{field}", problem)


def test_a_rule_of_our_own_speaks_for_itself() -> None:
    """Its sentence is neither wrapped nor followed by the whole table."""
    assert said(count=9) == ("part", "expected room for one more, found none")


def test_what_is_missing_has_no_value() -> None:
    """A field that is not there was not found to be anything."""
    with pytest.raises(ValidationError) as raised:
        Whole.model_validate({"part": {}})

    assert validation.first(raised.value) == ("word", "is needed and not there")


def test_a_file_as_a_whole_has_a_name() -> None:
    """What is wrong with all of it is told of the file."""
    with pytest.raises(ValidationError) as raised:
        Part.model_validate({"count": 9})

    assert validation.first(raised.value)[0] == "file"
