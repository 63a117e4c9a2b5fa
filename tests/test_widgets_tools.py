"""The tools of the notebooks without a browser: each answers, and says what it could not do."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cspkit
from cspkit import decisions, exports, picking, planning, runbooks, widgets, workspace
from cspkit.errors import ExportError, SettingsError
from cspkit.settings import Settings
from cspkit.widgets import serving
from cspkit.widgets.tools import PAGE, Grid
from tests.browser.lab import tables
from tests.originals import AS_OF, customer, customer_id, original
from tests.originals import exports as made

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A workspace with nothing in it."""
    return workspace.init(tmp_path / "work")


def press(tool: Any, name: str, box: Any = None) -> str:
    """Press a button and give back what the tool says."""
    for child in (box or tool.box).children:
        if getattr(child, "description", "") == name and hasattr(child, "click"):
            child.click()
        elif hasattr(child, "children"):
            press(tool, name, child)
    return str(tool.notice.value)


def uploaded(*files: Path) -> tuple[dict[str, Any], ...]:
    """Give files as the browser hands them over."""
    return tuple(
        {"name": f"../{file.name}", "type": "", "size": 1, "content": memoryview(file.read_bytes())}
        | {"last_modified": pd.Timestamp("2026-11-20", tz="UTC").to_pydatetime()}
        for file in files
    )


def test_uploads_are_kept_loaded_and_found_again(settings: Settings, tmp_path: Path) -> None:
    """Whatever a file is called, it lands in exports; a fresh kernel reads the same."""
    files = widgets.Files(str(tables(tmp_path / "own", rejects=0)), settings)
    files.upload.value = uploaded(*(tmp_path / "own").glob("*.csv"))
    again = widgets.source("", settings)

    assert "Now run the cells below again" in files.notice.value
    assert sorted(one.name for one in settings.exports.iterdir()) == [
        "our-customers.csv",
        "our-subscriptions.csv",
    ]
    assert again == files.source == settings.root / "tables"
    pd.testing.assert_frame_equal(exports.load(again).customers, files.exports.customers)


def test_a_wrong_upload_is_said_and_not_kept(settings: Settings, tmp_path: Path) -> None:
    """What was loaded before stays; the good file beside the wrong one is taken."""
    own = tables(tmp_path / "own")
    files = widgets.Files(str(own), settings)
    (tmp_path / "diary.txt").write_text("dear diary")
    files.upload.value = uploaded(tmp_path / "diary.txt")
    alone = files.notice.value
    files.upload.value = uploaded(tmp_path / "diary.txt", own / "our-customers.csv")

    assert "Not done:" in alone and "diary.txt" in alone
    assert "diary.txt was not kept" in files.notice.value
    assert [one.name for one in settings.exports.iterdir()] == ["our-customers.csv"]
    assert len(files.exports.customers) == 12


def test_a_workspace_that_cannot_be_written_still_shows_what_was_read(
    settings: Settings, tmp_path: Path
) -> None:
    """Read-only: loaded for this session, and the sentence says that it was not kept."""
    files = widgets.Files(str(tables(tmp_path / "own")), settings)
    (settings.root / "tables").write_text("in the way")
    said = press(files, "Load")

    assert "Loaded, but" in said and "cannot be written" in said
    assert files.source == tmp_path / "own"


def test_a_wrong_folder_in_the_parameters_stops_the_notebook(settings: Settings) -> None:
    """Under papermill nobody would see a sentence in a widget."""
    with pytest.raises(ExportError, match="no/such"):
        widgets.Files("no/such", settings)


def test_the_same_wrong_value_is_put_right_at_once(settings: Settings, tmp_path: Path) -> None:
    """Three rows with the same word need it typed once; another word stays open."""
    files = widgets.Files(str(tables(tmp_path / "own", rejects=3)), settings)
    tool = widgets.Corrections(files)
    tool.value.value = "-1"
    press(tool, "Put right")
    one = press(tool, "Load again")
    tool.value.value, tool.alike.value = "9", True
    press(tool, "Put right")
    press(tool, "Load again")

    assert "0 of 1 corrected row accepted" in one
    assert (len(tool.open), len(files.exports.subscriptions)) == (0, 15)
    assert "there is no reject to put right" in press(tool, "Put right")


def customers(settings: Settings) -> Any:
    """The tool over three customers, one of them with a hostile name."""
    loaded = made(
        customer(1, name=HOSTILE, market="IT"),
        *(customer(number) for number in (2, 3)),
        *(original(number, of=number, expires_on=f"2027-0{number}-20") for number in (1, 2, 3)),
    )
    said = decisions.read(settings.decisions)
    known = picking.known(cspkit.rank(loaded, as_of=AS_OF, decisions=said), loaded, said)
    return widgets.Customers(known, loaded, settings=settings, as_of=str(AS_OF), days=100)


