"""Files as they come: large ones, workbooks, JSON; and those that mean harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cspkit.errors import CspkitError, ExportError
from cspkit.exports import Exports, confined, delimited, load, workbooks

HEADER = ["subscription_id", "customer_id", "seats", "expires_on"]


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def row(number: int, **values: Any) -> list[Any]:
    return [
        *(
            {"id": guid(number), "owner": guid(1), "seats": 5, "ends": "2027-06-30"} | values
        ).values()
    ]


def book(path: Path, *rows: list[Any], title: str = "List") -> Path:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = title
    for cells in rows:
        sheet.append(cells)
    made.save(path)
    return path


def document(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def line(exports: Exports) -> dict[str, int]:
    (found,) = exports.summary().drop(columns=["source_file", "profile"]).to_dict("records")
    return {name: number for name, number in found.items() if number}


# Large text files: a scan by the engine, checked against a count of the bytes.


def large(path: Path, *extra: str) -> tuple[Path, int]:
    """Write more than the careful reader takes; extra lines stand behind the first thousand."""
    count = delimited.SMALL // 60
    lines = [",".join(map(str, row(number))) for number in range(100, 100 + count)]
    lines[1000:1000] = extra
    path.write_text("\n".join([",".join(HEADER), *lines]) + "\n", encoding="utf-8")
    assert path.stat().st_size > delimited.SMALL
    return path, count


def test_a_large_file_is_numbered_like_a_small_one(tmp_path):
    """Rows of a scan carry the row they have in the file."""
    path, count = large(tmp_path / "large.csv", f"{guid(1)},{guid(1)},many,2027-06-30")
    found = load(path)

    assert line(found) == {"read": count + 1, "accepted": count, "rejected": 1}
    assert found.rejects["source_row"].tolist() == [1002]
    rows = found.subscriptions.set_index("subscription_id")["source_row"]
    assert rows[guid(100)] == 2
    assert rows[guid(1100)] == 1003


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (f'{guid(1)},{guid(1)},5,"2027-06-30\n"', {"accepted": 1}),
        ("", {"set_aside": 1, "blank": 1}),
        (f"{guid(1)},{guid(1)}", {"rejected": 1}),
        (f"{guid(1)},{guid(1)},5,2027-06-30,more", {"rejected": 1}),
        ("\xff,,,", {"rejected": 1}),
        (",,,", {"set_aside": 1, "blank": 1}),
    ],
    ids=["line-break", "blank-line", "short-row", "long-row", "odd-letter", "empty-cells"],
)
def test_a_large_file_that_a_scan_would_miscount(tmp_path, extra, expected):
    """Line breaks in cells, blank lines and ragged rows are found by counting, and read."""
    path, count = large(tmp_path / "large.csv", extra)
    found = line(load(path))

    assert found == {"read": count + 1, "accepted": count} | {
        name: number + (count if name == "accepted" else 0) for name, number in expected.items()
    }


def test_rows_of_another_customer_are_found_again_in_a_large_file(tmp_path):
    """A reject carries its whole row, also where the file was not kept in memory."""
    path, count = large(tmp_path / "large.csv", f"{guid(100)},{guid(2)},7,2027-06-30")
    found = load(path)

    assert line(found) == {"read": count + 1, "accepted": count, "rejected": 1}
    (reject,) = found.rejects.to_dict("records")
    assert (reject["source_row"], reject["reason_code"]) == (1002, "other_customer")
    assert json.loads(reject["row"])["seats"] == "7"


# Workbooks.


def test_every_sheet_is_a_source(tmp_path):
    """Sheets are counted apart; one that is no list is left with the reason."""
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for title in ("North", "South"):
        sheet = made.create_sheet(title)
        sheet.append(HEADER)
        sheet.append(row(len(title) + len(made.worksheets)))
    made.create_sheet("Notes").append(["remember the milk"])
    made.create_sheet("Empty")
    made.save(tmp_path / "lists.xlsx")
    found = load(tmp_path)

    assert found.files["source_file"].tolist() == ["lists.xlsx#North", "lists.xlsx#South"]
    assert [name for name, _why in found.unrecognised] == ["lists.xlsx#Notes"]


def test_real_dates_and_numbers_of_a_workbook(tmp_path):
    """Cells keep what they are, whatever the format they are shown in."""
    path = book(
        tmp_path / "list.xlsx",
        ["A list"],
        [],
        HEADER,
        row(2, ends=date(2027, 6, 30)),
        row(3, ends=datetime(2027, 6, 30, 12), seats=7.0),
        row(4, ends=46203),
    )
    found = load(path).subscriptions

    assert found["expires_on"].tolist() == [date(2027, 6, 30)] * 2 + [date(2026, 6, 30)]
    assert found["seats"].tolist() == [5, 7, 5]
    assert found["source_row"].tolist() == [4, 5, 6]


def test_a_formula_is_never_a_value(tmp_path):
    """A cell that computes something is rejected with its text, not evaluated."""
    found = load(book(tmp_path / "list.xlsx", HEADER, row(2, seats="=2+3"), row(3)))

    assert line(found) == {"read": 2, "accepted": 1, "rejected": 1}
    assert found.rejects[["value", "reason_code"]].values.tolist() == [["=2+3", "formula"]]


def test_hidden_rows_and_sheets_are_read_and_said(tmp_path):
    """What a filter hides counts like the rest, and the file's line says that it was hidden."""
    made = openpyxl.load_workbook(book(tmp_path / "list.xlsx", HEADER, row(2), row(3), row(4)))
    made.worksheets[0].row_dimensions[3].hidden = True
    made.worksheets[0].row_dimensions[4].hidden = True
    second = made.create_sheet("Old")
    for cells in (HEADER, row(5)):
        second.append(cells)
    second.sheet_state = "hidden"
    made.save(tmp_path / "list.xlsx")
    found = load(tmp_path / "list.xlsx")

    assert len(found.subscriptions) == 4
    assert found.files["note"].tolist() == ["2 hidden rows read too", "a hidden sheet"]


