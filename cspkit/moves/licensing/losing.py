"""What a user loses by a change of product: service plans that nothing of the new one has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cspkit import catalogue
from cspkit.graph import Pool, User

_WORDS = re.compile(r"[\s,;]+")
Pools = Mapping[str, Pool]


def carried(disabled: Iterable[str], new: Pool) -> list[str]:
    """List the disabled service plans that the new product has too, by servicePlanId."""
    return sorted(set(disabled) & new.plans)


def lost(user: User, old: Pool, new: Pool, pools: Pools) -> list[str]:
    """Name the service plans that a user has now and would not have after the change.

    What is disabled is not used and so not lost; neither is what another licence of the user
    gives, or a plan that includes it. A plan without a name goes by its id.
    """
    held = user.licence(old.sku_id)
    if held is None:
        return []
    others = [
        (pools[one.sku_id], one.disabled_plans)
        for one in user.licences
        if one.sku_id in pools and one.sku_id not in (old.sku_id, new.sku_id)
    ]
    kept = user.licence(new.sku_id)
    off = kept.disabled_plans if kept else frozenset(carried(held.disabled_plans, new))
    after = _enabled(new, off)
    for pool, disabled in others:
        after |= _enabled(pool, disabled)
    before = _enabled(old, held.disabled_plans)
    missing = {name for plan, name in before.items() if plan not in after}
    names = set(after.values())
    return sorted(name for name in missing - names if not _included(name, names))


def _enabled(pool: Pool, disabled: Iterable[str]) -> dict[str, str]:
    off = set(disabled)
    return {plan: pool.plan_names.get(plan) or plan for plan in pool.plans if plan not in off}


def _included(name: str, names: set[str]) -> bool:
    known = catalogue.plans().get(name)
    return known is not None and bool(set(known["included_in"].split()) & names)


def in_words(names: Iterable[str]) -> str:
    """Say what service plans are to a user; one that no list explains goes by its name alone."""
    known = catalogue.plans()
    return "; ".join(
        f"{name} ({known[name]['words']})" if name in known else name for name in sorted(names)
    )


def accepted(text: str | None) -> set[str]:
    """Read the names that somebody signed for, in any case, between blanks or commas."""
    return {word.upper() for word in _WORDS.split(text or "") if word}
