"""The plan and settings of one run: written whole for its kernel, read by its notebook."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from cspkit.errors import SettingsError
from cspkit.runbooks.parameters import SECRET
from cspkit.settings import FILE, Settings

if TYPE_CHECKING:
    import pandas as pd

_trials: list[tempfile.TemporaryDirectory[str]] = []


def settle(
    plan: str, config: str, *, samples: Path, as_of: str, start: str
) -> tuple[Path, Settings]:
    """Return the plan file and the settings that a runbook works with.

    Without a plan, both come from a throw-away workspace with a plan of the samples, gone when
    the kernel ends: so a runbook can be opened and run as it is.
    """
    if plan:
        return Path(plan).resolve(), read_settings(config)
    from cspkit import exports, planning

    # Kept in the list, because a temporary folder goes with its last reference.
    _trials.append(tempfile.TemporaryDirectory(prefix="cspkit-trial-"))
    settings = read_settings(config) if config else Settings(root=Path(_trials[-1].name))
    file = Path(_trials[-1].name) / "plan.json"
    planning.plan(exports.load(samples), as_of=as_of, start=start, settings=settings).save(file)
    return file, settings


def read_settings(config: str = "") -> Settings:
    """Read a cspkit.toml or its folder.

    Without one, that of this folder or the one above it, where a workspace has its notebooks;
    or else the defaults.
    """
    if config:
        return Settings.read(config)
    near = (place / FILE for place in (Path(), Path("..")))
    found = next((file for file in near if file.exists()), None)
    return Settings() if found is None else Settings.read(found)


def seen_steps(settings: Settings) -> pd.DataFrame | None:
    """Read what the workspace's ledger has seen of the customers' steps; nothing is written.

    An address that refused a letter is a row of step `refused_address`, with the address as its
    reason. None where there is no ledger yet. Raises LedgerError for one that cannot be opened.
    """
    import pandas as pd

    from cspkit.ledger import Ledger
    from cspkit.ledger.opening import address_of, file_of

    file = file_of(address_of(settings.ledger_url))
    if file is not None and not file.exists():
        return None
    with Ledger(settings.ledger_url, read_only=True) as ledger:
        steps, mails = ledger.steps(), ledger.mails()
    back = mails[mails["state"].isin(["refused", "bounced"])].rename(columns={"address": "reason"})
    back = back[["customer_id", "state", "reason"]].assign(step="refused_address")
    return pd.concat([steps, back], ignore_index=True) if len(back) else steps


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
    if settings.letters.own:
        whole["letters"]["own"] = settings.path(settings.letters.own).as_posix()
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
