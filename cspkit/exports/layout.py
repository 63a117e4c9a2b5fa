"""A header as one profile understands it: where our columns are, what its cells mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

from cspkit.exports import cells
from cspkit.exports.cells import nothing
from cspkit.exports.engine import GUID
from cspkit.exports.evidence import day_orders, decimal_mark
from cspkit.exports.lookups import Lookup, is_looked_up, lookup, parser
from cspkit.exports.profiles import FILE_NAME, ColumnRule, Profile, key, placeholders
from cspkit.exports.sheets import column
from cspkit.later import ibis

LATE, OWNER = "_late", "_owner"
DOMAINS, NAMES = ("domain", "customer_domain"), ("name", "customer_name")
Cells = dict[str, list[str]]
Decided = tuple[tuple[tuple[str, tuple[tuple[str, str], ...]], ...], str | None]


@dataclass(frozen=True)
class Layout:
    """A header as one profile understands it."""

    profile: Profile
    header: tuple[str, ...]
    partner_tenant: str
    domains: Mapping[str, str]
    rules: dict[str, ColumnRule] = field(init=False)

    def __post_init__(self) -> None:
        """Add the columns that say how late a line is, and whose it is by its domain."""
        extra = {
            f"{LATE}{i}": ColumnRule.model_validate({"from": (name,), "kind": "day"})
            for i, name in enumerate(self.profile.latest_by)
        }
        if (domain := self.known(DOMAINS)) and self._may_lack_tenant():
            by_domain = {"from": domain.headers, "rule": "domain", "lenient": True}
            extra[OWNER] = ColumnRule.model_validate(by_domain)
        object.__setattr__(self, "rules", dict(self.profile.columns) | extra)

    @property
    def statement_key(self) -> tuple[str, tuple[str, ...], str]:
        """Say what a statement over rows of this layout depends on."""
        return self.profile.statement_key, self.header, self.partner_tenant

    def known(self, names: Sequence[str]) -> ColumnRule | None:
        """Return the rule of the first of our columns that the header has."""
        rules = (self.profile.columns.get(name) for name in names)
        return next((rule for rule in rules if rule and self.place(rule)), None)

    def _may_lack_tenant(self) -> bool:
        rule = self.profile.columns.get("customer_id")
        return rule is not None and not rule.rule

    def positions(self, spellings: Sequence[str]) -> list[int]:
        """List the positions of the headers that go by one of the spellings, in their order."""
        keys = [key(name) for name in self.header]
        found = [keys.index(key(name)) for name in spellings if key(name) in keys]
        return list(dict.fromkeys(found))

    def place(self, rule: ColumnRule) -> list[int]:
        """List the positions that a column of ours is read from."""
        return self.positions(rule.headers or placeholders(rule.template or ""))

    def cell(self, rows: Any, rule: ColumnRule) -> Any:
        """Return the raw cell of a column of ours, the first that holds something."""
        if rule.template:
            return self._filled(rows, rule.template)
        found = [rows[column(i)] for i in self.positions(rule.headers)]
        if rule.from_file_name:
            found.append(rows[GUID])
        if len(found) > 1:
            return ibis.coalesce(*(cells.tidy(cell).nullif("") for cell in found))
        return found[0] if found else nothing()

    def _filled(self, rows: Any, template: str) -> Any:
        """Fill a template from cells; an empty cell leaves nothing."""
        parts: list[Any] = []
        rest = template
        for name in placeholders(template):
            before, rest = rest.split("{" + name + "}", 1)
            cell = self._part(rows, name)
            parts += [ibis.literal(before), cell] if before else [cell]
        parts += [ibis.literal(rest)] if rest else []
        return reduce(lambda left, right: left + right, parts)

    def _part(self, rows: Any, name: str) -> Any:
        if name == FILE_NAME:
            return rows[GUID]
        found = self.positions([name])
        return cells.tidy(rows[column(found[0])]).nullif("") if found else nothing()

    @cached_property
    def looked_up(self) -> list[str]:
        """List our columns of which the file has cells that are looked up."""
        return [
            name
            for name, rule in self.rules.items()
            if is_looked_up(rule) and (self.place(rule) or rule.from_file_name)
        ]

    def different(self, rows: Any) -> dict[str, Any]:
        """Return the aggregates that collect the different cells of looked-up columns."""
        return {
            name: self._odd(rows, name, self.rules[name]).collect(include_null=True, distinct=True)
            for name in self.looked_up
        }

    def _odd(self, rows: Any, name: str, rule: ColumnRule) -> Any:
        """Return the cells to look up: all, but of ids and domains only where they are needed."""
        cell = self.cell(rows, rule)
        if name == OWNER:
            tenant = self.cell(rows, self.rules["customer_id"])
            there = cells.long_as_guid(tenant).fill_null(False)
            return ibis.cases((there, nothing()), (cells.absent(tenant), cell), else_=nothing())
        if rule.kind == "guid" and not rule.rule:
            return ibis.ifelse(cells.long_as_guid(cell), nothing(), cell)
        return cell

    def decide(self, different: Cells) -> Decided:
        """Decide from the different cells of one file the order of days and the decimal sign."""
        profile = self.profile
        orders = tuple(
            (name, tuple(sorted(day_orders(different[name], profile.dates).items())))
            for name, rule in self.rules.items()
            if rule.kind == "day" and name in different
        )
        if profile.decimal != "detect":
            return orders, profile.decimal
        numbers = [n for n, rule in self.rules.items() if rule.kind in ("count", "money")]
        return orders, decimal_mark(v for name in numbers for v in different.get(name, []))

    def lookups(self, different: Cells, decided: Decided) -> dict[str, Lookup]:
        """Parse the different cells of every looked-up column."""
        orders, mark = dict(decided[0]), decided[1]
        return {
            name: lookup(
                self.rules[name],
                found,
                parser(name, self.rules[name], dict(orders.get(name, ())), mark, self.domains),
            )
            for name, found in different.items()
        }
