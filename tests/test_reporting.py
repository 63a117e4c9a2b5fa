"""The report: figures from one place, hostile text that stays text, one file that loads nothing."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import vl_convert

from cspkit import planning, reporting
from cspkit.errors import ExportError, SettingsError
from cspkit.ledger import Ledger
from cspkit.policy import Policy
from cspkit.reporting import Status, charts, figures, loads, receipts, workbook
from cspkit.reporting.answer import answer
from cspkit.reporting.figures import Progress, Standing
from cspkit.reporting.words import Words
from cspkit.settings import Settings
from tests.browser.chromium import executable, open_browser
from tests.originals import AS_OF, customer, exports, original

DAY = timedelta(1)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    '"><svg onload=alert(3)>',
    "javascript:alert(4)",
    '=WEBSERVICE("http://x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u202egnp.exe",
    "{{ 7 * 7 }}{% for %}",
    "N" * 300,
    "Panadería 🥖\nHermanos",
]


def move(**values: Any) -> dict[str, Any]:
    """A placed move that is ready and in time, but for what the test names."""
    row = {
        "move_id": "mv-1",
        "batch": "B001",
        "date": AS_OF + 3 * DAY,
        "customer_id": "c1",
        "seats": 10,
        "expires_on": AS_OF + 9 * DAY,
        "last_safe_day": AS_OF + 6 * DAY,
        "invite_on": None,
        "access_by": AS_OF + 2 * DAY,
        "same_offer": True,
        "reason": "as late as is safe",
    }
    return row | values


def judged(
    row: dict[str, Any], state: str = "planned", need: str = "ready", **steps: str
) -> dict[str, Any]:
    """Judge one placed move of a customer that needs something, after some steps."""
    progress = Progress(
        moves={"mv-1": state},
        steps={("c1", step): word for step, word in steps.items()},
        needs={"c1": need},
    )
    return figures.judge_moves([row], [], progress, AS_OF, Policy())[0]


def test_the_road_of_a_move_is_read_from_its_transitions() -> None:
    """The funnel follows the state machine, not a second list of it."""
    assert list(figures.PATH) == [
        *("planned", "cart", "sent", "ordered", "provisioned", "verified", "reassigned"),
        "closed",
    ]


@pytest.mark.parametrize(
    ("state", "same_offer", "standing"),
    [
        ("planned", True, Standing.WAITING),
        ("cart", True, Standing.UNDER_WAY),
        ("sent", True, Standing.UNDER_WAY),
        ("provisioned", True, Standing.UNDER_WAY),
        ("verified", True, Standing.MOVED),
        ("closed", True, Standing.MOVED),
        ("undone", True, Standing.BLOCKED),
        ("verified", False, Standing.UNDER_WAY),
        ("reassigned", False, Standing.MOVED),
        ("human", True, Standing.BLOCKED),
        ("refused", True, Standing.BLOCKED),
    ],
)
def test_every_state_has_a_standing(state: str, same_offer: bool, standing: Standing) -> None:
    """With another offer a move is done only when its users have the new licence."""
    assert judged(move(same_offer=same_offer), state)["standing"] == standing


@pytest.mark.parametrize(
    ("row", "need", "steps", "why"),
    [
        (move(last_safe_day=AS_OF - DAY), "ready", {}, "last_safe_day_passed"),
        (move(date=AS_OF - DAY), "ready", {}, "day_passed"),
        (move(invite_on=AS_OF - DAY), "relationship", {}, "not_invited"),
        (
            move(invite_on=AS_OF - 22 * DAY),
            "relationship",
            {"relationship": "asked"},
            "no_answer",
        ),
        (move(access_by=AS_OF - DAY), "access", {"access": "asked"}, "no_access"),
    ],
)
def test_what_did_not_happen_in_time_is_a_risk(
    row: dict[str, Any], need: str, steps: dict[str, str], why: str
) -> None:
    """Nobody has to notice by comparing dates: the report says it, and says why."""
    found = judged(row, need=need, **steps)

    assert (found["standing"], found["why"]) == (Standing.AT_RISK, why)


@pytest.mark.parametrize(
    ("row", "need", "steps", "why"),
    [
        (move(), "ready", {}, "its_day"),
        (move(date=AS_OF), "ready", {}, "its_day"),
        (move(invite_on=AS_OF), "relationship", {}, "customer"),
        (move(invite_on=AS_OF - 21 * DAY), "relationship", {"relationship": "asked"}, "customer"),
        (move(access_by=AS_OF), "access", {}, "customer"),
    ],
)
def test_what_is_still_in_time_waits(
    row: dict[str, Any], need: str, steps: dict[str, str], why: str
) -> None:
    """The last day of something still counts as in time."""
    found = judged(row, need=need, **steps)

    assert (found["standing"], found["why"]) == (Standing.WAITING, why)


@pytest.mark.parametrize(
    ("code", "standing"),
    [
        ("too_late", Standing.AT_RISK),
        ("overdue", Standing.AT_RISK),
        ("no_room", Standing.AT_RISK),
        ("channel_transfer", Standing.BLOCKED),
        ("offer_unknown", Standing.BLOCKED),
    ],
)
def test_what_has_no_day_for_want_of_time_is_at_risk(code: str, standing: Standing) -> None:
    """Another road is no alarm; a term that runs out is one."""
    row = {"subscription_id": "s1", "customer_id": "c1", "code": code, "seats": 1}
    found = figures.judge_moves([], [row], Progress({}, {}, {}), AS_OF, Policy())[0]

    assert found["standing"] == standing


def test_no_week_is_left_out_and_no_seat_is_lost() -> None:
    """A gap between two weeks shows as a gap; what has expired or is far away is still counted."""
    ends = [AS_OF - DAY, AS_OF, AS_OF + 14 * DAY, date(2029, 6, 1)]
    rows = figures.weeks([judged(move(expires_on=end)) for end in ends], AS_OF, limit=3)

    assert [(row["when"], row["week"]) for row in rows] == [
        ("before", None),
        ("week", date(2026, 11, 16)),
        ("week", date(2026, 11, 23)),
        ("week", date(2026, 11, 30)),
        ("later", None),
    ]
    assert [row["seats"] for row in rows] == [10, 10, 0, 10, 10]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A workspace that the module's reports share."""
    return Settings(root=tmp_path_factory.mktemp("a workspace"))


