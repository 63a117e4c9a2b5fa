"""Work by hand: lines for a provider, results taken back, and never two orders for one original."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cspkit import catalogue, decisions, moves, planning, reconciling
from cspkit.clock import FixedClock
from cspkit.errors import LedgerError, PlanRefused, SettingsError
from cspkit.ledger import EndChange, Lease, Ledger, Line, MoveChange, Returned
from cspkit.moves import checklist, returned, taking
from cspkit.moves.checking import Check
from cspkit.moves.returned import ResultsRefused
from cspkit.planfile import PlanFile, PlannedBatch, PlannedCustomer, PlannedMove, move_id
from cspkit.rehearsal.products import products
from cspkit.reporting import audit
from cspkit.settings import Paths, Service, Settings
from cspkit.tables import EndState, MoveState
from tests import ledgers
from tests import scene as scenes
from tests.scene import MONDAY, Scene, at, other_product

PRODUCT = next(one for one in products() if Scene.sold(one))
ENDS = MONDAY + timedelta(days=30)
MARKUP = {"html", "head", "meta", "title", "style", "body", "main", "section"}
MARKUP |= {"h1", "h2", "p", "table", "tr", "th", "td"}
HOSTILE = '=HYPERLINK("http://evil.example")<script>alert(1)</script>'
Row = dict[str, str]


class Office:
    """A workspace without any service, and a plan of some moves that were accepted."""

    def __init__(self, root: Path, **service: Any) -> None:
        values = {"by_hand": True, "invitation_link": "https://partner.example/join", **service}
        self.settings = Settings(
            root=root, service=Service(**values), paths=Paths(ledger="sqlite:///ledger.db")
        )
        self.plan_file = root / "plan.json"
        self.clock = FixedClock(at(MONDAY, 9))
        self.made: dict[str, str] = {}
        self.moves: list[PlannedMove] = []
        self.state = "ready"

    # planning

    def move(self, number: int, **changed: Any) -> PlannedMove:
        values: dict[str, Any] = {
            "batch": "B001",
            "date": MONDAY,
            "customer_id": customer_id(number),
            "subscription_ids": [f"original-{number}"],
            "part": 1,
            "sku_id": PRODUCT.sku_id,
            "target_offer": PRODUCT.offer,
            "target_sku_id": PRODUCT.sku_id,
            "seats": 5 + number,
            "term": "P1Y",
            "billing_cycle": "monthly",
            "auto_renew": False,
            "route": "purchase",
            "expires_on": ENDS,
            "invite_on": MONDAY,
            "access_by": MONDAY,
            "renewal_safe_on": MONDAY,
            "reassign_on": None,
            "verify_by": MONDAY,
            "end_scheduled_by": ENDS,
            "last_safe_day": ENDS - timedelta(days=2),
            "same_offer": True,
            "overlap_cost": None,
            "currency": None,
            "reason": "",
            "rule": "csp_nce",
            **changed,
        }
        name = move_id(values["customer_id"], values["subscription_ids"], values["part"])
        return PlannedMove(move_id=name, **values)

    def plan(self, *moved: PlannedMove, names: dict[int, str] | None = None, **more: Any) -> None:
        """Write and approve a plan of these moves, all of them accepted."""
        self.moves = list(moved)
        ids = dict.fromkeys(move.customer_id for move in moved)
        document = PlanFile(
            service=self.settings.service.id,
            as_of=date(2026, 11, 20),
            start=MONDAY,
            policy={},
            moves=self.moves,
            batches=[PlannedBatch(batch="B001", date=MONDAY, moves=1, seats=1, customers=1)],
            customers=[
                PlannedCustomer(
                    customer_id=one,
                    name=(names or {}).get(int(one[-4:]), f"Customer {int(one[-4:])}"),
                    domain=f"c{int(one[-4:])}.example",
                    market="ES",
                    language="es",
                    state=self.state,
                    invite_on=MONDAY,
                    access_by=MONDAY,
                )
                for one in ids
            ],
            unplaced=[],
            savings=[],
            objective="test",
            made_by="ana",
            **more,
        ).sealed()
        document.write(self.plan_file)
        accepted = planning.accepted(
            self.moves,
            by="Carmen",
            on=date(2026, 11, 20),
            reference="mail",
            price=Decimal("12.50"),
            currency="EUR",
        )
        decisions.fill(self.settings.decisions, originals=accepted)
        with self.ledger() as ledger:
            ledger.bind(self.settings.service.id)
            ledger.approve(document.hash, by="berta", made_by="ana")

    def says(self, **cells: dict[str, Any]) -> None:
        """Let people decide about customers, by the number in their id."""
        typed = {customer_id(int(key[1:])): row for key, row in cells.items()}
        decisions.fill(self.settings.decisions, customers=typed)

    # running

    def begin(self, step: str, **more: Any) -> moves.Work:
        given = {"batch": "B001", "mode": "rehearsal", "settings": self.settings, **more}
        return moves.begin(step, plan=self.plan_file, clock=self.clock, **given)

    def run(self, step: str, **more: Any) -> list[str]:
        """Run a step; give the reasons, and keep the folder that its lines are in."""
        work = self.begin(step, **more)
        outcomes = work.carry_out()
        self.folder = self.settings.root / f"run-{len(self.made)}-{step}"
        self.folder.mkdir(exist_ok=True)
        work.close(str(self.folder / "result.json"))
        self.made[step] = str(self.folder)
        self.outcomes = list(outcomes["outcome"])
        return list(outcomes["reason"])

    def rows(self, where: str = checklist.TABLE) -> list[Row]:
        text = (self.folder / where).read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def answer(self, *rows: Row, name: str = "back.csv") -> Path:
        file = self.settings.root / name
        with file.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return file

    def take(self, *rows: Row, mode: str = "rehearsal", by: str = "Ana Ruiz") -> taking.Taken:
        file = self.answer(*rows)
        return taking.take(file, by=by, mode=mode, settings=self.settings, clock=self.clock)

    def refused(self, *rows: Row) -> str:
        """Give the problems with which a file is refused; the ledger is as it was."""
        before = self.books()
        with pytest.raises(ResultsRefused) as problem:
            self.take(*rows)
        assert before == self.books()
        return str(problem.value)

    # judging

    def ledger(self) -> Ledger:
        return Ledger(self.settings.ledger_url, clock=self.clock)

    def books(self) -> tuple[list[tuple[Any, ...]], int]:
        """Give the states of all moves, and how many events there are."""
        with self.ledger() as ledger:
            found = ledger.moves()[["move_id", "state", "order_id"]]
            return [tuple(map(str, row)) for row in found.to_numpy()], len(ledger.events())

    def states(self) -> list[str]:
        with self.ledger() as ledger:
            return list(ledger.moves()["state"])


def customer_id(number: int) -> str:
    return f"11111111-0000-4000-8000-00000000{number:04d}"


def done(row: Row, **cells: Any) -> Row:
    """Fill in a row as a provider does."""
    told = {"done_on": "2026-11-23", "done_by": "Pau Provider", **cells}
    return {**row, **{name: str(value) for name, value in told.items()}}


def ordered(row: Row, **cells: Any) -> Row:
    return done(row, **{"order_id": f"ord-{row['line']}", "seats": row["quantity"], **cells})


@pytest.fixture
def office() -> Iterator[Office]:
    """An empty workspace, in memory where there is such a place."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="cspkit-", dir=place) as root:
        yield Office(Path(root))


