"""conda users get the same pins as pip users."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "ibis-framework": "ibis-duckdb",
    "ortools": "ortools-python",
    "tzdata": "python-tzdata",
    "playwright": "playwright-python",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [
    Requirement(line)
    for line in [
        *PROJECT["dependencies"],
        *EXTRAS["live"],
        *EXTRAS["spark"],
        *EXTRAS["teams"],
        *EXTRAS["test"],
    ]
]


def conda_pins() -> dict[str, str]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = environment["dependencies"]
    lines = [line for line in listed if isinstance(line, str)]
    lines += [line for part in listed if isinstance(part, dict) for line in part["pip"]]
    return {
        match[1]: match[2]
        for match in (re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", line) for line in lines)
        if match
    }


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda r: r.name)
def test_conda_and_pip_pin_alike(requirement: Requirement) -> None:
    """environment.yml carries each dependency of pyproject.toml with the same range."""
    name = requirement.name.lower()
    pins = conda_pins()
    found = Requirement(f"x{pins[CONDA_NAMES.get(name, name)]}").specifier

    assert requirement.specifier == found


def test_conda_has_nothing_more() -> None:
    """Whatever environment.yml installs is a dependency of the project, python or pip."""
    ours = {CONDA_NAMES.get(r.name.lower(), r.name.lower()) for r in REQUIREMENTS}

    assert {"python", "pip"} == set(conda_pins()) - ours


def test_python_fits() -> None:
    """Both files ask for the same Python."""
    assert PROJECT["requires-python"] == conda_pins()["python"]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda r: r.name)
def test_constraints_pin_what_pyproject_allows(requirement: Requirement) -> None:
    """constraints.txt holds one exact version inside each range, and it is the installed one."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.lower().split("==") for line in lines if "==" in line)
    pinned = pins[requirement.name.lower()]

    assert requirement.specifier.contains(Version(pinned))
    assert Version(pinned) == Version(version(requirement.name))
