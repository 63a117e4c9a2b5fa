"""The different cells of a column, each parsed once; the engine only looks them up.

Exports repeat themselves: five million rows hold some thousand days, prices and words. So the
engine collects what is different, Python parses that, and the check becomes one join for each
column, the same on every engine. Of GUIDs only those that the engine cannot read are looked up,
but all skuIds, since they repeat as products do; ids and plain texts are checked in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import pyarrow as pa

from cspkit import catalogue, tables
from cspkit.exports import cells, parsing, words
from cspkit.exports.defining import FEW, Meaning, call
from cspkit.exports.parsing import NOTHING, Outcome
from cspkit.exports.profiles import ColumnRule
from cspkit.later import ibis

LOOKED_UP = (
    "guid",
    "sku",
    "label",
    "day",
    "count",
    "money",
    "word",
    "words",
    "boolean",
    "currency",
    "market",
    "code",
)
TYPES = {
    "day": "date",
    "count": "int64",
    "money": tables.MONEY,
    "boolean": "boolean",
}
LOOKUP_RULES = ("catalogue_sku", "catalogue_name", "offer_channel", "domain")
Parser = Callable[[str], Outcome]


@dataclass(frozen=True)
class Lookup:
    """What each different cell of a column means, and what is wrong with it."""

    kind: str
    outcomes: dict[str, Outcome]
    function: str = ""

    @property
    def type(self) -> str:
        """Return the type of the values in Ibis' words."""
        return TYPES.get(self.kind, "string")

    @cached_property
    def telling(self) -> dict[str, Outcome]:
        """Return the cells that mean anything; the others are simply missing."""
        return {raw: found for raw, found in self.outcomes.items() if found != NOTHING}

    @property
    def few(self) -> bool:
        """Tell whether the meanings are so few that they are compared one by one."""
        return len(self.telling) <= FEW

    @property
    def statement_key(self) -> tuple[str, str]:
        """Say what a statement depends on; what the cells mean is asked of the function."""
        assert self.function
        return self.kind, self.function

    def meanings(self, held: str = "") -> list[Meaning]:
        """List what the functions of this column tell: value, problem, and a price's currency.

        `held` is the type of DuckDB that a table holds the values in, if not their own.
        """
        told = list(zip(*self.outcomes.values(), strict=True)) or [(), ()]
        found = [
            Meaning("j", self.type, told[0], held=held),
            Meaning("k", "string", told[1], rare=True),
        ]
        if self.kind == "money":
            found.append(Meaning("c", "string", self.signs()))
        return found

    def signs(self) -> list[str | None]:
        """List the currency that each price is written with, where it is."""
        return [parsing.currency_in(raw)[0] for raw in self.outcomes]

    def currency(self, cell: Any) -> Any:
        """Tell the currency from the sign that a price was written with."""
        if self.function:
            return call(f"{self.function}_c", "string", cell)
        signs = {raw: sign for raw in self.outcomes if (sign := parsing.currency_in(raw)[0])}
        inside = cells.nothing()
        for sign in dict.fromkeys(signs.values()):
            written = [raw for raw, found in signs.items() if found == sign]
            inside = ibis.ifelse(cell.isin(written), ibis.literal(sign), inside)
        return inside

    def join(self, rows: Any, cell: Any, name: str) -> Any:
        """Return rows with the meanings of a cell beside it, where there are many of them."""
        if self.function or self.few:
            return rows
        table = ibis.memtable(self.table(name))
        return rows.left_join(table, cell == table[f"r_{name}"])

    def checked(self, rows: Any, cell: Any, name: str) -> cells.Checked:
        """Return the value and the problem of a cell of joined rows; a GUID is no text yet."""
        given = cell
        if self.function:
            # A cell that is none of those that were given costs an error each, so it is left out.
            if self.kind == "guid":
                cell = ibis.ifelse(cells.long_as_guid(cell), cells.nothing(), cell)
            value = call(f"{self.function}_j", self.type, cell)
            problem = call(f"{self.function}_k", "string", cell)
        elif self.few:
            value = self._cases(cell, 0, self.type)
            problem = self._cases(cell, 1, "string")
        else:
            value, problem = rows[f"j_{name}"], rows[f"k_{name}"]
        if self.kind != "guid":
            return cells.Checked(value, problem)
        whole = given.try_cast("uuid")
        broken = whole.isnull() & cells.long_as_guid(given)
        return cells.Checked(
            ibis.coalesce(whole, value.cast("uuid")),
            ibis.ifelse(broken, "not_a_guid", problem),
        )

    def _cases(self, cell: Any, part: int, kind: str) -> Any:
        branches = [
            (raw, ibis.literal(found[part], type=kind))
            for raw, found in self.telling.items()
            if found[part] is not None
        ]
        nothing = ibis.null(kind)
        return cell.cases(*branches, else_=nothing) if branches else nothing

    def table(self, name: str) -> pa.Table:
        """Return the cells as `r_NAME`, their values as `j_NAME`, their problems as `k_NAME`."""
        kind = ibis.dtype(self.type).to_pyarrow()
        values = [found[0] for found in self.outcomes.values()]
        problems = [found[1] for found in self.outcomes.values()]
        return pa.table(
            {
                f"r_{name}": pa.array(self.outcomes, pa.string()),
                f"j_{name}": pa.array(values, kind),
                f"k_{name}": pa.array(problems, pa.string()),
            }
        )


