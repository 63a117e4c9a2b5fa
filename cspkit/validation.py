"""What is wrong with a value that a person wrote, in words: expected this, found that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

# By the type of pydantic's error, or by how it begins; what is in braces is of its context.
_EXPECTED = {
    "extra_forbidden": "no such field; look at its spelling",
    "missing": "is needed and not there",
    "greater_than_equal": "expected at least {ge}",
    "greater_than": "expected more than {gt}",
    "less_than_equal": "expected at most {le}",
    "less_than": "expected less than {lt}",
    "literal_error": "expected {expected}",
    "enum": "expected {expected}",
    "string_pattern_mismatch": "expected a text of the form {pattern}",
    "string_too_short": "expected at least {min_length} signs",
    "string_too_long": "expected at most {max_length} signs",
    "value_error": "{error}",
}
_KINDS = {
    "int_": "expected a whole number",
    "bool_": "expected true or false",
    "string_": "expected a text in quotes",
    "decimal_": "expected a number",
    "float_": "expected a number",
    "finite_": "expected a number",
    "datetime_": "expected a day and time such as 2026-11-20T08:00:00Z",
    "date_": "expected a day such as 2026-11-20",
    "time_": "expected a time such as 08:00",
    "list_": "expected a list in [ ]",
    "tuple_": "expected a list in [ ]",
    "dict_": "expected a table",
    "model_": "expected a table",
}
_NO_VALUE = ("missing", "extra_forbidden")


def first(error: ValidationError) -> tuple[str, str]:
    """Return the first wrong field, with dots, and what was expected there and what was found."""
    wrong = error.errors()[0]
    field = ".".join(str(part) for part in wrong["loc"]) or "file"
    problem = _expected(wrong["type"], wrong.get("ctx", {})) or wrong["msg"]
    if wrong["type"] in _NO_VALUE or "found" in problem:
        return field, problem
    return field, f"{problem}, found {wrong.get('input')!r}"


def _expected(kind: str, context: Mapping[str, Any]) -> str:
    if kind in _EXPECTED:
        return _EXPECTED[kind].format_map({name: str(value) for name, value in context.items()})
    return next((said for start, said in _KINDS.items() if kind.startswith(start)), "")
