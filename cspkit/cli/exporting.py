"""`cspkit load`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cspkit import collecting
from cspkit.cli.opening import day, decisions_of, exports_of, settings_of, steps_of
from cspkit.cli.options import AsJson, Config, Debug, app
from cspkit.cli.saying import print_json, records, say, write_table
from cspkit.errors import SettingsError
from cspkit.settings import FILE

if TYPE_CHECKING:
    from cspkit.exports import Exports
    from cspkit.settings import Settings

MOST_ROWS = 200_000


@app.command()
def load(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Export files, or folders of them.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the tables.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Only show how the files are understood.")
    ] = False,
    ranked: Annotated[
        Path | None,
        typer.Option("--rank", help="Also rank, into .csv, .xlsx or .parquet; `rank` has more."),
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Day of the ranking; today UTC.")] = None,
    maps: Annotated[
        list[Path] | None, typer.Option("--map", help="A format of your own, .toml.")
    ] = None,
    template: Annotated[
        Path | None, typer.Option("--template", help="Write a list to fill by hand, .xlsx or .csv.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read export files into customers, subscriptions and rejects, or explain how they are read.

    In a workspace, customers and originals that are new get their rows in decisions.xlsx.

    Example: `cspkit load exports/ --out tables/`, with `--rank ranked.xlsx` to rank meanwhile,
    or `cspkit load --explain subscriptions.csv`, or `cspkit load --template list.xlsx`
    """
    from cspkit import exports, listing

    if template is not None:
        exports.write_template(template)
        say(f"fill {template} (bold headers are needed), then load it beside your other files")
        return
    if not paths:
        raise SettingsError("command line", "PATHS", "expected export files, found none")
    if explain:
        columns = exports.explain(*paths, maps=maps or ())
        if as_json:
            print_json(records(columns))
        for line in () if as_json else listing.explained(columns):
            say(line)
        return
    if out is None:
        raise SettingsError("command line", "--out", "expected a folder for the tables, found none")
    settings, known_on = settings_of(config), day(as_of)
    loaded = exports_of(paths, settings, maps=maps or ())
    with loaded.saving(out):
        if ranked is not None:
            _rank(loaded, settings, known_on, ranked)
    kept = _kept(settings, loaded) if config is not None or Path(FILE).exists() else ""
    if as_json:
        print_json(loaded.counts())
        return
    for line in listing.files(loaded.counts()):
        say(line)
    say(f"{loaded.count('rejects')} rows rejected; see {out / 'rejects.csv'}")
    if differing := loaded.count("conflicts"):
        say(f"{differing} values differ between files; see {out / 'conflicts.csv'}")
    for line in listing.proposed(loaded.proposed) if loaded.count("proposed") else ():
        say(line)
    if kept:
        say(kept)
    for file, why in loaded.unrecognised:
        say(f"left alone: {file}: {why}")


def _rank(loaded: Exports, settings: Settings, as_of: date, out: Path) -> None:
    # What takes long to load comes while the tables are written.
    with collecting.rested():
        from cspkit import ranking

    said, steps = decisions_of(settings), steps_of(settings)
    rows = ranking.listed(loaded, as_of=as_of, settings=settings, decisions=said, steps=steps)
    write_table(rows.parts(), out)


def _kept(settings: Settings, loaded: Exports) -> str:
    """Give what is new a row in decisions.xlsx; a workbook holds only so many."""
    from cspkit import decisions

    rows = max(loaded.count(name) for name in ("customers", "subscriptions"))
    if rows > MOST_ROWS:
        return f"{settings.decisions} left as it was: {rows:,} rows are too many for a workbook"
    try:
        decisions.write(settings.decisions, loaded)
    except OSError as error:
        problem = f"cannot be written ({error.strerror}); close it if it is open in Excel"
        raise SettingsError(settings.decisions, "file", problem) from error
    return f"new customers and originals have their rows in {settings.decisions}"
