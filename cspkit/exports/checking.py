"""One expression per format: raw rows in; values, what is set aside and what is wrong out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import ibis

from cspkit import tables
from cspkit.exports import cells, parsing, words
from cspkit.exports.cells import nothing
from cspkit.exports.engine import FILE, GUID
from cspkit.exports.layout import LATE, Layout
from cspkit.exports.lookups import Lookup
from cspkit.exports.profiles import ColumnRule, Condition
from cspkit.exports.sheets import CELLS, MORE, NOTE, ROW, column

ASIDE, PROBLEM, COLUMN, VALUE, JSON, LATEST, PRECEDENCE = (
    "_aside",
    "_problem",
    "_column",
    "_value",
    "_json",
    "_latest",
    "_precedence",
)
CUSTOMER_PART = ("customer_name", "customer_domain", "market", "language", "relationship")


def columns_of(table: str) -> dict[str, str]:
    """Map our columns of a checked table to their types."""
    schema = dict(tables.CUSTOMERS.schema if table == "customers" else tables.SUBSCRIPTIONS.schema)
    del schema["source_file"], schema["source_row"]
    extra = {} if table == "customers" else dict.fromkeys(CUSTOMER_PART, "string")
    return schema | extra


def check(raw: Any, layout: Layout, lookups: dict[str, Lookup]) -> Any:
    """Return one row per raw row: our columns, why it is set aside, what is wrong with it.

    Of a wrong row it names the first problem in the order of the profile's columns: the code,
    the column of the file, the cell, and the whole row as JSON.
    """
    rows = raw
    for name, found in lookups.items():
        rows = found.join(rows, layout.cell(rows, layout.rules[name]), name)
    checked = {
        name: _checked(rows, layout, name, rule)
        for name, rule in layout.rules.items()
        if name not in lookups
    }
    rows = rows.mutate(
        **{f"v_{name}": found.value for name, found in checked.items()},
        **{f"p_{name}": found.problem for name, found in checked.items()},
    )
    rows = rows.mutate(**{ASIDE: _aside(rows, layout), PROBLEM: _problem(rows, layout)})
    return rows.select(**_ours(rows, layout, lookups), **_working(rows, layout))


def _checked(rows: Any, layout: Layout, name: str, rule: ColumnRule) -> cells.Checked:
    if rule.fixed is not None:
        return cells.Checked(ibis.literal(rule.fixed), nothing())
    cell = layout.cell(rows, rule)
    if rule.rule == "owner":
        return _by_owner(cell, rows[GUID], layout.partner_tenant)
    return cells.CHECKS.get(rule.kind, cells.text)(cell)


def _by_owner(cell: Any, customer: Any, partner_tenant: str) -> cells.Checked:
    """Tell from the tenant that bought it: the customer itself, us, or another partner."""
    owner = cells.guid(cell)
    channel = ibis.cases(
        (owner.value.isnull() | (owner.value == customer), "unknown"),
        (owner.value == partner_tenant, "csp_nce"),
        else_="csp_other",
    )
    return cells.Checked(channel, owner.problem)


def _aside(rows: Any, layout: Layout) -> Any:
    ids = [
        rows[f"v_{name}"].isnull()
        for name in ("subscription_id", "customer_id")
        if name in layout.rules and not layout.rules[name].from_file_name
    ]
    no_ids = reduce(lambda left, right: left & right, ids)
    first = ibis.coalesce(
        *(cells.tidy(rows[column(i)]).nullif("") for i in range(len(layout.header)))
    )
    start = first.lower().re_extract(r"^[^\d:]+", 0).strip()
    idle = ibis.cases(
        (first.isnull(), "blank"),
        (start.isin(words.listed("total")), "total"),
        else_=nothing(),
    )
    branches = [
        (
            reduce(lambda left, right: left & right, [_test(rows, layout, c) for c in rule.when]),
            rule.reason,
        )
        for rule in layout.profile.set_aside
    ]
    told = ibis.cases(*branches, else_=nothing()) if branches else nothing()
    return ibis.ifelse(no_ids, ibis.coalesce(idle, told), told)


def _test(rows: Any, layout: Layout, condition: Condition) -> Any:
    found = layout.positions(condition.column)
    if not found:
        return ibis.literal(False)
    raw = rows[column(found[0])]
    cell = cells.tidy(raw).lower()
    tests: list[Any] = []
    if condition.equals:
        tests.append(cell.isin(condition.equals))
    if condition.starts:
        tests.append(_starts(cell, condition.starts))
    if condition.not_starts:
        tests.append(cell.notnull() & (cell != "") & ~_starts(cell, condition.not_starts))
    if condition.missing is not None:
        tests.append(cells.absent(raw) if condition.missing else ~cells.absent(raw))
    return reduce(lambda left, right: left & right, tests)


def _starts(cell: Any, beginnings: Sequence[str]) -> Any:
    return reduce(lambda left, right: left | right, [cell.startswith(b) for b in beginnings])


def _problem(rows: Any, layout: Layout) -> Any:
    """Return `column number:code`; short rows are whole when all that is used is there."""
    used = [index for rule in layout.rules.values() for index in layout.place(rule)]
    short = ibis.ifelse(rows[CELLS] <= max(used, default=0), ":too_few_cells", nothing())
    found = [rows[NOTE], short]
    for name, rule in layout.rules.items():
        place = str(next(iter(layout.place(rule)), ""))
        if rule.fixed is None and (rule.from_file_name or place):
            code = rows[f"p_{name}"]
            if rule.needed:
                missing = ibis.ifelse(rows[f"v_{name}"].isnull(), "missing", nothing())
                code = ibis.coalesce(code, missing)
            found.append(ibis.literal(f"{place}:") + code)
    return ibis.coalesce(*found)


def _ours(rows: Any, layout: Layout, lookups: dict[str, Lookup]) -> dict[str, Any]:
    """Take our columns, those that the format lacks as nothing, prices with their currency."""
    held = set(rows.columns)
    taken = {
        name: (rows[f"v_{name}"] if f"v_{name}" in held else nothing(kind)).cast(kind)
        for name, kind in columns_of(layout.profile.table).items()
    }
    if price := lookups.get("unit_price"):
        cell = layout.cell(rows, layout.rules["unit_price"])
        signs = {raw: sign for raw in price.outcomes if (sign := parsing.currency_in(raw)[0])}
        for sign in dict.fromkeys(signs.values()):
            with_sign = cell.isin([raw for raw, found in signs.items() if found == sign])
            inside = ibis.ifelse(with_sign, ibis.literal(sign), nothing())
            taken["currency"] = ibis.coalesce(taken["currency"], inside)
    for name, rule in layout.rules.items():
        if rule.when_status:
            told = taken["status"].isin(rule.when_status)
            taken[name] = ibis.ifelse(told, taken[name], nothing(str(taken[name].type())))
    return taken


def _working(rows: Any, layout: Layout) -> dict[str, Any]:
    wrong = rows[ASIDE].isnull() & rows[PROBLEM].notnull()
    place = rows[PROBLEM].split(":")[0]
    raw = [(str(i), rows[column(i)]) for i in range(len(layout.header))]
    names = [(str(i), name) for i, name in enumerate(layout.header)]
    return {
        FILE: rows[FILE],
        ROW: rows[ROW],
        ASIDE: rows[ASIDE],
        PROBLEM: ibis.ifelse(wrong, rows[PROBLEM].split(":")[1], nothing()),
        COLUMN: ibis.ifelse(wrong, place.cases(*names, else_=""), nothing()),
        VALUE: ibis.ifelse(wrong, place.cases(*raw, else_=rows[MORE]), nothing()),
        JSON: ibis.ifelse(wrong, as_json(rows, layout), nothing()),
        LATEST: _latest(rows, layout),
        PRECEDENCE: ibis.literal(layout.profile.precedence),
    }


def as_json(rows: Any, layout: Layout) -> Any:
    """Write a whole raw row as a JSON object of its headers, cells beyond them under `beyond`."""
    named = {name: rows[column(i)] for i, name in enumerate(layout.header)}
    whole = ibis.struct(named).cast("json").cast("string")
    longer = ibis.struct(named | {"beyond": rows[MORE]}).cast("json").cast("string")
    return ibis.ifelse(rows[MORE].isnull(), whole, longer)


def _latest(rows: Any, layout: Layout) -> Any:
    """Say how late a line is, for formats that write many lines about one subscription."""
    names = [f"v_{name}" for name in layout.rules if name.startswith(LATE)]
    days = [rows[name] for name in names if name in rows.columns]
    if not days:
        return nothing()
    parts = [ibis.coalesce(day.cast("string"), "") for day in days]
    parts.append(rows[ROW].cast("string").lpad(9, "0"))
    return reduce(lambda left, right: left + " " + right, parts)
