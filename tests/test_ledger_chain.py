"""Whoever changes what was written in the log is found out, whichever way it was done."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from cspkit import moves
from cspkit.ledger import Broken, Ledger
from tests.ledgers import CUSTOMER, raw
from tests.scene import scene


def begun(ledger: Ledger) -> str:
    """A run of three events, its last one the end."""
    run = ledger.begin_run("provision", mode="rehearsal", plan_hash="p1", run_id="run-1")
    ledger.claim_letter(CUSTOMER, "invitation", language="es", file="a.eml", run_id=run)
    ledger.end_run(run, {"done": 1})
    return run


def without_rules(ledger: Ledger, *statements: str) -> None:
    """Do what only somebody can who may change the database itself."""
    tables = ("events", "heads", "runs")
    for table in tables:
        for rule in ("update", "delete"):
            on = "" if "sqlite" in ledger.place else f" ON {table}"
            raw(ledger, f"DROP TRIGGER IF EXISTS {table}_{rule}{on}")
    for statement in statements:
        raw(ledger, statement)


def test_an_untouched_log_is_whole(ledger: Ledger) -> None:
    """Every run of a ledger, and what people did outside of runs, follows from itself."""
    begun(ledger)
    ledger.hold(CUSTOMER, reason="asked", by="ana")

    assert ledger.verify() == []


def test_the_head_is_the_last_event(ledger: Ledger) -> None:
    """What is printed is what the log ends with; no run, no head."""
    run = begun(ledger)
    events = ledger.events().query("run_id == @run")

    assert (events["hash"].iloc[-1], "") == (ledger.head(run), ledger.head("none"))


@pytest.mark.parametrize("column", ["kind", "subject", "customer_id", "detail", "before"])
def test_an_altered_event_shows(ledger: Ledger, column: str) -> None:
    """Each thing an event says is part of its hash."""
    run = begun(ledger)
    without_rules(ledger, f"UPDATE events SET {column} = 'x' WHERE run_id = '{run}' AND seq = 2")

    (broken,) = ledger.verify(run)

    assert (broken.seq, broken.problem) == (2, "its content was altered")


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_removed_event_shows(ledger: Ledger, seq: int) -> None:
    """At the beginning, in the middle and at the end."""
    run = begun(ledger)
    without_rules(ledger, f"DELETE FROM events WHERE run_id = '{run}' AND seq = {seq}")

    assert seq in {broken.seq for broken in ledger.verify()}


def test_a_rewritten_event_breaks_the_next(ledger: Ledger) -> None:
    """Giving the altered event a hash that fits it only moves the break."""
    run = begun(ledger)
    without_rules(
        ledger, f"UPDATE events SET detail = '{{}}', hash = 'h' WHERE run_id = '{run}' AND seq = 2"
    )

    problems = [(broken.seq, broken.problem) for broken in ledger.verify(run)]

    assert (3, "it does not follow the one before") in problems


def test_a_cut_off_tail_shows_by_the_printed_head(ledger: Ledger) -> None:
    """Who cuts events, heads and the run's own note alike is caught by what was printed."""
    run = begun(ledger)
    printed = ledger.head(run)
    without_rules(
        ledger,
        f"DELETE FROM events WHERE run_id = '{run}' AND seq = 3",
        "UPDATE heads SET seq = 2, hash = (SELECT hash FROM events WHERE run_id = 'run-1' "
        "AND seq = 2) WHERE run_id = 'run-1'",
        "UPDATE runs SET chain_head = '' WHERE run_id = 'run-1'",
    )

    assert ledger.verify(run) == []
    assert [Broken(run, 3, None, f"head {printed[:12]} is not among the events")] == ledger.verify(
        run, printed=printed
    )


def test_many_write_the_log_at_once(url: str) -> None:
    """Events outside of runs share one chain, and it stays whole."""
    with Ledger(url) as ledger:

        def work(name: str) -> None:
            for number in range(5):
                ledger.hold(f"{name}-{number}", reason="test", by="ana")

        threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (len(ledger.events()), ledger.verify()) == (15, [])


def test_a_run_leaves_the_head_for_its_receipt(tmp_path: Path) -> None:
    """What is printed is what the ledger says, and it is found there again."""
    with scene() as programme:
        programme.plan(programme.ready())
        given = {"plan": programme.plan_file, "settings": programme.settings, "batch": "B001"}
        work = moves.begin("provision", mode="rehearsal", run_id="run-1", **given)
        work.carry_out()
        work.close(str(tmp_path / "result.json"))
        result = json.loads((tmp_path / "result.json").read_text("utf-8"))

        with programme.ledger() as ledger:
            assert ledger.head("run-1") == result["chain_head"]
            assert ledger.verify("run-1", printed=result["chain_head"]) == []
    assert result["counts"] == {"done": 1}
