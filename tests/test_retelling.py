"""What the planner said of single moves, in the reader's language, in workbook and rehearsal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from cspkit import blockers, planning, reporting
from cspkit.ledger import Ledger
from cspkit.reporting.figures import records
from cspkit.reporting.rehearsed import render
from cspkit.reporting.retelling import told
from cspkit.reporting.words import Words
from cspkit.settings import Settings
from tests.originals import AS_OF, customer, exports, original
from tests.test_rehearsed import FAILED, RESULT, RUN

DAY = timedelta(1)
OURS = {one.sentence for one in blockers.table().values()}
SAME = {"skuId", "error", "plan", "parte", "code"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A team that orders one move a day."""
    made = Settings(root=tmp_path_factory.mktemp("crowded"))
    policy = made.policy.model_copy(update={"moves_per_day": 1, "invitations_per_day": 1})
    return made.model_copy(update={"policy": policy})


@pytest.fixture(scope="module")
def status(settings: Settings) -> reporting.Status:
    """Too many originals that end on one day, and some for which no time is left."""
    rows: list[dict[str, Any]] = []
    for number in range(1, 16):
        about = "reseller" if number % 3 else "none"
        rows.append(customer(number, name=f"Bar {number}", relationship=about))
        end = AS_OF + (3 if number == 4 else 18) * DAY
        rows.append(original(number, number, expires_on=end.isoformat()))
    loaded = exports(*rows)
    plan = planning.plan(loaded, as_of=AS_OF, start=AS_OF + 3 * DAY, settings=settings)
    with Ledger(settings.ledger_url) as ledger:
        ledger.bind(settings.service.id)
        return reporting.status(
            plan=plan, ledger=ledger, exports=loaded, as_of=AS_OF, settings=settings
        )


@pytest.mark.parametrize("lang", ["es", "it"])
@pytest.mark.parametrize("column", ["reason", "would_fit"])
def test_what_the_planner_writes_is_known(status: reporting.Status, lang: str, column: str) -> None:
    """Each of its sentences is recognised, with its values; one it would change is found here."""
    said = {row[column] for row in records(status.moves) if row[column]}
    own = said - OURS - {one.clears for one in blockers.table().values()}

    assert len(own) >= 2
    assert {one: told(one, Words(lang)) for one in own if told(one, Words(lang)) in ("", one)} == {}


@pytest.mark.parametrize(
    ("said", "spanish", "italian"),
    [
        ("the last safe day", "el último día seguro", "l'ultimo giorno sicuro"),
        (
            "1 day before the last safe day: later days are full",
            "1 día antes del último día seguro: los días posteriores están completos",
            "1 giorno prima dell'ultimo giorno sicuro: i giorni successivi sono al completo",
        ),
        (
            "every day from 2026-12-08 to 2026-12-11 is full: moves_per_day",
            "todos los días del 8 dic 2026 al 11 dic 2026 están completos: moves_per_day",
            "nessun giorno dall'8 dic 2026 all'11 dic 2026 ha posto: moves_per_day",
        ),
        (
            "moves_per_day = 2 and seats_per_day = 90; ready 2 days earlier: 2026-12-07 has room",
            "moves_per_day = 2 y seats_per_day = 90; listo 2 días antes: el 7 dic 2026 hay sitio",
            "moves_per_day = 2 e seats_per_day = 90; pronto 2 giorni prima: il 7 dic 2026"
            " c'è posto",
        ),
        (
            "chosen by Ana: =cmd; <b>later</b>",
            "elegido por Ana: =cmd; <b>later</b>",
            "scelto da Ana: =cmd; <b>later</b>",
        ),
        (
            "chosen by hand: no reason was written",
            "elegido a mano: no se escribió ningún motivo",
            "scelto a mano: nessun motivo indicato",
        ),
        ("what nobody of us ever wrote", "", ""),
    ],
)
def test_a_sentence_keeps_its_values(said: str, spanish: str, italian: str) -> None:
    """Days and numbers as the reader writes them; what a person typed stays as it is."""
    assert [told(said, Words(lang)) for lang in ("en", "es", "it")] == [said, spanish, italian]


@pytest.mark.parametrize("lang", ["es", "it"])
def test_a_workbook_is_in_one_language(status: reporting.Status, tmp_path: Path, lang: str) -> None:
    """Heads, codes and reasons of every sheet; what stands in no sheet's language is an id."""
    english = reporting.write(status, tmp_path / "en").with_name("status.xlsx")
    other = reporting.write(status, tmp_path / lang, lang).with_name("status.xlsx")
    books = [openpyxl.load_workbook(file) for file in (english, other)]
    heads = [{cell.value for sheet in book for cell in sheet[1]} for book in books]
    moves = [[[c.value for c in row] for row in book["moves"].iter_rows()] for book in books]
    told_in = ("standing", "why", "who", "reason", "would fit", "billing cycle", "route")
    at = [moves[0][0].index(name) for name in told_in]

    assert heads[0] & heads[1] <= SAME
    for one, two in zip(moves[0][1:], moves[1][1:], strict=True):
        assert [(one[n], two[n]) for n in at if one[n] and one[n] == two[n]] == []
        assert [n for n in at if bool(one[n]) != bool(two[n])] == []


def test_a_rehearsed_reason_is_in_the_pages_language() -> None:
    """One of ours is told; of any other, the step and what came of it."""
    known = {**FAILED, "reason": "the customer has not accepted the invitation yet"}
    strange = {**FAILED, "move_id": "mv-2", "outcome": "failed", "reason": "HTTP 418 said no"}
    run = {**RUN, "failed": [known, strange]}
    page = render({**RESULT, "runs": [run]}, "es")

    assert "el cliente aún no ha aceptado la invitación" in page
    assert "invitación: fallidos" in page and "HTTP 418" not in page
    assert "HTTP 418 said no" in render({**RESULT, "runs": [run]})
