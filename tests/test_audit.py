"""The audit pack: everything of one customer, nothing of another, nothing that executes."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cspkit.errors import SettingsError
from cspkit.reporting import audit
from tests.scene import Scene, scene


@pytest.fixture
def here() -> Iterator[Scene]:
    """A rehearsal of its own for each test."""
    with scene() as found:
        yield found


def table(pack: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    """Read one csv of a pack back."""
    return list(csv.DictReader(io.StringIO(pack.read(name).decode("utf-8-sig"))))


def test_a_pack_holds_the_evidence_of_one_customer(here: Scene, tmp_path: Path) -> None:
    """Approval, calls with the request ids that the service saw, order, letters; no one else's."""
    mine, other, new = here.ready(0), here.ready(1), here.unrelated()
    here.plan(mine, other, new)
    here.run("invite")
    here.run("renewal-safe")
    here.run("provision")
    outbox = here.settings.reports / "outbox"

    with here.ledger() as ledger:
        made = audit.pack(ledger, mine.id, tmp_path, name="<b>Mine</b>", outbox=outbox)
        asked = audit.pack(ledger, new.id, tmp_path, outbox=outbox)
        again = audit.pack(ledger, mine.id, tmp_path / "again", name="<b>Mine</b>", outbox=outbox)

    assert made.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(made) as pack:
        text = b"".join(pack.read(name) for name in pack.namelist()).decode("utf-8")
        page = pack.read("index.html").decode("utf-8")
        (move,) = table(pack, "moves.csv")
        calls = table(pack, "calls.csv")
        (end,) = table(pack, "ends.csv")
        approved = table(pack, "approvals.csv")
    order = next(one for one in here.orders if one["customer_id"] == mine.id)
    assert (move["order_id"], move["state"]) == (order["order_id"], "provisioned")
    assert all(call["request_id"] and call["outcome"] == "done" for call in calls) and calls
    assert approved
    assert (end["original"], end["state"]) == (move["subscription_ids"], "renewal_safe")
    assert other.id not in text and new.id not in text
    assert "&lt;b&gt;Mine&lt;/b&gt;" in page and "<b>" not in page
    with zipfile.ZipFile(asked) as pack:
        assert f"letters/{new.id}-invitation.txt" in pack.namelist()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("  @SUM(1)", "'  @SUM(1)"),
        ("-3", "'-3"),
        ("＝1", "'＝1"),
        ("plain", "plain"),
        (-3, "-3"),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula(cell: object, written: str) -> None:
    """Text that a spreadsheet would execute begins with an apostrophe; numbers stay numbers."""
    assert audit._plain(cell) == written


def test_a_customer_that_nobody_knows_is_one_line(here: Scene, tmp_path: Path) -> None:
    """An empty pack would look like evidence of nothing."""
    with here.ledger() as ledger, pytest.raises(SettingsError, match="knows nothing of 'x'"):
        audit.pack(ledger, "x", tmp_path, outbox=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_pack_says_what_became_of_a_letter(here: Scene, tmp_path: Path) -> None:
    """To which address it went, when, and what the server answered."""
    customer = here.unrelated()
    here.plan(customer)
    here.run("invite")
    with here.ledger() as ledger:
        letter = ledger.letter(customer.id, "invitation", "1")
        assert letter is not None
        ledger.queue_mail(letter, address="ana@b.example", message_id="<1@b.example>")
        ledger.begin_mail(letter)
        ledger.settle_mail(letter, "refused", "550 no such user")
        made = audit.pack(ledger, customer.id, tmp_path, outbox=here.settings.reports / "outbox")

    with zipfile.ZipFile(made) as pack:
        (row,) = table(pack, "letters.csv")
    assert (row["mail"], row["address"], row["answer"]) == (
        "refused",
        "ana@b.example",
        "550 no such user",
    )
    assert row["sending_at"]
