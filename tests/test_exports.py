from __future__ import annotations

import json
import os
import shutil
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from cspkit import tables
from cspkit.errors import ExportError
from cspkit.exports import Exports, load
from cspkit.rehearsal import samples

DATA = Path(__file__).parent / "data"
HEADER = "subscription_id,customer_id,seats,expires_on"


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def line(number: int, customer: int = 1, seats: str = "5", ends: str = "2027-06-30") -> str:
    return f"{guid(number)},{guid(customer)},{seats},{ends}"


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sample() -> Exports:
    return load(samples.folder())


def test_every_sample_is_recognised(sample):
    """Six sources, six formats, and nothing left over."""
    expected = {
        "bam-customers",
        "bam-subscriptions",
        "distributor-es",
        "ea-sheet",
        "graph-directory-subscriptions",
        "partner-center-customers",
        "reconciliation-nce",
    }

    assert expected == set(sample.files["profile"])
    assert sample.unrecognised == []


def test_the_law_holds_for_every_sample(sample):
    """Rows read = accepted + rejected + set aside, and set aside is the sum of its reasons."""
    lines = sample.summary()
    reasons = lines[[name for name in lines if name not in tables.FILES.names]]

    assert lines["read"].tolist() == (
        (lines["accepted"] + lines["rejected"] + lines["set_aside"]).tolist()
    )
    assert reasons.sum(axis=1).tolist() == lines["set_aside"].tolist()


def test_every_channel_is_in_the_samples(sample):
    """What a partner's customers bought anywhere is told apart."""
    assert {str(channel) for channel in tables.Channel} == set(sample.subscriptions["channel"])


def test_broken_rows_name_file_row_column_and_value(sample):
    """A reject says where it is and what was found, and carries its whole row."""
    found = sample.rejects.set_index("value").loc["31/02/2026"]

    assert found["source_file"] == "distributor/suscripciones.xlsx#Suscripciones"
    assert found["column"] == "Fecha de expiración"
    assert found["reason_code"] == "no_such_day"
    assert json.loads(found["row"])["Fecha de expiración"] == "31/02/2026"


def test_every_subscription_has_its_customer(sample):
    """A customer that no customers file lists still gets a row, from what its file says."""
    owners = set(sample.subscriptions["customer_id"])

    assert owners <= set(sample.customers["customer_id"])
    assert sample.customers["customer_id"].is_unique


@pytest.mark.parametrize("name", ["customers", "subscriptions", "rejects", "files"])
def test_tables_have_the_agreed_columns_and_types(sample, name):
    """Ibis tables and pandas frames carry the columns of `tables`, in order."""
    table = {
        "customers": tables.CUSTOMERS,
        "subscriptions": tables.SUBSCRIPTIONS,
        "rejects": tables.REJECTS,
        "files": tables.FILES,
    }[name]
    schema = sample.table(name).schema()

    assert table.names == getattr(sample, name).columns.tolist()
    assert table.schema == {
        column: str(kind).replace("decimal(18, 6)", tables.MONEY) for column, kind in schema.items()
    }


def test_exports_say_what_they_hold(sample, tmp_path):
    """Typed at a prompt, a load answers with its counts; prices are named where there are any."""
    counts = [f"{len(getattr(sample, name)):,} {name}" for name in ("customers", "subscriptions")]
    alone = load(write(tmp_path, "a.csv", HEADER, line(1)))

    assert repr(sample).startswith(f"<Exports: {', '.join(counts)}, ")
    assert repr(alone) == "<Exports: 1 customers, 1 subscriptions, 0 rejects from 1 file>"


def test_a_table_of_another_name_is_refused(sample):
    """A misspelt name says what there is."""
    with pytest.raises(KeyError, match="expected one of customers, subscriptions"):
        sample.table("subscription")


def test_saved_folder_reads_back_as_it_was(sample, tmp_path):
    """Save, load and save again: the same files, byte for byte."""
    sample.save(tmp_path / "once")
    again = load(tmp_path / "once")
    again.save(tmp_path / "twice")

    names = ["conflicts.csv", "customers.parquet", "offers.parquet", "prices.parquet"]
    names += ["rejects.csv", "sources.parquet", "subscriptions.parquet", "summary.json"]
    assert names == sorted(path.name for path in (tmp_path / "once").iterdir())
    for name in names:
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()
    pd.testing.assert_frame_equal(sample.subscriptions, again.subscriptions)
    pd.testing.assert_frame_equal(sample.summary(), again.summary())
    pd.testing.assert_frame_equal(sample.conflicts, again.conflicts)


def test_loading_twice_gives_the_same_bytes(sample, tmp_path):
    """Nothing depends on chance or on the clock."""
    sample.save(tmp_path / "once")
    load(samples.folder()).save(tmp_path / "twice")

    for path in (tmp_path / "once").iterdir():
        assert path.read_bytes() == (tmp_path / "twice" / path.name).read_bytes()


def test_two_loads_can_share_an_engine(tmp_path):
    """The tables of a second load leave those of the first alone."""
    first = load(write(tmp_path, "a.csv", HEADER, line(1)))
    second = load(write(tmp_path, "b.csv", HEADER, line(2), line(3)), engine=first.connection)

    assert [guid(1)] == first.subscriptions["subscription_id"].tolist()
    assert [guid(2), guid(3)] == second.subscriptions["subscription_id"].tolist()


def test_progress_hears_of_every_file(tmp_path):
    """A long load can show how far it is."""
    write(tmp_path, "a.csv", HEADER, line(1))
    write(tmp_path, "b/c.csv", HEADER, line(2))
    heard: list[tuple[str, int, int]] = []
    load(tmp_path, progress=lambda *step: heard.append(step))

    assert heard == [("a.csv", 1, 2), ("b/c.csv", 2, 2)]