@pytest.fixture(scope="module")
def ledger(settings: Settings) -> Iterator[Ledger]:
    """A real ledger in which nothing has happened yet."""
    with Ledger(settings.ledger_url) as made:
        made.bind(settings.service.id)
        yield made


def status_of(settings: Settings, ledger: Ledger, *rows: dict[str, Any]) -> Status:
    """Plan small exports and report on them as of the day of the exports."""
    loaded = exports(*rows)
    plan = planning.plan(loaded, as_of=AS_OF, start=AS_OF + 3 * DAY, settings=settings)
    return reporting.status(
        plan=plan, ledger=ledger, exports=loaded, as_of=AS_OF, settings=settings
    )


def test_the_answer_says_how_many_have_a_day(settings: Settings, ledger: Ledger) -> None:
    """All that can or must move, and those of them that later pages count, in one sentence."""
    rows = [original(1), original(2, of=2), original(3, of=3, seats=900_000)]
    first = answer(status_of(settings, ledger, *rows), Words("en"))[0]
    alone = answer(status_of(settings, ledger, *rows[:2]), Words("en"))[0]

    assert first == "None of 3 moves is done yet; 2 of them have a day in this plan."
    assert alone == "None of 2 moves is done yet."


@pytest.fixture(scope="module")
def hostile(settings: Settings, ledger: Ledger) -> Status:
    """The status of customers whose names attack whoever shows them; some are at risk."""
    rows: list[dict[str, Any]] = []
    for number, name in enumerate(HOSTILE, start=1):
        rows.append(customer(number, name=name))
        rows.append(original(number, number, product=name))
        end = AS_OF + 2 * DAY
        rows.append(original(100 + number, number, product=name, expires_on=end.isoformat()))
    return status_of(settings, ledger, *rows)


