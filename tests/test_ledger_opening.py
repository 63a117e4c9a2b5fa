"""A ledger is opened only where it is whole and safe; before it is written there is a backup."""

from __future__ import annotations

import shutil
import sqlite3
import ssl
from pathlib import Path

import pytest
import sqlalchemy as sa

from cspkit.errors import LedgerError
from cspkit.ledger import Ledger, backups, opening, schema, server, triggers
from tests.ledgers import CUSTOMER, NOON, SERVICE, TENANT, bound, raw, sqlite
from tests.postgres import Postgres


def test_sqlite_settings_survive_a_power_cut(file: Path) -> None:
    """Rollback journal, full syncs, foreign keys and patience, on every connection."""
    with bound(file) as ledger, ledger._read() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert found == ["delete", 3, 1, 30_000]


def test_a_file_that_cannot_have_the_settings_is_refused(file: Path) -> None:
    """A setting is read back: one that another connection keeps from being set is no setting."""
    bound(file).close()
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("SELECT * FROM meta").fetchall()

        with pytest.raises(LedgerError, match=r"journal_mode 'wal'|locked"):
            Ledger(sqlite(file))
    other.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meta SET value = '99' WHERE key = 'version'",
        "UPDATE alembic_version SET version_num = '0099'",
    ],
)
def test_a_newer_ledger_is_refused(ledger: Ledger, url: str, statement: str) -> None:
    """An old cspkit does not write into what it does not understand."""
    raw(ledger, statement)

    with pytest.raises(LedgerError, match=rf"version 99, .* knows {schema.VERSION}: update"):
        Ledger(url)
    with pytest.raises(LedgerError, match="version 99"):
        Ledger.glance(url)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    """A file that is no database is an error of ours, without a traceback of SQLAlchemy."""
    file = tmp_path / "cspkit.db"
    file.write_bytes(b"this is not a database" * 100)

    with pytest.raises(LedgerError, match="not a database"):
        Ledger(f"sqlite:///{file.as_posix()}")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """A file in the place of the folder is said in words."""
    (tmp_path / "ledger").write_text("in the way")

    with pytest.raises(LedgerError, match="its folder cannot be made"):
        Ledger(f"sqlite:///{(tmp_path / 'ledger' / 'cspkit.db').as_posix()}")


def test_glance_leaves_no_trace(tmp_path: Path) -> None:
    """Looking at a ledger that is not there makes none."""
    file = tmp_path / "none.db"
    with Ledger.glance(f"sqlite:///{file.as_posix()}") as empty:
        assert empty.moves().empty

    assert not file.exists()


def test_glance_cannot_write(ledger: Ledger, url: str) -> None:
    """A dry run cannot change the ledger, even by mistake."""
    with Ledger.glance(url) as seen, pytest.raises(LedgerError, match=r"read-?only"):
        seen.hold(CUSTOMER, reason="test", by="ana")


def test_a_dry_run_looks_into_a_ledger_whose_writer_was_killed(file: Path, tmp_path: Path) -> None:
    """The journal that a kill left behind is rolled back, and then the ledger is only read."""
    with bound(file) as ledger:
        ledger.approve("p1", by="berta", made_by="ana")
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN IMMEDIATE")
    for number in range(200):
        writer.execute("INSERT INTO meta VALUES (?, ?)", (f"half {number}", "x" * 2000))
    killed = tmp_path / "killed.db"
    for suffix in ("", "-journal"):
        shutil.copy(f"{file}{suffix}", f"{killed}{suffix}")
    writer.close()

    with Ledger.glance(f"sqlite:///{killed.as_posix()}") as seen:
        assert seen.approval("p1") is not None
        with seen._read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM meta").scalar() == 3


def test_a_live_run_begins_with_a_backup(file: Path) -> None:
    """Before anything live is written there is a copy of how it was."""
    with bound(file, TENANT) as ledger:
        ledger.begin_run("provision", mode="live", plan_hash="p1")
        (copy,) = backups.listed(file)

    with sqlite3.connect(copy) as seen:
        assert seen.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    seen.close()


def test_old_backups_make_room(file: Path) -> None:
    """The newest twenty are kept, so that a disk does not fill."""
    bound(file).close()
    for day in range(1, 25):
        backups.take(file, "live", NOON.replace(day=day))

    kept = backups.listed(file)

    assert len(kept) == backups.KEPT
    assert "20261105" in kept[0].name


