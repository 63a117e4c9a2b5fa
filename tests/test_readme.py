"""What the README tells people to type: each command is one, and the road of a batch is open."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from cspkit import cli, decisions, runbooks
from cspkit.moves import consent
from tests.scene import MONDAY, Scene, scene

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
TYPED = "\n".join(text for language, text in FENCES if not language)
COMMANDS = sorted(set(re.findall(r"^cspkit .+", TYPED, re.MULTILINE)))


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md"), ROOT / "tests/proof/result.md"]


def parsed(line: str) -> dict[str, Any]:
    """Read a command as the command line does, down to its last group; nothing is run."""
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(cli.app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    return dict(command.make_context(command.name, words).params)


def missing(office: Scene) -> list[str]:
    """Say for each move of the plan what its consent lacks, by decisions.xlsx as it is now."""
    rows = decisions.read(office.settings.decisions).original_table.to_pylist()
    originals = {row["subscription_id"]: row for row in rows}
    return [consent.disagreement(move, originals, MONDAY) for move in office.moves]


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_one(line: str) -> None:
    """Verb, arguments and options as they stand there are those of the command line."""
    told = parsed(line)

    assert told.get("runbook", "invite") in runbooks.RUNBOOKS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page: Path) -> None:
    """A file that was moved or deleted is named by no page, and a heading by its words."""
    text = page.read_text(encoding="utf-8")
    headings = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in heads(text)}
    links = [one for one in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in one]
    inside = [one[1:] for one in links if one.startswith("#")]
    missing = [one for one in links if one[0] != "#" and not (page.parent / one).exists()]

    assert (missing, sorted(set(inside) - headings)) == ([], [])


def heads(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def test_what_a_batch_needs_first_is_all_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the lines of the README no move may be ordered, after them each of the batch."""
    section = README.split("## Run a batch")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    with scene() as office:
        office.plan(office.ready(), office.ready(1))
        office.settings.decisions.unlink()
        monkeypatch.chdir(office.settings.root)

        assert all("consent_missing" in why for why in missing(office))
        exec(compile(code, "README.md", "exec"), {})
        assert missing(office) == ["", ""]