@pytest.fixture(scope="module")
def untouched() -> Iterator[Office]:
    """Two moves whose lines were issued, for tests that write nothing."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="cspkit-", dir=place) as root:
        made = Office(Path(root))
        made.plan(made.move(1), made.move(2))
        made.run("provision")
        yield made


@pytest.fixture
def issued(office: Office) -> Office:
    """Two moves whose lines were issued."""
    office.plan(office.move(1), office.move(2))
    office.run("provision")
    return office


# issuing


def test_a_line_says_everything_to_type(issued: Office) -> None:
    """Offer, term, cycle, seats, renewal, tenant, name and day, as they were planned."""
    (row,) = [one for one in issued.rows() if one["tenant_id"] == customer_id(1)]

    names = ("offer", "quantity", "term", "billing_cycle", "auto_renew", "tenant_domain")
    assert [PRODUCT.offer, "6", "P1Y", "monthly", "off", "c1.example"] == [row[n] for n in names]
    assert row["friendly_name"].endswith("]")
    assert (row["originals"], row["by"]) == ("original-1", str(ENDS - timedelta(days=2)))
    assert issued.states() == ["sent", "sent"]
    assert issued.outcomes == ["waiting", "waiting"]


def test_issuing_again_gives_the_same_line(issued: Office) -> None:
    """The file is written again from the ledger, and there is no second line."""
    first, pages = issued.rows(), (issued.folder / checklist.PAGE).read_text()

    issued.clock.set(at(MONDAY + timedelta(days=1)))
    issued.run("provision")

    assert first == issued.rows()
    assert pages == (issued.folder / checklist.PAGE).read_text()
    with issued.ledger() as ledger:
        assert len(ledger.lines()) == 2


def test_a_run_killed_before_its_file_loses_nothing(office: Office) -> None:
    """The intent is in the ledger before the file: another run writes the file of the same line."""
    office.plan(office.move(1))
    work = office.begin("provision")
    work.carry_out()
    work._desk.close()
    assert office.states() == ["sent"]

    office.run("provision")

    with office.ledger() as ledger:
        (line,) = ledger.lines()["line"]
    assert [line] == [row["line"] for row in office.rows()]


def test_a_dry_run_shows_its_lines_and_writes_nothing(office: Office) -> None:
    """What would be issued is told; ledger and folder stay empty."""
    office.plan(office.move(1))
    before = office.books()

    (reason,) = office.run("provision", mode="dry")

    assert f"order 6 × {title()}" in reason
    assert before == office.books()
    assert not (office.folder / checklist.TABLE).exists()


def title() -> str:
    return str((catalogue.find(PRODUCT.sku_id) or {})["name"])


def test_a_new_plan_never_issues_a_second_order(issued: Office) -> None:
    """What was issued stays as it was, for the same move and for another with its original."""
    issued.plan(issued.move(1, seats=9), issued.move(2, subscription_ids=["original-2", "more"]))

    reasons = issued.run("provision")

    with issued.ledger() as ledger:
        lines = ledger.lines()
    assert len(lines) == 2
    assert issued.outcomes == ["waiting", "skipped"]
    assert "its original is sent by mv-" in reasons[1]
    assert [row["quantity"] for row in issued.rows()] == ["6"]


def test_two_operators_issue_one_line(office: Office) -> None:
    """Two runs at the same time on one ledger: one line for each move."""
    office.plan(*(office.move(number) for number in range(1, 5)))
    gate = threading.Barrier(2)

    def operate() -> None:
        work = office.begin("provision")
        gate.wait()
        work.carry_out()
        work.close(str(office.settings.root / f"{threading.get_ident()}.json"))

    threads = [threading.Thread(target=operate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.run("provision")

    assert len({row["line"] for row in office.rows()}) == 4
    with office.ledger() as ledger:
        assert sorted(ledger.lines()["subject"]) == sorted(move.move_id for move in office.moves)


def test_hostile_names_are_only_text(office: Office) -> None:
    """A customer's name is no formula in the csv and no markup in the page."""
    office.plan(office.move(1), names={1: HOSTILE})
    office.run("provision")

    (row,) = office.rows()
    page = (office.folder / checklist.PAGE).read_text(encoding="utf-8")
    assert f"'{HOSTILE}" == row["customer"]
    assert tags(page) <= MARKUP
    assert "http" not in page.replace("http-equiv", "").replace("http://evil.example", "")


