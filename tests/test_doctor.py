"""The doctor finds what would stop or spoil a run, says what to do, and changes nothing."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from cspkit import doctor
from cspkit.doctor import FAILED, OK, WARNING, Finding, machine, service
from cspkit.ledger import Ledger, backups, new_holder
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.server import Server
from cspkit.settings import FILE, Paths, Service, Settings
from tests.canned import Said
from tests.canned import Service as Canned
from tests.ledgers import CUSTOMER, NOON, SERVICE, raw, sqlite
from tests.postgres import Postgres
from tests.scene import sample

GRAPH = "/v1.0/tenantRelationships/delegatedAdminRelationships"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A rehearsal that answers."""
    with Server(sample(), control=True) as running:
        yield running


@pytest.fixture
def settings(server: Server, disk: Path) -> Settings:
    """A workspace with a ledger in it, and a rehearsal that answers."""
    with Ledger(sqlite(disk / "ledger" / "cspkit.db")) as ledger:
        ledger.bind(SERVICE)
    here = Service(partner_center=server.url, graph=f"{server.url}/graph")
    return Settings(root=disk, service=here)


def looked(settings: Settings) -> dict[str, Finding]:
    """What the doctor finds, by what it is about; the kernel is looked at once elsewhere."""
    return {one.what: one for one in doctor.check(settings, kernel=False)}


