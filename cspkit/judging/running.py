"""Judgements carried out: on DuckDB by statements that are kept, on other engines by expressions.

A kept statement holds marks where days, policies and loads differ: names of values, of facts and
of tables. Filled in, it is what Ibis would compile; `statements` knows when it is out of date.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cspkit import statements
from cspkit.exports.arrays import TYPES
from cspkit.judging.given import FACTS, TABLES, VALUES, Given
from cspkit.statements import Rows, Statement

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from cspkit.exports import Exports
    from cspkit.judging.sources import Source

MARKED = re.compile(r"\"__(\w+)\"|'__(\w+)'")


def ranked(exports: Exports, given: Given) -> pa.Table:
    """Sum up the customers in the order of need; columns as `summing.summed` has them."""

    def build(source: Source) -> ibis.Table:
        from cspkit.judging import summing

        return summing.ordered(summing.summed(source))

    return _run(exports, given, ("ranked",), build)


def originals(exports: Exports, given: Given, columns: Iterable[str]) -> pa.Table:
    """Judge the originals of others, in the order of customers; `columns` of `deriving.derived`."""
    wanted = tuple(dict.fromkeys(columns))

    def build(source: Source) -> ibis.Table:
        from cspkit.judging import deriving

        return deriving.others(source, wanted)

    return _run(exports, given, ("originals", *wanted), build)


def _run(
    exports: Exports, given: Given, what: tuple[str, ...], build: Callable[[Source], ibis.Table]
) -> pa.Table:
    from cspkit.exports.engine import within_memory

    if not exports.duck:
        from cspkit.judging import fetch, sources

        return fetch(build(sources.AtHand(exports, given)))
    statement = kept(given, what, build)
    duck, prefix = exports.duck, f"given_{uuid.uuid4().hex[:12]}"
    places = {name: f'"{prefix}_{name}"' for name in FACTS}
    places |= {name: f'"{exports.place(name)}"' for name in TABLES}
    if keyed := exports.keyed:
        # An id that is no GUID is of nobody in these exports.
        said = "TRY_CAST(said_customer AS UUID) AS said_customer"
        places["people"] = f"(SELECT * REPLACE ({said}) FROM {places['people']})"
        places |= {name: f'"{place}"' for name, place in keyed.items()}
    try:
        for name, rows in given.facts.items():
            duck.register(f"{prefix}_{name}", rows)
        with within_memory():
            found: pa.Table = duck.sql(filled(statement.sql, places, given.values)).to_arrow_table()
    finally:
        for name in given.facts:
            duck.unregister(f"{prefix}_{name}")
    # DuckDB sums whole numbers up in longer ones.
    for at, (name, kind) in enumerate(statement.schema.items()):
        if kind in TYPES and found.schema.field(at).type != TYPES[kind]:
            found = found.set_column(at, name, found.column(at).cast(TYPES[kind]))
    return found


def kept(given: Given, what: tuple[str, ...], build: Callable[[Source], ibis.Table]) -> Statement:
    """Find the statement with its marks, or compile it; all that it is made of is in its key."""
    # Only their text is in the statement, and a workspace may lay its own over them.
    rules = [rule.model_dump_json() for rule in given.rules]
    facts = {name: str(schema) for name, schema in FACTS.items()}

    def make() -> ibis.Table:
        from cspkit.judging import sources

        return build(sources.Named(given.rules))

    key = statements.digest("judging", what, rules, facts, VALUES)
    return statements.statement(Rows(lambda: key, make), _compiled)


def _compiled(expression: Any) -> str:
    """Compile for DuckDB, and leave out the columns that nothing above them reads.

    A judgement carries many columns through each of its selects; reading and planning them took
    more time than ranking thousands of customers.
    """
    import ibis
    import sqlglot
    from sqlglot.optimizer.pushdown_projections import pushdown_projections
    from sqlglot.optimizer.qualify import qualify

    from cspkit.judging import sources

    fuse, ibis.options.sql.fuse_selects = ibis.options.sql.fuse_selects, False
    try:
        text = str(ibis.duckdb.compile(expression))
    finally:
        ibis.options.sql.fuse_selects = fuse
    columns: dict[str, object] = {
        f"{sources.MARK}{name}": dict.fromkeys(kinds, "text")
        for name, kinds in sources.SCHEMAS.items()
    }
    tree = qualify(
        sqlglot.parse_one(text, dialect="duckdb"),
        schema=columns,
        dialect="duckdb",
        quote_identifiers=True,
    )
    return str(_apart(pushdown_projections(tree)).sql("duckdb"))


def _apart(query: Any) -> Any:
    """Repeat what several places share in each of them, but for what is one row a customer.

    What is kept is in memory at once, which for all originals is too much.
    """
    from sqlglot import exp

    shared = query.args.get("with_")
    if shared is None:
        return query
    again = {one.alias: one.this for one in shared.expressions if not one.this.find(exp.Group)}
    for one in list(shared.expressions):
        if one.alias in again:
            one.pop()
    while uses := [use for use in query.find_all(exp.Table) if use.name in again]:
        for use in uses:
            use.replace(again[use.name].subquery(use.alias_or_name, copy=True))
    if not shared.expressions:
        shared.pop()
    return query


def filled(text: str, places: dict[str, str], values: dict[str, Any]) -> str:
    """Put tables and values in the place of their marks."""

    def fill(mark: re.Match[str]) -> str:
        table, value = mark.groups()
        return places[table] if table else "'" + str(values[value]).replace("'", "''") + "'"

    return MARKED.sub(fill, text)
