"""What people decide from the command line: hold, release, adopt, confirm-absent."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cspkit import cli, moves, runbooks
from cspkit.errors import LedgerError
from cspkit.ledger import Ledger, backups
from cspkit.settings import FILE, Paths
from cspkit.tables import MoveState
from tests.ledgers import CUSTOMER, NOON, SERVICE, claim_of, raw, sqlite, take, walk
from tests.postgres import Postgres
from tests.scene import Scene, scene

NAMED = ("--by", "Ana Ruiz", "--reason", "dispute")


def beside(*words: str, cwd: Path) -> None:
    """Run a verb in another process."""
    command = [sys.executable, "-m", "cspkit", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Done:
    """What a verb answered."""

    returncode: int
    stdout: str
    stderr: str


Verb = Callable[..., Done]


@pytest.fixture
def cspkit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Run a verb as the command does, in this process: starting one takes a second each."""

    def run(*words: str, cwd: Path) -> Done:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["cspkit", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Done(int(str(ended.value.code or 0)), *capsys.readouterr())

    return run


@pytest.fixture
def workspace(disk: Path) -> Path:
    """A workspace whose ledger has one move that waits for a person."""
    (disk / FILE).write_text("[service]\n", encoding="utf-8")
    with Ledger(sqlite(disk / "ledger" / "cspkit.db")) as ledger:
        ledger.bind(SERVICE)
        lease = take(ledger)
        ledger.claim(claim_of(), run_id="r", lease=lease)
        walk(ledger, lease, MoveState.CART, MoveState.SENT, MoveState.HUMAN)
    return disk


@pytest.fixture
def programme() -> Iterator[Scene]:
    """A rehearsal with a workspace."""
    with scene() as made:
        toml = (
            f'[service]\npartner_center = "{made.server.url}"\ngraph = "{made.server.url}/graph"\n'
        )
        (made.settings.root / FILE).write_text(
            f'{toml}[paths]\nledger = "sqlite:///ledger.db"\n', encoding="utf-8"
        )
        yield made


def reopened(workspace: Path) -> Ledger:
    """The workspace's ledger."""
    return Ledger(sqlite(workspace / "ledger" / "cspkit.db"))


@pytest.mark.parametrize("everyone", [True, False])
def test_a_hold_stops_a_run_that_is_on(programme: Scene, everyone: bool) -> None:
    """Nothing more leaves for the customer once the hold is there, by the service's own books."""
    first, second = programme.ready(0), programme.ready(1)
    programme.plan(first, second)
    work = moves.begin(
        "provision",
        plan=programme.plan_file,
        settings=programme.settings,
        batch="B001",
        mode="rehearsal",
    )

    def heard(number: int, _of: int, _counts: object) -> None:
        if number == 1:
            last = programme.moves[1].customer_id
            whom = "--all" if everyone else last
            beside("hold", whom, *NAMED, cwd=programme.settings.root)

    outcomes = work.carry_out(heard)
    work.close()

    assert outcomes["outcome"].tolist() == ["done", "skipped"]
    assert "by Ana Ruiz: dispute" in outcomes["reason"].tolist()[1]
    assert [programme.moves[0].customer_id] == [one["customer_id"] for one in programme.orders]
    assert programme.calls("POST", "/carts") == 1


def test_a_hold_is_listed_and_ends_by_name(workspace: Path, cspkit: Verb) -> None:
    """Who held, who released and why are kept in the log."""
    held = cspkit("hold", CUSTOMER.upper(), *NAMED, "--json", cwd=workspace)
    ended = cspkit("release", CUSTOMER, *NAMED, cwd=workspace)

    assert tuple(json.loads(held.stdout)[k] for k in ("held", "by")) == (CUSTOMER, "Ana Ruiz")
    assert (0, f"{CUSTOMER} is released\n") == (ended.returncode, ended.stdout)
    with reopened(workspace) as ledger:
        assert ledger.holds() == []
        assert {"held", "released"} <= set(ledger.events()["kind"])


def test_a_release_says_what_still_holds(workspace: Path, cspkit: Verb) -> None:
    """Nobody believes that a customer goes on while everyone is held."""
    cspkit("hold", "--all", *NAMED, cwd=workspace)

    done = cspkit("release", CUSTOMER, *NAMED, cwd=workspace)

    assert "was not on hold; everyone is still on hold by Ana Ruiz: dispute" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("hold", "1234", *NAMED), 2, "expected a tenant id"),
        (("hold", *NAMED), 2, "expected a tenant id or --all"),
        (("hold", CUSTOMER, "--all", *NAMED), 2, "not both"),
        (("hold", CUSTOMER, "--by", "Ana"), 2, "--reason: expected words"),
        (("release", "--all", "--reason", "x"), 2, "--by: expected words"),
        (("adopt", "mv-1", "o-7", "--by", "Ana"), 2, "--reason: expected words"),
        (("adopt", "mv-1", " ", *NAMED), 2, "expected an order id"),
        (("adopt", "mv-9", "o-7", *NAMED), 2, "no move 'mv-9'"),
        (("confirm-absent", "mv-1", "--reason", "x"), 2, "--by: expected words"),
    ],
)
def test_what_is_missing_is_one_line(
    workspace: Path, cspkit: Verb, words: tuple[str, ...], code: int, said: str
) -> None:
    """A mistake says what to give, and decides nothing."""
    done = cspkit(*words, cwd=workspace)

    assert code == done.returncode
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    with reopened(workspace) as ledger:
        assert ledger.holds() == []
        assert ledger.moves()["state"].tolist() == ["human"]


