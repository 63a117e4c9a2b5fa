"""One expression per format: raw rows in; values, what is set aside and what is wrong out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from cspkit import tables
from cspkit.exports import cells
from cspkit.exports.cells import nothing
from cspkit.exports.engine import AGAIN, FILE, GUID
from cspkit.exports.layout import LATE, OWNER, Layout
from cspkit.exports.lookups import Lookup
from cspkit.exports.profiles import ColumnRule, Condition
from cspkit.exports.sheets import CELLS, MORE, NOTE, ROW, column
from cspkit.later import deferred as _
from cspkit.later import ibis
from cspkit.statements import described

ASIDE, CODE, RAW, LATEST = "_aside", "_code", "_raw", "_latest"
CUSTOMER_PART = ("customer_name", "customer_domain", "market", "language", "relationship")
CHECKED = {
    "customers": tables.CUSTOMERS,
    "subscriptions": tables.SUBSCRIPTIONS,
    "prices": tables.PRICES,
    "offers": tables.OFFERS,
}


def columns_of(table: str) -> dict[str, str]:
    """Map our columns of a checked table to their types."""
    schema = dict(CHECKED[table].schema)
    del schema["source_file"], schema["source_row"]
    return schema | (dict.fromkeys(CUSTOMER_PART, "string") if table == "subscriptions" else {})


@described
def check(raw: Any, layout: Layout, lookups: dict[str, Lookup], *, guids: bool = False) -> Any:
    """Return one row per raw row: our columns as far as the file has them, and the verdict.

    `guids` leaves GUIDs as such, which are texts otherwise. `_aside` is why the format sets a
    row aside, `_code` the first problem in the order of the profile's columns as
    `column number:code`, `_raw` the cells of a row with a problem.
    """
    rows = raw
    for name, found in lookups.items():
        rows = found.join(rows, layout.cell(raw, layout.rules[name]), name)
    checked = {
        name: lookups[name].checked(rows, layout.cell(rows, rule), name)
        if name in lookups
        else _checked(rows, layout, name, rule)
        for name, rule in layout.rules.items()
    }
    if OWNER in checked:
        own = checked["customer_id"]
        by_domain = checked[OWNER].value.cast(own.value.type())
        found_by_domain = ibis.coalesce(own.value, by_domain)
        checked["customer_id"] = cells.Checked(found_by_domain, own.problem)
    rows = rows.mutate(
        **{f"v_{name}": found.value for name, found in checked.items()},
        **{f"p_{name}": found.problem for name, found in checked.items()},
    )
    rows = rows.mutate(**{ASIDE: _aside(rows, layout), CODE: _code(rows, layout)})
    everything = ibis.array([*(rows[column(i)] for i in range(len(layout.header))), rows[MORE]])
    kept = ibis.ifelse(rows[CODE].notnull(), everything, ibis.null("array<string>"))
    return rows.select(
        **_ours(rows, layout, lookups, guids=guids),
        **{FILE: _[FILE], ASIDE: _[ASIDE], CODE: _[CODE], RAW: kept},
        **{LATEST: _latest(rows, layout), AGAIN: nothing("boolean")},
        **({ROW: _[ROW]} if ROW in rows.columns else {}),
    )


def _checked(rows: Any, layout: Layout, name: str, rule: ColumnRule) -> cells.Checked:
    if rule.fixed is not None:
        return cells.Checked(ibis.literal(rule.fixed), nothing())
    if not layout.place(rule) and not rule.from_file_name:
        return cells.Checked(nothing(), nothing())
    cell = layout.cell(rows, rule)
    if rule.rule == "owner":
        return _by_owner(cell, rows[GUID], layout.partner_tenant)
    return cells.CHECKS.get(rule.kind, cells.text)(cell)


def _by_owner(cell: Any, customer: Any, partner_tenant: str) -> cells.Checked:
    """Tell from the tenant that bought it: the customer itself, us, or another partner."""
    owner = cells.guid(cell)
    channel = ibis.cases(
        (owner.isnull() | (owner == customer), "unknown"),
        (owner == partner_tenant, "csp_nce"),
        else_="csp_other",
    )
    return cells.Checked(channel, nothing())


def _aside(rows: Any, layout: Layout) -> Any:
    branches = [
        (
            reduce(lambda left, right: left & right, [_test(rows, layout, c) for c in rule.when]),
            rule.reason,
        )
        for rule in layout.profile.set_aside
    ]
    return ibis.cases(*branches, else_=nothing()) if branches else nothing()


def _test(rows: Any, layout: Layout, condition: Condition) -> Any:
    found = layout.positions(condition.column)
    if not found:
        return ibis.literal(False)
    raw = rows[column(found[0])]
    cell = cells.tidy(raw).lower()
    tests: list[Any] = []
    if condition.equals:
        tests.append(cell.isin(condition.equals))
    if condition.differs:
        tests.append(cell.notnull() & (cell != "") & cell.notin(condition.differs))
    if condition.starts:
        tests.append(_starts(cell, condition.starts))
    if condition.not_starts:
        tests.append(cell.notnull() & (cell != "") & ~_starts(cell, condition.not_starts))
    if condition.contains:
        held = [cell.contains(part) for part in condition.contains]
        tests.append(reduce(lambda left, right: left | right, held))
    if condition.missing is not None:
        tests.append(cells.absent(raw) if condition.missing else ~cells.absent(raw))
    return reduce(lambda left, right: left & right, tests).fill_null(False)


def _starts(cell: Any, beginnings: Sequence[str]) -> Any:
    return reduce(lambda left, right: left | right, [cell.startswith(b) for b in beginnings])


def _code(rows: Any, layout: Layout) -> Any:
    """Return `column number:code`; short rows are whole when all that is used is there."""
    used = [index for rule in layout.rules.values() for index in layout.place(rule)]
    short = ibis.ifelse(rows[CELLS] <= max(used, default=0), ":too_few_cells", nothing())
    found = [rows[NOTE], short]
    for name, rule in layout.rules.items():
        place = str(next(iter(layout.place(rule)), ""))
        told = _told(rows, layout, rule)
        if rule.fixed is None and (rule.from_file_name or place):
            found.append(ibis.ifelse(told, ibis.literal(f"{place}:") + rows[f"p_{name}"], None))
        if rule.needed:
            code = "no_tenant" if rule.from_file_name or not place else "missing"
            empty = rows[f"v_{name}"].isnull() & told
            if name == "customer_id" and OWNER in layout.rules:
                found.append(_unknown_domain(rows, layout, empty))
            found.append(ibis.ifelse(empty, f"{place}:{code}", nothing()))
    return ibis.coalesce(*found)


def _unknown_domain(rows: Any, layout: Layout, empty: Any) -> Any:
    rule = layout.rules[OWNER]
    code = f"{layout.place(rule)[0]}:unknown_domain"
    told = ibis.ifelse(cells.absent(layout.cell(rows, rule)), nothing(), code)
    return ibis.ifelse(empty, told, nothing())


def _told(rows: Any, layout: Layout, rule: ColumnRule) -> Any:
    """Tell whether a row's state is one in which the format says anything in a column."""
    if not rule.when_status or "status" not in layout.rules:
        return ibis.literal(True)
    return rows["v_status"].isin(rule.when_status).fill_null(False)