@pytest.fixture(scope="module")
def page(hostile: Status, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hostile report, written."""
    return reporting.write(hostile, tmp_path_factory.mktemp("report"))


class Tags(HTMLParser):
    """Collect what a browser would make of a page: elements and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_move_and_customer_is_counted_once(hostile: Status) -> None:
    """Standings add up to the plan; a stage never holds more than the one before."""
    assert hostile.total() == len(hostile.moves) == 2 * len(HOSTILE)
    assert hostile.total("seats") == 20 * len(HOSTILE)
    assert len(hostile.customers) == len(HOSTILE)
    assert hostile.funnel["moves"].is_monotonic_decreasing
    assert hostile.weeks["seats"].sum() == hostile.total("seats")


def test_a_hostile_name_makes_no_element(page: Path) -> None:
    """Every name is shown as it is written, and none of them becomes part of the page."""
    text = page.read_text(encoding="utf-8")
    tags = Tags(text).found

    assert not {"script", "img", "iframe", "link", "object", "form"} & {tag for tag, _ in tags}
    assert [name for _, attributes in tags for name in attributes if name.startswith("on")] == []
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "{{ 7 * 7 }}" in text and "49" not in text.split("Customers at risk")[1][:200]


def test_the_page_loads_nothing(page: Path) -> None:
    """It can be mailed and read offline: no address but those of receipts beside it."""
    text = page.read_text(encoding="utf-8")
    links = [value for _, attributes in Tags(text).found for value in [attributes.get("href")]]

    assert "default-src 'none'" in text
    assert not [
        mark
        for mark in ("src=", "@import", "url(", "<link")
        if mark in text.replace("&lt;img src=", "")
    ]
    assert not [link for link in links if link and "://" in link]


@pytest.mark.browser
@pytest.mark.skipif(executable() is None, reason="no chromium: apt-get install chromium")
def test_nothing_hostile_runs_in_chromium(page: Path) -> None:
    """What a parser says is one thing; what a browser does is another."""
    events: list[str] = []
    with open_browser() as browser:
        tab = browser.new_page(viewport={"width": 360, "height": 800})
        tab.on("dialog", lambda dialog: (events.append(dialog.message), dialog.dismiss()))
        tab.on("console", lambda message: events.append(message.text))
        tab.goto(page.resolve().as_uri())
        shown = tab.locator("main").inner_text()
        wide = tab.evaluate("document.documentElement.scrollWidth")

    assert (events, wide) == ([], 360)
    assert HOSTILE[0] in shown


def test_nothing_in_the_workbook_is_a_formula_or_a_link(page: Path) -> None:
    """Excel shows what a customer is called; it does not compute it."""
    book = openpyxl.load_workbook(page.with_name("status.xlsx"))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    texts = {cell.value for cell in cells if cell.data_type == "s"}

    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert {HOSTILE[4], HOSTILE[5]} <= texts


def test_the_workbook_has_types_filters_and_a_frozen_header(page: Path) -> None:
    """A manager can sort by date and add up seats without repairing anything, on every sheet."""
    book = openpyxl.load_workbook(page.with_name("status.xlsx"))
    sheet = book["customers"]
    names = [cell.value for cell in sheet[1]]
    end = sheet.cell(2, names.index("next expiration") + 1)

    wanted = {"summary", "customers", "moves", "blockers", "invitations", "changes"}
    assert wanted <= set(book.sheetnames)
    assert {(one.freeze_panes, one.auto_filter.ref[:3]) for one in book} == {("B2", "A1:")}
    assert end.is_date
    assert isinstance(sheet.cell(2, names.index("seats") + 1).value, int)


@pytest.mark.parametrize(
    ("rows", "lengths"),
    [
        (0, {"moves": 0}),
        (2, {"moves": 2}),
        (3, {"moves": 2, "moves 2": 1}),
        (6, {"moves": 2, "moves 2": 2, "moves 3": 2}),
    ],
)
def test_no_row_is_lost_below_the_end_of_a_sheet(rows: int, lengths: dict[str, int]) -> None:
    """A frame with more rows than a sheet may have goes on, in order, on the next one."""
    frame = pd.DataFrame({"move_id": range(rows)})
    found = workbook.fitting({"moves": frame}, most=2)

    assert lengths == {name: len(part) for name, part in found.items()}
    assert list(range(rows)) == [row for part in found.values() for row in part["move_id"]]


def test_page_and_workbook_tell_the_same_figures(hostile: Status, page: Path) -> None:
    """Both are written from one Status, and both show its counts."""
    text = page.read_text(encoding="utf-8")
    sheet = openpyxl.load_workbook(page.with_name("status.xlsx"))["summary"]
    written = {row[0].value: row[1].value for row in sheet.iter_rows()}

    for standing in Standing:
        label = str(standing).replace("_", " ")
        assert written[f"{label}, moves"] == hostile.count(standing)
        assert f"<strong>{hostile.count(standing)}</strong>" in text


def test_the_same_figures_give_the_same_bytes(hostile: Status, tmp_path: Path) -> None:
    """Two reports of one moment can be compared by their hash."""
    hashes = set()
    for name in ("one", "two"):
        index = reporting.write(hostile, tmp_path / name)
        both = index.read_bytes() + index.with_name("status.xlsx").read_bytes()
        hashes.add(hashlib.sha256(both).hexdigest())

    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "This plan has no moves"),
        ("es", "Este plan no tiene traslados"),
        ("it", "Questo piano non ha passaggi"),
    ],
)
def test_an_empty_plan_gives_a_report(
    settings: Settings, ledger: Ledger, tmp_path: Path, lang: str, said: str
) -> None:
    """Nothing to move is an answer, not an error, in page and workbook of every language."""
    status = status_of(settings, ledger)

    page = reporting.write(status, tmp_path, lang)

    book = openpyxl.load_workbook(page.with_name("status.xlsx"))
    assert said in page.read_text(encoding="utf-8")
    assert said in book["summary"]["B3"].value
    assert [sheet.max_row for sheet in (book["customers"], book["moves"])] == [1, 1]
    assert (status.total(), len(status.customers), status.next_batch) == (0, 0, None)


