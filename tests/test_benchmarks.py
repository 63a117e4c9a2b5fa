"""The benchmarks: what they measure is measured right, and the README says what was found.

Nothing here depends on how fast anything is.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import __main__ as bench
from benchmarks.growth import Course, Point
from benchmarks.measuring import Run, RunFailed, beside, interleaved, run
from benchmarks.recording import Record, quoted
from benchmarks.results import Quote, Ratio, Table

HOG = "held = bytearray(300_000_000)"
WORK = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"


def table(found: str = "2 s") -> Table:
    return Table("Title", "python x.py", ["what"], [["this"]], 1, quotes=[Quote("this", found)])


def one(wall: float) -> Run:
    return Run(wall=wall, cpu=wall, peak=1.0)


def part(name: str, monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None) -> str:
    """Put a part among the benchmarks that gives a table and then may fail."""
    module = ModuleType(f"benchmarks.{name}")

    def tables(rounds: int, small: bool) -> Iterator[Table]:
        yield table()
        if error:
            raise error

    module.tables = tables  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return name


@pytest.mark.parametrize("name", bench.PARTS)
def test_every_part_can_be_called(name: str) -> None:
    """Each part of `make bench` is a module that imports and gives tables for rounds and small."""
    script = import_module(f"benchmarks.{bench.PARTS[name].module}")

    assert list(inspect.signature(script.tables).parameters) == ["rounds", "small"]


def test_the_list_names_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    """`--list` measures nothing and names each part with its rounds."""
    assert bench.main(["--list"]) == 0

    listed = capsys.readouterr().out.splitlines()
    assert list(bench.PARTS) == [line.split(":")[0] for line in listed]


def test_a_part_that_fails_is_said_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a part had found stays, its error stands in the results, the next part runs."""
    bad = part("bad", monkeypatch, RuntimeError("no Java\nfound"))
    parts = {name: bench.Measured(name, 1, "") for name in (bad, part("good", monkeypatch))}

    assert not bench.measure(parts, Record(), folder=tmp_path)

    kept = Record.read(tmp_path)
    assert kept.parts["bad"].state() == "**failed**: RuntimeError: no Java found"
    assert [table.title for table in kept.parts["bad"].tables] == ["Title"]
    assert kept.parts["good"].state() == "done"
    assert "no Java found" in (tmp_path / "results.md").read_text(encoding="utf-8")


def test_a_run_that_is_cut_short_leaves_what_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a part keeps its tables, and the part is marked."""
    cut = part("cut", monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.measure({cut: bench.Measured(cut, 1, "")}, Record(), folder=tmp_path)

    kept = Record.read(tmp_path).parts[cut]
    assert (kept.state(), len(kept.tables)) == ("**cut short**", 1)


def test_seconds_of_a_busy_machine_are_not_quoted() -> None:
    """The README quotes a part only where nothing else kept the machine busy."""
    record = Record({"x": bench.Part("x", busy=80.0, tables=[table("2 s")])})

    assert quoted(record)[2] == "| this | `python x.py` | measured on a busy machine only |"


def test_bars_that_are_missed_are_quoted() -> None:
    """Below its table the README names each bar that is missed, by how much, and counts all."""
    bars = [Ratio("slow", 3.0, at_most=2), Ratio("quick", 1.0, at_most=2), Ratio("told", 1.0)]
    held = Table("Title", "python x.py", ["what"], [["this"]], 1, bars)
    record = Record({"x": bench.Part("x", tables=[held])})

    assert quoted(record)[-2:] == [
        "Bars met: 1 of 2. Missed:",
        "- slow: 3.00 ×, bar at most 2: **missed**",
    ]


def test_the_readme_quotes_the_results() -> None:
    """Its table is that of results.json; `python -m benchmarks quote --write` puts it there."""
    readme = bench.README.read_text(encoding="utf-8")
    between = readme.split(bench.MARKS[0])[1].split(bench.MARKS[1])[0]

    assert quoted(Record.read()) == between.strip().splitlines(), "quote them: see above"


def test_results_md_is_that_of_results_json(tmp_path: Path) -> None:
    """Nobody edits results.md by hand: it is what results.json gives."""
    Record.read().save(tmp_path)
    written = (bench.HERE / "results.md").read_text(encoding="utf-8")

    assert (tmp_path / "results.md").read_text(encoding="utf-8") == written


def test_the_measurer_lends_no_memory() -> None:
    """A small process is small, however much the process holds that measures it."""
    held = bytearray(200_000_000)

    assert run([sys.executable, "-c", "pass"]).peak < 100 < len(held) / 1e6


def test_memory_of_a_process_counts() -> None:
    """The peak is that of the process, though it has let go by its end."""
    assert run([sys.executable, "-c", f"{HOG}\ndel held"]).peak > 300


def test_children_count_even_when_they_outlive_their_parent() -> None:
    """Processor time of a child that nobody waited for is of the run; its clock is not."""
    orphan = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WORK!r}])"
    found = run([sys.executable, "-c", orphan])

    assert found.cpu >= 0.4


def test_a_run_that_fails_says_what_it_said() -> None:
    """An exit code that was not expected is an error with the last words of the process."""
    with pytest.raises(RunFailed, match=r"exit code 3\nlast words"):
        run([sys.executable, "-c", "import sys; print('last words', file=sys.stderr); sys.exit(3)"])


def test_a_run_that_takes_too_long_is_ended() -> None:
    """The limit ends the process with its children, and says so."""
    with pytest.raises(RunFailed, match="ran too long"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.3)


def test_contestants_take_turns() -> None:
    """In each round another one is first, and each has a run in each round."""
    order: list[str] = []

    def go(name: str) -> Run:
        order.append(name)
        return one(1.0)

    interleaved({"a": lambda: go("a"), "b": lambda: go("b")}, 3)

    assert order == ["a", "b", "b", "a", "a", "b"]


def test_a_ratio_is_of_rounds() -> None:
    """The ratio is the median of those of each round, not that of the medians."""
    ours, theirs = [one(2), one(20), one(9)], [one(1), one(10), one(3)]

    assert beside(ours, theirs, "wall") == 2.0


@pytest.mark.parametrize(
    ("ratio", "line"),
    [
        (Ratio("x", 1.4, at_most=1.5), "x: 1.40 ×, bar at most 1.5: met"),
        (Ratio("x", 1.6, at_most=1.5), "x: 1.60 ×, bar at most 1.5: **missed**"),
        (Ratio("x", 9.0, at_least=10), "x: 9.00 ×, bar at least 10: **missed**"),
        (Ratio("x", 9.0, unit="%"), "x: 9.00 %"),
    ],
)
def test_a_bar_is_met_or_missed(ratio: Ratio, line: str) -> None:
    """A ratio says the bar it is held to, and whether it holds."""
    assert line == ratio.line()


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_growth_is_told_from_its_fixed_part(power: float) -> None:
    """A fixed part hides growth in the whole; what is beyond it shows the power of the size."""
    sizes = (10_000, 100_000, 1_000_000)
    points = [Point(size, 0, 3 + (size / 10_000) ** power, 0) for size in sizes]
    whole, beyond = Course("load", [Point(10, 0, 3, 0), *points]).slopes()

    assert whole is not None and whole < power
    assert power == pytest.approx(beyond)