def parts(path: Path, rows: str, strings: str = "") -> Path:
    """Write a workbook by hand: one sheet with these rows of XML."""
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    book(path, HEADER)
    with zipfile.ZipFile(path) as plain:
        kept = {part.filename: plain.read(part) for part in plain.infolist()}
    kept["xl/worksheets/sheet1.xml"] = (
        f'{head}<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'.encode()
    )
    if strings:
        kept["xl/sharedStrings.xml"] = f'{head}<sst xmlns="{main}">{strings}</sst>'.encode()
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
        told = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
        types = kept["[Content_Types].xml"].decode().replace("</Types>", told)
        kept["[Content_Types].xml"] = types.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
    return path


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 300 * 1024 * 1024)
    return path


def sparse(path: Path, cell: str = "A1048576") -> Path:
    number = cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return parts(path, f'<row r="{number}"><c r="{cell}"><v>1</v></c></row>')


def wide(path: Path) -> Path:
    return sparse(path, "XFD2")


def corner(path: Path) -> Path:
    return sparse(path, "XFD1048576")


def formatted(path: Path) -> Path:
    """Every row has an empty cell in the last column that there is."""
    noise = "".join(
        f'<row r="{i}"><c r="XFD{i}" s="{i * 7919 % 99991}"/></row>' for i in range(1, 60_000)
    )
    return parts(path, noise)


def unnumbered(path: Path) -> Path:
    """No row or cell says where it stands, and the letters are not those of a plain file."""
    noise = "".join(f'<row><c t="n"><v>{i * 7919 % 99991}</v></c></row>' for i in range(300_000))
    return parts(path, noise)


def texts(path: Path) -> Path:
    noise = "".join(f"<si><t>{i * 7919 % 99991} {i}</t></si>" for i in range(2_000_000))
    return parts(path, '<row r="1"><c r="A1" t="s"><v>1</v></c></row>', noise)


def long_cell(path: Path) -> Path:
    noise = " ".join(str(i * 7919 % 99991) for i in range(10_000))
    return parts(path, f'<row r="1"><c r="A1" t="inlineStr"><is><t>{noise}</t></is></c></row>')


def cut(path: Path) -> Path:
    whole = book(path, HEADER, *(row(number) for number in range(2, 50))).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def torn(path: Path) -> Path:
    """The archive is whole, its sheet is not."""
    return parts(path, '<row r="1"><c r="A1"><v>1</v></row>')


def old(path: Path) -> Path:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    return path


HARMFUL = [
    (bomb, "unpacks to 314,572,800 bytes"),
    (sparse, "a sheet has more than 200,000 rows"),
    (wide, "has more than 200 columns"),
    (corner, "a sheet has more than 200,000 rows"),
    (formatted, "59,999 rows out to column 16,384"),
    (unnumbered, "a sheet has more than 200,000 rows"),
    (long_cell, "holds 58,886 characters; a cell takes 32,767"),
    (cut, "is no whole Excel workbook: it is damaged or was cut off; open it"),
    (torn, "cannot be read as a workbook: it is damaged or was cut off"),
    (old, "is an old .xls or has a password"),
    (lambda path: document(path, "not a workbook"), "is no whole Excel workbook"),
    (lambda path: document(path, ""), "is empty"),
]


@pytest.mark.parametrize(("make", "why"), HARMFUL, ids=lambda part: getattr(part, "__name__", ""))
def test_workbooks_beyond_the_limits(tmp_path, make, why):
    """What would fill memory, or is no whole workbook, is refused with the reason at once."""
    path = make(tmp_path / "list.xlsx")
    began = time.process_time()

    with pytest.raises(ExportError) as error:
        load(path)
    assert why in str(error.value)
    assert time.process_time() - began < 5


