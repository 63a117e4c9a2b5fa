"""One person stays one person, however the name is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit.names import person


@pytest.mark.parametrize(
    "spelling",
    [
        *("ANA RUÍZ", " Ana  Ruiz ", "Ana\u00a0Ruiz", "Ana\tRuiz", "Ana\u200b Ruiz", "Ana.Ruiz"),
        *("Ruiz, Ana", "Ａｎａ Ｒｕｉｚ", "Аna Ruiz", "Αna Ruiz", "Ana Rui\u0301z", "Ana Ru1z"),
        *("Ana\u202e Ruiz", "ana_ruiz", "\U0001d434na Ruiz"),
    ],
)
def test_a_spelling_is_no_second_person(spelling: str) -> None:
    """Case, blanks, signs, accents, order and look-alike letters name the same person."""
    assert person("Ana Ruiz") == person(spelling)


@pytest.mark.parametrize("other", ["Eva Ruiz", "Ana Ruano", "Ana", "Анна Руис", "李娜"])
def test_another_name_is_another_person(other: str) -> None:
    """Names in any alphabet are told apart."""
    assert person(other) not in ("", person("Ana Ruiz"))


@pytest.mark.parametrize("nobody", ["", " ", "\u200b", "--", "\u202e."])
def test_a_name_without_a_letter_is_nobody(nobody: str) -> None:
    """What cannot be read names no one."""
    assert person(nobody) == ""


@given(st.text())
def test_a_person_is_found_again(name: str) -> None:
    """Blanks around it change no name."""
    assert person(name) == person(f"  {name}\n")