def test_a_damaged_ledger_gets_no_backup(file: Path) -> None:
    """A copy of a broken file would push out the good ones."""
    bound(file).close()
    content = bytearray(file.read_bytes())
    content[4096:8192] = b"x" * 4096
    file.write_bytes(content)

    with pytest.raises(LedgerError, match=r"damaged|malformed|no backup"):
        backups.take(file, "live", NOON)

    assert backups.listed(file) == []


def test_a_full_disk_leaves_the_ledger_as_it_was(file: Path) -> None:
    """What does not fit is refused in one line, and the ledger goes on from before."""
    with bound(file) as ledger:
        with ledger._write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LedgerError, match="full"):
            for number in range(2000):
                ledger.approve(f"p{number:04}" + "x" * 500, by="berta")
        before = len(ledger.approvals())
    with Ledger(sqlite(file)) as ledger:
        ledger.approve("later", by="berta")

        assert before + 1 == len(ledger.approvals())
        assert ledger.verify() == []


def test_a_locked_ledger_is_waited_for_and_then_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that never ends is said after the busy timeout, here a short one."""
    monkeypatch.setattr("cspkit.ledger.opening.BUSY_MILLISECONDS", 50)
    monkeypatch.setitem(opening.EXPECTED, "busy_timeout", 50)
    with bound(file) as ledger:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(LedgerError, match="locked"):
            ledger.approve("p1", by="berta")
        other.close()


def test_missing_triggers_are_named(ledger: Ledger) -> None:
    """Whoever takes a rule out of the database is found out."""
    on = "" if "sqlite" in ledger.place else " ON events"
    raw(ledger, f"DROP TRIGGER events_update{on}")

    with ledger._read() as connection:
        assert triggers.missing(connection) == ["events_update"]


def test_a_server_that_loses_commits_is_refused(postgres: Postgres, empty_ledger: str) -> None:
    """Without synchronous commits the last intent is gone after a power cut."""
    name = postgres.database(empty_ledger)
    postgres.sql(f"ALTER DATABASE {name} SET synchronous_commit = off")

    with pytest.raises(LedgerError, match="synchronous_commit off, which loses commits"):
        Ledger(postgres.url(name))


@pytest.mark.parametrize(
    ("address", "encrypted"),
    [
        ("postgresql://u@db.contoso.example/ledger", True),
        ("postgresql+pg8000://u@db.contoso.example/ledger?sslmode=require", True),
        ("postgresql://u@db.contoso.example/ledger?sslmode=disable", False),
        ("postgresql://u@localhost/ledger", False),
        ("postgresql://u@/ledger?host=/var/run/postgresql", False),
        ("postgresql+psycopg://u@db.contoso.example/ledger", True),
    ],
)
def test_a_server_elsewhere_is_reached_encrypted(address: str, encrypted: bool) -> None:
    """Customer data crosses a network only encrypted, unless somebody says otherwise."""
    _, arguments = server._reach(sa.make_url(address))

    assert encrypted == isinstance(arguments["ssl_context"], ssl.SSLContext)


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings hold no secret, so the address in them has no password."""
    monkeypatch.setenv(server.PASSWORD, "hidden")
    reached, _ = server._reach(sa.make_url("postgresql://u@localhost/ledger"))

    assert reached.password == "hidden"


def test_an_address_for_another_driver_is_reached(postgres: Postgres, empty_ledger: str) -> None:
    """Whoever wrote psycopg into the settings is served by the driver that is installed."""
    url = postgres.url(postgres.database(empty_ledger))
    with Ledger(url.replace("postgresql://", "postgresql+psycopg://")) as ledger:
        ledger.bind(SERVICE)

        assert ledger.service == SERVICE


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u@h/d", "use SQLite or PostgreSQL"),
        ("not an address", "not a database address"),
        ("postgresql://u@h/d?sslmode=prefer", "sslmode expects"),
        ("postgresql://u@h/d?passfile=x", "'passfile' is not known"),
        ("postgresql://u:hidden@127.0.0.1:9/d", r"127\.0\.0\.1"),
    ],
)
def test_a_wrong_address_is_one_line(url: str, said: str) -> None:
    """What is wrong with an address is said without its password."""
    with pytest.raises(LedgerError, match=said) as caught:
        Ledger(url)

    assert "hidden" not in str(caught.value)
