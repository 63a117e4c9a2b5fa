"""`cspkit run` and plain papermill as operators use them: signals, kills, full disks, slips."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from cspkit import cli, runbooks
from cspkit.errors import SettingsError
from cspkit.rehearsal.server import Server
from cspkit.reporting import receipts
from cspkit.runbooks import settling
from cspkit.settings import Paths, Service
from tests.scene import Scene, edited, sample

RUN = ("run", "provision", "--plan", "plan.json", "--batch", "B001")
REHEARSE = (*RUN, "--mode", "rehearsal")
TENANT = "11111111-0000-4000-8000-000000000009"
OPERATOR = """
import sys
from cspkit import moves
work = moves.begin("provision", plan="plan.json", batch="B001", mode="rehearsal", config=".")
print("ready", flush=True)
sys.stdin.readline()
print(work.carry_out().to_json(orient="records"))
work.close()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One rehearsal for all tests of this file."""
    with Server(sample(), control=True) as made:
        yield made


@pytest.fixture
def office(server: Server) -> Iterator[Scene]:
    """A workspace of its own, in memory where there is such a place."""
    server.gate.faults.rules.clear()
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="cspkit-", dir=place) as root:
        made = Scene(server, Path(root))
        settling.keep(made.settings, made.settings.root)
        yield made


def start(office: Scene, *command: str, **more: Any) -> subprocess.Popen[str]:
    """Start a process in the workspace, in a group of its own as a terminal does it."""
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=office.settings.root,
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for something that a process does."""
    deadline = time.monotonic() + 60
    while not true():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)


def slow(office: Scene, seconds: float = 0.7) -> Callable[[], int]:
    """Let every cart take a while; give what counts those asked for from now on."""
    office.fault("slow", "*/carts", times=None, seconds=seconds)
    before = office.calls("POST", "/carts")
    return lambda: office.calls("POST", "/carts") - before


def record(office: Scene) -> dict[str, Any]:
    """Read the one receipt that there is."""
    (file,) = (office.settings.reports / receipts.FOLDER).rglob(f"*{receipts.RECORD}")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found | {"folder": file.parent}


def ordered(office: Scene) -> list[int]:
    """Count the orders that each customer of the plan has in the rehearsal's books."""
    booked = [order["customer_id"] for order in office.orders]
    return [booked.count(move.customer_id) for move in office.moves]


def papermill(*more: str) -> tuple[str, ...]:
    """Name the call of the provision runbook without any help of ours."""
    given = {"plan": "plan.json", "batch": "B001", "mode": "rehearsal", "config": "cspkit.toml"}
    words = [word for name, value in given.items() for word in ("-p", name, value)]
    notebook = str(runbooks.find("50-provision"))
    return ("-m", "papermill", notebook, "out.ipynb", "--no-progress-bar", *words, *more)


def test_ctrl_c_finishes_the_call_and_plain_papermill_goes_on(office: Scene) -> None:
    """Stopped by a signal, killed in plain papermill, run again: one order for each move.

    The first signal reaches the launcher's group alone, as in a terminal, and leaves a receipt
    with the file that `--only` takes; SIGKILL leaves nothing but the ledger.
    """
    office.plan(*[office.ready(number) for number in range(3)])
    carts = slow(office)
    run = start(office, "-m", "cspkit", *REHEARSE)
    until(lambda: carts() == 1, run)
    os.killpg(run.pid, signal.SIGINT)
    said, errors = run.communicate(timeout=60)

    kept = record(office)
    assert (run.returncode, errors) == (1, "")
    assert "the run was stopped by hand; failed or skipped: " in said
    assert (kept["status"], carts()) == ("failed", 1)
    assert "failed.csv" in (kept["folder"] / "50-provision.html").read_text(encoding="utf-8")
    left = (kept["folder"] / "failed.csv").read_text(encoding="utf-8")
    assert all(move.move_id in left for move in office.moves)
    assert (office.state(), ordered(office)) == ("cart", [0, 0, 0])

    plain = start(office, *papermill("-p", "only", str(kept["folder"] / "failed.csv")))
    until(lambda: sum(ordered(office)) == 1 and carts() == 2, plain)
    kernels = psutil.Process(plain.pid).children(recursive=True)
    plain.kill()
    plain.communicate()
    _, alive = psutil.wait_procs(kernels, timeout=20)
    again = start(office, *papermill("-p", "parallel", "2"))
    again.communicate(timeout=60)

    assert (alive, again.returncode) == ([], 0)
    assert ordered(office) == [1, 1, 1]


