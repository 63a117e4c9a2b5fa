"""decisions.xlsx through many reloads: what people typed, and how it looks, stays theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from typer.testing import CliRunner

from cspkit import decisions, workspace
from cspkit.cli import app
from tests.originals import customer, customer_id, exports, original


def sheet_rows(path: Path, sheet: str) -> dict[str, dict[str, Any]]:
    """Rows of a sheet by their id, cells by their header, formulas as they stand."""
    header, *rows = load_workbook(path)[sheet].iter_rows(values_only=True)
    return {str(row[0]): dict(zip(header, row, strict=True)) for row in rows}


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A workbook that a person made their own: formats, a comment, columns, a sheet, a list."""
    path = tmp_path / "decisions.xlsx"
    decisions.write(path, exports(customer(1), original(1), original(2)))
    book = load_workbook(path)
    sheet = book["originals"]
    last = sheet.max_column + 1
    sheet.cell(1, last, "my sum")
    sheet.cell(2, last, "=1+1")
    sheet.cell(3, last, "call Ana")
    sheet.cell(2, 1).fill = PatternFill("solid", fgColor="FFFF00")
    sheet.cell(3, last).font = Font(italic=True)
    sheet.cell(3, last).comment = Comment("ask again in May", "Ana")
    sheet.column_dimensions["A"].width = 51
    sheet.row_dimensions[3].hidden = True
    choice = DataValidation(type="list", formula1='"yes,no"')
    sheet.add_data_validation(choice)
    choice.add("B2:B99")
    book.create_sheet("Notes")["A1"] = "ours"
    book.save(path)
    return path


def test_a_reload_keeps_formats_formulas_comments_and_sheets(edited):
    """Adding an original leaves every cell, colour, width, list and sheet as it was."""
    before = sheet_rows(edited, "originals")
    decisions.write(edited, exports(customer(1), original(1), original(2), original(3)))
    after, book = sheet_rows(edited, "originals"), load_workbook(edited)
    sheet = book["originals"]

    assert before == {key: after[key] for key in before}
    assert after["s00003"]["customer_id"] == customer_id(1)
    assert after["s00001"]["my sum"] == "=1+1"
    assert sheet["A2"].fill.fgColor.rgb == "00FFFF00"
    assert sheet.cell(3, sheet.max_column).font.italic
    assert sheet.cell(3, sheet.max_column).comment.text == "ask again in May"
    assert sheet.column_dimensions["A"].width == 51
    assert sheet.row_dimensions[3].hidden
    assert len(sheet.data_validations.dataValidation) == 1
    assert book["Notes"]["A1"].value == "ours"


def test_a_customer_that_comes_back_finds_what_was_decided(tmp_path):
    """Gone, it is marked an orphan with all that was typed; back, the mark alone is taken off."""
    path = tmp_path / "decisions.xlsx"
    both = exports(customer(1), customer(2), original(1), original(2, of=2))
    decisions.write(path, both)
    book = load_workbook(path)
    header = [cell.value for cell in book["customers"][1]]
    book["customers"].cell(3, header.index("note") + 1, "likes tea")
    book.save(path)
    decisions.write(path, exports(customer(1), original(1)))
    gone = sheet_rows(path, "customers")[customer_id(2)]
    decisions.write(path, both)
    back = sheet_rows(path, "customers")[customer_id(2)]

    assert (gone["orphan"], gone["note"]) == ("yes", "likes tea")
    assert (back["orphan"], back["note"]) == (None, "likes tea")
    assert list(sheet_rows(path, "customers")) == [customer_id(1), customer_id(2)]


def test_an_id_typed_in_capitals_is_the_same_row(tmp_path):
    """Who pastes an id from a portal gets no second row for it."""
    path = tmp_path / "decisions.xlsx"
    decisions.write(path, exports(customer(10), original(1, of=10)))
    book = load_workbook(path)
    book["customers"]["A2"] = f" {customer_id(10).upper()} "
    book.save(path)
    decisions.write(path, exports(customer(10), original(1, of=10)))

    assert load_workbook(path)["customers"].max_row == 2


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sets(st.integers(1, 4)), min_size=1, max_size=4))
def test_orphans_are_those_that_the_last_load_lacked(tmp_path_factory, loads):
    """Whatever comes and goes: every original ever seen has one row, and the missing are marked."""
    path = tmp_path_factory.mktemp("reload") / "decisions.xlsx"
    for numbers in loads:
        decisions.write(path, exports(customer(1), *(original(n) for n in sorted(numbers))))
    rows = sheet_rows(path, "originals")
    ever, last = set().union(*loads), {f"s{n:05d}" for n in loads[-1]}

    assert {f"s{n:05d}" for n in ever} == set(rows)
    assert {key for key, row in rows.items() if row["orphan"] == "yes"} == set(rows) - last


def test_a_load_in_a_workspace_adds_the_rows(tmp_path):
    """`cspkit load` with a workspace gives what is new its rows, and says so."""
    workspace.init(tmp_path / "work")
    listed = tmp_path / "work" / "exports" / "list.csv"
    row = f"{customer_id(5)},{customer_id(1)},5,2027-06-30"
    listed.write_text(f"subscription_id,customer_id,seats,expires_on\n{row}\n", encoding="utf-8")
    words = ["load", str(listed), "--out", str(tmp_path / "t"), "--config", str(tmp_path / "work")]
    done = CliRunner().invoke(app, words)

    assert done.exit_code == 0, done.output
    assert "have their rows in" in done.output
    assert list(sheet_rows(tmp_path / "work" / "decisions.xlsx", "originals")) == [customer_id(5)]