WATCHED = """
import resource, sys, time
from cspkit.errors import ExportError
from cspkit.exports import load
before = time.process_time()
try:
    load(sys.argv[1])
except ExportError as error:
    print(error)
caged = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.process_time() - before + caged.ru_utime + caged.ru_stime)
# A process takes over the peak of the one that started it, so its own is asked of the system.
lines = open("/proc/self/status").read().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no such look at memory there")
def test_what_no_look_can_tell_ends_in_its_cage(tmp_path):
    """Two million texts are stopped by the clock or the memory of a process of their own."""
    command = [sys.executable, "-c", WATCHED, str(texts(tmp_path / "list.xlsx"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    error, seconds, own, caged = done.stdout.splitlines()

    assert "takes more than" in error
    assert float(seconds) < 5, "seconds of work: a busy machine may take longer by the clock"
    assert max(int(own), int(caged)) < 10**9


def test_a_larger_workbook_is_read_whole_in_the_cage(tmp_path):
    """What is too large to be read at once comes out of the other process as it is."""
    rows = [row(number) for number in range(2, 30)]
    wide_rows = [[*cells, *[None] * 60, "far"] for cells in rows]
    header = [*HEADER, *(f"note {i}" for i in range(61))]
    far = book(tmp_path / "far.xlsx", header, *wide_rows)
    made = openpyxl.load_workbook(far)
    made.worksheets[0]["A2000"] = " "
    made.save(far)
    assert not workbooks._tame(confined.inspect(far))
    found = load(far)

    assert [guid(number) for number in range(2, 30)] == found.subscriptions[
        "subscription_id"
    ].tolist()
    assert line(found)["blank"] == 2000 - 29


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_a_damaged_workbook_is_one_error(data):
    """Whatever bytes of a workbook change, it is read or refused in one line."""
    with tempfile.TemporaryDirectory() as folder:
        path = book(Path(folder) / "list.xlsx", HEADER, row(2), row(3))
        whole = bytearray(path.read_bytes())
        # A workbook holds the time, so that its length is not always the same.
        for place in data.draw(st.lists(st.integers(0, 9999), min_size=1, max_size=6)):
            whole[place % len(whole)] = data.draw(st.integers(0, 255))
        path.write_bytes(bytes(whole))
        try:
            assert len(load(path).files)
        except CspkitError as error:
            assert "\n" not in str(error)


def test_entities_in_a_workbook_are_refused(tmp_path):
    """XML that expands or points elsewhere is not read."""
    path = book(tmp_path / "list.xlsx", HEADER, row(2))
    evil = tmp_path / "evil.xlsx"
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(evil, "w") as bad:
        for part in good.infolist():
            content = good.read(part)
            if part.filename == "xl/workbook.xml":
                content = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + content
            bad.writestr(part, content)

    with pytest.raises(ExportError, match="cannot be read as a workbook"):
        load(evil)


# JSON.


def graph(**values: Any) -> dict[str, Any]:
    return {
        "commerceSubscriptionId": guid(2),
        "nextLifecycleDateTime": "2027-06-30T00:00:00Z",
        "ownerTenantId": None,
        "skuId": guid(9),
        "skuPartNumber": "SPE_E3",
        "status": "Enabled",
        "totalLicenses": 5,
    } | values


@pytest.mark.parametrize("wrap", [lambda items: items, lambda items: {"value": items}])
def test_lists_of_objects(tmp_path, wrap):
    """A bare list and the answer of a service are the same table."""
    path = tmp_path / f"subscriptions-{guid(7)}.json"
    found = load(document(path, json.dumps(wrap([graph(), graph(commerceSubscriptionId=guid(3))]))))

    assert found.subscriptions["source_row"].tolist() == [1, 2]
    assert set(found.subscriptions["customer_id"]) == {guid(7)}


def test_a_tenant_that_the_file_name_does_not_tell(tmp_path):
    """Without the tenant's id every row is rejected, none is given to somebody."""
    found = load(document(tmp_path / "subscriptions.json", json.dumps([graph()])))

    assert found.rejects["reason_code"].tolist() == ["no_tenant"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"value": [', "is no valid JSON"),
        ('[{"a": 1, "a": 2}]', "a name stands twice"),
        ('[{"a": NaN}]', "NaN is not a JSON value"),
        ("[" * 100_000, "nested deeper than 50 levels"),
        ('{"a": 1}', "expected a known export format"),
        ("[1, 2]", "expected a list of objects"),
        ("  ", "is empty"),
        ('"text"', "expected a list of objects"),
    ],
    ids=["torn", "twins", "nan", "deep", "object", "numbers", "blank", "text"],
)
def test_json_that_is_no_export(tmp_path, text, why):
    """Torn, ambiguous and hostile documents are refused with the reason."""
    with pytest.raises(ExportError, match=why):
        load(document(tmp_path / "list.json", text))
