"""Whatever the bytes: rows add up, or a CspkitError says why not."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
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


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "xlsx", "parquet", "zip", "txt"])
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


@FEW
@given(rows(), st.data())
def test_a_damaged_archive_is_read_or_refused(table, data):
    """Whatever bytes of a zip archive change, rows add up or one line says what is wrong."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../list.csv", written(table, ";", "\n", "utf-8"))
    whole = bytearray(packed.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    try:
        (line,) = read("list.zip", bytes(whole)).files.to_dict("records")
    except CspkitError as error:
        assert "\n" not in str(error)
    else:
        assert line["read"] == line["accepted"] + line["rejected"] + line["set_aside"]


def prices() -> st.SearchStrategy[list[list[str]]]:
    offer = st.sampled_from(["CFQ7TTC0LH18", "DZH318Z0BPS6", ""])
    term = st.sampled_from(["P1Y", "P1M", "P9Y"])
    price = st.sampled_from(["5.60", "6,10", "-1", "free"])
    start = st.sampled_from(["2/1/2026 12:00:00 AM", "1/1/1753", "13/13/2026"])
    tier = st.sampled_from(["", "1", "301"])
    row = st.tuples(offer, st.sampled_from(["1", "0001", ""]), term, price, start, tier)
    return st.lists(row.map(list), max_size=12)


@FEW
@given(prices())
def test_rows_of_a_price_sheet_add_up(table):
    """Prices are under the same law; a row stands in one place or is only counted."""
    header = ["ProductId", "SkuId", "TermDuration", "UnitPrice", "EffectiveStartDate"]
    more = ["PricingTierRangeMin", "ProductTitle", "SkuTitle", "BillingPlan", "Currency"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header + more)
    writer.writerows([*row, "Basic", "Basic", "Annual", "EUR"] for row in table)
    found = read("prices.csv", text.getvalue().encode())
    (line,) = found.files.to_dict("records")
    accepted, rejected = (list(part["source_row"]) for part in (found.prices, found.rejects))

    assert line["read"] == len(table)
    assert (line["accepted"], line["rejected"]) == (len(accepted), len(rejected))
    assert len({*accepted, *rejected}) == len(accepted) + len(rejected)