def test_no_value_is_markup() -> None:
    """Whatever a line holds, in its title, its head or its table, is text in the page."""
    facts = {fact: f"</title></h2>{HOSTILE}" for fact in checklist.TOLD.values()}
    line = Line("L-1", "undo", "mv-1", "c", {**facts, "provider": HOSTILE}, at(MONDAY))

    assert tags(checklist.page([line])) <= MARKUP


def tags(page: str) -> set[str]:
    found: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.add(tag)  # type: ignore[method-assign]
    parser.feed(page)
    return found


@pytest.mark.parametrize("text", ["=1+1", " +1", "\t=1", "@x", "＝1", "-1", "a\n=1", "'=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever begins like a formula is quoted, and nothing breaks its line."""
    told = checklist.cell(text)

    assert told.startswith("'") or told[0] not in "=+-@＝"
    assert "\n" not in told and "\t" not in told


def test_each_provider_sees_only_its_customers(office: Office) -> None:
    """Different resellers get files of their own, and neither names a customer of the other."""
    office.plan(office.move(1), office.move(2), office.move(3))
    office.says(c1={"reseller_id": "Alfa SL"}, c2={"reseller_id": "beta"})
    office.run("provision")

    pairs = sorted(path.parent for path in office.folder.rglob(checklist.TABLE))
    texts = ["".join(file.read_text() for file in pair.iterdir()) for pair in pairs]
    assert len(pairs) == 3
    seen = [[n for n in (1, 2, 3) if f"c{n}.example" in text] for text in texts]
    assert sorted(seen) == [[1], [2], [3]]


def test_by_hand_nothing_is_called(issued: Office) -> None:
    """No token is asked for and no address answers, also where the mode is live."""
    live = Settings(
        root=issued.settings.root,
        service=issued.settings.service.model_copy(update={"kind": "tenant"}),
        paths=Paths(ledger="sqlite:///live.db"),
    )
    issued.settings = live
    issued.plan(issued.move(1))

    issued.run("provision", mode="live")

    assert issued.outcomes == ["waiting"]


def test_the_rules_of_a_run_hold_by_hand(office: Office) -> None:
    """No line without approval, consent, the day of the order, or while a hold is on."""
    office.plan(office.move(1), office.move(2, date=MONDAY + timedelta(days=2)), office.move(3))
    decisions.fill(office.settings.decisions, originals={"original-3": {"consent_by": None}})
    with office.ledger() as ledger:
        ledger.hold(customer_id(1), reason="dispute", by="Ana")
    reasons = office.run("provision")

    assert office.outcomes == ["skipped"] * 3
    assert "dispute" in reasons[0] and "its day is" in reasons[1]
    office.settings = office.settings.model_copy(
        update={"paths": Paths(ledger="sqlite:///other.db")}
    )
    with pytest.raises(PlanRefused, match="not approved"):
        office.run("provision")


def test_agreement_and_relationship_come_first(office: Office) -> None:
    """A customer that accepted nothing is invited by the link of the settings, then waits."""
    office.state = "relationship"
    office.plan(office.move(1))
    office.says(c1={"contact_email": "it@c1.example", "contact_name": "Eva"})
    (reason,) = office.run("provision")
    assert "has not accepted the invitation" in reason

    office.run("invite")
    (row,) = office.rows()
    assert (row["step"], row["link"]) == ("relationship", "https://partner.example/join")
    letters = list((office.settings.reports / "outbox").glob("*.txt"))
    assert "https://partner.example/join" in letters[0].read_text(encoding="utf-8")
    office.take(done(row, evidence="list of customers"))
    office.run("access")
    (row,) = office.rows()
    office.take(done(row, evidence="mail of Eva"))

    office.run("provision")
    assert office.states() == ["sent"]


def test_a_reseller_without_a_link_invites_nobody(office: Office) -> None:
    """The link of another is never taken in its place."""
    office.state = "relationship"
    office.plan(office.move(1))
    office.says(c1={"reseller_id": "alfa", "contact_email": "it@c1.example"})

    (reason,) = office.run("invite")

    assert "service.invitation_links.alfa" in reason
    assert office.outcomes == ["failed"]


# results


def test_results_move_the_state(issued: Office) -> None:
    """An order id makes a move ordered, with its day, who did it, and from which row."""
    first, second = issued.rows()

    taken = issued.take(ordered(first), ordered(second, subscription_id="sub-2"))

    assert (len(taken.said), taken.known) == (2, 0)
    with issued.ledger() as ledger:
        found = ledger.moves().set_index("customer_id")
        lines = ledger.lines().set_index("customer_id")
        assert ledger.verify() == []
    states = [found.loc[row["tenant_id"], "state"] for row in (first, second)]
    assert states == ["ordered", "provisioned"]
    assert found.loc[first["tenant_id"], "by_hand"] == "Pau Provider"
    told = lines.loc[second["tenant_id"], ["state", "done_by", "taken_by", "file", "row"]]
    assert list(told) == ["done", "Pau Provider", "Ana Ruiz", "back.csv", "3"]


def test_the_same_results_change_nothing(issued: Office) -> None:
    """A file that comes twice, or under another name, is known; empty rows are left open."""
    first, second = issued.rows()
    issued.take(ordered(first), second)
    before = issued.books()

    again = issued.take(ordered(first), second)

    assert (again.said, again.known, again.empty) == ((), 1, 1)
    assert before == issued.books()


def test_dry_results_write_nothing(untouched: Office) -> None:
    """What would be taken is said."""
    before = untouched.books()

    taken = untouched.take(*(ordered(row) for row in untouched.rows()), mode="dry")

    assert len(taken.said) == 2
    assert before == untouched.books()


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"line": "L-0000000000"}, "row 3, column line: the ledger issued no 'L-0000000000'"),
        ({"tenant_id": customer_id(1)}, "row 3, column tenant_id: "),
        ({"quantity": "70"}, "row 3, column quantity: "),
        ({"seats": "6"}, "row 3, column seats: expected the 7 that were issued, found 6"),
        ({"seats": "many"}, "row 3, column seats: expected a whole number, found 'many'"),
        ({"done_on": "2026-11-22"}, "row 3, column done_on: "),
        ({"done_on": "2026-11-24"}, "row 3, column done_on: expected a day until 2026-11-23"),
        ({"done_on": "23/11/2026"}, "row 3, column done_on: expected YYYY-MM-DD"),
        ({"done_by": ""}, "row 3, column done_by: "),
        ({"order_id": ""}, "row 3, column order_id: "),
        ({"order_id": "1.2E+11"}, "row 3, column order_id: expected an id"),
        ({"order_id": "ord-A"}, "row 3, column order_id: 'ord-A' stands in row 2 too"),
        ({"refused": "sold out"}, "row 3, column refused: a refused line has no order_id"),
        ({"statement": "seen"}, "row 3, column statement: step provision has none"),
    ],
)
def test_wrong_results_are_refused_whole(untouched: Office, cells: Row, problem: str) -> None:
    """One line for each problem, with row and column; the right rows are not written either."""
    first, second = sorted(untouched.rows(), key=lambda row: row["tenant_id"])

    said = untouched.refused(ordered(first, order_id="ord-A"), ordered(second) | cells)

    assert problem in said
    assert len(said.splitlines()) == 1