def token(**claims: object) -> str:
    """A token as Microsoft makes them, unsigned."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.x"


class Tokens:
    """Hand out one token for everything."""

    def __init__(self, text: str) -> None:
        self.text = text

    def token(self, audience: str, tenant: str, user: bool) -> str:
        return self.text


def test_all_is_well(settings: Settings) -> None:
    """With everything in place there is nothing to do."""
    found = looked(settings)

    assert [one for one in found.values() if one.result != OK] == []
    assert {
        *("versions", "packages", "credentials", "role", "audit", "role in Graph", "clock"),
        *("ledger place", "ledger settings", "ledger service", "ledger memory"),
        *("ledger content", "ledger backup"),
    } == set(found)


def test_a_real_kernel_answers() -> None:
    """The kernel is this Python, so that it finds this cspkit."""
    (found,) = machine.kernel()

    assert Finding("kernel", OK, sys.executable) == found


def test_looking_changes_nothing(settings: Settings, disk: Path) -> None:
    """No file is made or changed, and no call writes."""
    before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
    looked(settings)

    assert before == {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}


def test_no_ledger_yet_is_no_fault(settings: Settings, tmp_path: Path) -> None:
    """A new workspace has none, and looking makes none."""
    new = settings.model_copy(update={"root": tmp_path})

    assert looked(new)["ledger"].result == OK
    assert not (tmp_path / "ledger").exists()


def test_a_ledger_in_a_synced_folder_is_named(settings: Settings, tmp_path: Path) -> None:
    """The commonest mistake of all comes with its remedy."""
    folder = tmp_path / "OneDrive - Contoso"
    shutil.copytree(settings.root / "ledger", folder / "ledger")
    found = looked(settings.model_copy(update={"root": folder}))["ledger"]

    assert found.result == FAILED
    assert "synced folder" in found.found
    assert "keep it on a local disk, or use PostgreSQL" in found.advice


def test_a_moved_ledger_is_named_and_trusted_by_a_person(
    settings: Settings, tmp_path: Path
) -> None:
    """The doctor says which command ends it, and that command does."""
    shutil.copytree(settings.root / "ledger", tmp_path / "ledger")
    (tmp_path / FILE).write_text("[service]\n", encoding="utf-8")
    moved = settings.model_copy(update={"root": tmp_path})
    before = looked(moved)["ledger memory"]
    words = ["doctor", "--trust-ledger", "--by", "Ana", "--reason", "new disk", "--no-kernel"]
    subprocess.run([sys.executable, "-m", "cspkit", *words], cwd=tmp_path, capture_output=True)

    assert before.result == FAILED
    assert "cspkit doctor --trust-ledger" in before.advice
    assert looked(moved)["ledger memory"].result == OK


def test_a_restored_ledger_is_sent_to_reconcile(settings: Settings) -> None:
    """What was forgotten must be asked of the service first."""
    file = settings.root / "ledger" / "cspkit.db"
    copy = backups.take(file, "test", NOON)
    with Ledger(sqlite(file)) as ledger:
        ledger.approve("p1", by="berta")
    shutil.copy(copy, file)

    found = looked(settings)["ledger memory"]

    assert (found.result, found.advice.startswith("`cspkit reconcile`")) == (FAILED, True)


def test_a_run_that_was_killed_is_named_until_it_is_run_again(settings: Settings) -> None:
    """Nothing else tells that a run broke off; a lease of its own holder says that it works."""
    with Ledger(sqlite(settings.root / "ledger" / "cspkit.db")) as ledger:
        ledger.begin_run("invite", mode="live", plan_hash="p1", batch="B001")
        again = ledger.begin_run("provision", mode="live", plan_hash="p1", batch="B001")
        ledger.end_run(again, {})
        assert ledger.broken_off() != []
        lease = ledger.lease("c1", new_holder())
        assert ledger.broken_off() == []
        ledger.release_lease(lease)
        (said,) = ledger.broken_off()
    found = looked(settings)["run"]
    with Ledger(sqlite(settings.root / "ledger" / "cspkit.db")) as ledger:
        again = ledger.begin_run("invite", mode="live", plan_hash="p1", batch="B001")
        ledger.end_run(again, {})

    assert said.startswith("invite B001 (live) of ")
    assert (found.result, found.found) == (WARNING, f"{said} never ended")
    assert "run" not in looked(settings)


def test_a_ledger_of_another_service_is_named(settings: Settings) -> None:
    """Settings of one service with the ledger of another go nowhere."""
    other = settings.service.model_copy(
        update={"partner_tenant": "00000000-0000-4000-8000-000000000002"}
    )
    found = looked(settings.model_copy(update={"service": other}))["ledger service"]

    assert (found.result, found.advice) == (FAILED, "a ledger serves one for life: use another")


def test_tampering_is_named(settings: Settings) -> None:
    """An altered event and a rule that was taken out are both found."""
    with Ledger(sqlite(settings.root / "ledger" / "cspkit.db")) as ledger:
        raw(ledger, "DROP TRIGGER events_update")
        raw(ledger, "UPDATE events SET detail = 'x' WHERE event_id = 1")

    found = looked(settings)["ledger content"]

    assert found.result == FAILED
    assert "its content was altered" in found.found
    assert "events_update" in found.found


def test_holds_are_shown(settings: Settings) -> None:
    """Whoever wonders why nothing moves finds who stopped it."""
    with Ledger(sqlite(settings.root / "ledger" / "cspkit.db")) as ledger:
        ledger.hold(CUSTOMER, reason="dispute", by="ana")

    found = looked(settings)["hold"]

    assert found.result == WARNING
    assert f"{CUSTOMER} since" in found.found


def test_a_shared_ledger_is_looked_at_too(
    settings: Settings, postgres: Postgres, empty_ledger: str
) -> None:
    """The server's settings are read, and its backup is left to its owner, with advice."""
    url = postgres.url(postgres.database(empty_ledger))
    found = looked(settings.model_copy(update={"paths": Paths(ledger=url)}))

    assert "synchronous_commit on" in found["ledger settings"].found
    assert (found["ledger backup"].result, "pg_dump" in found["ledger backup"].advice) == (
        WARNING,
        True,
    )


def test_a_service_that_does_not_answer_is_named(settings: Settings, unused: int) -> None:
    """A rehearsal that was not started is the commonest reason."""
    gone = settings.service.model_copy(update={"partner_center": f"http://127.0.0.1:{unused}"})
    found = looked(settings.model_copy(update={"service": gone}))["service"]

    assert (found.result, "cspkit rehearse serve" in found.advice) == (FAILED, True)