def test_one_customer_reads_as_one(settings: Settings, ledger: Ledger, tmp_path: Path) -> None:
    """The sentences are English for one as for many."""
    status = status_of(settings, ledger, customer(), original())

    page = reporting.write(status, tmp_path)
    text = page.read_text(encoding="utf-8")
    book = openpyxl.load_workbook(page.with_name("status.xlsx"))

    assert [book[name].max_row for name in ("customers", "moves")] == [2, 2]
    assert "1 move waits for its day or its customer; the next batch is B001 on" in text
    assert ", with 1 move." in text
    assert "No customer is at risk." in text


def test_money_of_two_currencies_is_never_added(settings: Settings, ledger: Ledger) -> None:
    """Euros and dollars have a line each, and what is at risk is there too."""
    soon = (AS_OF + DAY).isoformat()
    status = status_of(
        settings,
        ledger,
        original(1, 1),
        original(2, 2, currency="USD"),
        original(3, 3, currency="USD", expires_on=soon, auto_renew=True),
    )

    assert list(status.money["unit"]) == ["EUR", "USD"]
    assert list(status.money["at_risk"].notna()) == [False, True]


def test_another_language_is_refused_until_it_is_translated(
    hostile: Status, tmp_path: Path
) -> None:
    """Half a translation would be worse than none."""
    with pytest.raises(SettingsError, match="expected one of en, es, it, found 'xx'"):
        reporting.write(hostile, tmp_path, lang="xx")


def test_a_report_that_cannot_be_written_is_one_line(hostile: Status, tmp_path: Path) -> None:
    """The folder is named, with the reason."""
    (tmp_path / "out").write_text("a file is in the way")

    with pytest.raises(ExportError, match="cannot be written"):
        reporting.write(hostile, tmp_path / "out")


def test_a_shared_report_names_nobody(hostile: Status, tmp_path: Path) -> None:
    """No name, id or person is left in page or workbook; the figures are the same."""
    # A product may have been named after a customer, as the products of this report are.
    hostile = replace(hostile, made_by="Ana Ruiz")
    page = reporting.write(hostile, tmp_path / "out", share_from=tmp_path)

    text = page.read_text(encoding="utf-8")
    book = openpyxl.load_workbook(page.with_name("status.xlsx"))
    cells = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row}
    private = {*hostile.customers["customer_id"], *hostile.moves["move_id"]}
    private |= {str(name) for name in hostile.customers["name"]} | {"Ana Ruiz"}
    assert [one for one in private if one in text or one in cells] == []
    assert f"<strong>{hostile.count('waiting')}</strong>" in text
    assert (tmp_path / ".share-key").stat().st_mode & 0o077 == 0