def test_a_line_stands_once_in_a_file(untouched: Office) -> None:
    """Two results for one line are a misunderstanding, and columns are known by name."""
    row = untouched.rows()[0]

    assert "stands in row 2 too" in untouched.refused(ordered(row), ordered(row, order_id="other"))
    assert "unknown column 'ordr_id'" in untouched.refused({**ordered(row), "ordr_id": "x"})


def test_an_order_has_one_move(issued: Office) -> None:
    """An order id that another move has is refused."""
    first, second = issued.rows()
    issued.take(ordered(first, order_id="ord-A"))

    assert "is the order of mv-" in issued.refused(ordered(second, order_id="ORD-A"))


def test_a_contradiction_is_left_to_a_person(issued: Office) -> None:
    """Another result for a line that has one is refused, and says who gave the first."""
    row = issued.rows()[0]
    issued.take(ordered(row))

    said = issued.refused(ordered(row, order_id="another"))

    assert "has another result, done by Pau Provider on 2026-11-23: a person settles it" in said


def test_a_refused_line_is_issued_anew(issued: Office) -> None:
    """Nothing was ordered, so the next run issues another line; the old one is closed."""
    rows = issued.rows()
    plain = {name: rows[0][name] for name in ("move_id", "step")}
    issued.take(done(plain, refused="sold out"))
    assert sorted(issued.states()) == ["refused", "sent"]

    issued.run("provision")

    lines = {row["line"] for row in issued.rows()}
    assert rows[0]["line"] not in lines and rows[1]["line"] in lines
    assert "has another result" in issued.refused(ordered(rows[0]))


