"""A ledger on PostgreSQL: which driver, how it is reached, and what the server must promise."""

from __future__ import annotations

import os
import ssl
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from cspkit.errors import LedgerError

DRIVER = "pg8000"
OTHERS = ("psycopg", "psycopg2")
INSTALL = "pip install 'cspkit[teams]'"
PASSWORD = "PGPASSWORD"
LOCK_SECONDS = 30
_HERE = (None, "", "localhost", "127.0.0.1", "::1")
# What is off here loses commits when the power goes, and with them the memory of an order.
_NEEDED = ("fsync", "full_page_writes", "synchronous_commit")


def engine(address: sa.URL, *, read_only: bool = False) -> sa.Engine:
    """Make the engine of a shared ledger; raise LedgerError when it cannot be reached safely."""
    address, arguments = _reach(address)
    made = sa.create_engine(
        address,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        connect_args=arguments,
        execution_options={"postgresql_readonly": read_only},
    )
    event.listen(made, "connect", lambda raw, _record: _check(raw))
    event.listen(made, "begin", _begin)
    return made


def settings(raw: Any) -> dict[str, str]:
    """Read the server's settings that a ledger depends on."""
    cursor = raw.cursor()
    found = {}
    for name in _NEEDED:
        cursor.execute(f"SHOW {name}")
        found[name] = str(cursor.fetchone()[0])
    cursor.close()
    return found


def _check(raw: Any) -> None:
    for name, found in settings(raw).items():
        if found == "off":
            raise LedgerError(f"PostgreSQL has {name} off, which loses commits: turn it on")
    raw.rollback()


def _begin(connection: sa.Connection) -> None:
    # Local to the transaction, so that it also holds behind a connection pooler.
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")


def _reach(address: sa.URL) -> tuple[sa.URL, dict[str, Any]]:
    """Choose the driver and put what libpq writes in an address into its words."""
    asked = address.drivername.partition("+")[2]
    if asked and asked != DRIVER and find_spec(asked):
        return _encrypted(address), {}
    if find_spec(DRIVER) is None:
        for other in OTHERS:
            if find_spec(other):
                return _encrypted(address.set(drivername=f"postgresql+{other}")), {}
        raise LedgerError(f"no driver for {address.drivername!r} is installed: {INSTALL}")
    query = {key: str(value) for key, value in address.query.items()}
    host = address.host or query.pop("host", None)
    port = address.port or int(query.pop("port", 5432))
    arguments: dict[str, Any] = {"application_name": query.pop("application_name", "cspkit")}
    if host and host.startswith("/"):
        arguments["unix_sock"], host = f"{host}/.s.PGSQL.{port}", None
    mode = query.pop("sslmode", "disable" if host in _HERE else "verify-full")
    arguments["ssl_context"] = _tls(mode, query.pop("sslrootcert", None))
    if query:
        known = "host, port, sslmode, sslrootcert, application_name"
        raise LedgerError(f"ledger address: {min(query)!r} is not known; there are {known}")
    # Settings hold no password; where the other drivers look for one, this one has to be told.
    password = address.password or os.environ.get(PASSWORD)
    plain = sa.URL.create(
        f"postgresql+{DRIVER}", address.username, password, host, port, address.database
    )
    return plain, arguments


def _encrypted(address: sa.URL) -> sa.URL:
    """Ask for a verified server wherever the address says nothing else."""
    host = address.host or address.query.get("host")
    if "sslmode" in address.query or host in _HERE or str(host).startswith("/"):
        return address
    return address.update_query_dict({"sslmode": "verify-full"})


def _tls(mode: str, authority: str | None) -> ssl.SSLContext | None:
    if mode == "disable":
        return None
    if mode not in ("require", "verify-full"):
        raise LedgerError(f"sslmode expects verify-full, require or disable, found {mode!r}")
    context = ssl.create_default_context(cafile=authority)
    if mode == "require":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
