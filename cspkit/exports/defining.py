"""What is known only once files are open, given to DuckDB as functions that statements call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from cspkit.exports import arrays
from cspkit.exports.engine import DUCKDB, Engine, quoted
from cspkit.later import ibis
from cspkit.statements import TOKEN

# So few meanings are compared one by one.
FEW = 12


@dataclass(frozen=True)
class Meaning:
    """One thing that cells mean: the ending of its function, its type, a value for each cell.

    `rare` says that few cells have one, and that they are to be sorted last. `held` is the type
    of DuckDB that a table holds the values in, where it is narrower than their own.
    """

    ending: str
    kind: str
    values: Sequence[Any]
    rare: bool = False
    held: str = ""

    @property
    def type(self) -> str:
        """Return DuckDB's type of the values."""
        return self.held or DUCKDB[self.kind]

    @property
    def nothing(self) -> bool:
        """Tell whether no cell has this meaning."""
        return all(value is None for value in self.values)


def call(function: str, kind: str, *cells: Any) -> Any:
    """Call a function of at most one cell that the engine defined."""
    taken = (lambda cell: None) if cells else (lambda: None)
    signature = (("string",) * len(cells), kind)
    return ibis.udf.scalar.builtin(taken, name=function, signature=signature)(*cells)


def constants(engine: Engine, name: str, values: Mapping[str, tuple[str, Any]]) -> None:
    """Define NAME_x() for each x of the values, which come with their types.

    The same for every row of a file, and yet no part of a statement.
    """
    create = f"CREATE OR REPLACE {engine.temp}MACRO {name}"
    engine.execute(
        ";".join(
            f"{create}_{ending}() AS {_literal(value, DUCKDB[kind])}"
            for ending, (kind, value) in values.items()
        )
    )


def define(engine: Engine, name: str, cells: Sequence[str], meanings: Sequence[Meaning]) -> None:
    """Define NAME_x(cell) for each meaning x: its value for a cell, by a table of them.

    Unlike a join it keeps the order of the rows that it is called for.
    """
    told = [i for i in range(len(cells)) if any(m.values[i] is not None for m in meanings)]
    if len(told) <= FEW and not any("\0" in cells[i] for i in told):
        sql = [_compared(name, [(cells[i], m.values[i]) for i in told], m) for m in meanings]
        engine.execute(";".join(sql))
    else:
        _numbered(engine, name, cells, meanings)


def _compared(name: str, pairs: Sequence[tuple[str, Any]], meaning: Meaning) -> str:
    branches = " ".join(
        f"WHEN {quoted(cell)} THEN {_literal(value, meaning.type)}"
        for cell, value in pairs
        if value is not None
    )
    body = f"CASE cell {branches} END" if branches else _literal(None, meaning.type)
    return f"CREATE TEMP MACRO {name}_{meaning.ending}(cell) AS {body}"


def _numbered(engine: Engine, name: str, cells: Sequence[str], meanings: Sequence[Meaning]) -> None:
    """Number the cells, and keep a list of values for each meaning.

    Cells with a rare meaning come last, so that the others are not looked up for it.
    """
    rare = next((m for m in meanings if m.rare), meanings[0])
    order = sorted(range(len(cells)), key=lambda i: (rare.values[i] is not None, cells[i]))
    fine = sum(value is None for value in rare.values)
    given = {
        "place": arrays.whole(range(len(order)), pa.int64()),
        "cell": arrays.texts([cells[i] for i in order]),
    }
    sql = [f"CREATE TEMP TYPE {name}_cells AS ENUM (SELECT cell FROM {TOKEN}_given ORDER BY place)"]
    for meaning in meanings:
        values = [meaning.values[i] for i in order]
        given[meaning.ending] = arrays.texts([v if v is None else _spelled(v) for v in values])
        sql += _listed(name, meaning, fine if meaning.rare else 0)
    engine.duck.register(f"{engine.prefix}_given", pa.table(given))
    engine.execute(";".join(sql))
    engine.duck.unregister(f"{engine.prefix}_given")


def _listed(name: str, meaning: Meaning, first: int) -> list[str]:
    """Write what keeps the values from the first on, and the function that picks one."""
    ending, kind = meaning.ending, meaning.type
    if meaning.nothing:
        body = f"NULL::{kind}"
        return [f"CREATE TEMP MACRO {name}_{ending}(cell) AS {body}"]
    number = f"enum_code(TRY_CAST(cell AS {name}_cells))::BIGINT"
    found = f"getvariable('{name}_{ending}')[{number} - {first - 1}]"
    body = f"CASE WHEN {number} >= {first} THEN {found} END" if meaning.rare else found
    values = f"list({ending}::{kind} ORDER BY place) FILTER (place >= {first})"
    return [
        f"SET VARIABLE {name}_{ending} = (SELECT {values} FROM {TOKEN}_given)",
        f"CREATE TEMP MACRO {name}_{ending}(cell) AS {body}",
    ]


def _literal(value: Any, kind: str) -> str:
    if value is None:
        return f"NULL::{kind}"
    written = str(value) if isinstance(value, (bool, int)) else quoted(_spelled(value))
    return f"{written}::{kind}"


def _spelled(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)
