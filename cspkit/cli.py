"""The command line: thin verbs over the package; the only user of Rich."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cspkit.errors import BAD_INPUT, DONE, FAILED_MOVES, CspkitError, ExportError, SettingsError

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports
    from cspkit.settings import Settings

app = typer.Typer(
    name="cspkit",
    help="Move licence-based subscriptions into the Cloud Solution Provider programme.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
rehearse = typer.Typer(help="Rehearse against a Partner Center and Graph on this machine.")
app.add_typer(rehearse, name="rehearse")

Config = Annotated[
    Path | None, typer.Option("--config", help="cspkit.toml, or the workspace that holds it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Day = Annotated[str, typer.Option(help="A day, YYYY-MM-DD.")]
Files = Annotated[list[Path], typer.Argument(help="Export files, or folders of them.")]


def main() -> None:
    """Run the command line; an error on purpose is one line and its exit code."""
    try:
        app()
    except (CspkitError, OSError) as error:
        if "--debug" in sys.argv[1:]:
            raise
        print(f"cspkit: {error}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, CspkitError) else BAD_INPUT)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the workspace and report.")] = Path(
        "reports/demo"
    ),
    debug: Debug = False,
) -> None:
    """Walk the whole road on sample exports and a rehearsal: no network, no credentials.

    Example: `cspkit demo --out reports/demo`
    """
    from cspkit import demo as road

    road.walk(out, say=_say)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new workspace.")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a workspace: cspkit.toml, exports/, decisions.xlsx, ledger/, reports/.

    Example: `cspkit init north-region`
    """
    from cspkit import workspace

    settings = workspace.init(folder)
    _result(as_json, {"workspace": str(settings.root)}, f"workspace made in {settings.root}")