@pytest.fixture
def unused() -> int:
    """A port that nobody listens on."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_credential_without_the_role_is_named(settings: Settings) -> None:
    """The role that is missing, and no more than it, is what to ask for."""
    app = Tokens(f"rehearsal-app-{PARTNER_TENANT}")
    found = {one.what: one for one in service.reached(settings, app)}

    assert found["role"].result == FAILED
    assert "Admin agent or Sales agent, no more" in found["role"].advice


@pytest.mark.parametrize(
    ("what", "path", "advice"),
    [
        ("audit", "/v1/auditrecords", "the role Admin agent"),
        ("role in Graph", GRAPH, "consent to DelegatedAdminRelationship.ReadWrite.All"),
    ],
)
def test_each_right_is_asked_for_by_itself(disk: Path, what: str, path: str, advice: str) -> None:
    """A user who may sell may still lack the activity log, or delegated access."""

    def say(method: str, asked: str, headers: dict[str, str], body: object) -> Said:
        if asked.startswith(path):
            return 403, {"code": 20002, "error": {"code": "Forbidden"}}, {}
        return 200, {"items": [], "value": []}, {"Date": format_datetime(datetime.now(UTC), True)}

    with Canned(say) as scripted:
        found = asked(disk, scripted.url)

    assert [what] == [one.what for one in found.values() if one.result == FAILED]
    assert advice in found[what].advice


def test_a_token_that_is_not_taken_is_one_line(settings: Settings) -> None:
    """An expired sign-in is no missing role, and is said once."""
    found = [one for one in service.reached(settings, Tokens("old")) if one.result == FAILED]

    assert [(one.what, one.advice) for one in found] == [
        ("sign-in", "sign in again: the service does not take this token")
    ]


@pytest.mark.parametrize(
    ("off", "result"), [(0, OK), (-30, WARNING), (30, WARNING), (-600, FAILED), (600, FAILED)]
)
def test_a_clock_that_is_off_is_named(disk: Path, off: int, result: str) -> None:
    """Against the service's own Date; leases and evidence depend on the computer's."""

    def say(*_: object) -> Said:
        told = format_datetime(datetime.now(UTC) + timedelta(seconds=off), True)
        return 200, {"items": [], "value": []}, {"Date": told}

    with Canned(say) as scripted:
        found = asked(disk, scripted.url)["clock"]

    assert (result, result != OK) == (found.result, "set by the network" in found.advice)


def test_a_rehearsal_that_hides_its_clock_is_named(settings: Settings) -> None:
    """Started without its control it can be asked, and no run can be timed by it."""
    with Server(sample()) as closed:
        there = {"partner_center": closed.url, "graph": f"{closed.url}/graph"}
        hidden = settings.service.model_copy(update=there)
        found = looked(settings.model_copy(update={"service": hidden}))["clock"]

    assert (found.result, "cspkit rehearse serve" in found.advice) == (FAILED, True)


def asked(root: Path, url: str) -> dict[str, Finding]:
    """What the doctor finds at a scripted service of a tenant."""
    tenant = Service(kind="tenant", partner_center=url, graph=url)
    found = service.reached(Settings(root=root, service=tenant), Tokens(token(amr=["mfa"])))
    return {one.what: one for one in found}


def python(code: str, folder: Path) -> str:
    """What another Python says that finds a folder before everything else."""
    line = [sys.executable, "-c", code]
    told = subprocess.run(
        line, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ("surely-not-installed>=1", "surely-not-installed is not installed"),
        ("pandas>=99", "needed is >=99"),
        ('tomli>=99; python_version < "3.0"', "1 packages that cspkit needs are there"),
        ('pandas>=99; extra == "live"', "1 packages that cspkit needs are there"),
    ],
)
def test_missing_and_old_packages_are_named(tmp_path: Path, needed: str, said: str) -> None:
    """An environment that is not what this cspkit was made for; extras are another matter."""
    about = tmp_path / "cspkit-1.0.dist-info"
    about.mkdir()
    lines = ("Metadata-Version: 2.1", "Name: cspkit", "Version: 1.0", "Requires-Dist: pandas>=1")
    text = "\n".join([*lines, f"Requires-Dist: {needed}", ""])
    (about / "METADATA").write_text(text, encoding="utf-8")
    code = "from cspkit.doctor import machine; print(list(machine.versions())[1])"

    assert said in python(code, tmp_path)


@pytest.mark.parametrize(
    ("start", "said", "advice"),
    [
        ("sys.modules['cspkit'] = None", "cspkit", "install cspkit there"),
        ("sys.exit(3)", "Kernel died", "jupyter kernelspec list"),
        (
            "import importlib.metadata as m; m.version = lambda name: '0.0.1'",
            "has cspkit 0.0.1",
            "--upgrade",
        ),
    ],
)
def test_a_kernel_of_another_environment_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, said: str, advice: str
) -> None:
    """The commonest reason why a notebook fails where the command works."""
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    code = f"import sys; {start}; from ipykernel.kernelapp import main; main()"
    spec = {"argv": [sys.executable, "-c", code, "-f", "{connection_file}"]}
    text = json.dumps({**spec, "display_name": "another", "language": "python"})
    (folder / "kernel.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (found,) = machine.kernel()

    assert (found.result, said in found.found, advice in found.advice) == (FAILED, True, True)


def test_a_server_that_loses_commits_is_named(
    settings: Settings, postgres: Postgres, empty_ledger: str
) -> None:
    """A setting of the database, not of ours, and the line says which."""
    name = postgres.database(empty_ledger)
    postgres.sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    shared = settings.model_copy(update={"paths": Paths(ledger=postgres.url(name))})
    found = looked(shared)["ledger"]

    assert (found.result, "synchronous_commit off" in found.found) == (FAILED, True)


def test_a_newer_ledger_is_named(settings: Settings) -> None:
    """It needs a newer cspkit, and nothing of it is touched."""
    with Ledger(sqlite(settings.root / "ledger" / "cspkit.db")) as ledger:
        raw(ledger, "UPDATE alembic_version SET version_num = '0099'")
    found = looked(settings)["ledger"]

    assert (found.result, found.advice) == (FAILED, "update cspkit")


def test_a_server_that_does_not_answer_is_named(settings: Settings, unused: int) -> None:
    """What is wrong and what to do are two things, also where the database says only one."""
    nowhere = Paths(ledger=f"postgresql://cspkit@127.0.0.1:{unused}/ledger?sslmode=disable")
    found = looked(settings.model_copy(update={"paths": nowhere}))["ledger"]

    assert (found.result, "paths.ledger" in found.advice) == (FAILED, True)
    assert found.advice not in found.found


def test_the_extra_for_teams_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared ledger needs its driver."""
    monkeypatch.setitem(sys.modules, "pg8000", None)
    shared = Paths(ledger="postgresql://cspkit@127.0.0.1/ledger?sslmode=disable")
    found = looked(settings.model_copy(update={"paths": shared}))["ledger"]

    assert (found.result, found.advice) == (FAILED, "pip install 'cspkit[teams]'")


