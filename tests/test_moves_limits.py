"""How far a run goes: fewer subjects, several at a time, until a time, until too many failed."""

from __future__ import annotations

import csv
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cspkit import moves
from cspkit.clock import FixedClock
from cspkit.errors import LedgerError, SettingsError
from cspkit.ledger import Lease
from cspkit.moves import Limits, limits
from cspkit.moves.rows import Done, Look, Outcome, Subject
from cspkit.moves.running import Work
from cspkit.planning import Plan
from tests.scene import Scene, scene

UNSOLD = "CFQ7TTC0XXXX:0001"


@pytest.fixture(scope="module")
def served() -> Iterator[Scene]:
    """One rehearsal for all tests of this file; each plans customers of its own."""
    with scene() as made:
        yield made


@pytest.fixture
def fresh(served: Scene) -> Scene:
    """A new ledger, and no decisions of an earlier test."""
    served.ledger_file.unlink(missing_ok=True)
    served.ledger_file.with_name("ledger.db.mark").unlink(missing_ok=True)
    return served


def run(fresh: Scene, batch: str | None = "B001", **wanted: Any) -> tuple[list[str], Work]:
    """Run `provision` within limits; give the outcomes and the work."""
    work = moves.begin(
        "provision",
        plan=fresh.plan_file,
        settings=fresh.settings,
        batch=batch,
        mode="rehearsal",
        limits=Limits(**wanted),
    )
    try:
        work.carry_out()
    finally:
        work.close(str(fresh.settings.root / "result.json"))
    return [str(done.outcome) for _, done in work.results], work


@dataclass
class Doing:
    """A step that does what a test says, and remembers whom it was about."""

    what: Any = None
    by: str = "date"
    about_moves: bool = True
    seen: list[str] = field(default_factory=list)

    def look(self, one: Subject) -> Look:
        return Look("planned", "order")

    def act(self, one: Subject, lease: Lease) -> Done:
        self.seen.append(one.id)
        if self.what is not None:
            self.what(one)
        return Done("planned", "ordered", Outcome.DONE)


def doing(fresh: Scene, step: Doing, number: int = 4, **options: Any) -> Work:
    """Begin a run of so many customers that does what the step says."""
    fresh.plan(*[fresh.ready(one) for one in range(number)])
    begun = moves.begin(
        "provision",
        plan=fresh.plan_file,
        settings=fresh.settings,
        batch="B001",
        mode="rehearsal",
    )
    return Work(begun._desk, step, begun._subjects, **options)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"canary": -1}, "expected 0 or more, found -1"),
        ({"max_failures": 1.5}, "expected 0 or more, found 1.5"),
        ({"parallel": 0}, "expected 1 to 16, found 0"),
        ({"parallel": True}, "expected 1 to 16, found True"),
        ({"until": "24:00"}, "HH:MM, found '24:00'"),
        ({"until": "6 pm"}, "HH:MM, found '6 pm'"),
    ],
)
def test_what_cannot_be_a_limit_is_refused(wrong: dict[str, Any], message: str) -> None:
    """A slip is one line at once, not a run without its limit."""
    with pytest.raises(SettingsError, match=message):
        Limits(**wrong)


