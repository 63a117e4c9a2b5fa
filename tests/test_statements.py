"""Statements that are kept: found again, never another's, free of data, and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cspkit import load, statements
from cspkit.exports.engine import Engine
from cspkit.statements import Rows, Statement, described

SAMPLES = Path(__file__).parents[1] / "cspkit" / "rehearsal" / "samples"
HEADER = "subscription_id,customer_id,product,seats,expires_on,unit_price,currency,status"
CUSTOMER = "11111111-1111-4111-8111-111111111111"
SHOWN = "import sys; print(sorted({'ibis', 'pandas', 'sqlglot'} & set(sys.modules)))"
LOADED = f"import cspkit; cspkit.load(sys.argv[1]).save(sys.argv[2]); {SHOWN}"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder that statements are kept in, with nothing known from before."""
    monkeypatch.setenv("CSPKIT_CACHE", str(tmp_path / "cache"))
    before = dict(statements._known)
    statements._known.clear()
    found = statements.folder()
    assert found
    yield found
    statements._known.clear()
    statements._known.update(before)


def lines(folder: Path, *rows: str, name: str = "a.csv") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    return file


def row(number: int, seats: str = "5", price: str = "9.50", status: str = "active") -> str:
    subscription = f"{number:08d}-0000-4000-8000-000000000000"
    return f"{subscription},{CUSTOMER},Business,{seats},2027-01-{number:02d},{price},EUR,{status}"


def fresh(path: Path) -> dict[str, Statement]:
    """Return the statements of one load that found none kept."""
    statements._known.clear()
    load(path)
    return dict(statements._known)


def described_once() -> tuple[Engine, Rows, list[int]]:
    """Return an engine, rows that count how often they are built, and the count."""
    engine, calls = Engine(), []
    table = engine.scan("numbers", "SELECT 1 AS n UNION ALL SELECT 2", {"n": "int32"})

    @described
    def larger(rows: Any, than: int) -> Any:
        calls.append(than)
        return rows.filter(rows.n > than)

    return engine, larger(table, 1), calls


def test_expressions_are_built_only_where_no_statement_is_kept(kept: Path) -> None:
    """The second run with the same arguments executes what the first one compiled."""
    for _turn in range(2):
        engine, rows, calls = described_once()
        assert engine.fetch(rows) == [{"n": 2}]
        statements._known.clear()
    assert calls == []
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize(
    "changed",
    [("rows", 2), ("rows", "1"), ("other", 1)],
    ids=["another value", "another type", "another table"],
)
def test_a_statement_is_known_by_all_that_it_is_made_of(changed: tuple[str, Any]) -> None:
    """Another argument, type or table is another statement."""

    @described
    def some(rows: Any, number: Any) -> Any:
        return rows

    rows = {name: statements.table(name, {"n": "int32"}) for name in ("rows", "other")}
    assert some(rows["rows"], 1).key == some(rows["rows"], 1).key
    assert some(rows["rows"], 1).key != some(rows[changed[0]], changed[1]).key


def test_what_a_statement_cannot_be_known_by_is_refused() -> None:
    """An argument whose content nobody can say would give one load the SQL of another."""
    with pytest.raises(TypeError, match="known by an argument of type object"):
        statements.digest(object())


def test_one_key_has_one_statement_whatever_the_data(tmp_path: Path) -> None:
    """Loads of other rows, words, file names and days never need other SQL under the same key."""
    before = dict(statements._known)
    files = [
        lines(tmp_path / "a", row(1), row(2, "x"), name="2026-11-01.csv"),
        lines(tmp_path / "b", row(3), row(3, "7"), row(4, status="odd"), name="b.csv"),
        lines(tmp_path / "c", *(row(n, str(n * 3), f"{n},25 €") for n in range(1, 20))),
        SAMPLES,
    ]
    known: dict[str, Statement] = {}
    shared = 0
    for file in files:
        found = fresh(file)
        shared += len(found.keys() & known.keys())
        assert {key: known[key] for key in found.keys() & known.keys()} == {
            key: found[key] for key in found.keys() & known.keys()
        }
        known |= found
    statements._known.clear()
    statements._known.update(before)
    assert shared > 20


