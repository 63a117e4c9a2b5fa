"""Where expressions find tables, facts and values: at hand, or by names to be filled in later."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import ibis

from cspkit import channels
from cspkit.judging.given import FACTS, VALUES, Given
from cspkit.tables import CUSTOMERS, PRICES, SUBSCRIPTIONS

if TYPE_CHECKING:
    from cspkit.exports import Exports

MARK = "__"
SCHEMAS = {table.name: ibis.schema(table.schema) for table in (CUSTOMERS, SUBSCRIPTIONS, PRICES)}
SCHEMAS |= {name: ibis.Schema.from_pyarrow(facts) for name, facts in FACTS.items()}


class Source(Protocol):
    """What a judgement is built from."""

    @property
    def rules(self) -> tuple[channels.Rule, ...]:
        """The lifecycle rules, in the order in which they are tried."""

    def table(self, name: str) -> ibis.Table:
        """Return customers, subscriptions or prices."""

    def fact(self, name: str) -> ibis.Table:
        """Return a table of `given.FACTS`."""

    def value(self, name: str) -> Any:
        """Return a value of `given.VALUES`."""


class AtHand:
    """The tables of a load and what is given of one day: any engine runs these expressions."""

    def __init__(self, exports: Exports, given: Given) -> None:
        """Take the exports as their engine holds them."""
        self._exports, self._given = exports, given

    @property
    def rules(self) -> tuple[channels.Rule, ...]:
        """The rules of this judgement's settings."""
        return self._given.rules

    def table(self, name: str) -> ibis.Table:
        """Return a table of the load."""
        found: ibis.Table = self._exports.table(name)
        return found

    def fact(self, name: str) -> ibis.Table:
        """Return a fact as a table in memory, the same one each time."""
        return self._facts[name]

    @cached_property
    def _facts(self) -> dict[str, ibis.Table]:
        return {name: ibis.memtable(rows) for name, rows in self._given.facts.items()}

    def value(self, name: str) -> Any:
        """Return a value as a literal."""
        return ibis.literal(self._given.values[name], type=VALUES[name])


class Named:
    """Names in place of all that differs between days, policies and loads, for a kept statement."""

    def __init__(self, rules: tuple[channels.Rule, ...]) -> None:
        """Take the rules, which become part of the statement."""
        self.rules = rules

    def table(self, name: str) -> ibis.Table:
        """Return a table or a fact by its name, marked."""
        return ibis.table(SCHEMAS[name], name=f"{MARK}{name}")

    fact = table

    def value(self, name: str) -> Any:
        """Return a value by its name, marked, as a text that the engine reads."""
        return ibis.literal(f"{MARK}{name}").cast(VALUES[name])