def test_results_wait_for_a_customer_in_work(issued: Office) -> None:
    """Where somebody else has a customer of the file, nothing of it is written."""
    before = issued.states()
    with issued.ledger() as ledger:
        ledger.lease(customer_id(2), "carla@elsewhere:7:x")

    with pytest.raises(LedgerError, match="carla@elsewhere:7:x works on customer"):
        issued.take(*(ordered(row) for row in issued.rows()))
    assert before == issued.states()


def test_results_need_a_name(untouched: Office) -> None:
    """Who brings a file is kept, so it is asked for."""
    with pytest.raises(SettingsError, match="--by"):
        untouched.take(ordered(untouched.rows()[0]), by=" ")


# the road to the end


def verified(office: Office, **cells: Any) -> None:
    (row,) = office.rows()
    office.take(ordered(row))
    office.run("verify")
    (row,) = office.rows()
    office.take(done(row, subscription_id="sub-1", seats=row["quantity"], **cells))


def test_verified_needs_proof(office: Office) -> None:
    """Seats seen, and a dated export or a statement: without them nothing is verified."""
    office.plan(office.move(1))
    office.run("provision")
    office.take(ordered(office.rows()[0]))
    office.run("verify")
    (row,) = office.rows()
    about = {"subscription_id": "sub-1", "seats": "6"}

    assert "column statement" in office.refused(done(row, **about))
    assert "at least 6 seen, found 5" in office.refused(done(row, **{**about, "seats": "5"}))
    export = {"licence_export": "../plan.json", "licence_export_on": "2026-11-23"}
    assert "expected a file in exports/" in office.refused(done(row, **about, **export))
    office.take(done(row, **about, statement="Eva saw 6 seats in her admin center"))
    assert office.states() == ["verified"]