def test_a_pseudonym_is_the_same_in_every_report_of_a_workspace(
    hostile: Status, tmp_path: Path
) -> None:
    """Two reports can be compared; another workspace's cannot be joined with them."""
    from cspkit.reporting.sharing import shared

    def names(root: Path) -> list[str]:
        found: list[str] = shared(hostile, root, Words("en")).customers["name"].tolist()
        return found

    first, second = names(tmp_path), names(tmp_path)
    (tmp_path / "other").mkdir()
    other = names(tmp_path / "other")

    assert first == second and len(set(first)) == len(hostile.customers)
    assert not set(first) & set(other)


def test_a_report_wears_its_partners_brand(hostile: Status, tmp_path: Path) -> None:
    """Name, logo and colour are in the page itself; nothing is loaded."""
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    (tmp_path / "brand.toml").write_text(
        'name = "Sur & Cloud"\nlogo = "logo.png"\ncolour = "#0b5d8f"\n'
    )

    page = reporting.write(hostile, tmp_path / "out", brand=tmp_path / "brand.toml")

    text = page.read_text(encoding="utf-8")
    assert '<img src="data:image/png;base64,iVBORw==" alt="Sur &amp; Cloud">' in text
    assert "--brand: #0b5d8f" in text


@pytest.mark.parametrize(
    ("brand", "what"),
    [
        ('colour = "red; }"', "colour: .*found 'red; }'"),
        ('logo = "logo.exe"', "logo: expected .png, .jpg or .svg, found 'logo.exe'"),
        ('logo = "none.png"', "logo: 'none.png': No such file"),
        ("name = 3", "name: "),
        ('owner = "x"', "owner: "),
        ("=", "file: cannot be read"),
    ],
)
def test_a_wrong_brand_is_one_line(hostile: Status, tmp_path: Path, brand: str, what: str) -> None:
    """The field is named, and nothing is written."""
    (tmp_path / "brand.toml").write_text(brand)

    with pytest.raises(SettingsError, match=what):
        reporting.write(hostile, tmp_path / "out", brand=tmp_path / "brand.toml")
    assert not (tmp_path / "out").exists()


def test_the_index_lists_reports_and_receipts(tmp_path: Path, ledger: Ledger) -> None:
    """Everything that was written is found again from one page, the newest first."""
    settings = Settings(root=tmp_path)
    at = datetime(2026, 11, 1, 8, tzinfo=UTC)
    place = receipts.make_folder(settings.reports, at, "invite", "B009", "dry")
    record = receipts.Record(
        "invite", "dry", at, "ana", "B009", status="done", notebook="40-invite.ipynb"
    )
    record.save(place / f"40-invite{receipts.RECORD}")
    (place / "40-invite.html").write_text("receipt")

    killed = receipts.make_folder(settings.reports, at, "access")
    record = receipts.Record("access", "live", at, "ana", notebook="45-access.ipynb")
    # no process has this number
    replace(record, process=f"{socket.gethostname()}:{2**31 - 1}").save(
        killed / f"45-access{receipts.RECORD}"
    )
    work = receipts.make_folder(settings.reports, at, "verify")
    replace(record, name="verify").save(work / f"45-access{receipts.RECORD}")

    reporting.write(status_of(settings, ledger, original()), settings.reports / "indexed", "it")

    page = (settings.reports / "index.html").read_text(encoding="utf-8")
    found = Tags(page).found
    assert re.findall(">(access|verify)</a>.*?<td>([^<>]*)</td></tr>", page) == [
        ("verify", "running"),
        ("access", "broken off: run it again"),
    ]
    links = [attributes.get("href") for tag, attributes in found if tag == "a"]
    assert "indexed/index.html" in links
    assert f"receipts/{place.name}/40-invite.html" in links
    assert links.index("indexed/index.html") < links.index(f"receipts/{place.name}/40-invite.html")
    assert all((settings.reports / str(link)).exists() for link in links)


