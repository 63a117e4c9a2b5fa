"""A ledger of every released version is brought up with what is in it, or left as it was."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cspkit.errors import LedgerError
from cspkit.ledger import Ledger, backups, migrating, schema, versions
from cspkit.tables import MoveState
from tests.ledgers import CUSTOMER, DATABASES, SERVICE, claim_of, sqlite, take
from tests.postgres import Postgres

RELEASED = sorted({int(path.name[1]) for path in (Path(__file__).parent / "data/ledger").iterdir()})


def content(version: int, database: str) -> str:
    """What a ledger of a released version held, as SQL."""
    path = Path(__file__).parent / "data" / "ledger" / f"v{version}-{database}.sql"
    return path.read_text(encoding="utf-8")


def old(version: int, request: pytest.FixtureRequest, database: str) -> str:
    """The address of a ledger of a released version, with data."""
    if database == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        name = server.database()
        server.sql(content(version, database), name)
        return server.url(name)
    file: Path = request.getfixturevalue("file")
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(content(version, database))
    return sqlite(file)


@pytest.fixture(params=[(version, name) for version in RELEASED for name in DATABASES], ids=str)
def older(request: pytest.FixtureRequest) -> str:
    """A ledger of each released version on each database."""
    return old(*request.param[:1], request, request.param[1])


@pytest.fixture
def first(request: pytest.FixtureRequest) -> str:
    """A ledger of the first version in a file."""
    return old(1, request, "sqlite")


def shape(ledger: Ledger) -> dict[str, Any]:
    """Everything the database knows about the tables, but for the order of columns."""
    found: dict[str, Any] = {}
    with ledger._read() as connection:
        seen = sa.inspect(connection)
        for name in seen.get_table_names():
            columns = {
                one["name"]: (str(one["type"]), one["nullable"], one["default"])
                for one in seen.get_columns(name)
            }
            found[name] = {
                "columns": columns,
                "key": seen.get_pk_constraint(name),
                "foreign": by_name(seen.get_foreign_keys(name)),
                "checks": by_name(seen.get_check_constraints(name)),
                "unique": by_name(seen.get_unique_constraints(name)),
                "indexes": by_name(seen.get_indexes(name)),
            }
        for table in schema.transitions():
            found[f"{table.name} rows"] = sorted(map(tuple, connection.execute(sa.select(table))))
        found["rules"] = rules(connection)
    return found


def by_name(found: Any) -> list[Any]:
    """Put what a database lists in its own order into ours."""
    plain = [{name: in_words(value) for name, value in one.items()} for one in found]
    return sorted(plain, key=lambda one: str(one["name"]))


def in_words(value: Any) -> Any:
    """Make the condition of a partial index comparable."""
    if isinstance(value, dict):
        return {name: in_words(part) for name, part in value.items()}
    return str(value) if isinstance(value, sa.ClauseElement) else value


def rules(connection: sa.Connection) -> list[tuple[Any, ...]]:
    """The triggers and what they do."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    if connection.dialect.name == "postgresql":
        query = (
            "SELECT tgname, prosrc, tgenabled FROM pg_trigger JOIN pg_proc ON tgfoid = pg_proc.oid "
            "WHERE NOT tgisinternal ORDER BY tgname"
        )
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_an_older_ledger_becomes_like_a_new_one(older: str, request: Any) -> None:
    """The same tables, constraints, indexes, transitions and rules as one made today."""
    new = "sqlite://"
    if "postgresql" in older:
        server: Postgres = request.getfixturevalue("postgres")
        new = server.url(server.database(request.getfixturevalue("empty_ledger")))

    with Ledger(older, update=True) as upgraded, Ledger(new) as fresh:
        assert shape(fresh) == shape(upgraded)


def test_an_older_ledger_keeps_its_content(older: str) -> None:
    """Moves, originals, steps, letters, calls, holds, approvals, runs: nothing is lost."""
    with Ledger(older, update=True) as ledger:
        states = dict(zip(ledger.moves()["move_id"], ledger.moves()["state"], strict=True))
        sizes = [len(ledger.steps()), len(ledger.letters()), len(ledger.outside_calls())]
        sizes += [len(ledger.approvals()), len(ledger.runs()), len(ledger.holds())]
        originals = ledger.moves()["subscription_ids"].tolist()
        approval = ledger.approval("p1")

    assert states == {"mv-1": "verified", "mv-2": "sent", "mv-3": "refused", "mv-4": "human"}
    assert sizes == [1, 1, 1, 1, 2, 1]
    assert originals == ["s0 s1", "s2", "s3", "s4"]
    assert approval is not None
    assert (approval.by, approval.made_by) == ("berta", "ana")