@pytest.mark.parametrize(("enabled", "good"), [(12, True), (11, False)])
def test_an_export_counts_what_still_runs(office: Office, enabled: int, good: bool) -> None:
    """The export shows the new seats beside those of the original of the same product."""
    office.plan(office.move(1, original_seats=6))
    office.settings.exports.mkdir()
    sku = {"skuId": PRODUCT.sku_id, "skuPartNumber": "X", "capabilityStatus": "Enabled"}
    sku |= {"consumedUnits": 1, "prepaidUnits": {"enabled": enabled, "suspended": 0, "warning": 0}}
    text = json.dumps({"value": [sku]})
    (office.settings.exports / "skus.json").write_text(text, encoding="utf-8")
    office.run("provision")
    proof = {"licence_export": "skus.json", "licence_export_on": "2026-11-23"}

    if good:
        verified(office, **proof)
        assert office.states() == ["verified"]
    else:
        with pytest.raises(ResultsRefused, match=r"shows 11 seats of .*, not 12"):
            verified(office, **proof)


def test_nothing_ends_before_its_replacement_is_verified(office: Office) -> None:
    """No line to end it, and the database refuses the state itself."""
    office.plan(office.move(1))
    office.run("provision")
    office.take(ordered(office.rows()[0]))

    (reason,) = office.run("retire")

    assert "no end before the new seats are verified" in reason
    assert not (office.folder / checklist.TABLE).exists()
    with office.ledger() as ledger:
        lease = ledger.lease(customer_id(1), "me")
        line = ledger.issue(
            {"what": "end it", "by": "2026-11-23"},
            step="retire",
            subject=office.moves[0].move_id,
            customer_id=customer_id(1),
            run_id="",
            lease=lease,
        )
        assert line is not None
        change = EndChange(customer_id(1), "original-1", EndState.SCHEDULED, ENDS)
        row = Returned(line, "done", {}, "by hand", (change,))
        with pytest.raises(LedgerError, match="before every replacement is verified"):
            ledger.take([row], run_id="", leases=[lease])
        assert ledger.end(customer_id(1), "original-1") is None


def test_the_whole_road_by_hand(office: Office) -> None:
    """Renewal off, order, seats, users, end, and closed once it is seen ended."""
    other = other_product(PRODUCT.sku_id)
    office.plan(
        office.move(
            1,
            same_offer=False,
            target_offer=other.offer,
            target_sku_id=other.sku_id,
            reassign_on=MONDAY,
        )
    )
    office.run("renewal-safe")
    office.take(done(office.rows()[0], evidence="screenshot 1"))
    office.run("provision")
    verified(office, statement="Eva saw them")
    office.run("reassign")
    office.take(done(office.rows()[0], statement="all 6 users changed"))
    office.run("retire")
    office.take(done(office.rows()[0], evidence="screenshot 2"))
    assert "its end is scheduled" in office.run("retire")[0]

    after = ENDS + timedelta(days=1)
    office.clock.set(at(after))
    office.run("retire")
    (row,) = office.rows()
    assert "was issued on 2026-12-24" in office.refused(done(row, evidence="too early"))
    office.take(done(row, evidence="list of today", done_on=after))

    assert office.states() == ["closed"]
    with office.ledger() as ledger:
        (end,) = ledger.ends().to_dict("records")
        assert ledger.verify() == []
    assert (end["state"], end["way"]) == ("ended", "by hand")
    assert "screenshot" not in end["reason"] and "Pau Provider" in end["reason"]


def test_an_order_is_taken_back_by_two_names(office: Office) -> None:
    """An undo by hand asks for both, and is over when its result says so."""
    office.plan(office.move(1))
    office.run("provision")
    office.take(ordered(office.rows()[0], subscription_id="sub-1"))
    only = office.settings.root / "only.csv"
    only.write_text(f"move_id\n{office.moves[0].move_id}\n", encoding="utf-8")
    limits = moves.Limits(only=str(only))
    who = {"asked_by": "Ana Ruiz", "agreed_by": "Berta Gil"}

    office.run("undo", limits=limits, said=who)

    (row,) = office.rows()
    assert "asked by Ana Ruiz, agreed by Berta Gil" in row["what"]
    office.take(done(row, evidence="mail of the provider"))
    assert office.states() == ["undone"]


