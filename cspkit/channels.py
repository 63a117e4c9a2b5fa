"""What a channel does after the end of a term: rules with source and date, read from data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cspkit import validation
from cspkit.errors import SettingsError
from cspkit.tables import Channel, Route

FILE = "channels.toml"
Stopper = Literal["partner", "customer", "current_partner", "nobody"]


class Rule(BaseModel):
    """What happens from the day after `expires_on`, for the terms that the rule's dates fit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    channel: Channel
    starts_from: date | None = Field(None, description="first start of a term it holds for")
    starts_before: date | None = Field(None, description="starts from here on are another rule's")
    expires_from: date | None = Field(None, description="first end of a term it holds for")
    expires_before: date | None = Field(None, description="ends from here on are another rule's")
    terms: tuple[str, ...] = Field((), description="terms it holds for; empty for all")
    grace_days: int = Field(ge=0, le=365, description="days of free, full service after the end")
    sure: bool = Field(description="whether a source states it plainly; unsure is no grace")
    slides_into_paid_month: bool = Field(False, description="goes on as a paid month")
    uplift: Decimal | None = Field(None, ge=0, le=10, description="on the monthly price")
    uplift_without_monthly: Decimal | None = Field(None, ge=0, le=10)
    disabled_days: int = Field(0, ge=0, le=365, description="days that only administrators see it")
    stopped_by: Stopper = Field(description="who can stop the renewal")
    stop_how: str = Field(description="how the renewal is stopped")
    needs_scheduled_cancel: bool = Field(False, description="auto-renew off is not enough")
    credit_possible: bool = Field(False, description="Microsoft may credit unused days on request")
    addons_with_base: bool = Field(False, description="add-ons come over only with their base")
    route: Route = Field(description="how originals of this channel come over")
    source: str
    source_date: date
    since: date | None = Field(None, description="the rule holds from this day")
    until: date | None = Field(None, description="the rule held to this day")

    @property
    def conditional(self) -> bool:
        """Tell whether the rule leaves some terms to a later one."""
        dates = (self.starts_from, self.starts_before, self.expires_from, self.expires_before)
        return any(dates) or bool(self.terms)

    def grace(self, *, use_grace: bool) -> int:
        """Count the days of grace that may be planned with: none unless asked for and sure."""
        return self.grace_days if use_grace and self.sure else 0

    def fits(self, starts_on: date | None, expires_on: date | None, term: str | None) -> bool:
        """Tell whether the rule holds for a term; what nobody states never brings grace."""
        return all(
            not self.grace_days if known is None else verdict
            for known, verdict in self._conditions(starts_on, expires_on, term)
        )

    def _conditions(
        self, starts_on: date | None, expires_on: date | None, term: str | None
    ) -> list[tuple[date | str | None, bool]]:
        """Pair each value that a condition looks at with its verdict."""
        found: list[tuple[date | str | None, bool]] = []
        for value, first, past in (
            (starts_on, self.starts_from, self.starts_before),
            (expires_on, self.expires_from, self.expires_before),
        ):
            if first:
                found.append((value, value is not None and value >= first))
            if past:
                found.append((value, value is not None and value < past))
        if self.terms:
            found.append((term, term in self.terms))
        return found


def rules(overrides: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[Rule, ...]:
    """Return all rules in the order in which they are tried, with a workspace's own values.

    `overrides` is the [channels] table of cspkit.toml, by channel or by rule; a rule that was
    changed is called NAME+settings. Raises SettingsError that names the field.
    """
    if not overrides:
        return _packaged()
    known = {rule.name for rule in _packaged()} | {rule.channel.value for rule in _packaged()}
    if strange := sorted(overrides.keys() - known):
        found = f"expected a channel or a rule of {FILE}, found {strange[0]!r}"
        raise SettingsError("cspkit.toml", f"channels.{strange[0]}", found)
    changed = tuple(_override(rule, overrides) for rule in _packaged())
    for channel in Channel:
        last = [rule for rule in changed if rule.channel == channel][-1]
        if last.conditional:
            place = last.name.removesuffix("+settings")
            problem = f"the last rule of a channel holds for every term; change {place!r} no dates"
            raise SettingsError("cspkit.toml", f"channels.{channel.value}", problem)
    return changed


def named(rules: tuple[Rule, ...], name: str | None) -> Rule:
    """Find the rule that a plan was made with, with the values that it has now.

    A name that there is not, or none, is that of a channel that nobody knows.
    """
    known = {rule.name.removesuffix("+settings"): rule for rule in rules}
    return known.get((name or "").removesuffix("+settings")) or known[Channel.UNKNOWN.value]


def choose(
    rules: tuple[Rule, ...],
    channel: str,
    *,
    starts_on: date | None,
    expires_on: date | None,
    term: str | None,
) -> Rule:
    """Return the first rule of a channel that fits a term."""
    return next(r for r in rules if r.channel == channel and r.fits(starts_on, expires_on, term))


@cache
def _packaged() -> tuple[Rule, ...]:
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    return tuple(Rule.model_validate(rule) for rule in tomllib.loads(text)["rules"])


def _override(rule: Rule, overrides: Mapping[str, Mapping[str, Any]]) -> Rule:
    """Lay a channel's values over a rule, then the values written for that rule alone."""
    for key in dict.fromkeys((rule.channel.value, rule.name)):
        values = overrides.get(key)
        if values:
            rule = _changed(rule, key, values)
    return rule


def _changed(rule: Rule, key: str, values: Mapping[str, Any]) -> Rule:
    if fixed := sorted({"name", "channel"} & values.keys()):
        raise SettingsError("cspkit.toml", f"channels.{key}.{fixed[0]}", "cannot be changed")
    name = rule.name.removesuffix("+settings") + "+settings"
    merged = {"source": "cspkit.toml of this workspace", **values}
    try:
        return Rule.model_validate({**rule.model_dump(), **merged, "name": name})
    except ValidationError as error:
        field, problem = validation.first(error)
        raise SettingsError("cspkit.toml", f"channels.{key}.{field}", problem) from error
