"""The settings of one run: written whole for its kernel, read again by its notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

from cspkit.errors import SettingsError
from cspkit.runbooks.parameters import SECRET
from cspkit.settings import FILE, Settings


def keep(settings: Settings, folder: Path) -> Path:
    """Write settings into folder as a cspkit.toml with whole paths; return the file.

    The kernel reads exactly what its caller had, and the file stays as evidence. Raises
    SettingsError when an address holds a password, which would be kept in clear.
    """
    whole = settings.model_dump(exclude_none=True)
    whole["paths"] = {
        "exports": settings.exports.as_posix(),
        "decisions": settings.decisions.as_posix(),
        "ledger": settings.ledger_url,
        "reports": settings.reports.as_posix(),
    }
    text = "".join(f"[{name}]\n{_lines(fields)}\n" for name, fields in whole.items())
    if SECRET.search(text):
        raise SettingsError(settings.root / FILE, "paths.ledger", "holds a password; leave it out")
    file = folder / FILE
    file.write_text(text, encoding="utf-8")
    return file


def _lines(fields: Mapping[str, object]) -> str:
    return "".join(f"{json.dumps(name)} = {_toml(value)}\n" for name, value in fields.items())


def _toml(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(name)} = {_toml(item)}" for name, item in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return json.dumps(str(value))
    # JSON and TOML write text, numbers and truth alike, as long as text is not \u-escaped.
    return json.dumps(value, ensure_ascii=False)
