"""What the tests of the ledger share: a ledger on each database, a small move, a way to walk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cspkit.clock import FixedClock
from cspkit.ledger import Claim, Lease, Ledger, new_holder
from cspkit.tables import MoveState
from tests.postgres import Postgres, serve

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CUSTOMER = "11111111-0000-4000-8000-000000000001"
SERVICE = "rehearsal:00000000-0000-4000-8000-000000000001"
TENANT = "tenant:00000000-0000-4000-8000-000000000001"
DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests that want one."""
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def empty_ledger(postgres: Postgres) -> str:
    """The name of a database with the tables in it, to be copied."""
    name = postgres.database()
    Ledger(postgres.url(name)).close()
    return name


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder of the test, in memory where there is such a place: commits wait for disks."""
    yield from _folder(tmp_path)


@pytest.fixture
def file(disk: Path) -> Path:
    """The file of a ledger on disk."""
    return disk / "ledger" / "cspkit.db"


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> str:
    """The address of a ledger, on each database."""
    if request.param == "sqlite":
        return sqlite(request.getfixturevalue("file"))
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(server.database(request.getfixturevalue("empty_ledger")))


@pytest.fixture
def clock() -> FixedClock:
    """A programme clock that the test moves."""
    return FixedClock(NOON)


@pytest.fixture
def ledger(url: str, clock: FixedClock) -> Iterator[Ledger]:
    """A bound ledger on each database."""
    with Ledger(url, clock=clock) as made:
        made.bind(SERVICE)
        yield made


def sqlite(file: Path) -> str:
    """The address of a ledger in a file."""
    return f"sqlite:///{file.as_posix()}"


def _folder(fallback: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield fallback
        return
    with tempfile.TemporaryDirectory(prefix="cspkit-", dir=memory) as folder:
        yield Path(folder)


def claim_of(
    move_id: str = "mv-1", *, originals: tuple[str, ...] = ("s1",), **more: object
) -> Claim:
    """A small move; only what the test is about is given."""
    values: dict[str, object] = {
        "customer_id": CUSTOMER,
        "part": 1,
        "plan_hash": "p1",
        "batch": "B001",
        "target_offer": "CFQ7TTC0LH18:0001",
        "sku_id": "old",
        "target_sku_id": "new",
        "seats": 10,
        "term": "P1Y",
        "billing_cycle": "monthly",
        "auto_renew": True,
        "same_offer": True,
        "expires_on": date(2026, 12, 31),
    }
    return Claim(move_id=move_id, originals=originals, **(values | more))  # type: ignore[arg-type]


def take(ledger: Ledger, who: str = "") -> Lease:
    """Take the lease of the customer for a worker."""
    return ledger.lease(CUSTOMER, who or new_holder())


def walk(ledger: Ledger, lease: Lease, *path: MoveState, move_id: str = "mv-1") -> None:
    """Lead a planned move through states, with the columns that each of them needs."""
    columns: dict[MoveState, dict[str, object]] = {
        MoveState.CART: {"cart_id": f"cart-{move_id}"},
        MoveState.SENT: {"sent_at": NOON},
        MoveState.ORDERED: {"order_id": f"order-{move_id}"},
        MoveState.PROVISIONED: {"subscription_id": f"sub-{move_id}"},
    }
    before = MoveState.PLANNED
    for after in path:
        done = ledger.advance(
            move_id, before, after, run_id="r", lease=lease, **columns.get(after, {})
        )
        assert done, f"{before} to {after}"
        before = after


def raw(ledger: Ledger, statement: str) -> None:
    """Do by hand what no method offers."""
    with ledger._write() as connection:
        connection.exec_driver_sql(statement)


def bound(file: Path, service: str = SERVICE) -> Ledger:
    """A bound ledger in a file."""
    ledger = Ledger(sqlite(file), clock=FixedClock(NOON))
    ledger.bind(service)
    return ledger
