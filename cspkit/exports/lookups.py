"""The different cells of a column, each parsed once; the engine only looks them up.

Exports repeat themselves: five million rows hold some thousand days, prices and words. So the
engine collects what is different, Python parses that, and the check becomes one join for each
column, the same on every engine. Of GUIDs only those that the engine cannot read are looked up;
ids and plain texts are checked in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import ibis
import pyarrow as pa

from cspkit import catalogue, tables
from cspkit.exports import cells, parsing, words
from cspkit.exports.parsing import NOTHING, Outcome
from cspkit.exports.profiles import ColumnRule

LOOKED_UP = (
    "guid",
    "label",
    "day",
    "count",
    "money",
    "word",
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
FEW = 12
Parser = Callable[[str], Outcome]


@dataclass(frozen=True)
class Lookup:
    """What each different cell of a column means, and what is wrong with it."""

    kind: str
    outcomes: dict[str, Outcome]

    @property
    def type(self) -> str:
        """Return the type of the values in Ibis' words."""
        return TYPES.get(self.kind, "string")

    def join(self, rows: Any, cell: Any, name: str) -> Any:
        """Return rows with `v_name` and `p_name`, the value and the problem of a cell."""
        telling = {raw: found for raw, found in self.outcomes.items() if found != NOTHING}
        if self.kind == "guid":
            rows = self._join(rows, cell, f"{name}_odd", telling)
            value = ibis.coalesce(cells.guid(cell), rows[f"v_{name}_odd"])
            broken = value.isnull() & cells.long_as_guid(cell)
            problem = ibis.ifelse(broken, "not_a_guid", rows[f"p_{name}_odd"])
            return rows.mutate(**{f"v_{name}": value, f"p_{name}": problem})
        return self._join(rows, cell, name, telling)

    def _join(self, rows: Any, cell: Any, name: str, telling: dict[str, Outcome]) -> Any:
        if len(telling) <= FEW:
            return rows.mutate(
                **{
                    f"v_{name}": self._cases(cell, telling, 0, self.type),
                    f"p_{name}": self._cases(cell, telling, 1, "string"),
                }
            )
        table = ibis.memtable(self._table(telling, name))
        return rows.left_join(table, cell == table[f"r_{name}"]).drop(f"r_{name}")

    def _cases(self, cell: Any, telling: dict[str, Outcome], part: int, kind: str) -> Any:
        branches = [
            (raw, ibis.literal(found[part], type=kind))
            for raw, found in telling.items()
            if found[part] is not None
        ]
        nothing = ibis.null(kind)
        return cell.cases(*branches, else_=nothing) if branches else nothing

    def _table(self, telling: dict[str, Outcome], name: str) -> pa.Table:
        kind = ibis.dtype(self.type).to_pyarrow()
        values = [found[0] for found in telling.values()]
        return pa.table(
            {
                f"r_{name}": pa.array(telling, pa.string()),
                f"v_{name}": pa.array(values, kind),
                f"p_{name}": pa.array([found[1] for found in telling.values()], pa.string()),
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
        return lambda cell: parsing.word(cell, mapping, keep=name == "relationship")
    parsers: dict[str, Parser] = {
        "day": lambda cell: parsing.day(cell, orders),
        "count": lambda cell: parsing.count(cell, mark),
        "money": lambda cell: parsing.money(cell, mark),
        "boolean": parsing.boolean,
        "currency": parsing.currency,
        "market": parsing.market,
        "code": parsing.offer,
        "guid": parsing.guid,
        "label": parsing.label,
    }
    return parsers[rule.kind]


def _by_part_number(cell: str) -> dict[str, Any]:
    return _part_numbers().get(parsing.tidy(cell).casefold(), {})


@cache
def _part_numbers() -> dict[str, dict[str, Any]]:
    facts = catalogue.table().to_pylist()
    return {fact["part_number"].casefold(): fact for fact in facts if fact["part_number"]}
