"""The committed export files: made from the world, and as messy as promised."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from cspkit.rehearsal import samples
from cspkit.rehearsal.world import World

WORLD = World.sample()
FOLDER = samples.folder()


def content(name: str, raw: bytes) -> object:
    """The bytes of a file; of a workbook its members, as zlib's version shows in its bytes."""
    if not name.endswith(".xlsx"):
        return raw
    book = zipfile.ZipFile(io.BytesIO(raw))
    return {member: book.read(member) for member in book.namelist()}


def test_the_committed_files_are_what_the_world_writes(tmp_path: Path) -> None:
    """Nobody edits a sample by hand; a change of the world shows in the same commit."""
    samples.write(tmp_path, WORLD)
    written, committed = (
        {
            path.relative_to(root).as_posix(): content(path.name, path.read_bytes())
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
        for root in (tmp_path, FOLDER)
    )

    assert written.keys() == committed.keys()
    assert [name for name in written if written[name] != committed[name]] == []


def test_the_samples_stay_small() -> None:
    """The package carries them, so together they are below a megabyte."""
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 1_000_000


def test_graph_files_name_what_the_tenant_holds() -> None:
    """An original of an export is found in the tenant's own list, under the same commerce id."""
    for path in (FOLDER / "graph").iterdir():
        tenant = path.stem.removeprefix("directory-subscriptions-")
        listed = json.loads(path.read_text(encoding="utf-8"))["value"]
        paid = {item["commerceSubscriptionId"] for item in listed if item["nextLifecycleDateTime"]}
        assert set(WORLD.subscriptions[tenant]) == paid


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("bam/subscriptions.csv", "LegacySubscriptionId"),
        ("partner-center/reconciliation-nce-2026-10.csv", "SubscriptionId"),
    ],
)
def test_csv_exports_hold_our_own_subscriptions(file: str, key: str) -> None:
    """The two exports of our own subscriptions name each of them."""
    rows = list(csv.DictReader((FOLDER / file).read_text(encoding="utf-8").splitlines()))
    ours = {
        item.id
        for tenant in WORLD.subscriptions.values()
        for item in tenant.values()
        if item.listed_in == ("bam" if key.startswith("Legacy") else "reconciliation")
    }

    assert ours <= {row[key].lower() for row in rows}


def test_the_distributor_ends_with_a_total() -> None:
    """A blank row and a totals row close the sheet; some rows are broken on purpose."""
    sheet = openpyxl.load_workbook(FOLDER / "distributor/suscripciones.xlsx")["Suscripciones"]
    rows = list(sheet.iter_rows(values_only=True))
    header = list(rows[0])
    dates = [str(row[header.index("Fecha de expiración")]) for row in rows[1:-2]]

    assert [None] * len(header) == list(rows[-2])
    assert rows[-1][0] == "Total"
    assert {"31/02/2026", "pendiente"} <= set(dates)
    assert all(str(cell.data_type) != "=" and cell.data_type != "f" for cell in sheet["A"])


def test_agreements_have_their_header_in_row_three() -> None:
    """The hand-made sheet has a title above its header, and dates that are dates."""
    sheet = openpyxl.load_workbook(FOLDER / "ea/acuerdos-ea.xlsx")["EA"]

    assert "Part number" in [cell.value for cell in sheet[3]]
    assert isinstance(sheet["I4"].value, datetime)


def test_ends_are_spread_over_a_year() -> None:
    """Some originals are overdue, the last ones end about fourteen months later."""
    ends = [item.ends_on for tenant in WORLD.subscriptions.values() for item in tenant.values()]

    assert date(2026, 10, 1) < min(ends) < date(2026, 11, 20)
    assert date(2027, 12, 1) < max(ends) < date(2028, 3, 1)