@pytest.mark.parametrize("moment", ["before a kernel", "with a folder"])
def test_an_early_ctrl_c_begins_nothing_and_says_what_is_left(office: Scene, moment: str) -> None:
    """It counts from the command's first moment, whatever it is busy with: no order, one line."""
    office.moves = [
        office.move(office.ready(at), batch=name) for at, name in ((11, "B001"), (12, "B002"))
    ]
    office.save()
    run = start(office, "-m", "cspkit", *REHEARSE, "--batch", "B002")
    place = office.settings.reports / receipts.FOLDER
    if moment == "with a folder":
        until(lambda: place.is_dir() and any(place.iterdir()), run)
    else:
        until(lambda: bool(psutil.Process(run.pid).children()), run)
    os.killpg(run.pid, signal.SIGINT)
    said, errors = run.communicate(timeout=60)

    assert (run.returncode, said, len(errors.splitlines())) == (1, "", 1)
    assert "stopped by hand" in errors and "B002" in errors.partition("not begun: ")[2]
    assert ordered(office) == [0, 0]
    if moment == "with a folder":
        assert (record(office)["status"], bool(record(office)["ended"])) == ("broken", True)


def test_a_second_ctrl_c_kills(office: Scene) -> None:
    """Who cannot wait for the call in hand has it ended; the line says what to do then."""
    office.plan(office.ready(3))
    carts = slow(office, 30)
    run = start(office, "-m", "cspkit", *REHEARSE)
    until(lambda: carts() == 1, run)
    kernels = psutil.Process(run.pid).children(recursive=True)
    os.killpg(run.pid, signal.SIGINT)
    time.sleep(0.3)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=29)

    assert run.returncode == 1
    assert "killed by a second interrupt; run it again: nothing is done twice" in errors
    assert len(errors.splitlines()) == 1
    assert (psutil.wait_procs(kernels, timeout=5)[1], record(office)["status"]) == ([], "broken")


def test_two_operators_on_one_plan_never_meet_at_a_customer(office: Scene) -> None:
    """Two real processes: the later one leaves a customer alone and says who works there."""
    office.plan(*[office.ready(number) for number in range(4, 7)])
    carts = slow(office, 0.5)
    first, second = (start(office, "-c", OPERATOR) for _ in range(2))
    for operator in (first, second):
        assert operator.stdout is not None
        assert operator.stdout.readline() == "ready\n"
    for operator in (first, second):
        assert operator.stdin is not None
        operator.stdin.write("\n")
        operator.stdin.flush()
        until(lambda: carts() > 0, operator)
    rows = [json.loads(one.communicate(timeout=60)[0]) for one in (first, second)]

    assert ordered(office) == [1, 1, 1]
    assert rows[1][0]["outcome"] == "waiting"
    assert f":{first.pid}:" in rows[1][0]["reason"]
    assert "works on this customer since" in rows[1][0]["reason"]


def test_a_full_disk_leaves_a_ledger_that_goes_on(office: Scene) -> None:
    """The run stops with one line at the first record that does not fit; no order is lost."""
    office.plan(*[office.ready(number) for number in range(7, 11)])
    room = office.ledger_file.stat().st_size + 8_000
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))
    run = start(office, "-m", "cspkit", *REHEARSE, preexec_fn=full)
    _, errors = run.communicate(timeout=60)

    assert (run.returncode, len(errors.splitlines())) == (3, 1)
    assert re.match(r"cspkit: 50-provision, cell \[\d\]: ledger sqlite:///\S+: disk", errors)
    assert 4 - sum(ordered(office)) > 0
    with sqlite3.connect(office.ledger_file) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    assert {"done"} == set(office.run("provision")["outcome"])
    assert ordered(office) == [1, 1, 1, 1]
    with office.ledger() as ledger:
        assert ledger.verify() == []


def elsewhere(office: Scene) -> None:
    """Let the ledger be one that was copied here from another computer."""
    with sqlite3.connect(office.ledger_file) as raw:
        raw.execute("UPDATE meta SET value = 'pc-9 C:\\cspkit.db' WHERE key = 'home'")
    raw.close()