def test_filters_start_where_the_parameter_says_and_follow(settings: Settings) -> None:
    """Under papermill nobody moves a slider: its first value is what a receipt shows."""
    tool = customers(settings)
    page = tool._repr_mimebundle_()["text/html"]
    tool.days.value = 365
    tool.market.value = "IT"

    assert "2 of 3 customers, 20 seats" in page
    assert "<img" not in page and "<img" not in tool.words.value
    assert tool.sentence == "1 of 3 customers, 10 seats; 0 without slack"
    assert [int(one[:8], 16) for one in tool.shown["customer_id"]] == [1]


def test_a_batch_is_written_with_reason_and_name(settings: Settings) -> None:
    """Without them nothing is written; with them the next cell reads it back."""
    tool = customers(settings)
    nobody = press(tool, "Write into decisions.xlsx")
    tool.grid.table.selected_rows = [0, 1]
    press(tool, "Choose the selected rows")
    no_day = press(tool, "Write into decisions.xlsx")
    tool.day.value = date(2026, 12, 15)
    no_reason = press(tool, "Write into decisions.xlsx")
    tool.reason.value, tool.by.value = "they move together", "Ana"
    done = press(tool, "Write into decisions.xlsx")
    read = picking.chosen(decisions.read(settings.decisions))

    assert "nobody is chosen" in nobody
    assert "expected the day of the orders" in no_day
    assert "needs its reason" in no_reason
    assert "2026-12-15, 2 originals, 20 seats" in done
    assert read["subscription_id"].tolist() == ["s00001", "s00002"]


@pytest.mark.parametrize(
    ("what", "choice"), [("leave out", "leave out"), ("give to an operator", "owner Bea")]
)
def test_customers_are_left_out_given_away_and_taken_back(
    settings: Settings, what: str, choice: str
) -> None:
    """All that fit are chosen at once; a hold is lifted by taking it back."""
    tool = customers(settings)
    tool.reason.value, tool.by.value, tool.operator.value = "r", "Ana", "Bea"
    tool.what.value = what
    press(tool, "Choose all that fit")
    press(tool, "Write into decisions.xlsx")
    read = picking.chosen(decisions.read(settings.decisions))
    press(tool, "Choose all that fit")
    tool.what.value = "take back"
    press(tool, "Write into decisions.xlsx")
    back = decisions.read(settings.decisions).customers

    assert [(customer_id(1), choice), (customer_id(2), choice)] == list(
        read[["customer_id", "choice"]].itertuples(index=False, name=None)
    )
    assert not back["hold"].fillna(False).any()


@pytest.fixture(scope="module")
def plans() -> dict[str, Any]:
    """Three moves that could all go on one day, and the plan that says so."""
    loaded = made(
        *(customer(number) for number in (1, 2, 3)),
        *(original(number, of=number) for number in (1, 2, 3)),
    )
    planned = planning.plan(loaded, as_of=AS_OF, start="2026-11-23")
    return {"exports": loaded, "planned": planned}


def test_the_sliders_plan_again(settings: Settings, plans: dict[str, Any]) -> None:
    """With one order a day, three moves need three days and cost more; the plan stays."""
    tool = widgets.Planner(settings=settings, **plans)
    before = tool.sentence
    tool.sliders[0].value = 1
    costs = tool.beside.iloc[:, 4].tolist()

    assert (before, tool.sentence) == (
        "3 moves on 1 day, 0 originals without a day",
        "3 moves on 3 days, 0 originals without a day",
    )
    assert costs[0] < costs[1]
    assert "3 moves on 3 days" in tool._repr_mimebundle_()["text/html"]
    assert [plans["planned"].hash] == [tool.planned.hash]


def test_a_plan_without_moves_is_shown_without_a_calendar(
    settings: Settings, plans: dict[str, Any]
) -> None:
    """No orders a day is a policy too, and its sentence says what it means."""
    tool = widgets.Planner(settings=settings, **plans, moves=0)

    assert "0 moves on 0 days, 3 originals without a day" in tool.words.value
    assert tool.chart.area.outputs == ()