def test_an_older_log_is_whole_afterwards(older: str) -> None:
    """The chains of before go on without a break."""
    with Ledger(older, update=True) as ledger:
        ledger.end_run("run-2", {"done": 0})
        ledger.release("*", by="ana")

        assert ledger.verify() == []


def test_an_older_ledger_goes_on_working(older: str) -> None:
    """It stays bound, knows what was ordered, and takes new moves."""
    with Ledger(older, update=True) as ledger:
        assert ledger.service == SERVICE
        lease = take(ledger)
        again = ledger.claim(claim_of("mv-9", originals=("s1",)), run_id="r", lease=lease)
        free = ledger.claim(claim_of("mv-8", originals=("s8",)), run_id="r", lease=lease)

    assert again is not None and free is not None
    assert (again.move_id, free.move_id) == ("mv-1", "mv-8")


def test_nothing_is_brought_up_twice(older: str) -> None:
    """Opening it again finds it as it is."""
    with Ledger(older, update=True) as ledger:
        before = shape(ledger)
    with Ledger(older) as ledger:
        assert before == shape(ledger)
        with ledger._read() as connection:
            assert versions.newest() == versions.found(connection)


def test_there_is_a_backup_of_before(first: str, file: Path) -> None:
    """Whoever has to go back has the file of before, whole and of its own version."""
    Ledger(first).close()

    (copy,) = backups.listed(file)

    with closing(sqlite3.connect(copy)) as seen:
        assert seen.execute("SELECT value FROM meta WHERE key = 'version'").fetchone() == ("1",)
        assert seen.execute("SELECT count(*) FROM moves").fetchone() == (4,)


def test_a_change_that_fails_leaves_the_ledger_as_it_was(first: str, file: Path) -> None:
    """The change is one transaction: nothing half done, and it can be tried again."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE heads (in_the_way TEXT)")
        before = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    with pytest.raises(LedgerError, match="heads already exists"):
        Ledger(first)

    with closing(sqlite3.connect(file)) as connection:
        after = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
        connection.execute("DROP TABLE heads")
    assert before == after
    with Ledger(first) as ledger:
        assert len(ledger.moves()) == 4


def test_a_shared_ledger_is_brought_up_only_when_told(request: pytest.FixtureRequest) -> None:
    """Others may still use the older version: nobody changes it by opening it."""
    url = old(1, request, "postgresql")
    with pytest.raises(LedgerError, match=r"back it up \(pg_dump\), then"):
        Ledger(url)

    with Ledger(url, update=True) as ledger:
        assert len(ledger.moves()) == 4


def test_an_older_ledger_is_not_only_read(older: str) -> None:
    """A dry run cannot read tables of another version, says so, and changes nothing."""
    with pytest.raises(LedgerError, match=f"has version [13], this cspkit needs {schema.VERSION}"):
        Ledger.glance(older)


def test_two_may_open_an_older_ledger_at_once(first: str) -> None:
    """One of them brings it up; both go on."""
    found: list[int] = []

    def work() -> None:
        with Ledger(first) as ledger:
            found.append(len(ledger.moves()))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [4, 4, 4]


def test_the_version_is_the_number_of_the_newest_revision() -> None:
    """A cspkit without revisions reads the number, one with them the stamp: they agree."""
    assert versions.newest() == migrating.newest()


def test_alembic_is_loaded_only_when_there_is_need(file: Path) -> None:
    """Verbs that only look at a ledger of this version do not wait for it."""
    Ledger(sqlite(file)).close()
    code = f"import sys; from cspkit.ledger import Ledger; Ledger({sqlite(file)!r}).close(); "
    code += "print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_a_sent_move_of_before_is_settled_now(first: str) -> None:
    """What was sent by the older cspkit is not sent again by this one."""
    with Ledger(first) as ledger:
        row = ledger.move("mv-2")
        assert row is not None
        (call,) = ledger.checkouts(row)

    assert (row.state, row.customer_id, call.unclear) == (MoveState.SENT, CUSTOMER, True)