def test_two_people_take_the_same_file_once(issued: Office) -> None:
    """Two at the same time: each line is taken once, and the chain holds."""
    file = issued.answer(*(ordered(row) for row in issued.rows()))
    gate = threading.Barrier(2)
    said: list[int] = []

    def bring() -> None:
        gate.wait()
        try:
            about = {"by": "Ana", "mode": "rehearsal", "settings": issued.settings}
            said.append(len(taking.take(file, clock=issued.clock, **about).said))
        except LedgerError:
            said.append(0)

    threads = [threading.Thread(target=bring) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(said) == 2
    with issued.ledger() as ledger:
        returned = ledger.events().query("kind == 'returned'")
        assert ledger.verify() == []
    assert len(returned) == 2


def test_what_somebody_else_takes_meanwhile_was_not_taken_back(issued: Office) -> None:
    """Between two reads of the same file its orders are there: no order of somebody before."""
    file = issued.answer(*(ordered(row) for row in issued.rows()))
    with issued.ledger() as ledger:
        early = Check(ledger, issued.settings, returned.read(file), "Ana")
        taking.take(
            file, by="Berta", mode="rehearsal", settings=issued.settings, clock=issued.clock
        )

        assert len(early.whole()) == 2
        assert Check(ledger, issued.settings, returned.read(file), "Ana").whole() == []


def test_times_are_those_of_the_work(issued: Office) -> None:
    """What was done yesterday is dated yesterday, though it is taken today."""
    issued.clock.set(at(MONDAY + timedelta(days=3)))
    issued.take(ordered(issued.rows()[0], done_on="2026-11-24"))

    with issued.ledger() as ledger:
        (when,) = ledger.moves()["ordered_at"].dropna()
    assert datetime(2026, 11, 24).date() == when.date()


# the difference, and API access that comes later


def test_the_ledger_tells_what_was_done_by_hand(issued: Office) -> None:
    """State, reason, waiting list and audit pack say that people did it, and who."""
    with issued.ledger() as ledger:
        (line,) = [one for one in reconciling.waiting(ledger) if "lines" in one.what]
    assert "2 without a result" in line.why
    row = issued.rows()[0]
    issued.take(ordered(row))

    with issued.ledger() as ledger:
        found = ledger.moves().set_index("customer_id")
        out = audit.pack(ledger, row["tenant_id"], issued.settings.root, outbox=Path("none"))
    assert (
        "by hand, Pau Provider on 2026-11-23, taken by Ana Ruiz"
        in found.loc[row["tenant_id"], "reason"]
    )
    with zipfile.ZipFile(out) as pack:
        told = pack.read("events.csv").decode("utf-8-sig")
    assert "returned" in told and "Pau Provider" in told


@contextmanager
def shared() -> Iterator[tuple[Scene, Settings]]:
    """A rehearsal in which a provider has ordered, and our settings for work by hand there."""
    with scenes.scene() as scene:
        scene.plan(scene.ready(), seats=7)
        theirs = scene.settings
        scene.run("provision")
        paths = theirs.paths.model_copy(update={"ledger": "sqlite:///ours.db"})
        scene.settings = theirs.model_copy(update={"paths": paths})
        scene.save()
        service = theirs.service.model_copy(update={"by_hand": True})
        yield scene, scene.settings.model_copy(update={"service": service})


def issue(scene: Scene, settings: Settings, clock: FixedClock, step: str = "provision") -> Row:
    about: dict[str, Any] = {"batch": "B001", "mode": "rehearsal", "settings": settings}
    work = moves.begin(step, plan=scene.plan_file, clock=clock, **about)
    work.carry_out()
    work.close(str(settings.root / "result.json"))
    text = (settings.root / checklist.TABLE).read_text(encoding="utf-8-sig")
    return next(csv.DictReader(io.StringIO(text)))


def test_an_order_by_hand_is_no_orphan_later() -> None:
    """With API access the order of the results is known by its id: nothing differs."""
    with shared() as (scene, settings):
        clock = FixedClock(scene.server.now())
        row = ordered(issue(scene, settings, clock), order_id=scene.orders[0]["order_id"])
        file = settings.root / "back.csv"
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(row))
            writer.writeheader()
            writer.writerow(row)
        taking.take(file, by="Ana", mode="rehearsal", settings=settings, clock=clock)
        # A line that nobody answered is no call whose outcome is unclear.
        issue(scene, settings, clock, "verify")
        scene.later(hours=2)

        work = reconciling.begin(scene.settings)
        found = [one.line for one in work.differences]
        work.close()

        assert found == []
        assert scene.outcome("verify") in ("done", "waiting")


