"""One expression per format: raw rows in; values, what is set aside and what is wrong out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import ibis

from cspkit import catalogue, tables
from cspkit.exports import parsing, words
from cspkit.exports.engine import FILE, GUID
from cspkit.exports.parsing import Parsed
from cspkit.exports.profiles import ColumnRule, Condition, Profile, key, placeholders
from cspkit.exports.sheets import CELLS, NOTE, ROW, column

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


@dataclass(frozen=True)
class Layout:
    """What it takes to read a raw table: its format, its headers, what evidence decided."""

    profile: Profile
    header: tuple[str, ...]
    orders: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    decimal: str | None
    partner_tenant: str

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what two sheets must share to be read by one expression."""
        return self.profile.id, self.header, self.orders, self.decimal

    def positions(self, spellings: Sequence[str]) -> list[int]:
        """List the positions of the headers that go by one of the spellings, in their order."""
        keys = [key(name) for name in self.header]
        found = [keys.index(key(name)) for name in spellings if key(name) in keys]
        return list(dict.fromkeys(found))


def check(raw: Any, layout: Layout) -> Any:
    """Return one row per raw row: our columns, why it is set aside, what is wrong with it.

    `_problem` is `column number:code`, the first problem of the row in the order of our columns.
    """
    rows = _with_catalogue(_with_markets(raw, layout), layout)
    parsed = {
        name: _parse(rows, layout, name, rule) for name, rule in layout.profile.columns.items()
    }
    values = rows.mutate(
        **{f"v_{name}": found.value for name, found in parsed.items()},
        **{f"p_{name}": found.problem for name, found in parsed.items()},
    )
    checked = values.mutate(**{ASIDE: _aside(values, layout), PROBLEM: _problem(values, layout)})
    return checked.select(**_ours(checked, layout), **_working(checked, layout))


def columns_of(table: str) -> dict[str, str]:
    """Map our columns of a checked table to their types."""
    schema = dict(tables.CUSTOMERS.schema if table == "customers" else tables.SUBSCRIPTIONS.schema)
    del schema["source_file"], schema["source_row"]
    extra = {} if table == "customers" else dict.fromkeys(CUSTOMER_PART, "string")
    return schema | extra


def _cell(rows: Any, layout: Layout, rule: ColumnRule) -> Any:
    if rule.template:
        return _filled(rows, layout, rule.template)
    if rule.from_file_name:
        return rows[GUID]
    cells = [rows[column(i)] for i in layout.positions(rule.headers)]
    if not cells:
        return ibis.null("string")
    if len(cells) == 1:
        return cells[0]
    return ibis.coalesce(*(parsing.tidy(cell).nullif("") for cell in cells))


def _filled(rows: Any, layout: Layout, template: str) -> Any:
    """Fill a template from cells; an empty cell leaves nothing."""
    parts: list[Any] = []
    rest = template
    for name in placeholders(template):
        before, rest = rest.split("{" + name + "}", 1)
        found = layout.positions([name])
        cell = parsing.tidy(rows[column(found[0])]).nullif("") if found else ibis.null("string")
        parts += [ibis.literal(before), cell] if before else [cell]
    parts += [ibis.literal(rest)] if rest else []
    return reduce(lambda left, right: left + right, parts)


def _parse(rows: Any, layout: Layout, name: str, rule: ColumnRule) -> Parsed:
    if rule.fixed is not None:
        return Parsed(ibis.literal(rule.fixed), ibis.null("string"))
    if rule.rule:
        return _by_rule(rows, layout, rule)
    raw = _cell(rows, layout, rule)
    found = _by_kind(raw, layout, name, rule)
    if name == "currency" and not layout.positions(rule.headers):
        return Parsed(ibis.null("string"), ibis.null("string"))
    if rule.kind == "market":
        return Parsed(rows["_market"], ibis.null("string"))
    if rule.needed:
        missing = ibis.ifelse(found.value.isnull(), "missing", ibis.null("string"))
        return Parsed(found.value, ibis.coalesce(found.problem, missing))
    return found


