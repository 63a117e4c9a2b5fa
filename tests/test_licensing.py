"""The rules of changing licences: who is covered, what is lost, what a signature needs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit import catalogue
from cspkit.graph import Licence, Pool, State, User
from cspkit.moves.licensing import covering, losing
from cspkit.moves.licensing.checking import unsigned
from cspkit.moves.licensing.covering import NOTHING, SWAP, TAKE, Asked

OLD, NEW, OTHER = "old", "new", "other"
TODAY = date(2026, 11, 23)
SIGNED = {
    "losses_accepted": "exchange_s_enterprise, TEAMS1",
    "losses_accepted_by": "Giulia  SERRA",
    "losses_accepted_on": TODAY,
}


def user(key: str, *held: tuple[str, str], off: tuple[str, ...] = ()) -> User:
    """A user with licences: each a skuId and the group that gives it, or their own."""
    disabled = frozenset(off)
    licences = {sku: Licence(sku, disabled, bool(group)) for sku, group in held}
    states = tuple(State(sku, "active", "none", group, disabled) for sku, group in held)
    return User(key, "ES", tuple(licences.values()), states, principal=f"{key}@x.example")


def pool(sku: str, *plans: str) -> Pool:
    """A pool whose service plans have ids of their own."""
    names = {f"id-{plan}": plan for plan in plans}
    return Pool(sku, 10, 0, 0, "enabled", frozenset(names), frozenset(), names)


# who


USERS = st.lists(
    st.builds(
        lambda number, skus, group: user(
            f"u{number}", *((sku, group if sku == OLD else "") for sku in sorted(skus))
        ),
        st.integers(0, 30),
        st.sets(st.sampled_from([OLD, NEW, OTHER])),
        st.sampled_from(["", "", "g1", "g2"]),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)
ASKED = st.builds(
    Asked,
    st.just(OLD),
    st.just(NEW),
    st.integers(0, 12),
    st.none() | st.frozensets(st.integers(0, 30).map(lambda n: f"u{n}"), max_size=6),
    st.frozensets(st.integers(0, 30).map(lambda n: f"u{n}@x.example"), max_size=4),
    st.frozensets(st.integers(0, 30).map(lambda n: f"u{n}"), max_size=4),
)


def slowly(users: list[User], asked: Asked) -> list[str]:
    """Who is covered, told one by one: those begun, then named ones or by id, up to the seats."""
    holding = [one for one in users if OLD in {licence.sku_id for licence in one.licences}]
    begun = sorted(one.id for one in holding if one.id in asked.begun)
    gone = [one for one in users if one.id in asked.begun and one not in holding]
    if asked.named is not None:
        free = [one for one in holding if one.id in asked.named]
    else:
        free = [one for one in holding if f"{one.id}@x.example" not in asked.others]
        begun = [key for key in begun if f"{key}@x.example" not in asked.others]
    own = sorted(one.id for one in free if not one.groups(OLD) and one.id not in begun)
    for group in ("g1", "g2"):
        own += sorted(o.id for o in free if o.groups(OLD) == (group,) and o.id not in begun)
    seats = max(asked.seats - len(gone), 0)
    return (begun + own)[: max(seats, len(begun))]


@given(USERS, ASKED)
def test_a_move_covers_whom_the_slow_telling_names(users: list[User], asked: Asked) -> None:
    """Begun first, then own licences, then groups, always by id, never beyond the seats."""
    found = [one.id for one in covering.covered(users, asked)]

    begun = [key for key in found if key in asked.begun]
    told = slowly(users, asked)
    assert set(found) == set(told)
    assert found[len(begun) :] == told[len(begun) :]


@given(USERS, ASKED)
def test_a_cut_off_run_covers_the_same_users(users: list[User], asked: Asked) -> None:
    """However many were changed before it died, the others are still those of the first run."""
    first = [one.id for one in covering.covered(users, asked)]
    for cut in range(len(first)):
        done = set(first[:cut])
        now = [user(one.id, (NEW, "")) if one.id in done else one for one in users]
        more = Asked(**{**vars(asked), "begun": asked.begun | done})
        assert {one.id for one in covering.covered(now, more)} == set(first) - done


@pytest.mark.parametrize(
    ("held", "own"),
    [
        ([(OLD, "")], SWAP),
        ([(OLD, ""), (NEW, "")], TAKE),
        ([(OLD, ""), (NEW, "g2")], TAKE),
        ([(OLD, "g1")], NOTHING),
        ([(OLD, "g1"), (OLD, "")], TAKE),
    ],
)
def test_an_own_licence_is_swapped_unless_the_new_one_comes_otherwise(
    held: list[tuple[str, str]], own: str
) -> None:
    """Swapped where it is all there is; only taken where the new one is there or a group's."""
    (change,) = covering.changes([user("u", *held)], Asked(OLD, NEW, 1))

    assert change.own == own