def lookup(rule: ColumnRule, cells: Iterable[str], parse: Parser) -> Lookup:
    """Parse the different cells of one column; a lenient one leaves out what means nothing."""
    kind = "text" if rule.rule else rule.kind
    if rule.lenient:
        return Lookup(kind, {cell: (parse(cell)[0], None) for cell in cells})
    return Lookup(kind, {cell: parse(cell) for cell in cells})


def is_looked_up(rule: ColumnRule) -> bool:
    """Tell whether a column's cells are parsed by looking them up."""
    return rule.fixed is None and (
        rule.rule in LOOKUP_RULES if rule.rule else rule.kind in LOOKED_UP
    )


def parser(
    name: str,
    rule: ColumnRule,
    orders: Mapping[str, str],
    mark: str | None,
    domains: Mapping[str, str],
) -> Parser:
    """Return the function that parses a cell of one column of ours."""
    if rule.rule == "catalogue_sku":
        return lambda cell: (_by_part_number(cell).get("sku_id"), None)
    if rule.rule == "catalogue_name":
        return lambda cell: (_by_part_number(cell).get("name") or parsing.tidy(cell) or None, None)
    if rule.rule == "offer_channel":
        return lambda cell: (parsing.channel_of_offer(cell), None)
    if rule.rule == "domain":
        return lambda cell: parsing.tenant(cell, domains)
    if rule.kind == "word":
        mapping = words.meanings(name) | rule.words
        keep = name == "relationship"
        return lambda cell: parsing.word(cell, mapping, keep=keep, otherwise=rule.otherwise)
    if rule.kind == "words":
        mapping = words.meanings(name.removesuffix("s")) | rule.words
        return lambda cell: parsing.several(cell, mapping)
    parsers: dict[str, Parser] = {
        "day": lambda cell: parsing.day(cell, orders),
        "count": lambda cell: parsing.count(cell, mark),
        "money": lambda cell: parsing.money(cell, mark),
        "boolean": lambda cell: parsing.boolean(cell, rule.words, rule.otherwise),
        "currency": parsing.currency,
        "market": parsing.market,
        "code": parsing.offer,
        "guid": parsing.guid,
        "sku": parsing.sku,
        "label": parsing.label,
    }
    return parsers[rule.kind]


def _by_part_number(cell: str) -> dict[str, Any]:
    return _part_numbers().get(parsing.tidy(cell).casefold(), {})


@cache
def _part_numbers() -> dict[str, dict[str, Any]]:
    facts = catalogue.table().to_pylist()
    return {fact["part_number"].casefold(): fact for fact in facts if fact["part_number"]}