def test_a_run_is_listed_with_a_link_to_its_receipt(
    settings: Settings, ledger: Ledger, tmp_path: Path
) -> None:
    """Who ran what, when, with which outcome, and where to read it: dry runs too."""
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    place = receipts.make_folder(settings.reports, at, "provision", "B001", "dry")
    record = receipts.Record(
        *("provision", "dry", at, "ana", "B001"),
        status=receipts.DONE,
        ended=at,
        counts={"dry": 3},
        notebook="50-provision.ipynb",
    )
    record.save(place / f"50-provision{receipts.RECORD}")
    (place / "50-provision.html").write_text("receipt")
    status = status_of(settings, ledger, original())

    page = reporting.write(status, settings.reports / "today")

    links = [
        attributes.get("href") for tag, attributes in Tags(page.read_text()).found if tag == "a"
    ]
    assert links == [f"../receipts/{place.name}/50-provision.html"]
    assert (page.parent / str(links[0])).resolve() == place / "50-provision.html"
    assert "<td>3 shown only</td>" in page.read_text()


def test_charts_stand_in_words_too() -> None:
    """A picture in a notebook is still, offline, and says what it shows."""
    batches = pd.DataFrame({"date": [AS_OF, AS_OF + DAY], "moves": [3, 4]})

    data, metadata = charts.by_day(batches, 25)._repr_mimebundle_()

    assert data["text/plain"].endswith("7 moves on 2 days, at most 4 a day of 25")
    assert metadata["image/svg+xml"]["alt"] == data["text/plain"]
    assert data["image/svg+xml"].startswith("<svg") and "http://" not in data[
        "image/svg+xml"
    ].replace("http://www.w3.org/", "")


def test_charts_are_alive_in_a_notebook() -> None:
    """JupyterLab's own Vega-Lite draws them with zoom and tooltips; nothing is fetched."""
    batches = pd.DataFrame({"date": [AS_OF, AS_OF + DAY], "moves": [3, 4]})

    live = loads.calendar(batches, 25)._repr_mimebundle_()[0][charts.LIVE]

    assert [param["select"] for param in live["vconcat"][1]["layer"][0]["params"]] == [
        {"type": "interval", "encodings": ["x"]}
    ]
    assert vl_convert.vegalite_to_svg(live, vl_version="5.8").startswith("<svg")
    assert "tooltip" in str(live) and "'url'" not in str(live)


def test_a_hundred_thousand_dots_are_cut() -> None:
    """The chart shows the first of the ranking and says how many are missing."""
    ranked = pd.DataFrame(
        {
            "customer_id": [f"{number:06d}" for number in range(100_000)],
            "name": "A",
            "slack_days": 1,
            "exposure_if_renewed": 5.0,
            "currency": "EUR",
        }
    )

    told = charts.slack_and_money(ranked)._repr_mimebundle_()[0]["text/plain"]

    assert told.endswith("96,000 are not shown")


def test_slack_and_money_leave_out_what_nobody_knows() -> None:
    """Who has no known price or end is counted in words, not drawn as nothing."""
    ranked = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "name": ["A", None, "C", "D"],
            "slack_days": [-3, 20, None, 9],
            "exposure_if_renewed": [Decimal(900), Decimal(10), Decimal(5), None],
            "currency": ["EUR", "USD", "EUR", None],
        }
    )

    data, _ = charts.slack_and_money(ranked)._repr_mimebundle_()

    assert "2 customers whose money is known, 1 of them without slack" in data["text/plain"]
    assert data["text/plain"].endswith("2 are not shown")


def test_moves_and_customers_name_the_rule_that_decided(settings: Settings, ledger: Ledger) -> None:
    """Who asks why a move is urgent finds the lifecycle rule beside it, placed or not."""
    status = status_of(settings, ledger, original(), original(2, of=2, channel="csp_other"))

    assert {"direct_mosa", "csp_other_paid_month"} == set(status.moves["rule"])
    assert {"direct_mosa", "csp_other_paid_month"} == set(status.customers["rule"])


def test_a_table_for_people_keeps_its_types(tmp_path: Path) -> None:
    """What is not known is an empty cell; ids stay text, also `007`."""
    frame = pd.DataFrame({"id": ["007", "=1+1"], "seats": [1, None], "end": [AS_OF, None]})

    sheet = openpyxl.load_workbook(reporting.write_table(frame, tmp_path / "ranked.xlsx"))["ranked"]

    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["id", "seats", "end"],
        ["007", 1, datetime(2026, 11, 20)],
        ["=1+1", None, None],
    ]