@app.command()
def load(
    paths: Files,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the tables.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Only show how the files are understood.")
    ] = False,
    maps: Annotated[
        list[Path] | None, typer.Option("--map", help="A format of your own, .toml.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read export files into customers, subscriptions and rejects, or explain how they are read.

    Example: `cspkit load exports/ --out tables/`, or `cspkit load --explain subscriptions.csv`
    """
    from cspkit import exports, listing

    if explain:
        columns = exports.explain(*paths, maps=maps or ())
        if as_json:
            _print_json(_records(columns))
        for name, part in columns.groupby(["file", "format"], sort=False):
            if not as_json:
                _show(part.drop(columns=["file", "format"]), ", read as ".join(map(str, name)))
        return
    if out is None:
        raise SettingsError("command line", "--out", "expected a folder for the tables, found none")
    loaded = _load(paths, _settings(config), maps=maps or ())
    loaded.save(out)
    if as_json:
        _print_json(_records(loaded.summary()))
        return
    for line in listing.files(loaded.summary()):
        _say(line)
    _say(f"{len(loaded.rejects)} rows rejected; see {out / 'rejects.csv'}")
    for file, why in loaded.unrecognised:
        _say(f"left alone: {file}: {why}")


@app.command()
def rank(
    paths: Files,
    as_of: Annotated[str | None, typer.Option(help="Day of the ranking; today UTC.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help=".csv, .xlsx or .parquet")] = None,
    top: Annotated[int, typer.Option(help="How many customers to print.")] = 10,
    why: Annotated[
        str | None,
        typer.Option(metavar="CUSTOMER", help="Show how one was judged: id, or part of a name."),
    ] = None,
    market: Annotated[str | None, typer.Option(help="Only this market, such as ES.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only with an original of it.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Only who expires in so many days.")] = None,
    minimum_seats: Annotated[int | None, typer.Option(help="Only with as many to move.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only of this owner in decisions.xlsx.")] = None,
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Put customers in order of nearness of their natural expiration, or show why one is there.

    Example: `cspkit rank exports/ --as-of 2026-11-20 --out ranked.csv`
    """
    from cspkit import explaining, listing, ranking

    settings, known_on = _settings(config), _day(as_of)
    loaded = _load(paths, settings)
    given: dict[str, Any] = {"as_of": known_on, "settings": settings}
    given["decisions"] = _decisions(settings)
    if why is not None:
        _explained(explaining.explain(loaded, why, **given), out, as_json)
        return
    ranked = ranking.rank(
        loaded,
        market=market,
        channel=channel,
        horizon=horizon,
        minimum_seats=minimum_seats,
        owner=owner,
        **given,
    )
    if out:
        _write_frame(ranked, out)
    if as_json:
        _print_json(_records(ranked.head(top)))
    else:
        _say(f"The first {min(top, len(ranked))} of {len(ranked)} customers")
        for line in listing.ranked(ranked.head(top)):
            _say(line)


def _explained(steps: pd.DataFrame, out: Path | None, as_json: bool) -> None:
    if out:
        _write_frame(steps, out)
    if as_json:
        _print_json(_records(steps))
        return
    for original, lines in steps.groupby("subscription_id", sort=False):
        _say(f"{lines['product'].iloc[0] or 'an unnamed product'} ({original})")
        for line in lines.itertuples():
            _say(f"  {line.what}: {line.value} - {line.because}")


@app.command()
def plan(
    paths: Files,
    start: Day,
    out: Annotated[Path, typer.Option("--out", help="The plan file, .json.")],
    as_of: Annotated[str | None, typer.Option(help="Day of the facts; today UTC.")] = None,
    author: Annotated[str, typer.Option("--author", help="Who makes the plan.")] = "",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Choose a working day for each move at least cost, and write the plan file.

    Example: `cspkit plan exports/ --as-of 2026-11-20 --start 2026-11-23 --out plan.json`
    """
    from cspkit import planning

    if out.suffix != ".json":
        raise SettingsError("command line", "--out", f"expected a .json file, found {out.name!r}")
    settings, known_on, from_day = _settings(config), _day(as_of), _day(start, "--start")
    made = planning.plan(
        _load(paths, settings),
        as_of=known_on,
        start=from_day,
        settings=settings,
        decisions=_decisions(settings),
        made_by=author or _user(),
        made_at=datetime.now(UTC),
    )
    made.save(out)
    placed, left = len(made.moves), len(made.unplaced)
    if as_json:
        _print_json({"plan": str(out), "hash": made.hash, "moves": placed, "unplaced": left})
        return
    _show(made.batches.head(10), f"The first batches of {len(made.batches)}")
    for saving in made.savings.to_dict("records"):
        _say(_saved(saving))
    _say(f"{placed} moves placed, {left} not placed; plan {made.hash[:12]} written to {out}")


def _saved(saving: Mapping[Hashable, Any]) -> str:
    unit = saving["unit"]
    if unit == "seat_days":
        return (
            f"{saving['moves']} moves have no known price: {saving['saved']:,.0f} seat-days less "
            "paid twice than on the first possible day"
        )
    priced = f"; {saving['stand_in_prices']} of them at the original's price"
    return (
        f"{saving['moves']} moves cost {saving['planned']:,.2f} {unit} twice instead of "
        f"{saving['everyone_first_day']:,.2f} on the first possible day{priced}"
    )


@app.command()
def approve(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan file.")],
    by: Annotated[str, typer.Option("--by", help="Who approves; not the author.")],
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Record in the ledger that a named person approved this plan.

    Example: `cspkit approve plan.json --by "Ana Ruiz"`
    """
    from cspkit import planning

    settings = _settings(config)
    made = planning.Plan.read(plan_file)
    with _ledger(settings) as ledger:
        ledger.approve(made.hash, by=by, plan_path=str(plan_file), made_by=made.document.made_by)
    _result(
        as_json,
        {"hash": made.hash, "approved_by": by},
        f"plan {made.hash[:12]} approved by {by}",
    )


@app.command()
def run(
    runbook: Annotated[str, typer.Argument(help="invite, access, provision, verify, reassign")],
    plan_file: Annotated[Path, typer.Option("--plan", help="The approved plan file.")],
    batch: Annotated[str | None, typer.Option(help="A batch, such as B001.")] = None,
    due: Annotated[str | None, typer.Option(help="All that is due by this day.")] = None,
    mode: Annotated[str, typer.Option(help="dry, rehearsal or live")] = "dry",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Carry out one step of one batch as a runbook; dry unless told otherwise.

    Example: `cspkit run provision --plan plan.json --batch B001 --mode rehearsal`
    """
    from cspkit import runbooks

    receipt = runbooks.run(
        runbook,
        plan=plan_file,
        batch=batch,
        due=due,
        mode=mode,
        settings=_settings(config),
        progress=sys.stderr.isatty() and not as_json,
    )
    counts = ", ".join(f"{count} {name}" for name, count in receipt.counts.items()) or "nothing"
    _result(
        as_json,
        {"runbook": receipt.name, "counts": receipt.counts, "receipt": str(receipt.html)},
        f"{receipt.name} ({receipt.mode}): {counts}; receipt {receipt.html}",
    )
    failed = receipt.counts.get("failed", 0) + receipt.counts.get("human", 0)
    raise typer.Exit(FAILED_MOVES if failed else DONE)


@app.command()
def status(config: Config = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Count the moves and customer steps of the ledger by state.

    Example: `cspkit status --json`
    """
    with _ledger(_settings(config)) as ledger:
        counts = {
            "moves": _count(ledger.moves(), ["state"]),
            "steps": _count(ledger.steps(), ["step", "state"]),
        }
    if as_json:
        _print_json(counts)
        return
    for name, states in counts.items():
        found = ", ".join(f"{state}: {number}" for state, number in states.items())
        _say(f"{name}: {found or 'none yet'}")


@app.command()
def report(
    plan_file: Annotated[Path, typer.Option("--plan", help="The plan file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")],
    paths: Annotated[
        list[Path] | None, typer.Option("--exports", help="Export files; the workspace's.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Day of the report; today UTC.")] = None,
    lang: Annotated[str, typer.Option(help="Language: en")] = "en",
    config: Config = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the status report for managers: index.html and status.xlsx.

    Example: `cspkit report --plan plan.json --out reports/today`
    """
    from cspkit import planning, reporting

    settings, known_on = _settings(config), _day(as_of)
    with _ledger(settings) as ledger:
        figures = reporting.status(
            plan=planning.Plan.read(plan_file),
            ledger=ledger,
            exports=_load(paths or [settings.exports], settings),
            as_of=known_on,
            settings=settings,
        )
    page = reporting.write(figures, out, lang=lang)
    _result(as_json, {"report": str(page)}, f"report written to {page}")


Port = Annotated[int, typer.Option(help="Loopback port of the rehearsal.")]


@rehearse.command()
def serve(
    port: Port = 8765,
    seed: Annotated[int, typer.Option(help="Seed of the world.")] = 1,
    world: Annotated[Path | None, typer.Option(help="A saved world to serve.")] = None,
    debug: Debug = False,
) -> None:
    """Serve the sample world, or a saved one, on this machine until interrupted.

    Example: `cspkit rehearse serve --port 8765`
    """
    from cspkit.rehearsal import server

    server.serve(port=port, seed=seed, world=world, started=_say)


@rehearse.command()
def clock(
    forward: Annotated[
        str, typer.Option("--forward", help="How far to move it, such as 2h or 3d.")
    ] = "",
    port: Port = 8765,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Tell the time of the served rehearsal, or move its clock forward.

    Example: `cspkit rehearse clock --forward 2h`
    """
    from cspkit.rehearsal import hand

    told = hand.move_clock(port, _stretch(forward)) if forward else hand.now(port)
    _result(as_json, {"now": told.isoformat()}, f"it is {told:%Y-%m-%d %H:%M} UTC there")


@rehearse.command()
def deliver(
    outbox: Annotated[Path, typer.Argument(help="Folder of letters.")] = Path("reports/outbox"),
    port: Port = 8765,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Bring the letters of the outbox to the rehearsal's customers, who answer in their own time.

    Example: `cspkit rehearse deliver reports/outbox`
    """
    from cspkit.rehearsal import hand

    arrived = hand.deliver(port, outbox)
    _result(as_json, {"delivered": arrived}, f"{arrived} letters delivered")


def _stretch(text: str) -> timedelta:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isdigit():
        raise SettingsError("command line", "--forward", f"expected such as 2h or 3d, not {text!r}")
    return timedelta(**{units[unit]: int(number)})


def _settings(config: Path | None) -> Settings:
    from cspkit.settings import FILE, Settings

    if config is not None:
        return Settings.read(config)
    return Settings.read(Path(FILE)) if Path(FILE).exists() else Settings()


def _decisions(settings: Settings) -> Any:
    from cspkit import decisions

    if not settings.decisions.exists():
        return decisions.Decisions.empty()
    return decisions.read(settings.decisions)


def _load(paths: Iterable[Path], settings: Settings, maps: Iterable[Path] = ()) -> Exports:
    from cspkit import exports

    ours = settings.service.partner_tenant
    return exports.load(*paths, partner_tenant=ours, maps=list(maps), progress=_progress())


def _progress() -> Callable[[str, int, int], None] | None:
    """Draw a bar on a terminal while many files are opened; stay quiet anywhere else."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        return None
    bar = Progress(console=console, transient=True)
    task = bar.add_task("reading", total=None)

    def heard(name: str, number: int, total: int) -> None:
        if number == 1:
            bar.start()
        bar.update(task, description=name[-40:], completed=number, total=total)
        if number == total:
            bar.stop()

    return heard


def _ledger(settings: Settings) -> Any:
    from cspkit.ledger import Ledger

    return Ledger(settings.ledger_url)


def _day(text: str | None, option: str = "--as-of") -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            "command line", option, f"expected YYYY-MM-DD, found {text!r}"
        ) from None


def _user() -> str:
    import getpass

    return getpass.getuser()


def _write_frame(frame: pd.DataFrame, out: Path) -> None:
    from cspkit import reporting

    if out.suffix == ".csv":
        frame.to_csv(out, index=False)
    elif out.suffix == ".parquet":
        frame.to_parquet(out, index=False)
    elif out.suffix == ".xlsx":
        reporting.write_table(frame, out)
    else:
        raise ExportError(out, [f"expected .csv, .xlsx or .parquet, found {out.suffix!r}"])


def _count(frame: pd.DataFrame, by: list[str]) -> dict[str, int]:
    sizes = frame.groupby(by).size()
    return {" ".join(k) if isinstance(k, tuple) else str(k): int(n) for k, n in sizes.items()}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return rows


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def _result(as_json: bool, value: dict[str, Any], words: str) -> None:
    if as_json:
        _print_json(value)
    else:
        _say(words)


def _say(words: str) -> None:
    from rich.console import Console

    Console(soft_wrap=True, highlight=False).print(words, markup=False)


def _show(frame: pd.DataFrame, title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    for name in frame.columns:
        table.add_column(Text(str(name)), overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(Text("" if _missing(value) else str(value)) for value in row))
    Console(highlight=False).print(table)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))
