"""`cspkit load` as typed: what it says of files, and of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cspkit.cli import app
from cspkit.errors import CspkitError

DATA = Path(__file__).parent / "data"


def typed(*words: str | Path) -> str:
    """Run the verb in this process; an error on purpose goes up as it is."""
    done = CliRunner().invoke(app, ["load", *map(str, words)])
    if isinstance(done.exception, CspkitError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("address", ["https://x.example/a.csv", "s3://bucket//a.csv", "file:///a"])
def test_an_address_is_echoed_whole(address, tmp_path):
    """The error shows what was typed, with all its slashes."""
    with pytest.raises(CspkitError) as error:
        typed(address, "--out", tmp_path)
    assert str(error.value).startswith(f"{address}: is an address")


def test_the_table_counts_each_reason(tmp_path):
    """Below a file stands why its rows were set aside, each reason with its count."""
    said = typed(DATA / "distributor-es-totals-row.csv", "--out", tmp_path / "out")

    assert "set aside: 1 blank, 1 total" in said
    assert "2 rows rejected" in said
    assert json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))["files"][0]["blank"]


def test_a_proposal_is_said_and_not_made(tmp_path):
    """A name that fits is shown with the id to type; the row stays rejected."""
    tenant = "00000001-0000-4000-8000-000000000001"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "c.csv").write_text(f"customer_id,name,domain\n{tenant},Contoso,\n", "utf-8")
    rows = "subscription_id,seats,expires_on,customer_name\nS-1,5,2027-06-30,CONTOSO\n"
    (tmp_path / "in" / "s.csv").write_text(rows, encoding="utf-8")
    said = typed(tmp_path / "in", "--out", tmp_path / "out")

    assert f"s.csv row 2: 'CONTOSO' may be {tenant} (Contoso)" in said
    assert "1 rows rejected" in said


def test_a_template_needs_no_files(tmp_path):
    """`--template` writes the list and stops."""
    assert "bold headers are needed" in typed("--template", tmp_path / "list.xlsx")
    assert (tmp_path / "list.xlsx").exists()


def test_nothing_to_load_is_a_mistake(tmp_path):
    """Without files and without a template there is nothing to do."""
    with pytest.raises(CspkitError, match="expected export files, found none"):
        typed("--out", tmp_path)
