"""Customers' ids as the numbers that a large load holds, for who only compares them.

Whoever reads a table finds texts. To spell an id out for every row and step, and to compare the
texts, took a ranking a fifth of its time.
"""

from __future__ import annotations

import re

from cspkit.exports.engine import NARROW, Engine
from cspkit.statements import TOKEN

KEY = '"customer_id"'
SPELLED = f"CAST({KEY} AS VARCHAR) AS {KEY}"
HELD = re.compile(rf'"{TOKEN}_(\w+)"')


def keyed(engine: Engine, name: str) -> str | None:
    """Name a view of a table in which customer_id is a UUID; None where ids are other texts."""
    tables: set[str] = set()
    sql = _read(engine, name, tables)
    if not all(_are_guids(engine, table) for table in tables):
        return None
    view = f"{TOKEN}_{name}_keyed"
    engine.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS FROM {sql}")
    held = {column: kind for column, kind, *_more in engine.execute(f"DESCRIBE {view}").fetchall()}
    return f"{engine.prefix}_{name}_keyed" if held["customer_id"] == "UUID" else None


def _read(engine: Engine, name: str, tables: set[str]) -> str:
    """Write a table, or what a view says, with UUIDs; adds the tables that hold ids as texts."""
    sql = engine.views.get(name)
    if sql is None:
        if "customer_id" not in _columns(engine, name):
            return f'"{TOKEN}_{name}"'
        tables.add(name)
        return f'(SELECT * REPLACE (CAST({KEY} AS UUID) AS {KEY}) FROM "{TOKEN}_{name}")'
    if f"{TOKEN}_{name}{NARROW}" in sql:
        return f"({sql.replace(SPELLED, f'{KEY} AS {KEY}')})"
    return f"({HELD.sub(lambda found: _read(engine, found[1], tables), sql)})"


def _are_guids(engine: Engine, table: str) -> bool:
    # DuckDB also reads GUIDs without dashes and in braces; as texts they are other customers.
    odd = f"{KEY} IS DISTINCT FROM CAST(TRY_CAST({KEY} AS UUID) AS VARCHAR)"
    return not engine.execute(f'SELECT 1 FROM "{TOKEN}_{table}" WHERE {odd} LIMIT 1').fetchall()


def _columns(engine: Engine, name: str) -> list[str]:
    found = engine.execute(f'SELECT * FROM "{TOKEN}_{name}" LIMIT 0')
    return [column for column, *_more in found.description]
