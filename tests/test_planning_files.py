"""What stands beside a plan, and the verbs that make, compare and approve one."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from cspkit import decisions, planning
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError, PlanRefused, SettingsError
from cspkit.exports import Exports
from cspkit.ledger import Ledger
from cspkit.moves import guard
from cspkit.planning import Plan
from cspkit.policy import Policy
from cspkit.reporting import handwork, planbook
from cspkit.settings import Settings
from tests.originals import AS_OF, customer, customer_id, exports, original

START = date(2026, 11, 23)
READY = [{"customer_id": customer_id(number), "access_on": AS_OF} for number in range(50)]
HOSTILE = '=HYPERLINK("x")'


def loaded() -> Exports:
    rows = [original(n, of=n, expires_on=f"2026-12-{10 + n // 2}") for n in range(6)]
    return exports(customer(0, name=HOSTILE), *rows)


def accepted(plan: Plan, *, leaving: str = "") -> dict[str, dict[str, Any]]:
    """The rows of decisions.xlsx when every customer accepted, or all but one original."""
    cells = planning.accepted(
        plan.document.moves,
        by="Carmen",
        on=AS_OF,
        reference="mail",
        price=Decimal("13.5"),
        currency="EUR",
    )
    return {key: row for key, row in cells.items() if key != leaving}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Six moves in a few batches."""
    return planning.plan(
        loaded(), as_of=AS_OF, start=START, decisions=Decisions.from_rows(READY), made_by="Luis"
    )