def bound(office: Scene, ledger: str, settings: Service) -> None:
    """Give a plan and settings of one service a ledger of another."""
    office.ledger_file.unlink()
    office.ledger_file.with_name("ledger.db.mark").unlink()
    with office.ledger() as made:
        made.bind(ledger)
    changed = office.settings.model_copy(update={"service": settings})
    settling.keep(changed, office.settings.root)
    office.settings = changed
    office.save(approve=False)


def tenant(office: Scene) -> None:
    """Point settings and plan at a real tenant, with the ledger of a rehearsal."""
    hosts = {"partner_center": "https://api.partnercenter.microsoft.com"}
    hosts["graph"] = "https://graph.microsoft.com"
    live = Service(kind="tenant", partner_tenant=TENANT, **hosts)
    bound(office, office.settings.service.id, live)


def shared(office: Scene) -> None:
    """Let the ledger lie in a folder that is copied about."""
    paths = Paths(ledger="sqlite:///OneDrive - Contoso/ledger.db")
    settling.keep(office.settings.model_copy(update={"paths": paths}), office.settings.root)


def only(office: Scene) -> None:
    """Name a move that the plan does not have."""
    (office.settings.root / "failed.csv").write_text("subject\nmv-404\n", encoding="utf-8")


Prepare = Callable[[Scene], object]
SLIPS: dict[str, tuple[Prepare | None, tuple[str, ...], int, str]] = {
    "another tenant's plan": (lambda o: o.save(service=f"tenant:{TENANT}"), (), 3, "was made for"),
    "an edited plan": (lambda o: edited(o.plan_file, as_of="2026-11-19"), (), 3, "hash"),
    "an unknown batch": (None, ("--batch", "B999"), 2, "found 'B999'; the plan has B001"),
    "half a range": (None, ("--batch", "B001-B9"), 2, "found 'B001-B9' (no batch 'B9');"),
    "another's ledger": (elsewhere, (), 3, "copied or moved here from 'pc-9"),
    "a rehearsal's ledger": (tenant, ("--mode", "live"), 3, "the ledger belongs to 'rehearsal:"),
    "a tenant's ledger": (
        lambda o: bound(o, f"tenant:{TENANT}", o.settings.service),
        *((), 3, "the ledger belongs to 'tenant:"),
    ),
    "live at a rehearsal": (None, ("--mode", "live"), 2, "mode live needs 'tenant'"),
    "a ledger in OneDrive": (shared, (), 3, "is a synced folder"),
    "no such mode": (None, ("--mode", "really"), 2, "found 'really'"),
    "no such runbook": (None, (), 2, "no runbook 'delete'"),
    "a secret": (None, ("--batch", "eyJhbGciOiJSUzI1NiJ9.x"), 2, "looks like a secret"),
    "unknown moves": (only, ("--only", "failed.csv"), 2, "line 2: 'mv-404' not in batch B001"),
    "no such file": (None, ("--only", "no.csv"), 2, "cannot be read"),
    "too many workers": (None, ("--parallel", "99"), 2, "expected 1 to 16, found 99"),
    "no such time": (None, ("--until", "25:00"), 2, "HH:MM, found '25:00'"),
    "no such day": (None, ("--due", "monday"), 2, "found 'monday'"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_one_line_and_nothing_is_sent(
    slip: str, office: Scene, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 or 3 before a kernel starts, and the rehearsal's books show no call."""
    prepare, words, code, message = SLIPS[slip]
    office.plan(office.ready(11))
    if prepare is not None:
        prepare(office)
    before = office.books
    runbook = "delete" if "delete" in message else "provision"
    monkeypatch.chdir(office.settings.root)
    monkeypatch.setattr(sys, "argv", ["cspkit", REHEARSE[0], runbook, *REHEARSE[2:], *words])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    lines = capfd.readouterr().err.splitlines()
    assert (code, 1) == (ended.value.code, len(lines)), lines
    assert message in lines[0]
    assert before == office.books


def test_a_missing_role_is_found_out_by_one_question(office: Scene) -> None:
    """Who may not sell is told so at once, instead of failing move by move."""
    office.plan(office.ready(11), office.ready(12))
    denied = {"method": "GET", "status": 403, "code": 2032, "times": None}
    office.fault("refuse", "*/relationshiprequests", **denied)
    before = office.books

    with pytest.raises(SettingsError, match="given the role Admin agent or Sales agent") as error:
        office.run("provision")

    assert (error.value.exit_code, len(str(error.value).splitlines())) == (2, 1)
    assert before["orders"] == office.orders
    more = sum(office.books["calls"].values()) - sum(before["calls"].values())
    assert more == 1
