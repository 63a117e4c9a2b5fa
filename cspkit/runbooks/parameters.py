"""What a notebook declares in its parameters cell, and whether given values fit it."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cspkit.errors import RunbookError, UnknownParameter

Value = str | int | float | bool

SECRET = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+"  # a signed token
    r"|\b[01]\.A[\w-]{30,}"  # a refresh token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bBearer\s+[\w.~+/-]{12,}"
    r"|://[^/\s:@]+:[^/\s@]+@"  # a password in an address
    r"|\b(?:AccountKey|SharedAccessKey|sig)=[\w%+/]{12,}"
    r"|\b\w{3}[78]Q~[\w.~-]{31}"  # a client secret
)

_SECRET_NAME = re.compile(
    r"secret|token|passw|pwd|credential|bearer|jwt|apikey|(^|_)(key|sas|pat)(_|$)", re.IGNORECASE
)
_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class Parameter:
    """One line of a notebook's parameters cell."""

    name: str
    type: str
    default: Value
    help: str


def declared(notebook: Path) -> dict[str, Parameter]:
    """Read what a notebook declares in its one parameters cell, without running anything."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
    if len(tagged) != 1:
        raise RunbookError(f"{notebook.name}: expected one parameters cell, found {len(tagged)}")
    source = "".join(tagged[0]["source"])
    lines = source.splitlines()
    return {p.name: p for p in (_parameter(node, lines) for node in ast.parse(source).body)}


def _parameter(node: ast.stmt, lines: list[str]) -> Parameter:
    if (
        not isinstance(node, ast.AnnAssign)
        or not isinstance(node.target, ast.Name)
        or not isinstance(node.annotation, ast.Name)
        or node.annotation.id not in _TYPES
        or node.value is None
    ):
        raise RunbookError(f"expected `name: type = literal  # help`, found {ast.unparse(node)!r}")
    comment = lines[node.end_lineno - 1][node.end_col_offset :] if node.end_lineno else ""
    return Parameter(
        name=node.target.id,
        type=node.annotation.id,
        default=ast.literal_eval(node.value),
        help=comment.partition("#")[2].strip(),
    )


def check(notebook: Path, given: Mapping[str, object]) -> dict[str, Value]:
    """Return the given parameters as the notebook takes them.

    Raises UnknownParameter for a name it does not declare, a value of another type, and
    anything that looks like a secret: parameters are kept in clear in the executed notebook.
    """
    known = declared(notebook)
    for name, value in given.items():
        if _SECRET_NAME.search(name) or (isinstance(value, str) and SECRET.search(value)):
            raise UnknownParameter(
                f"{notebook.stem}: {name!r} looks like a secret, and parameters are kept in"
                " clear; sign in instead, or name an environment variable",
                notebook=notebook.stem,
            )
        if name not in known:
            raise UnknownParameter(
                f"{notebook.stem} has no parameter {name!r}; it takes {', '.join(known)}",
                notebook=notebook.stem,
            )
    return {name: _typed(notebook.stem, known[name], value) for name, value in given.items()}


def _typed(notebook: str, parameter: Parameter, value: object) -> Value:
    if parameter.type == "float" and type(value) is int:
        value = float(value)
    # `type() is`, because True passes for an int; finite, because a NaN in its metadata makes
    # the executed notebook unreadable in JupyterLab.
    fits = type(value) is _TYPES[parameter.type] and isinstance(value, Value)
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise UnknownParameter(
            f"{notebook}: {parameter.name} expects {parameter.type}, found {value!r}",
            notebook=notebook,
        )
    assert isinstance(value, Value)
    return value