def rows_of(folder: Path, **options: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            found += csv.DictReader(file, **options)
    return found


# --- Orders by hand -----------------------------------------------------------------------------
def test_each_batch_has_its_orders_for_work_by_hand(plan: Plan, tmp_path: Path) -> None:
    """Tenant, product, SKU, quantity, term, cycle, day and reference: all that an order needs."""
    files, left = handwork.write(plan, tmp_path, originals=accepted(plan), today=AS_OF)
    rows = rows_of(tmp_path)

    assert [f"{batch.batch}.csv" for batch in plan.document.batches] == [f.name for f in files]
    assert (left, len(rows)) == (0, 6)
    for move, row in zip(plan.document.moves, rows, strict=True):
        assert [
            *(move.customer_id, *move.target_offer.split(":"), str(move.seats), move.term),
            *(move.billing_cycle, "yes", "", str(move.date), move.move_id),
        ] == [
            *(row["Customer tenant ID"], row["Product ID"], row["SKU ID"], row["Quantity"]),
            *(row["Term"], row["Billing cycle"], row["Auto-renew"], row["Custom term end date"]),
            *(row["Order on"], row["Reference"]),
        ]


def test_nothing_without_a_consent_is_ordered_by_hand_either(plan: Plan, tmp_path: Path) -> None:
    """A csv is no way around the customer."""
    said = accepted(plan, leaving="s00003")
    _, left = handwork.write(plan, tmp_path, originals=said, today=AS_OF)
    ids = {row["Reference"] for row in rows_of(tmp_path)}

    assert (left, len(ids)) == (1, 5)
    left_out = [move for move in plan.document.moves if move.move_id not in ids]
    assert [move.subscription_ids for move in left_out] == [["s00003"]]


def test_orders_of_an_earlier_plan_do_not_stay(plan: Plan, tmp_path: Path) -> None:
    """Who opens the folder finds this plan's batches and no other."""
    (tmp_path / "B999.csv").write_text("old")
    handwork.write(plan, tmp_path, originals={}, today=AS_OF)

    assert list(tmp_path.glob("*.csv")) == []


def test_a_name_is_no_formula(plan: Plan, tmp_path: Path) -> None:
    """Customer text that begins like a formula is text in the csv."""
    handwork.write(plan, tmp_path, originals=accepted(plan), today=AS_OF)

    assert [f"'{HOSTILE}"] == [
        row["Customer"] for row in rows_of(tmp_path) if "HYPER" in row["Customer"]
    ]


def test_a_provider_gets_its_own_form(plan: Plan, tmp_path: Path) -> None:
    """Headings, words, dates, decimal sign and separator are the provider's, from a file."""
    file = tmp_path / "mine.toml"
    file.write_text(
        'separator = ";"\ndate = "%d/%m/%Y"\ndecimal = ","\n'
        '[columns]\n"Artikel" = "target_offer"\n"Laufzeit" = "term"\n"Datum" = "date"\n'
        '"Preis" = "sale_price"\n[words]\nterm.P1Y = "12 Monate"\n'
    )
    said = accepted(plan)
    priced = {"sale_price": Decimal("13.5"), "sale_currency": "EUR"}
    moves = [move.model_copy(update=priced) for move in plan.document.moves]
    mine = Plan(plan.document.model_copy(update={"moves": moves}))
    layout = handwork.Layout.read(file)
    handwork.write(mine, tmp_path / "out", originals=said, today=AS_OF, layout=layout)
    row = rows_of(tmp_path / "out", delimiter=";")[0]

    first = plan.document.moves[0]
    expected = [first.target_offer, "12 Monate", f"{first.date:%d/%m/%Y}", "13,5"]
    assert expected == list(row.values())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('[columns]\n"A" = "colour"', "columns"),
        ("", "columns"),
        ('separator = "::"\n[columns]\n"A" = "term"', "separator"),
        ("columns = ", "file"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_by_field(text: str, field: str, tmp_path: Path) -> None:
    """Unknown fields are named with those there are."""
    file = tmp_path / "mine.toml"
    file.write_text(text)

    with pytest.raises(SettingsError) as caught:
        handwork.Layout.read(file)
    assert field == caught.value.field


# --- The workbook -------------------------------------------------------------------------------
def test_the_workbook_says_what_the_plan_says(plan: Plan, tmp_path: Path) -> None:
    """Every move with its consent, dates as dates, no formula; the same plan, the same bytes."""
    said = accepted(plan, leaving="s00003")
    out = planbook.write(plan, tmp_path / "plan.xlsx", originals=said, today=AS_OF)
    again = planbook.write(plan, tmp_path / "again.xlsx", originals=said, today=AS_OF)
    book = openpyxl.load_workbook(out)
    lines = list(book["moves"].iter_rows(values_only=True))
    moves = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]

    assert out.read_bytes() == again.read_bytes()
    assert [move.move_id for move in plan.document.moves] == [row["move id"] for row in moves]
    consents = [row["consent"] for row in moves]
    assert (consents.count("accepted"), len([c for c in consents if "missing" in str(c)])) == (5, 1)
    assert {"plan", "moves", "batches", "no day", "savings", "sources", "policy"} <= set(
        book.sheetnames
    )
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    assert plan.hash in {row[1] for row in book["plan"].iter_rows(values_only=True)}


# --- Approving ----------------------------------------------------------------------------------
def ledger() -> Ledger:
    return Ledger("sqlite://")


def test_an_approval_keeps_who_sat_where(plan: Plan) -> None:
    """Hash, name, OS user, host and time; and how far it reaches."""
    with ledger() as book:
        book.approve(plan.hash, by="Ana", made_by="Luis", covers_until=date(2026, 12, 4))
        (approval,) = book.approvals_of(plan.hash)

        assert (plan.hash, "Ana", date(2026, 12, 4)) == (
            *(approval.plan_hash, approval.by),
            approval.covers_until,
        )
        assert approval.os_user and approval.host
        assert approval.approved_at == book.approval(plan.hash).approved_at  # type: ignore[union-attr]


@pytest.mark.parametrize("author", ["Ana", " ana "])
def test_the_author_does_not_approve(plan: Plan, author: str) -> None:
    """Two people stand behind a plan; another spelling is the same person."""
    with ledger() as book, pytest.raises(PlanRefused, match="somebody else"):
        book.approve(plan.hash, by="ANA", made_by=author)


def check(plan: Plan, book: Ledger, **policy: Any) -> None:
    guard.check_approval(plan, book, plan.document.moves, "date", Policy(**policy))


def test_moves_beyond_the_approval_are_refused(plan: Plan) -> None:
    """The last day that was approved still runs; one day less refuses the rest."""
    last = max(move.date for move in plan.document.moves)
    with ledger() as book:
        book.approve(plan.hash, by="Ana", made_by="Luis", covers_until=last - timedelta(days=1))
        with pytest.raises(PlanRefused, match="beyond"):
            check(plan, book)
        book.approve(plan.hash, by="Ana", made_by="Luis", covers_until=last)
        check(plan, book)


# Six moves of 10 seats at 12.50 a month for a year: 9,000.00.
@pytest.mark.parametrize(
    ("policy", "names"),
    [
        ({}, 1),
        ({"second_name_above": 9000}, 1),
        ({"second_name_above": 8999}, 2),
        ({"second_name_above": 9000, "max_amount": 20000}, 2),
        ({"second_name_above": 20000, "max_amount": 20000}, 1),
    ],
)
def test_what_one_person_may_not_decide_needs_two(
    plan: Plan, policy: dict[str, Any], names: int
) -> None:
    """A cap, or where there is none the amount, above the limit asks for a second name."""
    assert names == planning.names_needed(plan.document, Policy(**policy))


def test_the_second_name_is_another(plan: Plan) -> None:
    """The same person twice is one; both must cover the day."""
    until, policy = date(2027, 1, 1), {"second_name_above": 1}
    with ledger() as book:
        for name in ("Ana", "ana", "\u0410na", "An\u00e1"):
            book.approve(plan.hash, by=name, made_by="Luis", covers_until=until)
        with pytest.raises(PlanRefused, match="second_name_above"):
            check(plan, book, **policy)
        book.approve(plan.hash, by="Bea", made_by="Luis", covers_until=START)
        with pytest.raises(PlanRefused, match="beyond"):
            check(plan, book, **policy)
        book.approve(plan.hash, by="Bea", made_by="Luis", covers_until=until)
        check(plan, book, **policy)


def test_whoever_an_approval_names_as_author_approves_nothing(plan: Plan) -> None:
    """The author is outside the hash: written anew into the file, it makes no second person."""
    until = date(2027, 1, 1)
    with ledger() as book:
        book.approve(plan.hash, by="Ana", made_by="somebody else", covers_until=until)
        check(plan, book)
        book.approve(plan.hash, by="Bea", made_by="Ana", covers_until=until)
        check(plan, book)
        with pytest.raises(PlanRefused, match="second_name_above"):
            check(plan, book, second_name_above=1)


def test_an_unknown_amount_is_above_every_limit() -> None:
    """What nobody can add up, one person cannot decide."""
    found = planning.plan(
        exports(original(1, unit_price=None)),
        as_of=AS_OF,
        start=START,
        decisions=Decisions.from_rows(READY),
    )

    assert planning.names_needed(found.document, Policy(second_name_above=10**9)) == 2


# --- The verbs ----------------------------------------------------------------------------------
def cspkit(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cspkit", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with tables, consents, a plan, and another plan made from it."""
    home = tmp_path_factory.mktemp("plans")
    loaded().save(home / "tables")
    (home / "cspkit.toml").write_text('[policy]\nmanagers = ["Marta"]\n')
    draft = planning.plan(loaded(), as_of=AS_OF, start=START)
    decisions.fill(home / "decisions.xlsx", originals=accepted(draft, leaving="s00003"))
    again = ("--from", "plan.json", "--out", "again.json")
    for more in (("--out", "plan.json"), again):
        done = cspkit(
            *("plan", "tables", "--as-of", "2026-11-20", "--start", "2026-11-23"),
            *("--author", "Luis", *more),
            cwd=home,
        )
        assert done.returncode == 0, done.stderr
    (home / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return home


def test_planning_leaves_what_people_need_beside_the_plan(home: Path) -> None:
    """Workbook and orders stand beside the plan; who has not accepted is counted."""
    assert (home / "plan.xlsx").exists()
    assert len(rows_of(home / "plan-batches")) == 5
    printed = (home / "printed.txt").read_text(encoding="utf-8")
    assert "1 moves wait for a consent" in printed
    assert "less than first come, first served" in " ".join(printed.split())


def test_planning_from_a_plan_says_what_changed(home: Path) -> None:
    """Nothing did, and it says so; the new plan names the one it replaces."""
    printed = (home / "printed.txt").read_text(encoding="utf-8")
    again = json.loads((home / "again.json").read_text(encoding="utf-8"))

    assert "0 added, 0 dropped, 0 earlier, 0 later, 0 changed, 6 as they were" in printed
    assert again["replaces"] == Plan.read(home / "plan.json").hash == again["hash"]


def test_two_plans_can_be_compared(home: Path) -> None:
    """As words and as JSON; nothing is read but the two files."""
    words = ("plan", "--diff", "plan.json", "again.json")
    done = cspkit(*words, "--json", cwd=home)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"changes": [], "cost_change": {"EUR": "0.000000"}, "same": 6}


def test_approving_says_how_far_it_reaches(home: Path) -> None:
    """The horizon, and how many moves lie within it."""
    done = cspkit("approve", "plan.json", "--by", "Ana", "--json", cwd=home)
    said = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert {"approved_by", "covers_until", "hash", "moves", "names_missing"} == set(said)


@pytest.mark.parametrize(
    ("words", "code", "found"),
    [
        (("approve", "plan.json", "--by", "Ana", "--margins"), 3, "policy.managers (Marta)"),
        (("approve", "plan.json", "--by", "luis"), 3, "somebody else"),
        (("plan", "--start", "2026-11-23", "--out", "p.json"), 2, "PATH"),
        (("plan", "tables", "--start", "2026-11-23"), 2, "--out"),
        (("plan", "tables", "--out", "p.json"), 2, "--start"),
        (("plan", "--diff", "plan.json", "none.json"), 2, "none.json"),
        (("approve", "plan.json", "--by", "Ana", "--config", "capped.toml"), 3, "policy.max_seats"),
    ],
)
def test_what_cannot_be_is_one_line(
    home: Path, words: tuple[str, ...], code: int, found: str
) -> None:
    """The exit code says whether it was a slip or a refusal; the line says what to do."""
    (home / "capped.toml").write_text("[policy]\nmax_seats = 5\n")
    done = cspkit(*words, cwd=home)

    assert code == done.returncode, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1
    assert found in done.stderr


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("moves_per_day = -3", "policy.moves_per_day"),
        ("currency = 'EURO'", "policy.currency"),
        ("rates = { USD = -1 }", "policy.rates.USD"),
        ("max_amount = 1e30", "policy.max_amount"),
        ("teams = [{ name = 'a', country = 'ES', moves_per_day = -1 }]", "policy.teams.0"),
        ("operators = 3", "policy.operators"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_field(line: str, field: str, tmp_path: Path) -> None:
    """cspkit.toml: the field and what was found, before anything is read."""
    (tmp_path / "cspkit.toml").write_text(f"[policy]\n{line}\n")

    with pytest.raises(CspkitError) as caught:
        Settings.read(tmp_path)
    assert field in str(caught.value)
