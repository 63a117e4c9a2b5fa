"""`cspkit letters`: what waits, what is unclear, what came back, and who says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cspkit.cli import letters as verb
from cspkit.cli.options import app
from cspkit.errors import LedgerError, SettingsError
from cspkit.letters import bounce
from cspkit.runbooks import settling
from tests import scene as scenes
from tests.postbox import Postbox, postbox
from tests.scene import Scene
from tests.test_mailing import ADDRESS, contact, invited, mailed, state

BY = ["--by", "Ana Ruiz", "--reason", "asked the server"]
REPORT = """\
From: MAILER-DAEMON@surcloud.example
To: mudanza@surcloud.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.surcloud.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <{address}> no such user
--b
{returned}
--b--
"""
HEADERS = "Content-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: {id}\n"
COPY = "Content-Type: message/rfc822\n\nSubject: x\nMessage-ID: {id}\n\nHola\n"


def report(folder: Path, message_id: str, returned: str = HEADERS, **more: str) -> Path:
    """Save a mail that came back, as a server writes it."""
    values = {"address": ADDRESS, "action": "failed", "status": "5.1.1", **more}
    file = folder / "returned.eml"
    text = REPORT.format(returned=returned.format(id=message_id), **values)
    file.write_bytes(text.replace("\n", "\r\n").encode())
    return file


class Desk:
    """A workspace whose letters go to a server, and its verbs."""

    def __init__(self, scene: Scene, box: Postbox, folder: Path) -> None:
        self.scene, self.box, self.folder = scene, box, folder
        self.customer = invited(scene)
        mailed(scene, box.port)
        self.config = settling.keep(scene.settings, folder)

    def call(self, *words: str) -> Any:
        """Use the verb and read what it prints as JSON."""
        given = [*words, "--json", "--config", str(self.config)]
        done = CliRunner().invoke(app, ["letters", *given], catch_exceptions=False)
        return json.loads(done.stdout)

    def mark(self, outcome: str, *more: str) -> Any:
        """Say what became of the invitation."""
        return self.call("mark", self.customer.id, "invitation", outcome, *BY, *more)

    def message_id(self) -> str:
        """The id of the mail that went out."""
        return str(self.box.messages[-1]["Message-ID"])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One invited customer and a server that takes every mail."""
    assert verb.letters.info.help
    with scenes.scene() as scene, postbox() as box:
        yield Desk(scene, box, tmp_path)


def test_what_waits_is_sent_once_and_dry_unless_told_otherwise(desk: Desk) -> None:
    """A full mailbox of yesterday is no reason to run the step again."""
    desk.box.answers = {"DATA": "452 4.3.1 full"}
    desk.scene.run("invite")
    desk.box.answers = {}

    dry = desk.call("send")
    first, second = (desk.call("send", "--mode", "rehearsal") for _ in range(2))

    assert [one["sent"] for one in (dry, first, second)] == [0, 1, 0]
    assert (len(desk.box.arrived), state(desk.scene)) == (1, "sent")


def test_a_hold_in_the_decisions_keeps_a_letter_back(desk: Desk) -> None:
    """Whoever typed the hold after the letter was written has said that nothing goes out."""
    desk.box.answers = {"DATA": "452 4.3.1 full"}
    desk.scene.run("invite")
    desk.box.answers = {}
    contact(desk.scene, desk.customer, hold="yes")

    assert desk.call("send", "--mode", "rehearsal")["sent"] == 0
    assert (desk.box.arrived, state(desk.scene)) == ([], "waiting")


def test_one_lost_draft_keeps_no_other_letter_back(desk: Desk) -> None:
    """A letter that cannot be read waits; the next one goes out."""
    scene, other = desk.scene, desk.scene.unrelated(1)
    scene.plan(desk.customer, other)
    contact(scene, other, contact_name="Ana", contact_email="ana@nunez.example")
    desk.box.answers = {"DATA": "452 4.3.1 full"}
    scene.run("invite")
    desk.box.answers = {}
    first, _ = desk.call("send")["letters"]
    (scene.settings.reports / "outbox" / first["file"]).unlink()

    told = desk.call("send", "--mode", "rehearsal")
    assert [one["state"] for one in told["letters"]] == ["waiting", "sent"]