def test_kept_statements_equal_fresh_ones_in_another_process(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one process keeps, another would compile letter by letter, whatever its hash seed."""
    file = lines(tmp_path / "a", row(1), row(2, "x"))
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", f"import sys; {LOADED}", str(file), str(tmp_path / "out")]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "ibis" in first.stdout
    assert second.stdout.strip() == "[]", "a load with kept statements imports neither"
    theirs = {path.stem: statements._read(path.stem) for path in kept.iterdir()}
    monkeypatch.setenv("CSPKIT_CACHE", "off")
    assert theirs.items() >= fresh(file).items()


def test_statements_hold_no_data(kept: Path, tmp_path: Path) -> None:
    """Neither names of files nor cells of customers reach the cache."""
    load(lines(tmp_path / "a", row(1), row(2, status="strange"), name="Contoso GmbH.csv"))
    texts = [path.read_text() for path in kept.iterdir()]
    assert len(texts) > 10
    for secret in ("Contoso", CUSTOMER, "strange", "2027-01", "00000001-"):
        assert not any(secret in text for text in texts), secret


def test_a_broken_statement_is_compiled_again(kept: Path) -> None:
    """A file that was cut off is no reason to fail."""
    engine, rows, _ = described_once()
    engine.fetch(rows)
    for path in kept.iterdir():
        path.write_text('{"sql": "SELE')
    statements._known.clear()
    engine, rows, calls = described_once()
    assert engine.fetch(rows) == [{"n": 2}]
    assert calls == [1]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no modes")
def test_statements_that_others_could_write_are_not_run(kept: Path) -> None:
    """What stands in the cache is executed, so a folder that is open to others does not count."""
    engine, rows, _ = described_once()
    engine.fetch(rows)
    assert kept.stat().st_mode & 0o777 == 0o700
    for path in kept.iterdir():
        path.write_text('{"sql": "SELECT 13 AS n", "schema": {"n": "int32"}}')
    kept.chmod(0o777)
    statements._known.clear()
    engine, rows, _ = described_once()
    assert engine.fetch(rows) == [{"n": 2}]


def test_off_keeps_nothing(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wants no cache gets none, and the same rows."""
    monkeypatch.setenv("CSPKIT_CACHE", "off")
    engine, rows, _ = described_once()
    assert engine.fetch(rows) == [{"n": 2}]
    assert not kept.exists()


UNKEPT = "cspkit: compiled SQL cannot be kept in {} ({}), so each run compiles it anew"


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where the folder should be costs speed, not the load; that is said once a process."""
    (tmp_path / "file").write_text("")
    lines(tmp_path / "in", row(1), row(2))
    monkeypatch.setenv("CSPKIT_CACHE", str(tmp_path / "file"))
    code = f"import sys; {LOADED}"
    arguments = [sys.executable, "-c", code, str(tmp_path / "in"), str(tmp_path / "out")]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)

    said = done.stderr.splitlines()
    begins = UNKEPT.format(tmp_path / "file" / "statements", "Not a directory")
    assert [begins] == [line[: len(begins)] for line in said], said
    assert (tmp_path / "out" / "subscriptions.parquet").exists()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no modes")
def test_a_cache_that_others_can_write_is_told(
    kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is run and nothing is added: who waits for each run learns why, once."""
    kept.mkdir(parents=True)
    kept.chmod(0o777)
    for _ in range(2):
        engine, rows, _ = described_once()
        statements._known.pop(rows.key, None)
        assert engine.fetch(rows) == [{"n": 2}]

    begins = UNKEPT.format(kept.parent, "others can write there")
    assert [begins] == [line[: len(begins)] for line in caplog.messages]
    assert list(kept.iterdir()) == []
