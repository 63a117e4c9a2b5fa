"""The rules of the house: who may import whom, what is public, what is quick to load."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import cspkit

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cspkit"
FLOORS = [
    "errors",
    "validation",
    "clock",
    "names",
    "writing",
    "collecting",
    "later",
    "statements",
    "tables",
    "policy",
    "settings",
    "channels",
    "catalogue",
    "exports",
    "decisions",
    "blockers",
    "money",
    "judging",
    "wording",
    "ranking",
    "explaining",
    "planfile",
    "solving",
    "scheduling",
    "placing",
    "planning",
    "workspace",
    "ledger",
    "wire",
    "partner_center",
    "graph",
    "azure_billing",
    "letters",
    "moves",
    "reconciling",
    "reporting",
    "picking",
    "kernels",
    "runbooks",
    "doctor",
    "rehearsal",
    "rehearsing",
    "listing",
    "demo",
    "widgets",
    "cli",
]
PURE = ["errors", "tables", "policy", "judging", "ranking", "planning"]


def modules() -> list[Path]:
    return sorted(
        path
        for path in PACKAGE.rglob("*.py")
        if path.name != "__main__.py" and path != PACKAGE / "__init__.py"
    )


def floor(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_lower_floors(path: Path) -> None:
    """Nothing below knows what stands on it, and nobody imports the package's front door."""
    below = FLOORS[: FLOORS.index(floor(path)) + 1]
    ours = [name.split(".") for name in imported(path) if name.split(".")[0] == "cspkit"]

    assert [parts for parts in ours if len(parts) < 2 or parts[1] not in below] == []


def test_every_module_has_its_floor() -> None:
    """A new module is placed in the house on purpose."""
    assert set(FLOORS) == {floor(path) for path in modules()}


def test_the_rehearsal_knows_only_the_tables() -> None:
    """What judges the runbooks shares no code with them."""
    ours = {
        name
        for path in (PACKAGE / "rehearsal").rglob("*.py")
        for name in imported(path)
        if name.startswith("cspkit.") and not name.startswith("cspkit.rehearsal")
    }

    assert {name for name in ours if not name.startswith("cspkit.tables")} == set()


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_touch_nothing_outside(module: str) -> None:
    """Judging, ranking and planning can be tested with frames alone."""
    outside = {"requests", "sqlite3", "sqlalchemy", "papermill", "ipywidgets", "os", "subprocess"}

    files = [path for path in modules() if floor(path) == module]
    assert not {name.split(".")[0] for path in files for name in imported(path)} & outside


@pytest.mark.parametrize(
    ("library", "owners"),
    [
        ("requests", {"wire", "rehearsal"}),
        ("sqlalchemy", {"ledger"}),
        ("alembic", {"ledger"}),
        ("papermill", {"kernels", "runbooks"}),
        ("ipywidgets", {"widgets"}),
        ("itables", {"widgets"}),
        ("jinja2", {"reporting"}),
        ("ortools", {"solving", "planning"}),
        ("rich", {"cli"}),
        ("smtplib", {"letters"}),
    ],
)
def test_each_outside_thing_has_one_owner(library: str, owners: set[str]) -> None:
    """A change of library or rule is made in one place."""
    users = {
        floor(path)
        for path in modules()
        if library in {name.split(".")[0] for name in imported(path)}
    }

    assert users <= owners


def test_public_names_are_few_and_real() -> None:
    """What outside code may rely on is listed, documented and at most 15 names."""
    assert len(cspkit.__all__) <= 15
    assert all(getattr(cspkit, name).__doc__ for name in cspkit.__all__)


@pytest.mark.parametrize("statement", ["import cspkit", "import cspkit.cli"])
def test_the_front_door_is_light(statement: str) -> None:
    """`import cspkit` and `cspkit --help` wait for no notebook, chart or table engine."""
    heavy = "{'papermill', 'nbconvert', 'altair', 'duckdb', 'ibis', 'pandas', 'IPython'}"
    code = f"import sys; {statement}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_nothing_names_an_address_of_a_registry() -> None:
    """Pins are names and versions; where packages come from is the user's business."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    assert pins
    assert [pin for pin in pins if pin.count("==") != 1 or "/" in pin or "@" in pin] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.stem
)
def test_every_test_states_its_rule(path: Path) -> None:
    """A failing test says which rule broke, not which function ran."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tests = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]

    assert tests
    assert [node.name for node in tests if not ast.get_docstring(node)] == []
