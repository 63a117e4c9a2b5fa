"""The command line as a user meets it: real processes, exit codes, one-line errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from cspkit import tables
from cspkit.cli import main
from cspkit.cli.saying import say, write_frame, write_table
from cspkit.rehearsal import samples

Typed = Callable[..., tuple[int, str, str]]
VERBS = [
    *("demo", "init", "load", "rank", "plan", "approve", "run", "status", "report", "rehearse"),
    *("reconcile", "letters", "results"),
    *("doctor", "hold", "release", "adopt", "confirm-absent"),
]


def cspkit(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cspkit", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Type words in an empty folder; exit code and outputs, of this process.

    To start one takes ten times as long as what says no or helps; what works has one of its own.
    """

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["cspkit", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def tables_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tables")
    done = cspkit("load", str(samples.folder()), "--out", str(out), cwd=out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, typed: Typed) -> None:
    """`--help` is enough to use a verb."""
    verb_words = [verb, *{"rehearse": ["serve"], "letters": ["send"]}.get(verb, [])]
    code, said, _ = typed(*verb_words, "--help")

    assert code == 0
    assert "Example" in said


def test_a_process_of_its_own_helps_alike(tmp_path: Path) -> None:
    """What is asked by a shell is what is asked in this process."""
    done = cspkit("rank", "--help", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Example" in done.stdout


def test_load_writes_the_four_files(tables_folder: Path) -> None:
    """Rejects do not stop a load; everything read is accounted for in summary.json."""
    summary = json.loads((tables_folder / "summary.json").read_text("utf-8"))

    assert {"customers.parquet", "subscriptions.parquet", "rejects.csv", "summary.json"} <= {
        path.name for path in tables_folder.iterdir()
    }
    assert summary["files"]
    for file in summary["files"]:
        assert file["read"] == file["accepted"] + file["rejected"] + file["set_aside"]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_rank_writes_what_is_asked_for(suffix: str, tables_folder: Path, tmp_path: Path) -> None:
    """The ranked list has the columns of the design, whatever the format."""
    out = tmp_path / f"ranked{suffix}"
    done = cspkit(
        "rank", str(tables_folder), "--as-of", "2026-11-20", "--out", str(out), cwd=tmp_path
    )
    workbook = partial(pd.read_excel, engine="openpyxl")
    read = {".csv": pd.read_csv, ".xlsx": workbook, ".parquet": pd.read_parquet}[suffix]

    assert done.returncode == 0, done.stderr
    assert tables.RANKED.names == list(read(out).columns)


def test_a_name_is_no_formula_in_a_csv(tmp_path: Path) -> None:
    """Customer text is text; a number below zero, a date and nothing stay what they are."""
    row = {"name": "=HYPERLINK(1)", "cost": Decimal("-1.5"), "ends": date(2026, 12, 3)}
    frame = pd.DataFrame([row, {"name": None, "cost": None, "ends": None}])

    write_frame(frame, tmp_path / "out.csv")
    write_table([pa.Table.from_pylist([row, dict.fromkeys(row)])], tmp_path / "rows.csv")

    first = "'=HYPERLINK(1),-1.5,2026-12-03"
    assert (tmp_path / "out.csv").read_text().splitlines() == ["name,cost,ends", first, ",,"]
    assert (tmp_path / "rows.csv").read_text() == (tmp_path / "out.csv").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_ranking_that_finds_no_room_is_one_line(
    suffix: str, tables_folder: Path, tmp_path: Path
) -> None:
    """Nothing of it is left, and nobody reads a traceback."""
    call = f"{sys.executable} -m cspkit rank {tables_folder} --out r{suffix}"
    command = f"ulimit -f 8; CSPKIT_CACHE=off exec {call}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_load_ranks_meanwhile(tables_folder: Path, tmp_path: Path) -> None:
    """What `load` and `rank` leave and say one after the other."""
    day = ("--as-of", "2026-11-20")
    one = cspkit("rank", str(tables_folder), *day, "--out", "one.csv", cwd=tmp_path)
    words = ("load", str(samples.folder()), "--out")
    plain = cspkit(*words, "t", cwd=tmp_path)
    done = cspkit(*words, "t", "--rank", "r.csv", *day, cwd=tmp_path)

    assert (one.returncode, done.returncode) == (0, 0), one.stderr + done.stderr
    assert {file.name: file.read_bytes() for file in (tmp_path / "t").iterdir()} == {
        file.name: file.read_bytes() for file in tables_folder.iterdir()
    }
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()
    assert plain.stdout == done.stdout


def test_rank_takes_a_part_of_the_list(tables_folder: Path, tmp_path: Path) -> None:
    """Options of the verb are the filters of the ranking; ranks are those of the whole list."""
    only = ("--market", "es", "--channel", "open", "--horizon", "60", "--minimum-seats", "5")
    words = ("rank", str(tables_folder), "--as-of", "2026-11-20", "--json", "--top", "999")
    whole, part = (json.loads(cspkit(*words, *more, cwd=tmp_path).stdout) for more in ((), only))
    ranks = {row["customer_id"]: row["rank"] for row in whole}

    assert 0 < len(part) < len(whole)
    assert all(row["market"] == "ES" and row["seats"] >= 5 for row in part)
    assert all(ranks[row["customer_id"]] == row["rank"] for row in part)


def test_nobody_needs_a_place_for_complaints(tmp_path: Path) -> None:
    """A job may run with standard error closed; nothing is drawn there then."""
    given = f"load '{samples.folder()}' --out '{tmp_path / 'tables'}'"
    command = ["sh", "-c", f"'{sys.executable}' -m cspkit {given} 2>&-"]

    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, "rows rejected" in done.stdout) == (0, True)


def test_what_a_file_holds_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    """A name of a file or a cell can hide nothing of a line, nor be taken for markup."""
    say("a\b\x1b[2K\r[bold]b\tc :smile:\nd")

    assert capsys.readouterr().out == "a[2K[bold]b\tc :smile:\nd\n"


def test_rank_says_why(tables_folder: Path, tmp_path: Path) -> None:
    """A customer is found by its id; every line says what decided it."""
    words = ("rank", str(tables_folder), "--as-of", "2026-11-20")
    first = json.loads(cspkit(*words, "--top", "1", "--json", cwd=tmp_path).stdout)[0]
    done = cspkit(*words, "--why", first["customer_id"], cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "  rule: " in done.stdout
    assert "  last safe day: " in done.stdout


@pytest.mark.parametrize(
    ("option", "value"), [("--why", "nobody"), ("--market", "XX"), ("--owner", "Bea")]
)
def test_rank_refuses_unknown_words(
    option: str, value: str, tables_folder: Path, typed: Typed
) -> None:
    """A slip is one line with the word that was found, and exit 2."""
    code, _, error = typed("rank", str(tables_folder), option, value)

    assert code == 2
    assert len(error.strip().splitlines()) == 1
    assert repr(value) in error


@pytest.fixture(scope="module")
def workspace(tables_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a plan made by its author and approved by another name."""
    home = tmp_path_factory.mktemp("home") / "work"
    assert cspkit("init", str(home), cwd=home.parent).returncode == 0
    planned = cspkit(
        *("plan", str(tables_folder), "--as-of", "2026-11-20", "--start", "2026-11-23"),
        *("--out", "plan.json", "--author", "Ana", "--json"),
        cwd=home,
    )
    assert planned.returncode == 0, planned.stderr
    assert cspkit("approve", "plan.json", "--by", "Bea", cwd=home).returncode == 0
    return home


def test_the_author_cannot_approve(workspace: Path) -> None:
    """Two people stand behind a plan."""
    done = cspkit("approve", "plan.json", "--by", "Ana", cwd=workspace)

    assert done.returncode == 3
    assert "Ana" in done.stderr


def test_an_edited_plan_is_refused(workspace: Path) -> None:
    """A plan runs as approved or not at all."""
    plan = json.loads((workspace / "plan.json").read_text("utf-8"))
    plan["moves"][0]["seats"] += 1
    (workspace / "edited.json").write_text(json.dumps(plan), "utf-8")
    done = cspkit(
        *("run", "provision", "--plan", "edited.json", "--batch", "B001", "--mode", "rehearsal"),
        cwd=workspace,
    )

    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1


def test_status_counts_an_empty_ledger(workspace: Path) -> None:
    """Before the first run there is nothing, and it says so."""
    done = cspkit("status", "--json", cwd=workspace)

    assert done.returncode == 0, done.stderr
    counts = {"moves": {}, "steps": {}, "ends": {}}
    assert json.loads(done.stdout) == {**counts, "waiting": [], "reconciled": None}


BAD = {
    "missing folder": (["load", "nowhere", "--out", "o"], "nowhere"),
    "empty file": (["load", "empty.csv", "--out", "o"], "empty.csv"),
    "no known format": (["load", "strange.csv", "--out", "o"], "strange.csv"),
    "no such day": (["plan", ".", "--start", "tomorrow", "--out", "p.json"], "tomorrow"),
    "no such config": (["status", "--config", "no.toml"], "no.toml"),
    "no such plan": (["approve", "no.json", "--by", "Bea"], "no.json"),
    "a URL": (["load", "http://example.com/x.csv", "--out", "o"], "http"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_2(case: str, tmp_path: Path, typed: Typed) -> None:
    """The line names the place; nothing is written."""
    (tmp_path / "empty.csv").touch()
    (tmp_path / "strange.csv").write_text("colour,taste\nred,sweet\n", "utf-8")
    before = sorted(tmp_path.iterdir())
    words, named = BAD[case]
    code, _, error = typed(*words)

    assert code == 2, error
    assert len(error.strip().splitlines()) == 1
    assert named in error
    assert before == sorted(tmp_path.iterdir())


def test_a_missing_column_names_the_nearest_profile(tmp_path: Path) -> None:
    """A csv without the needed column says which profile came closest and what it lacks."""
    (tmp_path / "subs.csv").write_text(
        "PartnerTenantId,CustomerTenantId,LegacySubscriptionId,CurrentSeatCount\na,b,c,1\n", "utf-8"
    )
    done = cspkit("load", "subs.csv", "--out", "o", cwd=tmp_path)

    assert done.returncode == 2
    assert "Batch migration tool" in done.stderr and "ExpirationDate" in done.stderr


def test_a_busy_port_is_said_plainly(tmp_path: Path) -> None:
    """A second rehearsal on a port says so instead of failing deep down."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = cspkit("rehearse", "serve", "--port", port, cwd=tmp_path)

    assert done.returncode == 2
    assert port in done.stderr


def test_explain_shows_each_column_and_writes_nothing(tmp_path: Path) -> None:
    """How a file is understood can be seen before anything is loaded."""
    file = samples.folder() / "bam" / "customers.csv"
    done = cspkit("load", "--explain", str(file), "--json", cwd=tmp_path)
    columns = {line["file_column"]: line["column"] for line in json.loads(done.stdout)}

    assert done.returncode == 0, done.stderr
    assert columns["TenantId"] == "customer_id"
    assert list(tmp_path.iterdir()) == []


def test_load_needs_a_place_to_write(tmp_path: Path) -> None:
    """Without --out nothing is read, and the line says what is missing."""
    done = cspkit("load", str(samples.folder() / "bam"), cwd=tmp_path)

    assert done.returncode == 2
    assert "--out" in done.stderr