def test_an_open_line_is_settled_by_what_the_service_shows() -> None:
    """With API access its order is found by the name that was typed, and nothing is sent."""
    with shared() as (scene, settings):
        issue(scene, settings, FixedClock(scene.server.now()))
        posts = scene.calls("POST", "/checkout")

        outcome = scene.outcome("provision")

        assert outcome == "done"
        assert scene.state() == "provisioned"
        assert (len(scene.orders), scene.calls("POST", "/checkout")) == (1, posts)


def test_an_open_line_without_an_order_waits() -> None:
    """However late it is, a line that somebody may still order by is never sent by us as well."""
    with shared() as (scene, settings):
        scene.plan(scene.ready(1))
        issue(scene, settings, FixedClock(scene.server.now()))
        scene.later(days=3)

        reason = scene.reason("provision")

        assert "no order of it can be seen yet" in reason
        assert (len(scene.orders), scene.state()) == (1, "sent")


# the ledger, on each database


def told(ledger: Ledger, lease: Lease, step: str = "provision", move_id: str = "mv-1") -> Line:
    """Issue a line of a small move."""
    row = ledger.claim(ledgers.claim_of(move_id, originals=(move_id,)), run_id="r", lease=lease)
    about: dict[str, Any] = {"subject": move_id, "customer_id": ledgers.CUSTOMER, "run_id": "r"}
    facts = {"what": "order it", "by": "2026-11-30"}
    line = ledger.issue(
        facts, step=step, lease=lease, move=row if step == "provision" else None, **about
    )
    assert line is not None
    return line


def test_results_are_written_whole_or_not_at_all(ledger: Ledger) -> None:
    """Where one change is refused, by us or by the database, none of the others is made."""
    lease = ledgers.take(ledger)
    first, second = told(ledger, lease), told(ledger, lease, move_id="mv-2")
    sent, ordered_too = MoveState.SENT, {"order_id": "o-1"}
    good = MoveChange("mv-1", sent, MoveState.ORDERED, ordered_too)
    early = EndChange(ledgers.CUSTOMER, "mv-2", EndState.SCHEDULED)
    bad = [
        MoveChange("mv-2", MoveState.ORDERED, MoveState.PROVISIONED, {"subscription_id": "s"}),
        MoveChange("mv-2", sent, MoveState.ORDERED, ordered_too),
        MoveChange("mv-2", sent, MoveState.ORDERED),
        early,
    ]

    for change in bad:
        rows = [
            Returned(first, "done", {}, "", (good,)),
            Returned(second, "done", {}, "", (change,)),
        ]
        with pytest.raises(LedgerError):
            ledger.take(rows, run_id="r", leases=[lease])

    assert list(ledger.moves()["state"]) == ["sent", "sent"]
    assert list(ledger.lines()["state"]) == ["open", "open"]
    assert len(ledger.ends()) == 0
    assert ledger.verify() == []


def test_a_line_is_answered_once(ledger: Ledger) -> None:
    """Two who read the same open line: the later is refused, even where no state would change."""
    lease = ledgers.take(ledger)
    row = Returned(told(ledger, lease), "done", {"done_by": "Pau"}, "")
    ledger.take([row], run_id="r", leases=[lease])

    with pytest.raises(LedgerError, match="taken by another worker"):
        ledger.take([row], run_id="r", leases=[lease])


def test_a_hold_or_another_worker_keeps_a_line_back(ledger: Ledger) -> None:
    """Nothing is issued for a customer on hold, nor under a lease that is another's by now."""
    lease = ledgers.take(ledger)
    row = ledger.claim(ledgers.claim_of(), run_id="r", lease=lease)
    about: dict[str, Any] = {"step": "provision", "subject": "mv-1", "run_id": "r", "move": row}
    about |= {"facts": {"what": "", "by": ""}, "customer_id": ledgers.CUSTOMER}
    ledger.hold(ledgers.CUSTOMER, reason="dispute", by="Ana")

    assert ledger.issue(lease=lease, **about) is None
    ledger.release(ledgers.CUSTOMER, by="Ana")
    assert ledger.issue(lease=replace(lease, fence=lease.fence - 1), **about) is None
    assert len(ledger.lines()) == 0


def test_a_lost_ledger_gives_the_same_number_again(ledger: Ledger, tmp_path: Path) -> None:
    """A ledger restored from before a line was issued names it as it stands on paper."""
    line = told(ledger, ledgers.take(ledger))

    with Ledger(ledgers.sqlite(tmp_path / "again" / "l.db"), clock=ledger.clock) as again:
        again.bind(ledgers.SERVICE)
        assert told(again, ledgers.take(again)).line == line.line
