"""A letter goes out at most once: the ledger's own states, and the database behind them."""

from __future__ import annotations

import pytest

from cspkit.errors import LedgerError
from cspkit.ledger import Ledger, Letter
from tests.ledgers import CUSTOMER, raw


@pytest.fixture
def letter(ledger: Ledger) -> Letter:
    """A letter that waits to be sent."""
    about = {"language": "es", "run_id": "r"}
    made = ledger.claim_letter(CUSTOMER, "reminder", file="a.eml", cycle="2", **about)
    queue(ledger, made)
    return made


def queue(ledger: Ledger, letter: Letter, address: str = "a@b.example") -> str:
    """Let a letter wait for an address; give its state afterwards."""
    return ledger.queue_mail(letter, address=address, message_id="<1@b.example>").state


def state(ledger: Ledger, letter: Letter) -> str:
    """What became of a letter."""
    found = ledger.mail(letter)
    assert found is not None
    return found.state


def test_a_letter_goes_out_once(ledger: Ledger, letter: Letter) -> None:
    """Of two who begin to send it one may; sent, it waits never again."""
    began = [ledger.begin_mail(letter), ledger.begin_mail(letter)]
    ledger.settle_mail(letter, "sent", "250 taken")

    assert began == [True, False]
    assert queue(ledger, letter, "other@b.example") == "sent"
    assert not ledger.begin_mail(letter)


def test_a_run_that_was_killed_leaves_a_letter_that_nobody_sends(
    ledger: Ledger, letter: Letter
) -> None:
    """An intent without an outcome waits for a person, whatever is asked for."""
    ledger.begin_mail(letter)

    assert queue(ledger, letter, "other@b.example") == "sending"
    assert not ledger.begin_mail(letter)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE mails SET state = 'sending'",
        "UPDATE mails SET state = 'waiting'",
        "UPDATE mails SET state = 'refused'",
        "UPDATE mails SET cycle = '3'",
        "DELETE FROM mails",
    ],
)
def test_the_database_sends_nothing_twice(ledger: Ledger, letter: Letter, statement: str) -> None:
    """Past the code, what was sent stays sent."""
    ledger.begin_mail(letter)
    ledger.settle_mail(letter, "sent", "250 taken")

    with pytest.raises(LedgerError, match="mails"):
        raw(ledger, statement)


def test_a_mail_begins_waiting(ledger: Ledger, letter: Letter) -> None:
    """Nobody writes a mail into the ledger that no intent went before."""
    insert = "INSERT INTO mails SELECT customer_id, letter, '1', 'sent', address, message_id"
    written = "INSERT INTO letters SELECT customer_id, letter, '1', language, file, run_id, "
    raw(ledger, f"{written} claimed_at, written_at FROM letters")

    with pytest.raises(LedgerError, match="begins waiting"):
        raw(ledger, f"{insert}, answer, sending_at, updated_at FROM mails")


def test_a_hold_keeps_letters_back(ledger: Ledger, letter: Letter) -> None:
    """A hold takes effect before the next letter goes out."""
    ledger.hold(CUSTOMER, reason="dispute", by="Ana Ruiz")

    assert not ledger.begin_mail(letter)
    assert state(ledger, letter) == "waiting"


@pytest.mark.parametrize(
    ("outcome", "after", "expected"),
    [
        ("unclear", "waiting", "waiting"),
        ("unclear", "sent", "sent"),
        ("sent", "bounced", "bounced"),
        ("refused", "waiting", "waiting"),
    ],
)
def test_a_person_settles_what_is_not_known(
    ledger: Ledger, letter: Letter, outcome: str, after: str, expected: str
) -> None:
    """Who said what, and why, is in the log; an address is not."""
    ledger.begin_mail(letter)
    ledger.settle_mail(letter, outcome, "")

    mail = ledger.decide_mail(letter, after, by="Ana Ruiz", reason="asked the server")

    assert (expected, "asked the server") == (mail.state, mail.answer)
    last = ledger.events().iloc[-1]
    assert ("mail", outcome, expected) == (last["kind"], last["before"], last["after"])
    assert "Ana Ruiz" in last["detail"]
    assert not ledger.events()["detail"].str.contains("@").any()
    assert ledger.verify() == []


@pytest.mark.parametrize(
    ("by", "reason", "after", "what"),
    [
        ("", "why", "sent", "both are needed"),
        ("Ana Ruiz", " ", "sent", "both are needed"),
        ("Ana Ruiz", "why", "waiting", "is sent; it cannot become waiting"),
    ],
)
def test_what_was_sent_is_not_sent_again_by_hand(
    ledger: Ledger, letter: Letter, by: str, reason: str, after: str, what: str
) -> None:
    """A person needs a name and a reason, and cannot wish a letter back."""
    ledger.begin_mail(letter)
    ledger.settle_mail(letter, "sent", "250 taken")

    with pytest.raises(LedgerError, match=what):
        ledger.decide_mail(letter, after, by=by, reason=reason)


def test_a_letter_that_came_back_waits_for_another_address(ledger: Ledger, letter: Letter) -> None:
    """What surely did not arrive may go out to whom people name next."""
    ledger.begin_mail(letter)
    ledger.settle_mail(letter, "refused", "550 5.1.1 no such user")

    assert queue(ledger, letter, "other@b.example") == "waiting"
    assert ledger.begin_mail(letter)
    assert list(ledger.mails()[["address", "state"]].itertuples(index=False, name=None)) == [
        ("other@b.example", "sending")
    ]
