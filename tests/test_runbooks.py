"""Runbooks: only what is declared goes in, and everything that came of it is kept."""

from __future__ import annotations

import json
import signal
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cspkit import runbooks
from cspkit.clock import FixedClock
from cspkit.errors import PlanRefused, RunbookError, SettingsError, UnknownParameter
from cspkit.policy import Policy
from cspkit.reporting import receipts
from cspkit.runbooks import interrupting, kernel, parameters, settling
from cspkit.settings import Paths, Service, Settings

MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
DECLARED = """
plan: str = ""  # the plan file
size: int = 25  # moves in a batch
rate: float = 1.5  # per day
sure: bool = False  # really
"""


def notebook(folder: Path, *cells: str, declared: str = DECLARED) -> Path:
    """Write a notebook of a parameters cell and more; return its file."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source.strip()) for source in (declared, *cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )
    book.cells[0].metadata["tags"] = ["parameters"]
    file = folder / "10-try-something.ipynb"
    nbformat.write(book, file)
    return file


def execute(
    source: Path, output: Path, *, progress: runbooks.progress.Say | None = None, **given: Any
) -> receipts.Record:
    """Execute a notebook of our own as `run` executes a packaged one."""
    job = kernel.Job(source, output, output.parent, given, FixedClock(MORNING), progress)
    record, _ = kernel.execute(job, receipts.Record("try", "dry", MORNING, "ana"))
    return record


def kept(output: Path) -> dict[str, Any]:
    """Read the record that a run left beside its notebook."""
    record: dict[str, Any] = json.loads(output.with_suffix(receipts.RECORD).read_text())
    return record


def test_parameters_are_read_with_type_default_and_help(tmp_path: Path) -> None:
    """What a notebook takes is known without running anything."""
    declared = parameters.declared(notebook(tmp_path))

    assert parameters.Parameter("size", "int", 25, "moves in a batch") == declared["size"]
    assert list(declared) == ["plan", "size", "rate", "sure"]


@pytest.mark.parametrize("line", ["size = 3", "size: list = []", "size: int = 3 + n", "import os"])
def test_only_typed_literals_can_be_declared(tmp_path: Path, line: str) -> None:
    """Anything derived in the parameters cell would keep its default when overridden."""
    with pytest.raises((RunbookError, ValueError)):
        parameters.declared(notebook(tmp_path, declared=line))


@pytest.mark.parametrize(
    "given", [{"batch": "B001"}, {"size; import os": 1}, {"Plan": "x"}, {"": "x"}]
)
def test_a_name_that_is_not_declared_is_refused(tmp_path: Path, given: dict[str, object]) -> None:
    """Papermill would warn, use the default, and paste the name into the notebook as code."""
    with pytest.raises(UnknownParameter, match="it takes plan, size, rate, sure"):
        parameters.check(notebook(tmp_path), given)


@pytest.mark.parametrize(
    "given",
    [
        {"plan": 7},
        {"plan": None},
        {"plan": Path("plan.json")},
        {"size": "25"},
        {"size": 25.0},
        {"size": True},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"sure": 1},
        {"sure": "no"},
    ],
)
def test_a_value_of_another_type_is_refused(tmp_path: Path, given: dict[str, object]) -> None:
    """Papermill enforces no type, and a NaN makes the executed notebook unreadable."""
    with pytest.raises(UnknownParameter, match="expects"):
        parameters.check(notebook(tmp_path), given)


def test_a_whole_number_will_do_for_a_float(tmp_path: Path) -> None:
    """Two per day is 2.0 per day."""
    assert parameters.check(notebook(tmp_path), {"rate": 2, "sure": True}) == {
        "rate": 2.0,
        "sure": True,
    }


@pytest.mark.parametrize(
    "given",
    [
        {"token": "x"},
        {"client_secret": "x"},
        {"API_KEY": "x"},
        {"password": ""},
        {"plan": "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln"},
        {"plan": "Bearer abcdefghijklmnop"},
        {"plan": "postgresql+psycopg://ana:hunter2@db/cspkit"},
        {"plan": "-----BEGIN PRIVATE KEY-----"},
        {"plan": "AccountKey=abcdefghijklmnop"},
    ],
)
def test_what_looks_like_a_secret_is_refused_unseen(
    tmp_path: Path, given: dict[str, object]
) -> None:
    """Parameters are kept in clear, twice, in every executed notebook; errors are kept too."""
    with pytest.raises(UnknownParameter, match="looks like a secret") as error:
        parameters.check(notebook(tmp_path), given)

    assert not any(
        value in str(error.value) for value in map(str, given.values()) if len(value) > 1
    )


@pytest.mark.parametrize("name", ["../10-load-exports", "https://x/y.ipynb", "/etc/passwd", ""])
def test_only_packaged_notebooks_are_run(name: str, tmp_path: Path) -> None:
    """Papermill would read any path and any address."""
    with pytest.raises(UnknownParameter, match="no notebook"):
        runbooks.execute(name, tmp_path / "out.ipynb")


def test_a_notebook_runs_in_the_workspace_and_leaves_a_receipt(tmp_path: Path) -> None:
    """The kernel starts in the given folder, and this process stays where it is."""
    here = Path.cwd()
    output = tmp_path / "a {curly} place" / "out.ipynb"
    output.parent.mkdir()

    record = execute(
        notebook(tmp_path, "import os", "print(os.getcwd(), plan)"), output, plan="p {x}"
    )

    shown = nbformat.read(output, as_version=4).cells[-1].outputs[0].text
    assert shown == f"{output.parent} p {{x}}\n"
    assert (receipts.DONE, MORNING, here) == (record.status, record.ended, Path.cwd())
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "10-try-something.ipynb",
        "a {curly} place",
    ]
    assert "p {x}" in output.with_suffix(".html").read_text()


def test_a_failing_cell_is_named_and_everything_is_kept(tmp_path: Path) -> None:
    """The executed notebook is the evidence, and above all when something went wrong."""
    source = notebook(
        tmp_path,
        "from cspkit.errors import PlanRefused\nprint('so far')",
        "raise PlanRefused('not\\napproved')",
    )
    output = tmp_path / "out" / "out.ipynb"
    output.parent.mkdir()

    with pytest.raises(RunbookError, match="10-try-something, cell \\[3\\]: not approved") as error:
        execute(source, output)

    assert (PlanRefused.exit_code, 3) == (error.value.exit_code, error.value.cell)
    assert output == error.value.receipt
    assert kept(output)["status"] == receipts.BROKEN
    page = output.with_suffix(".html").read_text()
    assert "so far" in page and "not approved" in page


def test_a_lost_kernel_is_not_a_success(tmp_path: Path) -> None:
    """Papermill marks the cells of a dead kernel as completed; our record does not."""
    output = tmp_path / "out.ipynb"

    with pytest.raises(RunbookError, match="the kernel was lost"):
        execute(notebook(tmp_path, "import os; os._exit(9)"), output)

    assert kept(output)["status"] == receipts.BROKEN
    assert output.exists()


def test_a_receipt_shows_the_head_of_the_events(tmp_path: Path) -> None:
    """Whoever alters the ledger later is caught by what was printed."""
    file = tmp_path / "result.json"
    result = {"counts": {"done": 1}, "chain_head": "5ea1ed"}
    cell = f"import pathlib; pathlib.Path(result_file).write_text({json.dumps(result)!r})"
    source = notebook(tmp_path, cell, declared='result_file: str = ""  # counts')

    record = execute(source, tmp_path / "out.ipynb", result_file=str(file))

    assert (record.chain_head, record.counts) == ("5ea1ed", {"done": 1})
    assert "end with <code>5ea1ed</code>" in (tmp_path / "out.html").read_text("utf-8")


def test_progress_is_one_line_there_and_live_here(tmp_path: Path) -> None:
    """The launcher hears each line when it is said; the notebook keeps the last."""
    source = notebook(
        tmp_path,
        "from cspkit import runbooks",
        "runbooks.tell(1, 2, {'done': 1})\nrunbooks.tell(2, 2, {'done': 1, 'failed': 1})",
    )
    heard: list[str] = []

    execute(source, tmp_path / "out.ipynb", progress=heard.append)

    shown = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs[0].text
    assert shown == "2 of 2 so far: 1 done, 1 failed\n"
    assert ["1 of 2 so far: 1 done", shown.strip()] == heard


def test_failed_moves_are_counted_from_the_result_file(tmp_path: Path) -> None:
    """A notebook that ran to its end may still have moves that failed."""
    file = tmp_path / "result.json"
    cell = f"import json, pathlib\npathlib.Path({str(file)!r}).write_text('{{\"failed\": 2}}')"
    source = notebook(tmp_path, cell, declared='result_file: str = ""  # counts')

    record = execute(source, tmp_path / "out.ipynb", result_file=str(file))

    assert (record.status, record.counts) == (receipts.FAILED, {"failed": 2})


def test_nothing_in_a_receipt_runs_or_loads(tmp_path: Path) -> None:
    """A hostile name stays text, in outputs of any kind, and a leaked token is blotted out."""
    hostile = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    output = tmp_path / "out.ipynb"
    source = notebook(
        tmp_path,
        "from IPython.display import HTML, Javascript, Markdown, display",
        f"name = {hostile!r}",
        "print(name)\ndisplay(HTML(name), Markdown(name), Javascript('alert(3)'))",
        "print('eyJhbGciOiJSUzI1NiJ9.' + 'eyJhdWQiOiJ4In0.c2ln')",
        "import ipywidgets; ipywidgets.IntSlider(7)",
    )

    execute(source, output, plan=hostile)

    page = output.with_suffix(".html").read_text()
    assert not any(word in page for word in ("<script", "<img src=x", "http://", "https://"))
    assert "default-src 'none'" in page
    assert "alert(2)" in page
    assert "eyJ" not in page and "eyJhbGciOiJSUzI1NiJ9.eyJ" not in output.read_text()


def test_a_folder_that_cannot_be_written_is_one_plain_line(tmp_path: Path) -> None:
    """It is found out before a kernel starts, not after the orders went out."""
    (tmp_path / "reports").write_text("a file is in the way")

    with pytest.raises(SettingsError, match="receipts cannot be written here") as error:
        receipts.make_folder(tmp_path / "reports", MORNING, "provision")

    assert len(str(error.value).splitlines()) == 1


def test_a_full_disk_leaves_the_old_receipt(tmp_path: Path) -> None:
    """What does not fit is not half there: one line, and all that was kept before is whole."""
    resource = pytest.importorskip("resource", reason="Windows has no limit of this kind")
    source, output = notebook(tmp_path, "print('x' * size)"), tmp_path / "out" / "out.ipynb"
    output.parent.mkdir()
    execute(source, output, size=10)
    names = ["out.html", "out.ipynb"]
    before = [(output.parent / name).read_bytes() for name in names]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RunbookError, match="its receipt cannot be written") as error:
            execute(source, output, size=200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (error.value.exit_code, len(str(error.value).splitlines())) == (1, 1)
    assert before == [(output.parent / name).read_bytes() for name in names]
    assert [*names, "out.receipt.json"] == sorted(one.name for one in output.parent.iterdir())
    assert kept(output)["status"] == receipts.BROKEN


def test_a_signal_waits_until_the_receipt_is_written() -> None:
    """Ctrl-C after the last call is heard, but not before what it did is on disk."""
    written: list[str] = []

    with pytest.raises(KeyboardInterrupt), interrupting.later():
        signal.raise_signal(signal.SIGINT)
        written.append("receipt")

    assert written == ["receipt"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path) -> None:
    """No receipt overwrites another, and no word of a caller leaves the folder."""
    first, second = (receipts.make_folder(tmp_path, MORNING, "run", "../../B 1") for _ in range(2))

    assert first != second
    assert first.parent == second.parent == tmp_path / "receipts"
    assert first.name.startswith("20261123T080000Z-run-B-1-")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "delete"}, "no runbook 'delete'"),
        ({"mode": "really"}, "mode expects dry, rehearsal, live, found 'really'"),
        ({"mode": "live"}, "needs a batch or a due date"),
        ({"batch": "eyJhbGciOiJSUzI1NiJ9.x"}, "looks like a secret"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_starts(
    tmp_path: Path, wrong: dict[str, str], message: str
) -> None:
    """Nothing is written, not even a folder for the receipt."""
    call: dict[str, Any] = {"name": "provision", "plan": tmp_path / "plan.json"} | wrong

    with pytest.raises(UnknownParameter, match=message):
        runbooks.run(call.pop("name"), settings=Settings(root=tmp_path), **call)

    assert list(tmp_path.iterdir()) == []


def test_settings_reach_the_kernel_as_the_caller_had_them(tmp_path: Path) -> None:
    """What was decided in Python runs, not what a file on disk says."""
    settings = Settings(
        root=tmp_path,
        service=Service(partner_center="http://127.0.0.1:9"),
        paths=Paths(reports='out {1} «ñ» \\ "q"'),
        policy=Policy(
            moves_per_day=3,
            order_on_friday=True,
            blackout_days=(date(2026, 12, 24),),
            rates={"USD": Decimal("0.91")},
        ),
        channels={"open": {"grace_days": 0, "note": 'a "quoted" word'}},
    )
    place = tmp_path / "receipt"
    place.mkdir()

    read = Settings.read(settling.keep(settings, place))

    assert (settings.service, settings.policy) == (read.service, read.policy)
    assert settings.channels == read.channels
    assert (settings.reports, settings.ledger_url) == (read.reports, read.ledger_url)


def test_a_password_in_an_address_is_not_kept(tmp_path: Path) -> None:
    """The settings of a run are evidence that others read."""
    paths = Paths(ledger="postgresql+psycopg://ana:hunter2@db/cspkit")

    with pytest.raises(SettingsError, match="holds a password") as error:
        settling.keep(Settings(root=tmp_path, paths=paths), tmp_path)

    assert "hunter2" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
