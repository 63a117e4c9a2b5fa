"""What a customer chose after the order is told apart, once a person says so; nothing else is."""

from __future__ import annotations

import json
import sys

import pytest

from cspkit import partner_center as pc
from cspkit import reconciling, runbooks
from cspkit.cli import main
from cspkit.errors import SettingsError
from cspkit.reconciling import Kind
from tests.scene import Scene
from tests.test_reconciling import carried_through, change, reconcile, sold

WHO = {"by": "Ana Ruiz", "reason": "their mail of 23 November"}


@pytest.fixture
def office(scene: Scene) -> Scene:
    """One move that was ordered and verified, and four seats that somebody added since."""
    carried_through(scene)
    scene.later(minutes=46)
    change(scene, lambda found: pc.with_seats(found, scene.moves[0].seats + 4))
    return scene


def move(office: Scene) -> str:
    return office.moves[0].move_id


def test_a_difference_that_is_wanted_is_told_apart_from_then_on(office: Scene) -> None:
    """With name, day and reason, in every later report, and it makes no report fail."""
    assert [one.kind for one in reconcile(office).differences] == [Kind.SEATS_DIFFER]
    reconcile(office, accept=[move(office)], **WHO)
    later = reconcile(office)

    assert (later.differences, later.exit_code) == ([], 0)
    seats = office.moves[0].seats
    begins = "accepted by Ana Ruiz on 2026-11-23 (their mail of 23 November): seats_differ"
    (line,) = later.told
    assert line.startswith(begins) and f"{seats + 4} seats" in line and f"not {seats} seats" in line
    assert [one["by"] for one in later.as_json()["accepted"]] == ["Ana Ruiz"]
    with office.ledger() as ledger:
        assert ledger.verify() == []


def test_what_changes_after_that_is_new(office: Scene) -> None:
    """One more seat, or another setting of the same subscription, was accepted by nobody."""
    reconcile(office, accept=[move(office)], **WHO)
    change(office, lambda found: pc.with_seats(found, office.moves[0].seats + 5))
    sold(office).auto_renew = False

    found = [one.kind for one in reconcile(office).differences]
    assert found == [Kind.SEATS_DIFFER, Kind.AUTO_RENEW_DIFFERS]
    reconcile(office, accept=[move(office)], **WHO)
    assert len(reconcile(office).told) == 2


@pytest.mark.parametrize(
    ("accept", "who", "message"),
    [
        ("", {"by": "Ana Ruiz"}, "needs --by NAME and --reason TEXT"),
        ("", {"by": "--", "reason": "x"}, "needs --by NAME and --reason TEXT"),
        ("mv-404", WHO, "found 'mv-404'"),
    ],
)
def test_who_and_what_are_asked_for(
    office: Scene, accept: str, who: dict[str, str], message: str
) -> None:
    """Nothing is accepted by nobody, for no reason, or unseen; the ledger is as it was."""
    work = reconciling.begin(office.settings)
    with pytest.raises(SettingsError, match=message):
        work.carry_out(accept=[accept or move(office)], **who)
    work.abandon()

    with office.ledger() as ledger:
        assert ledger.accepted() == {}


def test_a_dry_run_accepts_nothing(office: Scene) -> None:
    """What is not written down would be told again tomorrow."""
    with pytest.raises(SettingsError, match="a dry run writes none"):
        reconcile(office, mode="dry", accept=[move(office)], **WHO)


def test_an_order_too_many_is_never_accepted(office: Scene) -> None:
    """What costs money for nothing, or takes service away, is not for a customer to choose."""
    sold(office).status = "suspended"
    with pytest.raises(SettingsError, match="reactivate it in Partner Center"):
        reconcile(office, accept=[move(office)], **WHO)


def test_fewer_seats_are_taken_off_the_ledger_by_two_names(office: Scene) -> None:
    """Else the original would wait for them for ever: the line names the command that does it."""
    fewer = office.moves[0].seats - 1
    change(office, lambda found: pc.with_seats(found, fewer))
    only = office.settings.root / "these.csv"
    only.write_text(f"move_id\n{move(office)}\n", "utf-8")

    told = {one.kind: one.to_do for one in reconcile(office).differences}
    assert f"`cspkit run undo --plan PLAN --only FILE --seats {fewer}" in told[Kind.SEATS_DIFFER]
    said = {"asked_by": "Ana Ruiz", "agreed_by": "Berta Gil", "seats": fewer}
    about = {"plan": office.plan_file, "settings": office.settings, "only": only}
    receipt = runbooks.run("undo", mode="rehearsal", said=said, **about)
    assert (receipt.counts, reconcile(office).differences) == ({"done": 1}, [])


def test_the_command_says_who_accepted_what(
    office: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`cspkit reconcile --accept`: exit 0, and the line stands in the report as accepted."""
    monkeypatch.chdir(office.settings.root)
    runbooks.settling.keep(office.settings, office.settings.root)
    words = ["reconcile", "--accept", move(office), "--by", "Ana Ruiz", "--reason", "by mail"]
    monkeypatch.setattr(sys, "argv", ["cspkit", *words, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()

    (one,) = json.loads(capsys.readouterr().out)["accepted"]
    assert (ended.value.code, one["kind"], one["reason"]) == (0, "seats_differ", "by mail")
