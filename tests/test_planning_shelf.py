"""Plan files in a folder: none is lost, all are listed, and operators know what to type."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from cspkit import planning
from cspkit.errors import CspkitError, SettingsError
from cspkit.planning import Plan
from cspkit.policy import Policy
from tests.originals import AS_OF, customer, exports, original


@pytest.fixture(scope="module")
def plans() -> tuple[Plan, Plan]:
    """A plan of two customers, and one of the first alone."""
    rows = [customer(1), customer(2, relationship="none"), original(1), original(2, of=2)]
    both = exports(*rows)
    one = exports(rows[0], rows[2])
    facts = {"as_of": AS_OF, "start": "2026-11-23"}
    return planning.plan(both, **facts), planning.plan(one, **facts)


def test_another_plan_is_never_written_over(tmp_path: Path, plans: tuple[Plan, Plan]) -> None:
    """What somebody approved stays; the sentence offers a name that is free."""
    file = planning.keep(plans[0], tmp_path / "plan.json")
    planning.keep(plans[0], file)

    with pytest.raises(
        CspkitError, match=r"there already and differs; choose another: plan-2\.json"
    ):
        planning.keep(plans[1], file)
    assert Plan.read(file).hash == plans[0].hash


@pytest.mark.parametrize("name", ["plan.txt", "plan"])
def test_a_plan_file_is_json(tmp_path: Path, plans: tuple[Plan, Plan], name: str) -> None:
    """A workbook's name would be written over by the workbook beside it."""
    with pytest.raises(CspkitError, match=r"expected the name of a \.json file"):
        planning.keep(plans[0], tmp_path / name)


def test_saved_plans_are_listed_newest_first(tmp_path: Path, plans: tuple[Plan, Plan]) -> None:
    """An edited plan is named with its problem; other files are none of ours."""
    planning.keep(plans[0], tmp_path / "a.json")
    planning.keep(plans[1], tmp_path / "b.json")
    edited = json.loads((tmp_path / "a.json").read_text())
    edited["moves"] = []
    (tmp_path / "c.json").write_text(json.dumps(edited))
    (tmp_path / "d.json").write_text("[]")
    listed = planning.saved(tmp_path)

    assert listed["file"].tolist() == ["c.json", "b.json", "a.json"]
    assert ["edited" in problem for problem in listed["problem"]] == [True, False, False]
    assert plans[1].hash == planning.latest(tmp_path, plans[0])[0].hash
    assert planning.latest(tmp_path, plans[0], "x.json") == (plans[0], "x.json")


def test_an_empty_folder_hands_over_the_plan_at_hand(
    tmp_path: Path, plans: tuple[Plan, Plan]
) -> None:
    """Before anything is saved the commands can be read too."""
    assert planning.saved(tmp_path).empty
    assert planning.latest(tmp_path, plans[0]) == (plans[0], "plan.json")


def test_operators_are_told_what_to_type(plans: tuple[Plan, Plan]) -> None:
    """Approval, invitations, then each step of the first batch, by day, and never a mode."""
    told = planning.commands(plans[0], "my plan.json")
    words = [shlex.split(line) for line in told["type"]]

    assert told["what"].iloc[0] == "approve"
    assert {"approve", "invite", "access", "provision", "verify"} == set(told["what"])
    assert all("my plan.json" in line for line in words)
    assert not any("--mode" in line for line in words)
    assert told["day"].is_monotonic_increasing


def test_a_policy_that_cannot_be_is_a_sentence() -> None:
    """A slider or parameter out of range names itself and what was found."""
    with pytest.raises(SettingsError, match=r"policy: moves_per_day: .* found -5"):
        planning.changed(Policy(), {"moves_per_day": -5})