def test_an_order_is_adopted_once(workspace: Path, cspkit: Verb) -> None:
    """What a person saw is the order of the move; a second word changes nothing."""
    done = cspkit("adopt", "mv-1", "o-7", *NAMED, cwd=workspace)
    again = cspkit("adopt", "mv-1", "o-8", *NAMED, cwd=workspace)

    assert (done.returncode, again.returncode) == (0, 3)
    assert "mv-1 is ordered, it does not wait for a person" in again.stderr
    with reopened(workspace) as ledger:
        row = ledger.move("mv-1")
        assert row is not None
        assert (row.order_id, row.reason) == ("o-7", "Ana Ruiz: dispute")


def test_an_absent_order_is_planned_again(workspace: Path, cspkit: Verb) -> None:
    """Only after a person said so is there a new cart."""
    done = cspkit("confirm-absent", "mv-1", *NAMED, "--json", cwd=workspace)

    assert json.loads(done.stdout) == {"move": "mv-1", "state": "planned", "by": "Ana Ruiz"}
    with reopened(workspace) as ledger:
        row = ledger.move("mv-1")
        assert row is not None
        assert (row.state, row.cart_id) == (MoveState.PLANNED, None)


def test_a_ledger_of_another_installation_sends_nothing(programme: Scene) -> None:
    """A copied ledger stops a run before its first call, by the service's own books."""
    programme.plan(programme.ready())
    with programme.ledger() as ledger:
        raw(ledger, "UPDATE meta SET value = 'elsewhere /x/cspkit.db' WHERE key = 'home'")
    before = programme.books["calls"]

    with pytest.raises(LedgerError, match=r"copied or moved here from 'elsewhere") as refused:
        programme.run("provision")

    assert refused.value.exit_code == 3
    assert before == programme.books["calls"]


def test_a_team_runs_with_a_shared_ledger(
    programme: Scene, postgres: Postgres, empty_ledger: str
) -> None:
    """The same runbook, in a real kernel, with the ledger on a server: ordered once."""
    url = postgres.url(postgres.database(empty_ledger))
    programme.settings = programme.settings.model_copy(update={"paths": Paths(ledger=url)})
    programme.plan(programme.ready())
    given = {"batch": "B001", "mode": "rehearsal", "settings": programme.settings}
    receipt = runbooks.run("provision", plan=programme.plan_file, **given)

    assert (receipt.counts, programme.outcome("provision")) == ({"done": 1}, "done")
    assert len(programme.orders) == 1
    with programme.ledger() as ledger:
        heads = ledger.runs()["chain_head"].tolist()
        assert ledger.verify() == []
    assert sum(head in receipt.html.read_text("utf-8") for head in heads if head) == 1


def test_a_restored_ledger_sends_nothing(programme: Scene) -> None:
    """What an older copy has forgotten cannot be ordered again by it."""
    programme.plan(programme.ready())
    copy = backups.take(programme.ledger_file, "test", NOON)
    assert programme.outcome("provision") == "done"
    shutil.copy(copy, programme.ledger_file)
    before = programme.books["calls"]

    with pytest.raises(LedgerError, match="restored from an older copy"):
        programme.run("provision")

    assert before == programme.books["calls"]
    assert len(programme.orders) == 1
