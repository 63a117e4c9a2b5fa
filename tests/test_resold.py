"""Reports and files of one reseller: their customers, and not a word about anybody else's."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cspkit import decisions, planning, reporting
from cspkit.errors import CspkitError
from cspkit.exports import Exports
from cspkit.ledger import Ledger
from cspkit.planning import Plan
from cspkit.reporting import resold
from cspkit.settings import Settings
from tests.originals import AS_OF, customer, customer_id, exports, original

NAMES = [f"{name} Nobody Else SL" for name in ("Alfa", "Beta", "Gamma", "Delta", "Epsilon", "Zeta")]
RESELLERS = ["5357564", "5357564", "5139005", "5139005", "", ""]
START = AS_OF + timedelta(days=3)


class Office:
    """A workspace with six customers of two resellers and of our own, all consented."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(root=root)
        rows = [
            part
            for number, name in enumerate(NAMES)
            for part in (
                customer(number, name=name, domain=f"{name.split()[0].lower()}.example"),
                original(number, number, expires_on="2026-12-18"),
                # what ended long ago has no day: it is listed as not placed
                original(100 + number, number, expires_on="2026-01-01", product=f"Old {name}"),
            )
        ]
        self.exports: Exports = exports(*rows)
        self.plan: Plan = planning.plan(
            self.exports, as_of=AS_OF, start=START, settings=self.settings, made_by="Luis Operator"
        )
        decisions.write(self.settings.decisions, None)
        accepted = planning.accepted(
            self.plan.document.moves,
            by="Carmen",
            on=AS_OF,
            reference="mail",
            price=Decimal("12.50"),
            currency="EUR",
        )
        typed = {
            customer_id(number): {"reseller_id": reseller}
            for number, reseller in enumerate(RESELLERS)
        }
        decisions.fill(self.settings.decisions, customers=typed, originals=accepted)

    def report(self, ledger: Ledger, reseller: str, out: Path) -> Path:
        found = resold.status(
            reseller,
            plan=self.plan,
            ledger=ledger,
            exports=self.exports,
            as_of=AS_OF,
            settings=self.settings,
        )
        resold.orders(
            reseller, plan=self.plan, folder=out / "orders", settings=self.settings, today=AS_OF
        )
        return reporting.write(found, out)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """One workspace for the module."""
    return Office(tmp_path_factory.mktemp("resold"))


@pytest.fixture(scope="module")
def ledger(office: Office) -> Iterator[Ledger]:
    """A ledger with a run about everybody."""
    with Ledger(office.settings.ledger_url) as made:
        made.bind(office.settings.service.id)
        made.begin_run("provision", mode="rehearsal", plan_hash=office.plan.hash, run_id="run-all")
        yield made


def everything(folder: Path) -> str:
    """All that a folder says: text files as they are, workbooks unpacked."""
    said = []
    for file in sorted(folder.rglob("*")):
        if file.suffix == ".xlsx":
            with zipfile.ZipFile(file) as book:
                said += [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
        elif file.is_file():
            said.append(file.read_text(encoding="utf-8-sig"))
    return "\n".join(said)


def marks(number: int) -> list[str]:
    """What would tell of a customer: id, name, domain, originals."""
    name = NAMES[number]
    ids = [customer_id(number), f"s{number:05d}", f"s{100 + number:05d}"]
    return [*ids, name.split()[0], f"{name.split()[0].lower()}.example"]


@pytest.mark.parametrize("reseller", ["5357564", "5139005"])
def test_a_reseller_sees_its_customers_and_nobody_elses(
    office: Office, ledger: Ledger, tmp_path: Path, reseller: str
) -> None:
    """Page, workbook and orders: not a name, id, domain, run or sum of another."""
    page = office.report(ledger, reseller, tmp_path / "report")
    said = everything(tmp_path / "report")
    mine = [number for number, one in enumerate(RESELLERS) if one == reseller]
    others = [number for number in range(len(NAMES)) if number not in mine]

    assert page.exists()
    assert all(NAMES[number] in said for number in mine)
    assert [mark for number in others for mark in marks(number) if mark in said] == []
    assert [word for word in ("run-all", "Luis Operator", *RESELLERS) if word and word in said] == (
        []
    )
    orders = (tmp_path / "report" / "orders").glob("*.csv")
    ordered = "".join(file.read_text(encoding="utf-8-sig") for file in orders)
    assert all(customer_id(number) in ordered for number in mine)


def test_sums_are_of_the_resellers_customers(office: Office, ledger: Ledger) -> None:
    """Moves, batches and originals count only theirs."""
    found = resold.status(
        "5357564",
        plan=office.plan,
        ledger=ledger,
        exports=office.exports,
        as_of=AS_OF,
        settings=office.settings,
    )

    assert set(found.customers["customer_id"]) == {customer_id(0), customer_id(1)}
    assert found.total("moves") == len(found.moves) == 4
    assert int(found.batches["moves"].sum()) == 2
    assert found.runs.empty and found.plan_hash == office.plan.hash


def test_each_reseller_has_a_shelf_of_its_own(
    office: Office, ledger: Ledger, tmp_path: Path
) -> None:
    """The list of reports and what stood before are kept apart, per reseller and from ours."""
    for number, reseller in enumerate(("5357564", "5139005")):
        office.report(ledger, reseller, tmp_path / str(number))

    shelves = sorted(office.settings.reports.glob("resellers/*/index.html"))
    assert len(shelves) == 2
    assert not (office.settings.reports / "index.html").exists()
    first, second = (everything(shelf.parent) for shelf in shelves)
    assert "5139005" not in second and "5357564" not in first


def test_a_reseller_without_customers_is_refused(office: Office) -> None:
    """One line that says whom the decisions know."""
    with pytest.raises(CspkitError, match=r"expected one of the decisions' \(5139005, 5357564\)"):
        resold.customers_of(office.settings, "1")
