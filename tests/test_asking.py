"""What waits for an answer, and one set of figures for page, workbook and command line."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from cspkit import cli, decisions, planning, reporting
from cspkit.exports import Exports
from cspkit.ledger import Ledger
from cspkit.reporting import Status, asking, figures
from cspkit.reporting.drawings import Drawing
from cspkit.reporting.workbook import write_sheets
from cspkit.runbooks import settling
from cspkit.settings import Settings
from cspkit.tables import EndState
from tests.originals import AS_OF, customer, customer_id, exports, original

DAY = timedelta(1)
NAMES = ["Panadería Núñez", "Ferretería Ibáñez", "Officina Rossi", "Bar Sport"]
ADDRESS = "ana@b.example"


@dataclass
class Office:
    """A workspace with a plan for four customers of two resellers."""

    settings: Settings
    loaded: Exports
    plan: planning.Plan
    status: Status
    page: Path

    def book(self, sheet: str) -> list[dict[str, Any]]:
        """The rows of one sheet of the workbook, by head."""
        found = openpyxl.load_workbook(self.page.with_name("status.xlsx"))[sheet]
        heads, *rows = found.iter_rows(values_only=True)
        return [dict(zip(map(str, heads), row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One customer consented, one letter came back, one original's end is known."""
    root = tmp_path_factory.mktemp("office")
    settings = Settings(root=root)
    price = {"unit_price": Decimal("10.00"), "currency": "EUR"}
    rows = [customer(n, name=name, relationship="reseller") for n, name in enumerate(NAMES, 1)]
    ends = (AS_OF + 40 * DAY).isoformat()
    rows += [original(n, n, expires_on=ends, **price) for n in range(1, 4)]
    soon = (AS_OF + DAY).isoformat()
    rows += [original(4, 4, expires_on=soon, auto_renew=True, **price)]
    loaded = exports(*rows)
    plan = planning.plan(loaded, as_of=AS_OF, start=AS_OF + 3 * DAY, settings=settings)
    resellers = {customer_id(n): {"reseller_id": f"mpn-{n % 2}"} for n in range(1, 5)}
    first = [move for move in plan.document.moves if move.customer_id == customer_id(1)]
    about = {"on": date(2026, 11, 19), "reference": "mail", "price": Decimal(12), "currency": "EUR"}
    typed = planning.accepted(first, by="Carmen", **about)
    decisions.fill(settings.decisions, customers=resellers, originals=typed)
    with Ledger(settings.ledger_url) as ledger:
        ledger.bind(settings.service.id)
        _letter(ledger)
        lease = ledger.lease(customer_id(3), "worker")
        end = ledger.track_end(customer_id(3), "s00003", expires_on=None, run_id="r")
        assert ledger.advance_end(end, EndState.ASKED, run_id="r", lease=lease)
        status = reporting.status(
            plan=plan, ledger=ledger, exports=loaded, as_of=AS_OF, settings=settings
        )
    yield Office(settings, loaded, plan, status, reporting.write(status, root / "report"))


def _letter(ledger: Ledger) -> None:
    about = {"language": "es", "file": "a.eml", "run_id": "r"}
    letter = ledger.claim_letter(customer_id(2), "invitation", **about)
    ledger.queue_mail(letter, address=ADDRESS, message_id="<1@b.example>")
    ledger.begin_mail(letter)
    ledger.settle_mail(letter, "refused", "550 5.1.1 no such user")


def test_who_has_not_consented_is_listed(office: Office) -> None:
    """Those whose word is missing for a planned move, the first order first."""
    rows = office.status.consents[["name", "missing", "moves"]]

    assert rows.values.tolist() == [
        ["Ferretería Ibáñez", "consent_missing", 1],
        ["Officina Rossi", "consent_missing", 1],
    ]


def test_a_letter_that_did_not_arrive_is_listed(office: Office) -> None:
    """With whose it is and how it stands; the address is in neither page nor workbook."""
    rows = office.status.letters[["name", "letter", "mail"]].values.tolist()
    with zipfile.ZipFile(office.page.with_name("status.xlsx")) as book:
        written = b"".join(book.read(name) for name in book.namelist()).decode("utf-8", "replace")
    page = office.page.read_text(encoding="utf-8")

    assert rows == [["Ferretería Ibáñez", "invitation", "refused"]]
    assert "refused by the mail server" in page
    assert ADDRESS not in page + written


def test_every_original_of_a_placed_move_has_one_end(office: Office) -> None:
    """What the ledger does not mind yet may still renew."""
    ends = {row["end"]: row["originals"] for row in office.status.ends.to_dict("records")}

    assert ends == {
        **dict.fromkeys(("renewal_safe", "end_scheduled", "ended", "renewed"), 0),
        "open": 2,
        "asked": 1,
    }


