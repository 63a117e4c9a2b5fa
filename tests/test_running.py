"""Kept statements judge as the expressions do, whatever the day, the policy and the rules."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import cspkit
from cspkit import channels, judging
from cspkit.decisions import Decisions
from cspkit.exports import Exports
from cspkit.judging import deriving, running, summing
from cspkit.judging.given import FACTS, Given, gather
from cspkit.judging.sources import AtHand, Named
from cspkit.placing import COLUMNS
from cspkit.policy import Policy, Season
from cspkit.settings import Settings
from tests.originals import AS_OF, crowd, customer_id, exports, offer, price

PACKAGE = Path(cspkit.__file__).parent
SETTINGS: list[dict[str, Any]] = [
    {},
    {"policy": Policy(markets=("ES", "IT"), use_grace=True, access_days=11)},
    {"policy": Policy(term="P1M", relationship_days=0, agreement_days=0, slow_seasons=())},
    {
        "policy": Policy(
            currency="USD",
            billing_cycle="annual",
            repair_days=4,
            slow_seasons=(Season(first="11-01", last="11-30", markets=("IT",)),),
        )
    },
    {"channels": {"direct_mca": {"route": "none"}}},
]
RANKED = ("ranked",)


@pytest.fixture(scope="module")
def loaded() -> Exports:
    """Three hundred customers with prices and an offer matrix."""
    return exports(*crowd(seed=23, count=300), price(), price(2, market="ES"), offer())


def given(loaded: Exports, number: int) -> Given:
    """What a judgement is given, on another day for each of the settings."""
    said = Decisions.from_rows(
        [{"customer_id": customer_id(n), "invited_on": date(2026, 11, 10)} for n in range(9)],
        [{"subscription_id": f"s{n:05d}", "hold": True, "seats": 7} for n in range(20)],
    )
    day = AS_OF + timedelta(days=37 * number)
    return gather(loaded, as_of=day, settings=Settings(**SETTINGS[number]), decisions=said)


def rows(table: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return found


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_a_kept_statement_ranks_as_the_expressions_do(loaded: Exports, number: int) -> None:
    """What is filled into a statement has the effect that it has in an expression."""
    known = given(loaded, number)
    expected = judging.fetch(summing.ordered(summing.summed(AtHand(loaded, known))))
    found = running.ranked(loaded, known)

    assert rows(expected) == rows(found.select(expected.column_names))
    assert expected.schema.field("seats").type == found.schema.field("seats").type


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_a_kept_statement_judges_as_the_expressions_do(loaded: Exports, number: int) -> None:
    """Plans are made from the same rows."""
    known = given(loaded, number)
    expected = judging.fetch(deriving.others(AtHand(loaded, known), COLUMNS))

    assert rows(expected) == rows(running.originals(loaded, known, COLUMNS))


def test_days_and_policies_share_one_statement(loaded: Exports) -> None:
    """Nothing of a day or a policy is left in the text, so that none can be out of date."""
    running.ranked(loaded, given(loaded, 0))
    texts = {
        running.kept(given(loaded, number), RANKED, lambda source: pytest.fail("built again")).sql
        for number in range(4)
    }

    assert len(texts) == 1


def test_a_rule_of_the_workspace_has_a_statement_of_its_own(loaded: Exports) -> None:
    """A channel's rules are part of the text, and of what it is known by."""
    built = []

    def build(source: Any) -> Any:
        built.append(source.rules)
        return summing.summed(source)

    for number in (0, 4, 0, 4):
        running.kept(given(loaded, number), ("a", "test"), build)

    assert [given(loaded, 0).rules, given(loaded, 4).rules] == built


def test_a_statement_is_the_same_in_every_process() -> None:
    """What one process keeps, another would have written, letter by letter."""
    script = (
        "from cspkit import channels\n"
        "from cspkit.judging import running, summing\n"
        "from cspkit.judging.sources import Named\n"
        "print(repr(running._compiled(summing.ordered(summing.summed(Named(channels.rules()))))))"
    )
    here = running._compiled(summing.ordered(summing.summed(Named(channels.rules()))))
    seeded = os.environ | {"PYTHONHASHSEED": "7"}
    there = subprocess.run(
        [sys.executable, "-c", script], env=seeded, capture_output=True, text=True, check=True
    )

    assert repr(here) == there.stdout.strip()


def test_values_are_filled_in_as_text() -> None:
    """A value can end no literal, whatever is in it; columns that look like marks stay."""
    text = 'SELECT \'__term\', "__rules"."_file" FROM "__rules"'
    places, values = {"rules": '"given_rules"'}, {"term": "P1Y' OR '1"}

    assert running.filled(text, places, values) == (
        "SELECT 'P1Y'' OR ''1', \"given_rules\".\"_file\" FROM \"given_rules\""
    )


def test_a_second_ranking_builds_no_expression(loaded: Exports, tmp_path: Path) -> None:
    """Nine thousand customers feel instant only where neither Ibis nor pandas is loaded."""
    loaded.save(tmp_path / "tables")
    command = [
        *("rank", str(tmp_path / "tables"), "--as-of", "2026-11-20"),
        *("--out", str(tmp_path / "ranked.csv")),
    ]
    script = (
        "import sys, cspkit.cli\n"
        "try:\n    cspkit.cli.app(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'ibis', 'pandas', 'sqlglot'} & sys.modules.keys()))"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script, *command],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )

    assert done.stdout.splitlines()[-1] == "[]"


def test_statements_are_known_by_all_that_they_are_written_from() -> None:
    """What builds a judgement lies in the folders that are hashed; the rest is in the key."""
    imported = {
        name.split(".")[1]
        for path in (PACKAGE / "judging").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cspkit")
        for name in [f"{node.module}.{node.names[0].name}"]
    }
    hashed = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}

    assert imported - hashed - {"exports", "judging"} == {"decisions"}
    assert "decided" in FACTS