# what is lost


def test_a_plan_that_includes_another_replaces_it() -> None:
    """From Exchange Plan 1 to Plan 2 no mailbox is lost; back, the archive and the hold are."""
    one, two = pool(OLD, "EXCHANGE_S_STANDARD"), pool(NEW, "EXCHANGE_S_ENTERPRISE")
    back = (pool(OLD, "EXCHANGE_S_ENTERPRISE"), pool(NEW, "EXCHANGE_S_STANDARD"))
    who = user("u", (OLD, ""))

    assert losing.lost(who, one, two, {}) == []
    assert losing.lost(who, *back, {}) == ["EXCHANGE_S_ENTERPRISE"]
    words = losing.in_words(["EXCHANGE_S_ENTERPRISE"])
    assert "litigation hold" in words and "100 GB" in words and "archive" in words


def test_what_another_licence_gives_is_not_lost() -> None:
    """An add-on that holds the plan keeps it, unless it is disabled there."""
    old, new, addon = pool(OLD, "TEAMS1"), pool(NEW), pool(OTHER, "TEAMS1")
    pools = {one.sku_id: one for one in (old, new, addon)}

    assert losing.lost(user("u", (OLD, ""), (OTHER, "")), old, new, pools) == []
    assert losing.lost(user("u", (OLD, "")), old, new, pools) == ["TEAMS1"]


@given(st.data())
def test_losses_are_those_of_a_slow_telling(data: st.DataObject) -> None:
    """Enabled before, not enabled after by anything, and in nothing that is."""
    names = sorted(catalogue.plans())
    some = st.sets(st.sampled_from(names), max_size=6)
    before, after, off = data.draw(some), data.draw(some), data.draw(some)
    who = user("u", (OLD, ""), off=tuple(f"id-{name}" for name in sorted(off)))
    expected = []
    for name in sorted(before - off):
        over = {name, *catalogue.plans()[name]["included_in"].split()}
        if not over & (after - off):
            expected.append(name)

    assert losing.lost(who, pool(OLD, *before), pool(NEW, *after), {}) == expected


def test_every_plan_has_words_and_a_source() -> None:
    """Words for people, and what includes it is a plan of the list."""
    plans = catalogue.plans()

    assert all(row["words"] and row["source"] for row in plans.values())
    assert {name for row in plans.values() for name in row["included_in"].split()} <= set(plans)


# who signed


LOSSES = {"EXCHANGE_S_ENTERPRISE": 3, "TEAMS1": 9}


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({}, ""),
        ({"losses_accepted": "TEAMS1"}, "up to 3 users would lose EXCHANGE_S_ENTERPRISE (mailbox"),
        ({"losses_accepted": None}, "up to 9 users would lose"),
        ({"losses_accepted_by": None}, "expected who signed"),
        ({"losses_accepted_on": None}, "expected who signed"),
        ({"losses_accepted_on": date(2026, 11, 24)}, "a day until 2026-11-23"),
        ({"losses_accepted_by": "Ana Ruiz"}, "nobody that the decisions name"),
    ],
)
def test_half_a_signature_is_none(cells: dict[str, Any], why: str) -> None:
    """Every plan by name, a day that has come, and a person who speaks for the customer."""
    found = unsigned(LOSSES, {**SIGNED, **cells}, ["giulia serra", "Paolo"], TODAY)

    assert found.startswith(why) if not why else why in found


def test_nothing_lost_needs_no_signature() -> None:
    """Most changes cost nobody anything."""
    assert unsigned({}, {}, [], TODAY) == ""
