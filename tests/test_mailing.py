"""Letters by mail: at most once, to a real server, and what went wrong comes back in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cspkit import decisions, runbooks
from cspkit.rehearsal.records import Customer
from cspkit.settings import Letters
from tests.postbox import USER, Postbox, postbox
from tests.scene import Scene

SENDER = "Sur Cloud <mudanza@surcloud.example>"
ADDRESS = "lucia@nunez.example"


@pytest.fixture
def box() -> Iterator[Postbox]:
    """A server that takes every mail."""
    with postbox() as made:
        yield made


def mailed(scene: Scene, port: int, **letters: Any) -> None:
    """Let letters go to a server on this machine."""
    wanted = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"}
    made = Letters(**{**wanted, "sender": SENDER, **letters})
    scene.settings = scene.settings.model_copy(update={"letters": made})


def invited(scene: Scene, address: str = ADDRESS) -> Customer:
    """Plan a customer that nobody invited, with a contact."""
    customer = scene.unrelated()
    scene.plan(customer)
    contact(scene, customer, contact_name="Lucía Prado", contact_email=address)
    return customer


def contact(scene: Scene, customer: Customer, **cells: Any) -> None:
    """Type into the customer's row of the decisions."""
    known = {name: value for name, value in cells.items() if value}
    decisions.fill(scene.settings.decisions, customers={customer.id: known})


def state(scene: Scene) -> str:
    """What became of the only letter."""
    with scene.ledger() as ledger:
        (found,) = ledger.mails()["state"]
    return str(found)


def asked(scene: Scene) -> bool:
    """Whether the customer counts as invited."""
    with scene.ledger() as ledger:
        return "asked" in list(ledger.steps()["state"])


def test_an_invitation_is_sent_once(scene: Scene, box: Postbox) -> None:
    """It is what lies in the outbox, from and to whom people said; a second run sends nothing."""
    customer = invited(scene)
    mailed(scene, box.port)

    first, second = scene.outcome("invite"), scene.outcome("invite")

    assert (first, second) == ("waiting", "waiting")
    (message,) = box.messages
    assert (box.arrived[0].mail_from, box.arrived[0].rcpt_tos) == (
        "mudanza@surcloud.example",
        [ADDRESS],
    )
    assert message["From"] == SENDER
    assert message["X-Unsent"] is None
    outbox = scene.settings.reports / "outbox"
    text = (outbox / f"{customer.id}-invitation.txt").read_text("utf-8")
    assert text == f"{message['Subject']}\n\n{message.get_content()}".replace("\r\n", "\n")
    assert b"X-Unsent" not in (outbox / f"{customer.id}-invitation.eml").read_bytes()
    assert (state(scene), asked(scene)) == ("sent", True)


def test_without_a_server_letters_stay_drafts(scene: Scene) -> None:
    """Nothing goes out that nobody set up; the customer counts as asked, as before."""
    invited(scene)

    scene.run("invite")

    outbox = scene.settings.reports / "outbox"
    assert [b"X-Unsent: 1" in path.read_bytes() for path in outbox.glob("*.eml")] == [True]
    with scene.ledger() as ledger:
        assert ledger.mails().empty
    assert asked(scene)


def test_a_draft_of_before_is_not_sent_later(scene: Scene, box: Postbox) -> None:
    """Somebody may have sent it by hand: setting a server up sends no old letter."""
    invited(scene)
    scene.run("invite")
    mailed(scene, box.port)

    scene.run("invite")

    assert box.arrived == []


def test_a_rehearsal_mails_nobody_beyond_this_machine(scene: Scene) -> None:
    """Only a live run reaches a customer: a rehearsal leaves drafts."""
    invited(scene)
    mailed(scene, 25, smtp_host="smtp.surcloud.example")

    assert scene.outcome("invite") == "waiting"
    with scene.ledger() as ledger:
        assert ledger.mails().empty


def test_a_dry_run_sends_nothing(scene: Scene, box: Postbox) -> None:
    """It shows whom it would write to."""
    invited(scene)
    mailed(scene, box.port)

    reason = scene.reason("invite", mode="dry")

    assert f"would write the invitation: to {ADDRESS}" in reason
    assert box.arrived == []


def test_a_letter_without_an_address_waits_for_one(scene: Scene, box: Postbox) -> None:
    """The customer does not count as asked; the address entered, it goes out by itself."""
    customer = invited(scene, address="")
    mailed(scene, box.port)

    first = scene.reason("invite")
    before = asked(scene)
    contact(scene, customer, contact_email=ADDRESS)
    scene.run("invite")

    assert "without an address; enter it in decisions.xlsx" in first
    assert (before, asked(scene), len(box.arrived)) == (False, True, 1)


