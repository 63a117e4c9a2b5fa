"""What a notebook is: the story of one step, told to an operator; all logic is in the package."""

from __future__ import annotations

import ast
import json
import re
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from cspkit import runbooks
from cspkit.runbooks import parameters

BOOKS = sorted(runbooks.notebooks().values())
HEADER = ("Question", "Reads", "Writes", "Touches")


def cells(book: Path, kind: str = "") -> list[dict[str, Any]]:
    every: list[dict[str, Any]] = json.loads(book.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in every if not kind or cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def lines(book: Path) -> list[int]:
    """Count the lines of code of each cell."""
    return [
        len([line for line in source(cell).splitlines() if line.strip()])
        for cell in cells(book, "code")
    ]


def words(cell: dict[str, Any]) -> int:
    """Count the words of a text cell, its heading apart."""
    return len(re.sub(r"^#.*$", "", source(cell), flags=re.MULTILINE).split())


every_book = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)


def test_the_road_is_complete() -> None:
    """Every runbook that can be called has its notebook, and so has every analyst's step."""
    stems = {book.stem for book in BOOKS}

    assert set(runbooks.RUNBOOKS.values()) <= stems
    assert {"10-load-exports", "20-rank-customers", "30-plan-batches"} <= stems


@every_book
def test_names_and_kernel_are_plain(book: Path) -> None:
    """`NN-verb-object.ipynb` for a kernel that every Jupyter has, in the present format."""
    content = json.loads(book.read_text(encoding="utf-8"))

    assert re.fullmatch(r"\d\d(-[a-z]+)+", book.stem)
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert set(content["metadata"]) == {"kernelspec", "language_info"}


@every_book
def test_nothing_of_a_run_is_committed(book: Path) -> None:
    """Outputs, counts and widget state are where customers' names would linger."""
    for cell in cells(book, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert all(set(cell["metadata"]) <= {"tags"} for cell in cells(book))


@every_book
def test_cells_have_names_of_their_own(book: Path) -> None:
    """Stable ids keep a change of one cell a change of one cell."""
    ids = [cell["id"] for cell in cells(book)]

    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in ids)


@every_book
def test_the_header_says_what_to_expect(book: Path) -> None:
    """Question, reads, writes, touches: before anything runs."""
    first = cells(book)[0]

    assert first["cell_type"] == "markdown"
    assert source(first).startswith("# ")
    assert re.findall(r"^- \*\*(\w+):\*\* \S", source(first), re.MULTILINE) == list(HEADER)


@every_book
def test_parameters_come_first_and_are_explained(book: Path) -> None:
    """One cell of typed literals, each with its help; none that could be a secret."""
    tagged = [i for i, cell in enumerate(cells(book, "code")) if cell["metadata"].get("tags")]
    declared = parameters.declared(book)

    assert tagged == [0]
    assert all(parameter.help for parameter in declared.values())
    defaults = {name: parameter.default for name, parameter in declared.items()}
    assert parameters.check(book, defaults) == defaults


@pytest.mark.parametrize("name", runbooks.RUNBOOKS)
def test_runbooks_are_dry_unless_told_otherwise(name: str) -> None:
    """Every runbook takes the same parameters, so that one command can call them all."""
    declared = parameters.declared(runbooks.find(runbooks.RUNBOOKS[name]))

    assert declared["mode"].default == "dry"
    limits = ["canary", "max_failures", "only", "parallel", "until"]
    which = ["plan", "batch", "due", "mode"]
    own = ["asked_by", "agreed_by", "seats"] if name == "undo" else []
    assert list(declared) == [*which, *limits, *own, "config", "run_id", "result_file"]


@every_book
def test_all_logic_is_in_the_package(book: Path) -> None:
    """No function, class, loop or try; a cell that needs one shows that a module lacks it."""
    forbidden = (
        *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
        *(ast.For, ast.While, ast.Try, ast.With, ast.Global),
    )
    for cell in cells(book, "code"):
        found = [type(n).__name__ for n in ast.walk(ast.parse(source(cell)))]
        assert not {kind.__name__ for kind in forbidden} & set(found)


@every_book
def test_a_name_is_bound_once(book: Path) -> None:
    """Cells can be run again in order without surprise, and no name is `df`."""
    code = [ast.parse(source(cell)) for cell in cells(book, "code")]
    names = [
        node.id
        for tree in code
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]

    assert len(names) == len(set(names))
    assert not {name for name in names if re.fullmatch(r"df\d*|tmp|data|x", name)}


@every_book
def test_the_outside_is_changed_in_one_place(book: Path) -> None:
    """Only one cell of a runbook can write, and it stands behind the mode."""
    writing = [cell for cell in cells(book, "code") if "carry_out" in source(cell)]

    assert len(writing) == int(book.parent.name == "runbooks")


@every_book
def test_the_budget_is_kept(book: Path) -> None:
    """A notebook that is longer is two notebooks, or has code that belongs in a module."""
    code = lines(book)

    assert 8 <= len(code) <= 15
    assert sum(code) <= 60
    assert median(code) <= 3
    # one line for each parameter
    assert max(code[1:]) <= 12 and code[0] <= 15


@every_book
def test_text_comes_before_code(book: Path) -> None:
    """A text asks or announces, the code answers: in pieces that can be read."""
    every = cells(book)
    text, code = cells(book, "markdown"), cells(book, "code")
    after = [b for a, b in pairwise(every) if a in text and b in code]

    assert len(text) >= 0.9 * len(code)
    assert len(after) >= 0.75 * len(code)
    assert all(25 <= words(cell) <= 75 for cell in text)


@every_book
def test_the_end_is_checked(book: Path) -> None:
    """Before it closes, a notebook asserts what must hold, each with a message."""
    asserts = [
        node
        for cell in cells(book, "code")
        for node in ast.walk(ast.parse(source(cell)))
        if isinstance(node, ast.Assert)
    ]

    assert len(asserts) >= 3
    assert all(node.msg for node in asserts)
