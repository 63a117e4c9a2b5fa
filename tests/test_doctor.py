"""The doctor finds what would stop or spoil a run, says what to do, and changes nothing."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cspkit import doctor
from cspkit.doctor import FAILED, OK, WARNING, Finding, machine, service
from cspkit.ledger import Ledger, backups
from cspkit.rehearsal.server import Server
from cspkit.settings import FILE, Paths, Service, Settings
from tests.ledgers import CUSTOMER, NOON, SERVICE, raw, sqlite
from tests.postgres import Postgres
from tests.scene import sample


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
        *("versions", "packages", "credentials", "role", "clock"),
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
    found = {one.what: one for one in service.reached(settings, Tokens("rehearsal-app-x"))}

    assert found["role"].result == FAILED
    assert "Admin agent or Sales agent, no more" in found["role"].advice


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