def test_money_of_resellers_adds_up_to_the_plan(office: Office) -> None:
    """Paid twice, saved by waiting, at risk, per reseller; together they are the plan's."""
    money = office.status.reseller_money
    (whole,) = office.status.money.to_dict("records")

    assert set(money["reseller_id"]) == {"mpn-0", "mpn-1"}
    assert sum(money["paid_twice"].dropna()) == pytest.approx(whole["planned"], abs=Decimal("0.02"))
    assert sum(money["saved"].dropna()) == pytest.approx(whole["saved"], abs=Decimal("0.02"))
    assert all(money["saved"].dropna() > 0)
    assert sum(money["at_risk"].dropna()) == whole["at_risk"] == Decimal("1200.00")


def test_money_of_standings_adds_up_to_the_plan(office: Office) -> None:
    """Each standing has its money per currency, at risk only where it is; the sum is the plan's."""
    money = office.status.standing_money
    (whole,) = office.status.money.to_dict("records")
    at_risk = money[money["standing"] == "at_risk"]

    assert list(money["standing"]) == ["waiting", "at_risk"]
    for name, total in (("paid_twice", "planned"), ("saved", "saved")):
        assert sum(money[name].dropna()) == pytest.approx(whole[total], abs=Decimal("0.02"))
    assert at_risk["at_risk"].tolist() == [whole["at_risk"]]
    assert [row["standing"] for row in office.book("money by standing")] == ["waiting", "at_risk"]


def test_a_saving_that_the_plan_does_not_say_is_unknown(office: Office) -> None:
    """A plan of an earlier version has none by move, and nothing is made up for it."""
    moves = [{**move, "exposures": []} for move in figures.records(office.status.moves)]
    resellers = {customer_id(n): f"mpn-{n % 2}" for n in range(1, 5)}

    rows = asking.reseller_money(moves, resellers, {})

    assert rows and {row["saved"] for row in rows} == {None}


def test_page_workbook_and_status_tell_the_same_figures(office: Office) -> None:
    """Standings, stages and ends are worked out once and shown three times."""
    config = settling.keep(office.settings, office.settings.root)
    tables = office.settings.root / "tables"
    office.loaded.save(tables)
    plan = office.settings.root / "plan.json"
    office.plan.save(plan)
    given = ["status", "--plan", str(plan), "--exports", str(tables), "--as-of", str(AS_OF)]
    done = CliRunner().invoke(cli.app, [*given, "--json", "--config", str(config)])
    told = json.loads(done.stdout)["plan"]
    page = office.page.read_text(encoding="utf-8")
    tiles = [int(number) for number in re.findall(r"<strong>([\d,]+)</strong>\n<span>", page)]

    assert told == office.status.counts()
    assert tiles == [row["moves"] for row in told["standings"].values()]
    for sheet, name in (("standings", "standings"), ("funnel", "stages"), ("ends", "ends")):
        written = {}
        for row in office.book(sheet):
            row.pop("in words")
            key, *counts = row.values()
            written[key] = counts
        assert written == {key: list(row.values()) for key, row in told[name].items()}


def test_the_workbook_draws_its_own_charts(office: Office) -> None:
    """Charts of Excel over the cells beside them, and bars in the columns that matter."""
    with zipfile.ZipFile(office.page.with_name("status.xlsx")) as book:
        names = [name for name in book.namelist() if name.startswith("xl/charts/chart")]
        charts = [book.read(name).decode() for name in sorted(names)]
        sheets = [book.read(n).decode() for n in book.namelist() if "worksheets/sheet" in n]

    assert ["barChart" in charts[0], "lineChart" in charts[1], len(charts)] == [True, True, 2]
    assert "at risk" in charts[0] and "weeks!" in charts[0]
    assert sum("<dataBar>" in sheet for sheet in sheets) >= 5


def test_what_has_no_day_is_in_the_sheet_and_not_in_its_chart(tmp_path: Path) -> None:
    """All that ends later in one column would dwarf the weeks that can still be saved."""
    weeks = pd.DataFrame(
        {"week": [None, AS_OF, AS_OF + 7 * DAY, None], "seats": [5, 1, 2, 900]}, dtype=object
    )
    drawing = Drawing(kind="stacked", by="week", series={"seats": "seats"}, title="Seats")
    file = write_sheets({"weeks": weeks}, tmp_path / "a.xlsx", drawn={"weeks": drawing})
    with zipfile.ZipFile(file) as book:
        chart = book.read("xl/charts/chart1.xml").decode()

    assert re.findall(r"<c:f>([^<]+)</c:f>", chart) == ["weeks!$A$3:$A$4", "weeks!$B$3:$B$4"]
