"""DuckDB within what CSPKIT_MEMORY allows: the same tables, or one line that says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cspkit import load
from cspkit.errors import BAD_INPUT, SettingsError

ROWS = 210_000
HEADER = (
    "subscription_id,customer_id,product,seats,expires_on,currency,unit_price,base_subscription_id"
)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write more rows than are copied in memory, some of them twice."""
    file = tmp_path_factory.mktemp("exports") / "subscriptions.csv"
    lines = (
        f"{number % (ROWS - 9):08x}-0000-4000-8000-000000000000,"
        f"{number % 999:08x}-1111-4111-8111-111111111111,"
        f"Business,{number % 50 + 1},2027-01-{number % 28 + 1:02d},EUR,9.50,"
        f"{number:08x}-2222-4222-8222-222222222222"
        for number in range(ROWS)
    )
    file.write_text("\n".join([HEADER, *lines]) + "\n")
    return file


def hashes(exports: Any) -> dict[str, Any]:
    """Hash the tables, whatever the order of their rows."""
    held = {name: exports.engine.statement(exports.rows(name)).sql for name in NAMES}
    query = "SELECT count(*), bit_xor(hash(t)), sum(hash(t)) FROM ({}) t"
    return {n: exports.engine.execute(query.format(sql)).fetchall() for n, sql in held.items()}


NAMES = ("customers", "subscriptions", "rejects", "conflicts")


def test_little_memory_gives_the_same_tables(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is put on disk and taken from there, when loading and when reading back."""
    expected = hashes(load(exports))
    monkeypatch.setenv("CSPKIT_MEMORY", "52MB")
    little = load(exports)
    spilled = "SELECT sum(temporary_storage_bytes) > 0 FROM duckdb_memory()"
    assert little.engine.execute(spilled).fetchall() == [(True,)]
    assert expected == hashes(little)
    little.save(tmp_path / "out")
    assert expected == hashes(load(tmp_path / "out"))


def test_too_little_memory_is_one_line_that_names_the_setting(exports: Path) -> None:
    """The command line says what to change, and ends as for a wrong setting."""
    command = [sys.executable, "-m", "cspkit", "load", str(exports), "--out", "out"]
    done = subprocess.run(
        command,
        cwd=exports.parent,
        env={"CSPKIT_MEMORY": "3MB", "CSPKIT_CACHE": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == BAD_INPUT
    assert done.stderr.count("\n") == 1
    assert "CSPKIT_MEMORY: expected more memory than '3MB'" in done.stderr


def test_what_is_no_amount_is_refused(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that DuckDB does not understand is not passed over."""
    monkeypatch.setenv("CSPKIT_MEMORY", "plenty")
    with pytest.raises(SettingsError, match=r"CSPKIT_MEMORY.*such as 512MB, found 'plenty'"):
        load(exports)