def _by_kind(raw: Any, layout: Layout, name: str, rule: ColumnRule) -> Parsed:
    if rule.kind == "day":
        return parsing.day(raw, dict(dict(layout.orders).get(name, ())))
    if rule.kind in ("count", "money"):
        return getattr(parsing, rule.kind)(raw, layout.decimal)
    if rule.kind == "word":
        mapping = words.meanings(name) | rule.words
        return parsing.word(raw, mapping, keep=name == "relationship")
    parsers = {
        "guid": parsing.guid,
        "id": parsing.identifier,
        "code": parsing.offer,
        "boolean": parsing.boolean,
        "currency": parsing.currency,
        "domain": parsing.domain,
        "language": parsing.domain,
    }
    return parsers.get(rule.kind, parsing.text)(raw)


def _by_rule(rows: Any, layout: Layout, rule: ColumnRule) -> Parsed:
    if rule.rule == "catalogue_sku":
        return Parsed(rows["_catalogue_sku"], ibis.null("string"))
    cell = _cell(rows, layout, rule)
    if rule.rule == "catalogue_name":
        return Parsed(ibis.coalesce(rows["_catalogue_name"], cell), ibis.null("string"))
    owner = parsing.guid(cell)
    channel = ibis.cases(
        (owner.value.isnull() | (owner.value == rows[GUID]), "unknown"),
        (owner.value == layout.partner_tenant, "csp_nce"),
        else_="csp_other",
    )
    return Parsed(channel, owner.problem)


def _with_markets(rows: Any, layout: Layout) -> Any:
    rule = layout.profile.columns.get("market")
    if rule is None:
        return rows
    names = words.markets()
    known = ibis.memtable({"_said": list(names), "_market": list(names.values())})
    said = parsing.tidy(_cell(rows, layout, rule)).lower()
    return rows.left_join(known, said == known["_said"]).drop("_said")


def _with_catalogue(rows: Any, layout: Layout) -> Any:
    """Look up the part number, where a column asks for what the catalogue knows about it."""
    rule = next((r for r in layout.profile.columns.values() if r.rule.startswith("cata")), None)
    if rule is None:
        return rows
    facts = catalogue.table().select(["part_number", "sku_id", "name"]).to_pylist()
    known = {fact["part_number"].lower(): fact for fact in facts if fact["part_number"]}
    table = ibis.memtable(
        {
            "_part": list(known),
            "_catalogue_sku": [fact["sku_id"] for fact in known.values()],
            "_catalogue_name": [fact["name"] for fact in known.values()],
        }
    )
    part = parsing.tidy(_cell(rows, layout, rule)).lower()
    return rows.left_join(table, part == table["_part"]).drop("_part")


def _aside(rows: Any, layout: Layout) -> Any:
    width = range(len(layout.header))
    anything = ibis.coalesce(*(parsing.tidy(rows[column(i)]).nullif("") for i in width))
    branches = [(anything.isnull(), "blank"), (_sums_up(rows, layout, anything), "total")]
    for rule in layout.profile.set_aside:
        tests = [_test(rows, layout, condition) for condition in rule.when]
        branches.append((reduce(lambda left, right: left & right, tests), rule.reason))
    return ibis.cases(*branches, else_=ibis.null("string"))


def _sums_up(rows: Any, layout: Layout, first: Any) -> Any:
    """A totals row: no id in it, and its first cell says that it is one."""
    needed = [
        rows[f"v_{name}"].isnull()
        for name in ("subscription_id", "customer_id")
        if name in layout.profile.columns and not layout.profile.columns[name].from_file_name
    ]
    start = first.lower().re_extract(r"^[^\d:]+", 0).strip()
    return reduce(lambda left, right: left & right, needed) & start.isin(words.listed("total"))


