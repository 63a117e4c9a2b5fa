"""Whatever the bytes: rows add up, or a CspkitError says why not."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cspkit.errors import CspkitError
from cspkit.exports import Exports, load

HEADER = ["subscription_id", "customer_id", "seats", "expires_on", "unit_price", "auto_renew"]
FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def read(name: str, content: bytes) -> Exports:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return load(path)


def guids() -> st.SearchStrategy[str]:
    return st.integers(0, 5).map(lambda n: f"{n:08X}-0000-4000-8000-{n:012x}")


def cells() -> st.SearchStrategy[str]:
    odd = st.sampled_from(
        ["", "-", "n/d", "1.200", "12,40 €", "3/4/2026", "31.02.2026", "2027-06-30", "Sí", "=1+1"]
    )
    return odd | st.text(max_size=12) | st.integers(-5, 5000).map(str)


def rows() -> st.SearchStrategy[list[list[str]]]:
    row = st.tuples(guids() | cells(), guids() | cells(), cells(), cells(), cells(), cells())
    ragged = st.lists(cells(), max_size=8)
    return st.lists(row.map(list) | ragged, max_size=12)


def written(table: list[list[str]], delimiter: str, end: str, encoding: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerow(HEADER)
    writer.writerows(table)
    return text.getvalue().encode(encoding, "replace")


@FEW
@given(
    rows(),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
)
def test_rows_add_up_in_every_dialect(table, delimiter, end, encoding):
    """Every record behind the header is accepted, rejected or set aside: once."""
    content = written(table, delimiter, end, encoding)
    text = content.decode(encoding)
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    (line,) = read("list.csv", content).files.to_dict("records")

    assert line["read"] == len(records) - 1
    assert line["read"] == line["accepted"] + line["rejected"] + line["set_aside"]


@FEW
@given(rows())
def test_no_row_is_in_two_places(table):
    """A row of the file stands in one table, at one place, or is only counted."""
    found = read("list.csv", written(table, ",", "\n", "utf-8"))
    accepted = found.subscriptions["source_row"].tolist()
    rejected = found.rejects["source_row"].tolist()

    assert len({*accepted, *rejected}) == len(accepted) + len(rejected)
    assert found.subscriptions["subscription_id"].is_unique
    assert set(found.subscriptions["customer_id"]) == set(found.customers["customer_id"])


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "xlsx"])
@FEW
@given(content=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
@example(content=b"\xff\xfe\x00")
@example(content=b'"')
@example(content=b'subscription_id,customer_id,seats,expires_on\n"')
@example(content=b"subscription_id,customer_id,seats,expires_on\n\x00,\x00,\x00,\x00")
@example(
    content=b"\xff\xfe"
    + "subscription_id\tcustomer_id\tseats\texpires_on\n".encode("utf-16-le")
    + b"a"
)
@example(content=b'[{"nextLifecycleDateTime":1,"totalLicenses":{},"skuPartNumber":[],"id":""}]')
def test_no_bytes_end_in_another_error(ending, content):
    """A file is read, or one line says what is wrong with it."""
    try:
        found = read(f"list.{ending}", content)
    except CspkitError as error:
        assert str(error)
    else:
        assert len(found.files) >= 1