def test_a_slider_that_fails_says_so_and_lives(settings: Settings, plans: dict[str, Any]) -> None:
    """A calendar of nowhere cannot be planned with; the sliders answer the next time."""
    tool = widgets.Planner(settings=settings, **plans)
    nowhere = settings.policy.model_copy(update={"country": "XX"})
    tool.facts["settings"] = settings.model_copy(update={"policy": nowhere})
    tool.sliders[0].value = 2
    wrong = tool.notice.value
    tool.facts["settings"] = settings
    tool.sliders[0].value = 1

    assert "Not done:" in wrong and "policy.country" in wrong
    assert tool.notice.value == "" and "3 days" in tool.sentence


def test_a_saved_plan_has_its_author_and_stands_for_itself(
    settings: Settings, plans: dict[str, Any]
) -> None:
    """The same hash as before, a workbook and the csv folder beside it, and another name next."""
    tool = widgets.Planner(settings=settings, **plans)
    tool.author.value = "Luis"
    done = press(tool, "Save this plan")
    tool.sliders[0].value = 1
    taken = press(tool, "Save this plan")
    saved = planning.Plan.read(settings.root / "plan.json")

    assert "Saved" in done and "cspkit approve plan.json --by NAME" in done
    assert "choose another: plan-2.json" in taken
    assert (saved.hash, saved.document.made_by) == (plans["planned"].hash, "Luis")
    assert (settings.root / "plan.xlsx").exists()


def test_two_plans_are_compared(settings: Settings, plans: dict[str, Any]) -> None:
    """First with itself; after saving another, what changed from one to the other."""
    tool = widgets.Comparison(settings.root, plans["planned"])
    same = tool.difference.count("later")
    planner = widgets.Planner(settings=settings, **plans, repair=20)
    press(planner, "Save this plan")
    press(tool, "Look for plans again")
    tool.older.value = "plan.json"

    assert (same, tool.difference.count("later")) == (0, 3)
    assert "3 later" in tool._repr_mimebundle_()["text/html"]


def test_a_hundred_thousand_rows_send_one_page(settings: Settings) -> None:
    """A browser that holds them all stands still; filters look through every one."""
    frame = pd.DataFrame({"name": [HOSTILE * 3] * 100_000, "seats": range(100_000)})
    grid = Grid()
    said = grid.fill(frame)

    assert said == f"The table holds the first {PAGE:,} of them."
    assert len(json.loads(grid.table._dt_args["data_json"])) == PAGE
    assert len(str(grid.table._dt_args)) < 200_000


def test_served_pages_are_the_packaged_ones(tmp_path: Path) -> None:
    """Voilà gets 20 and 30, in the workspace whose files they read."""
    folder = serving.prepare(tmp_path)

    assert sorted(file.name for file in folder.iterdir()) == [
        "20-rank-customers.ipynb",
        "30-plan-batches.ipynb",
    ]


def test_a_notebook_that_somebody_changed_is_not_written_over(tmp_path: Path) -> None:
    """Copies in a workspace are people's own; only what is missing is added."""
    folder = serving.prepare(tmp_path)
    (folder / "20-rank-customers.ipynb").write_text("mine")
    (folder / "30-plan-batches.ipynb").unlink()
    serving.prepare(tmp_path)

    assert (folder / "20-rank-customers.ipynb").read_text() == "mine"
    assert (folder / "30-plan-batches.ipynb").exists()


def test_a_workspace_that_cannot_be_served_is_a_sentence(tmp_path: Path) -> None:
    """A read-only place is said before Voilà starts."""
    (tmp_path / "notebooks").touch()

    with pytest.raises(SettingsError, match="notebooks: folder: cannot be written"):
        serving.prepare(tmp_path)


@pytest.mark.parametrize("place", [".", "notebooks"])
def test_a_kernel_finds_its_workspace_from_either_folder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """JupyterLab starts kernels beside the notebook, VS Code in the folder that is open."""
    (settings.root / "notebooks").mkdir()
    monkeypatch.chdir(settings.root / place)

    assert runbooks.read_settings().root == settings.root


def test_jupyter_execute_works_from_another_folder(settings: Settings, tmp_path: Path) -> None:
    """No path of a notebook starts from where somebody typed the command."""
    exports.load(tables(settings.exports)).save(settings.root / "tables")
    book = serving.prepare(settings.root) / "20-rank-customers.ipynb"
    (tmp_path / "elsewhere").mkdir()
    command = [sys.executable, "-m", "jupyter", "execute", "--inplace", str(book)]
    subprocess.run(command, cwd=tmp_path / "elsewhere", check=True, capture_output=True)

    assert "Panadería Haro" in book.read_text(encoding="utf-8")
    assert list((tmp_path / "elsewhere").iterdir()) == []