def test_a_rehearsal_is_not_sent_live(desk: Desk) -> None:
    """The mode and the service must belong together, as for a run."""
    with pytest.raises(SettingsError, match="mode live needs 'tenant', found 'rehearsal'"):
        desk.call("send", "--mode", "live")


def test_an_unclear_letter_goes_out_again_only_when_a_person_says_so(desk: Desk) -> None:
    """The log of the mail server knows; the answer is kept with a name."""
    desk.box.hang_up_on = "DATA"
    desk.scene.run("invite")
    desk.box.hang_up_on = ""
    desk.box.arrived.clear()
    (shown,) = desk.call()
    before = desk.call("send", "--mode", "rehearsal")["sent"]

    desk.mark("again")
    after = desk.call("send", "--mode", "rehearsal")["sent"]

    assert shown["state"] == "unclear" and "`cspkit letters mark" in shown["standing"]
    assert (before, after, len(desk.box.arrived)) == (0, 1, 1)
    with pytest.raises(LedgerError, match="is sent; it cannot become waiting"):
        desk.mark("again")


@pytest.mark.parametrize("returned", [HEADERS, COPY], ids=["headers", "copy"])
def test_a_mail_that_came_back_is_known_by_its_id(desk: Desk, returned: str) -> None:
    """The letter counts as not arrived, and the next run says who must act."""
    desk.scene.run("invite")
    file = report(desk.folder, desk.message_id(), returned)

    first, second = (desk.call("bounces", str(file)) for _ in range(2))

    assert state(desk.scene) == "bounced"
    assert "came back: 550 5.1.1 <the address> no such user" in first[0]["noted"]
    assert second[0]["noted"] == "known already"
    assert "enter another address in decisions.xlsx" in desk.scene.reason("invite")


@pytest.mark.parametrize(
    ("more", "noted"),
    [
        ({"action": "delayed", "status": "4.4.1"}, "no report of a mail that failed for good"),
        ({"address": "old@nunez.example"}, "about an address that it does not go to any more"),
        ({"returned": "Content-Type: text/plain\n\nhi"}, "no report of a mail that failed"),
    ],
)
def test_a_report_of_something_else_changes_nothing(
    desk: Desk, more: dict[str, str], noted: str
) -> None:
    """A delay is no failure, and an old address does not blame the new one."""
    desk.scene.run("invite")
    file = report(desk.folder, desk.message_id(), **more)

    (found,) = desk.call("bounces", str(desk.folder))

    assert noted in found["noted"]
    assert (found["mail"], state(desk.scene)) == (str(file), "sent")


def test_a_report_about_another_mail_is_no_letter_of_ours(desk: Desk) -> None:
    """The sender's mailbox holds all sorts of mail."""
    desk.scene.run("invite")

    (found,) = desk.call("bounces", str(report(desk.folder, "<1@elsewhere.example>")))

    assert found["noted"] == "about no letter of this ledger"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("invitation", "lost"), "expected sent, again, bounced, found 'lost'"),
        (("reminder", "sent"), r"no letter 'reminder' .*; it has invitation \(cycle '1'\)"),
    ],
)
def test_a_wrong_word_is_one_line(desk: Desk, words: tuple[str, str], what: str) -> None:
    """What was expected and what is there is said; nothing is changed."""
    desk.scene.run("invite")

    with pytest.raises((SettingsError, LedgerError), match=what):
        desk.call("mark", desk.customer.id, *words, *BY)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"Content-Type: multipart/report\n\n"])
def test_what_is_no_mail_is_no_bounce(tmp_path: Path, data: bytes) -> None:
    """Whatever lies in the folder, a report is only what says so itself."""
    (tmp_path / "a.eml").write_bytes(data)

    assert bounce(tmp_path / "a.eml") is None