@pytest.mark.parametrize(
    ("command", "answer", "outcome", "becomes", "words"),
    [
        ("RCPT", "550 5.1.1 no such user", "human", "refused", "was refused: 550 5.1.1 no such"),
        ("RCPT", "451 4.7.1 greylisted", "waiting", "waiting", "waits to be sent: the server"),
        ("RCPT", "554 5.7.1 no relay", "failed", "waiting", "letters.smtp_host: the server does"),
    ],
)
def test_what_the_server_says_decides(
    scene: Scene, box: Postbox, command: str, answer: str, outcome: str, becomes: str, words: str
) -> None:
    """A refusal comes back to a person, a maybe is tried again, a wrong setting is named."""
    invited(scene)
    mailed(scene, box.port)
    box.answers = {command: answer}

    (found,) = scene.run("invite").to_dict("records")

    assert (found["outcome"], state(scene), asked(scene)) == (outcome, becomes, False)
    assert words in found["reason"]
    box.answers = {}
    scene.run("invite")
    assert (len(box.arrived), state(scene)) == (
        (0, "refused") if becomes == "refused" else (1, "sent")
    )


def test_silence_after_the_text_is_never_sent_again(scene: Scene, box: Postbox) -> None:
    """Perhaps it went out: the second run asks a person, with the commands for both answers."""
    customer = invited(scene)
    mailed(scene, box.port)
    box.hang_up_on = "DATA"

    first = scene.run("invite")
    box.hang_up_on = ""
    second = scene.reason("invite")

    assert list(first["outcome"]) == ["human"]
    assert (state(scene), asked(scene), len(box.arrived)) == ("unclear", False, 1)
    assert f"`cspkit letters mark {customer.id} invitation sent`" in second
    assert f"`cspkit letters mark {customer.id} invitation again`" in second


def test_a_refused_letter_goes_to_another_address(scene: Scene, box: Postbox) -> None:
    """It surely did not arrive, so the next run sends it to whom the decisions name now."""
    customer = invited(scene)
    mailed(scene, box.port)
    box.answers = {"RCPT": f"550 5.1.1 <{ADDRESS}>: no such user"}
    first = scene.reason("invite")
    box.answers = {}
    contact(scene, customer, contact_email="marta@nunez.example")

    scene.run("invite")

    assert ADDRESS not in first
    assert [one.rcpt_tos for one in box.arrived] == [["marta@nunez.example"]]
    assert box.messages[0]["To"].addresses[0].addr_spec == "marta@nunez.example"
    assert asked(scene)


def test_a_reminder_goes_out_once_for_its_day(scene: Scene, box: Postbox) -> None:
    """Seven days and fourteen after the question; of two that fell due together, the last."""
    invited(scene)
    mailed(scene, box.port)
    scene.run("invite")
    subjects = []
    for days in (6, 1, 1, 20):
        scene.later(days=days)
        scene.run("invite")
        subjects.append(len(box.arrived))

    assert subjects == [1, 2, 2, 3]
    names = sorted(path.name[37:] for path in (scene.settings.reports / "outbox").glob("*.eml"))
    assert names == [
        "invitation.eml",
        "reminder-2026-11-23-14.eml",
        "reminder-2026-11-23-7.eml",
    ]
    assert "23" in box.messages[1].get_content()


def test_a_wrong_password_fails_the_run_and_is_nowhere(
    scene: Scene, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line names the setting and the variable; the letter waits, and no log has the word."""
    monkeypatch.setenv("CSPKIT_SMTP_PASSWORD", "not-the-Word")
    invited(scene)
    mailed(scene, box.port, smtp_user=USER)

    (found,) = scene.run("invite").to_dict("records")

    assert (found["outcome"], state(scene), box.logins) == ("failed", "waiting", 0)
    assert "cspkit.toml: letters.smtp_user: " in found["reason"]
    with scene.ledger() as ledger:
        logged = "".join(ledger.events()["detail"])
    assert "not-the-Word" not in logged + str(found)


def test_the_ranking_hears_of_a_letter_that_came_back(scene: Scene, box: Postbox) -> None:
    """What refused a letter is read beside the steps, where the ranking looks."""
    customer = invited(scene)
    mailed(scene, box.port)
    box.answers = {"RCPT": "550 5.1.1 no such user"}
    scene.run("invite")

    seen = runbooks.seen_steps(scene.settings)

    assert seen is not None
    rows = seen[["customer_id", "step", "state", "reason"]].to_dict("list")
    assert [list(row) for row in rows.values()] == [
        [customer.id],
        ["refused_address"],
        ["refused"],
        [ADDRESS],
    ]