@given(st.integers(0, 23), st.integers(0, 59), st.datetimes(datetime(2026, 1, 1)))
def test_a_run_ends_within_half_a_day_or_is_refused(hour: int, minute: int, now: datetime) -> None:
    """What is later today ends then; what has passed is tonight's, or a slip."""
    now = now.replace(tzinfo=UTC)
    wanted = Limits(until=f"{hour:02d}:{minute:02d}")
    try:
        ends = wanted.ends_at(now)
    except SettingsError:
        here = now.astimezone()
        assert (here.hour, here.minute) >= (hour, minute)
        return
    assert ends is not None
    assert (hour, minute) == (ends.hour, ends.minute)
    assert timedelta(0) < ends - now <= timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("subject,name\nmv-1,Ana\nmv-2,\n", ["mv-1", "mv-2"]),
        ("\ufeffname;move_id\nAna; MV-1 \n;\nBea;mv-1\n", ["mv-1"]),
        ('name,customer_id\n"a, b",11111111-0000\n', ["11111111-0000"]),
    ],
)
def test_ids_are_read_from_any_csv_that_names_them(
    text: str, ids: list[str], tmp_path: Path
) -> None:
    """Other columns, a spreadsheet's semicolons and its mark at the start do not matter."""
    (tmp_path / "only.csv").write_text(text, encoding="utf-8")

    assert ids == list(limits.read_ids(tmp_path / "only.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id\nmv-1\n", "expected a column subject, move_id, customer_id, found id"),
        (b"", "found nothing"),
        (b"subject\n\n", "expected ids, found none"),
        (b"subject\n\xff\xfe\n", "not text in UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_names_nothing_is_refused(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    """A run of nothing, or of everything, would look like one of what was meant."""
    if content is not None:
        (tmp_path / "only.csv").write_bytes(content)

    with pytest.raises(SettingsError, match=message) as refused:
        limits.read_ids(tmp_path / "only.csv")
    assert len(str(refused.value).splitlines()) == 1


def test_a_canary_is_the_first_few_and_says_so(fresh: Scene) -> None:
    """The others have no outcome: they are not part of the run."""
    fresh.plan(*[fresh.ready(number) for number in range(3)])
    before = len(fresh.orders)

    outcomes, work = run(fresh, canary=2)

    assert (outcomes, len(fresh.orders) - before) == (["done", "done"], 2)
    assert work.summary() == "mode rehearsal: 2 done; canary: the first 2 of 3 moves"
    assert [one.move_id for one in fresh.moves[:2]] == [one.id for one, _ in work.results]


def test_what_failed_comes_out_as_a_file_that_runs_again(fresh: Scene) -> None:
    """The file of one run is the selection of the next, without naming a batch."""
    fresh.moves = [
        fresh.move(fresh.ready(3), target_offer=UNSOLD, batch="B001"),
        fresh.move(fresh.ready(4), batch="B002"),
        fresh.move(fresh.ready(5), batch="B001"),
    ]
    fresh.save()
    outcomes, _ = run(fresh)
    file = fresh.settings.root / "failed.csv"
    again, work = run(fresh, batch=None, only=str(file))

    assert outcomes == ["failed", "done"]
    assert [fresh.moves[0].move_id] == list(limits.read_ids(file))
    assert again == ["failed"]
    assert "only the 1 of 3 moves in failed.csv" in work.notes
    file.write_text(f"move_id\n{fresh.moves[0].move_id}\nmv-404\nmv-405\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"line 3: 'mv-404' and 1 more not in batch B001"):
        run(fresh, only=str(file))


def test_a_name_is_no_formula_in_the_file_of_what_failed(fresh: Scene) -> None:
    """Whoever opens it in a spreadsheet reads the customer's name, and nothing is carried out."""
    customer = fresh.ready(3)
    before, customer.name = customer.name, '=HYPERLINK("https://evil.example")'
    fresh.moves = [fresh.move(customer, target_offer=UNSOLD)]
    fresh.save()
    run(fresh)
    customer.name = before

    text = (fresh.settings.root / "failed.csv").read_text(encoding="utf-8")
    (row,) = csv.DictReader(text.splitlines())
    assert (row["name"], row["subject"]) == (
        '\'=HYPERLINK("https://evil.example")',
        fresh.moves[0].move_id,
    )


def test_failures_count_over_all_batches_until_they_are_mended(fresh: Scene) -> None:
    """A run of another batch stops for the failures of the first, which may be tried again."""
    first = fresh.move(fresh.ready(6), batch="B001")
    fresh.moves = [first, fresh.move(fresh.ready(7), batch="B002")]
    fresh.save()
    for _ in range(2):
        fresh.fault("refuse", "*/carts", status=403, code=2032)
        assert run(fresh, max_failures=1)[0] == ["failed"]
    stopped, work = run(fresh, "B002", max_failures=1)
    mended = run(fresh, max_failures=1)[0]

    assert (stopped, work.unfinished) == (["skipped"], True)
    assert "1 failures stand over all batches of the plan, the limit is 1" in work.stopped
    assert mended == ["done"]
    assert run(fresh, "B002", max_failures=1)[0] == ["done"]
    with fresh.ledger() as ledger:
        assert ledger.failures(Plan.read(fresh.plan_file).hash) == set()
        assert ledger.verify() == []


def test_several_customers_are_worked_on_at_once(fresh: Scene) -> None:
    """Three workers meet, which one alone never would; no customer has two of them."""
    meeting = threading.Barrier(3, timeout=20)
    step = Doing(lambda one: meeting.wait())
    work = doing(fresh, step, 3, limits=Limits(parallel=3))
    heard: list[int] = []

    outcomes = work.carry_out(lambda done, total, counts: heard.append(done))
    work.close()

    assert outcomes["outcome"].tolist() == ["done"] * 3
    assert [one.move_id for one in fresh.moves] == outcomes["subject"].tolist()
    assert heard[-1] == 3


def test_side_by_side_every_move_is_ordered_once(fresh: Scene) -> None:
    """Real carts and orders, with workers that share ledger, pace and connections."""
    fresh.plan(*[fresh.ready(number) for number in range(8, 14)])
    before = len(fresh.orders)

    first, _ = run(fresh, parallel=4)
    second, _ = run(fresh, parallel=4)

    assert ["done"] * 6 == first == second
    booked = sorted(order["customer_id"] for order in fresh.orders[before:])
    assert sorted(move.customer_id for move in fresh.moves) == booked
    with fresh.ledger() as ledger:
        assert ledger.verify() == []


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_broken_ledger_stops_the_whole_run(fresh: Scene, parallel: int) -> None:
    """Without a record of it nothing more may be sent, for anybody."""

    def breaks(one: Subject) -> None:
        raise LedgerError("ledger x: database or disk is full")

    step = Doing(breaks)
    work = doing(fresh, step, 4, limits=Limits(parallel=parallel))

    with pytest.raises(LedgerError, match="disk is full"):
        work.carry_out()
    work.close()

    assert len(step.seen) <= parallel
    assert "failed" not in work.counts()


def test_an_interrupt_lets_the_one_in_hand_finish(fresh: Scene) -> None:
    """It is a request: what is on its way is finished, the rest is not begun and said."""
    step = Doing(lambda one: signal.raise_signal(signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    work = doing(fresh, step, 3)

    outcomes = work.carry_out()
    work.close()

    assert outcomes["outcome"].tolist() == ["done", "skipped", "skipped"]
    assert (work.stopped, work.unfinished) == ("the run was stopped by hand", True)
    assert before is signal.getsignal(signal.SIGINT)


def test_the_next_run_at_a_desk_begins_anew(fresh: Scene) -> None:
    """What stopped one run says nothing about another."""
    stopped = doing(fresh, Doing(lambda one: signal.raise_signal(signal.SIGINT)), 2)
    stopped.carry_out()
    again = Work(stopped._desk, Doing(), stopped._subjects)

    outcomes = again.carry_out()
    again.close()

    assert set(outcomes["outcome"]) == {"done"}
    assert not again.stopped


def test_nothing_begins_when_the_time_is_up(fresh: Scene) -> None:
    """The time is that of the computer, whatever the rehearsal's clock says; it is no failure."""
    wall = FixedClock(datetime(2026, 3, 3, 16, 30).astimezone())
    step = Doing(lambda one: wall.set(wall.now() + timedelta(minutes=20)))
    work = doing(fresh, step, 3, limits=Limits(until="17:00"), wall=wall)

    outcomes = work.carry_out()
    work.close()

    assert outcomes["outcome"].tolist() == ["done", "done", "skipped"]
    assert work.stopped.startswith("the run stopped at 17:00")
    assert "on 2026-03-03" in work.stopped
    assert not work.unfinished


def test_a_time_of_tomorrow_is_told_with_its_day(fresh: Scene) -> None:
    """00:01 at eleven in the evening is tomorrow's: nobody has to guess it."""
    wall = FixedClock(datetime(2026, 3, 3, 23, 0).astimezone())
    work = doing(fresh, Doing(lambda one: None), 1, limits=Limits(until="00:01"), wall=wall)
    (note,) = work.notes
    work.close()

    assert note.startswith("nothing begins after 00:01 ") and " on 2026-03-04 " in note
