"""What the verbs open: settings, decisions, exports, the ledger."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cspkit.errors import SettingsError

if TYPE_CHECKING:
    from cspkit.exports import Exports
    from cspkit.settings import Settings


def settings_of(config: Path | None) -> Settings:
    """Read the settings asked for, those of this folder, or the defaults."""
    from cspkit.settings import FILE, Settings

    if config is not None:
        return Settings.read(config)
    return Settings.read(Path(FILE)) if Path(FILE).exists() else Settings()


def decisions_of(settings: Settings) -> Any:
    """Read the workspace's decisions; none when there is no workbook yet."""
    from cspkit import decisions

    if not settings.decisions.exists():
        return decisions.Decisions.empty()
    return decisions.read(settings.decisions)


def exports_of(
    paths: Iterable[str | Path], settings: Settings, maps: Iterable[Path] = ()
) -> Exports:
    """Load export files as this partner reads them, with a bar on a terminal."""
    from cspkit import collecting, exports

    collecting.settle()
    ours = settings.service.partner_tenant
    return exports.load(*paths, partner_tenant=ours, maps=list(maps), progress=progress())


def progress() -> Callable[[str, int, int], None] | None:
    """Draw a bar on a terminal while many files are opened; stay quiet anywhere else."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("reading", total=None)

    def heard(name: str, number: int, total: int) -> None:
        if number == 1:
            bar.start()
        bar.update(task, description=name[-40:], completed=number, total=total)
        if number == total:
            bar.stop()

    return heard


def ledger_of(settings: Settings) -> Any:
    """Open the workspace's ledger."""
    from cspkit.ledger import Ledger

    return Ledger(settings.ledger_url)


def steps_of(settings: Settings) -> Any:
    """Read what the workspace's ledger has seen of the customers' steps, where there is one.

    One that cannot be opened is said on standard error, and the customers stand as exports and
    decisions know them.
    """
    url = settings.ledger_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    # Only now what takes long to load.
    from cspkit import runbooks
    from cspkit.cli.saying import warn
    from cspkit.errors import LedgerError

    try:
        return runbooks.seen_steps(settings)
    except LedgerError as error:
        warn(f"the ledger was not read, so invitations under way are not known: {error}")
        return None


def day(text: str | None, option: str = "--as-of") -> date:
    """Read a day typed on the command line; today UTC when none was."""
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            "command line", option, f"expected YYYY-MM-DD, found {text!r}"
        ) from None


def user() -> str:
    """Name who sits at this computer."""
    import getpass

    return getpass.getuser()