def _test(rows: Any, layout: Layout, condition: Condition) -> Any:
    found = layout.positions(condition.column)
    if not found:
        return ibis.literal(False)
    raw = rows[column(found[0])]
    cell = parsing.tidy(raw).lower()
    tests: list[Any] = []
    if condition.equals:
        tests.append(cell.isin(condition.equals))
    if condition.starts:
        tests.append(_starts(cell, condition.starts))
    if condition.not_starts:
        tests.append(cell.notnull() & (cell != "") & ~_starts(cell, condition.not_starts))
    if condition.missing is not None:
        nothing = parsing.absent(raw)
        tests.append(nothing if condition.missing else ~nothing)
    return reduce(lambda left, right: left & right, tests)


def _starts(cell: Any, beginnings: Sequence[str]) -> Any:
    return reduce(lambda left, right: left | right, [cell.startswith(b) for b in beginnings])


def _problem(rows: Any, layout: Layout) -> Any:
    """Number the column of the first problem; short rows are whole when all we use is there."""
    used = [
        index
        for rule in layout.profile.columns.values()
        for index in layout.positions(rule.headers)
    ]
    short = ibis.ifelse(rows[CELLS] <= max(used, default=0), ":too_few_cells", ibis.null("string"))
    found = [rows[NOTE], short]
    for name, rule in layout.profile.columns.items():
        positions = layout.positions(rule.headers or placeholders(rule.template or ""))
        place = str(positions[0]) if positions else ""
        found.append(ibis.literal(f"{place}:") + rows[f"p_{name}"])
    return ibis.coalesce(*found)


def _ours(rows: Any, layout: Layout) -> dict[str, Any]:
    """Take our columns, those that the format lacks as nothing, prices with their currency."""
    profile = layout.profile
    taken = {
        name: (rows[f"v_{name}"] if name in profile.columns else ibis.null(kind)).cast(kind)
        for name, kind in columns_of(profile.table).items()
    }
    price = profile.columns.get("unit_price")
    if price and (cell := layout.positions(price.headers)):
        inside = parsing.currency_in(rows[column(cell[0])])
        taken["currency"] = ibis.coalesce(taken["currency"], inside)
    for name, rule in profile.columns.items():
        if rule.when_status:
            told = taken["status"].isin(rule.when_status)
            taken[name] = ibis.ifelse(told, taken[name], ibis.null(taken[name].type()))
    return taken


def _working(rows: Any, layout: Layout) -> dict[str, Any]:
    nothing = ibis.null("string")
    wrong = rows[ASIDE].isnull() & rows[PROBLEM].notnull()
    place = rows[PROBLEM].split(":")[0]
    cells = [(str(i), rows[column(i)]) for i in range(len(layout.header))]
    names = [(str(i), name) for i, name in enumerate(layout.header)]
    return {
        FILE: rows[FILE],
        ROW: rows[ROW],
        ASIDE: rows[ASIDE],
        PROBLEM: ibis.ifelse(wrong, rows[PROBLEM].split(":")[1], nothing),
        COLUMN: ibis.ifelse(wrong, place.cases(*names, else_=""), nothing),
        VALUE: ibis.ifelse(wrong, place.cases(*cells, else_=nothing), nothing),
        JSON: ibis.ifelse(wrong, as_json(rows, layout), nothing),
        LATEST: _latest(rows, layout),
        PRECEDENCE: ibis.literal(layout.profile.precedence),
    }


def as_json(rows: Any, layout: Layout) -> Any:
    """Write a whole raw row as a JSON object of its headers."""
    whole = ibis.struct({name: rows[column(i)] for i, name in enumerate(layout.header)})
    return whole.cast("json").cast("string")


def _latest(rows: Any, layout: Layout) -> Any:
    """Say how late a line is, for formats that write many lines about one subscription."""
    days = [
        parsing.day(rows[column(i)], dict(dict(layout.orders).get(LATEST, ()))).value
        for name in layout.profile.latest_by
        for i in layout.positions([name])
    ]
    if not days:
        return ibis.null("string")
    parts = [ibis.coalesce(day.cast("string"), "") for day in days]
    parts.append(rows[ROW].cast("string").lpad(9, "0"))
    return reduce(lambda left, right: left + " " + right, parts)