def _ours(rows: Any, layout: Layout, lookups: dict[str, Lookup], *, guids: bool) -> dict[str, Any]:
    """Take the columns that the file has; prices bring their currency."""
    kinds = columns_of(layout.profile.table)
    taken = {
        name: _typed(rows[f"v_{name}"], kinds[name], guids=guids)
        for name, rule in layout.rules.items()
        if name in kinds and (rule.fixed is not None or rule.from_file_name or layout.place(rule))
    }
    if OWNER in layout.rules:
        taken["customer_id"] = _typed(rows["v_customer_id"], "string", guids=guids)
    if price := lookups.get("unit_price"):
        inside = price.currency(layout.cell(rows, layout.rules["unit_price"]))
        taken["currency"] = ibis.coalesce(taken.get("currency", nothing()), inside)
    for name, rule in layout.rules.items():
        if rule.when_status and name in taken:
            told = _told(rows, layout, rule)
            taken[name] = ibis.ifelse(told, taken[name], ibis.null(taken[name].type()))
    return taken


def _typed(value: Any, kind: str, *, guids: bool) -> Any:
    return value if guids and value.type().is_uuid() else value.cast(kind)


def _latest(rows: Any, layout: Layout) -> Any:
    """Say how late a line is, for formats that write many lines about one subscription."""
    days = [
        rows[f"v_{name}"]
        for name, rule in layout.rules.items()
        if name.startswith(LATE) and layout.place(rule)
    ]
    if not days:
        return nothing()
    parts = [ibis.coalesce(day.cast("string"), "") for day in days]
    return reduce(lambda left, right: left + " " + right, parts)