def test_frames_become_exports():
    """Columns a frame lacks are missing, columns it has too many are left out."""
    made = Exports.from_frames(
        pd.DataFrame({"customer_id": [guid(1)], "mood": ["good"]}),
        pd.DataFrame(
            {
                "subscription_id": [guid(2)],
                "customer_id": [guid(1)],
                "seats": [3],
                "expires_on": [date(2027, 6, 30)],
                "unit_price": [Decimal("12.40")],
            }
        ),
    )

    assert tables.CUSTOMERS.names == made.customers.columns.tolist()
    assert [date(2027, 6, 30)] == made.subscriptions["expires_on"].tolist()
    assert [Decimal("12.40")] == made.subscriptions["unit_price"].tolist()
    assert len(made.rejects) == 0


# Errors: each says what was expected, what was found and where.


def test_a_folder_that_is_not_there(tmp_path):
    """A wrong path is an error, not an empty result."""
    with pytest.raises(ExportError, match="nowhere: not found; expected an export file"):
        load(tmp_path / "nowhere")


def test_no_path_at_all():
    """Loading nothing is a mistake of the caller."""
    with pytest.raises(ExportError, match="found no path"):
        load()


def test_an_empty_file_is_an_error_even_in_a_folder(tmp_path):
    """An export that was cut to nothing is not a customer without subscriptions."""
    write(tmp_path, "good.csv", HEADER, line(1))
    (tmp_path / "empty.csv").touch()

    with pytest.raises(ExportError, match=r"empty\.csv: is empty"):
        load(tmp_path)


def test_all_problems_are_told_at_once(tmp_path):
    """Who fixes one file learns about the other one too."""
    (tmp_path / "a.csv").touch()
    (tmp_path / "b.json").write_text("{", encoding="utf-8")

    with pytest.raises(ExportError) as error:
        load(tmp_path)
    assert len(error.value.problems) == 2


def test_a_file_of_an_archive_is_named_as_people_know_it(tmp_path):
    """The error says archive and member, never the folder that it was unpacked to."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("north/a.json", "{")

    with pytest.raises(ExportError, match=r"^all\.zip/north/a\.json: is no valid JSON"):
        load(tmp_path / "all.zip")


@pytest.mark.parametrize("names", [["", "SEATS"], ["a\x00b", "Seats "], ["product", "Product"]])
def test_headers_of_any_kind_get_names_of_their_own(tmp_path, names):
    """Empty, odd and repeated headers, in whatever letter case, do not stop a reject's row."""
    header = [*HEADER.split(","), *names]
    text = dict(zip(header, [guid(1), guid(2), "many", "2027-06-30", "x", "y"], strict=True))
    (tmp_path / "a.json").write_text(json.dumps([text]), encoding="utf-8")
    (reject,) = load(tmp_path / "a.json").rejects.to_dict("records")

    assert list(json.loads(reject["row"]).values())[2:] == ["many", "2027-06-30", "x", "y"]


def test_unknown_format_named_alone():
    """The error names the closest format and what is lacking for it."""
    with pytest.raises(ExportError, match="closest is 'Partner Center, Customers page'") as error:
        load(DATA / "unknown-without-tenant.csv")
    assert "lacks 'Company name'" in str(error.value)
    assert error.value.exit_code == 2


def test_unknown_format_in_a_folder_is_left_and_listed(tmp_path):
    """A folder may hold other things; they are named with the reason."""
    write(tmp_path, "good.csv", HEADER, line(1))
    write(tmp_path, "other.csv", "a,b", "1,2")
    write(tmp_path, "read.me", "hello")

    left = dict(load(tmp_path).unrecognised)
    assert "found the columns 'a', 'b'" in left["other.csv"]
    assert "no export file by its ending '.me'" in left["read.me"]


def test_a_folder_without_any_known_export(tmp_path):
    """Nothing to read is an error that says what was there."""
    write(tmp_path, "other.csv", "a,b", "1,2")

    with pytest.raises(ExportError, match=r"known format; other\.csv"):
        load(tmp_path)


def test_a_known_format_without_a_needed_column(tmp_path):
    """A file that is surely of one format must be whole, also inside a folder."""
    shutil.copy(DATA / "bam-subscriptions-no-expiration.csv", tmp_path)

    with pytest.raises(ExportError, match="lacks the column 'ExpirationDate'"):
        load(tmp_path)


@pytest.mark.parametrize("address", ["https://x.example/a.csv", "s3://bucket/a.csv", "file:///a"])
def test_an_address_is_not_a_path(address):
    """Reading never reaches out to the network."""
    with pytest.raises(ExportError, match="is an address"):
        load(address)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_out_of_the_folder_is_refused(tmp_path):
    """A folder of exports is only what lies in it."""
    outside = write(tmp_path, "outside.csv", HEADER, line(1))
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "inside.csv").symlink_to(outside)

    with pytest.raises(ExportError, match="leads out of"):
        load(tmp_path / "exports")


def test_files_of_the_same_name_stay_apart(tmp_path):
    """Two roots with a file of one name give two lines in the summary."""
    first = write(tmp_path, "north/list.csv", HEADER, line(1))
    second = write(tmp_path, "south/list.csv", HEADER, line(2))

    names = load(first.parent, second.parent).files["source_file"].tolist()
    assert [name[-14:] for name in names] == ["north/list.csv", "south/list.csv"]


def test_a_file_named_twice_is_read_once(tmp_path):
    """A folder and a file in it are the same rows."""
    path = write(tmp_path, "list.csv", HEADER, line(1))

    assert load(tmp_path, path).files["read"].tolist() == [1]