def test_the_extra_for_live_runs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nobody can sign in, and no other advice helps."""
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    found = looked(Settings(root=tmp_path, service=Service(kind="tenant")))["credentials"]

    assert (found.result, "cspkit[live]" in found.advice) == (FAILED, True)


def test_a_refresh_token_that_others_can_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads it is the user; the file must be private before it is used at all."""
    monkeypatch.setenv("CSPKIT_CLIENT_SECRET", "kept in memory")
    (tmp_path / "token").write_text("secret", encoding="utf-8")
    (tmp_path / "token").chmod(0o644)
    app = {"client_id": PARTNER_TENANT, "refresh_token_file": "token"}
    found = looked(Settings(root=tmp_path, service=Service(kind="tenant", **app)))["credentials"]

    assert (found.result, "chmod 600" in found.advice) == (FAILED, True)
    assert "secret" not in found.found


@pytest.mark.parametrize(("methods", "result"), [(["pwd"], FAILED), (["pwd", "mfa"], OK)])
def test_the_second_factor_is_read_from_the_token(
    server: Server, tmp_path: Path, methods: list[str], result: str
) -> None:
    """A live run needs it; the doctor says so before."""
    tenant = Service(kind="tenant", partner_center=server.url, graph=f"{server.url}/graph")
    settings = Settings(root=tmp_path, service=tenant)
    found = {one.what: one for one in service.reached(settings, Tokens(token(amr=methods)))}

    assert result == found["second factor"].result


def test_nobody_signed_in_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a credential there is one line and what to type."""
    monkeypatch.setenv("PATH", str(tmp_path))
    tenant = Service(kind="tenant", client_id="00000000-0000-4000-8000-000000000009")
    found = looked(Settings(root=tmp_path, service=tenant))["credentials"]

    assert (found.result, "az login" in found.advice) == (FAILED, True)
