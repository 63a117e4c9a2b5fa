"""Whose a row is: by its tenant id, else by its domain; a name alone is only a proposal."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cspkit.exports import Exports, load

CUSTOMERS = "customer_id,name,domain,market"
HEADER = "subscription_id,customer_id,seats,expires_on,customer_name,customer_domain"


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def write(folder: Path, name: str, *rows: str) -> Path:
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def customers(folder: Path, *rows: str) -> None:
    write(folder, "customers.csv", CUSTOMERS, *rows)


def owned(folder: Path, tenant: str = "", name: str = "", domain: str = "") -> Exports:
    write(folder, "list.csv", HEADER, f"{guid(9)},{tenant},5,2027-06-30,{name},{domain}")
    return load(folder)


def test_a_subscription_without_tenant_is_found_by_its_domain(tmp_path):
    """The domain that one customer has tells the tenant, whatever its letter case."""
    customers(tmp_path, f"{guid(1)},Contoso,contoso.example,ES")
    found = owned(tmp_path, domain="CONTOSO.example ")

    assert [guid(1)] == found.subscriptions["customer_id"].tolist()
    assert len(found.rejects) == 0


def test_a_customer_without_tenant_joins_the_one_with_its_domain(tmp_path):
    """A hand-made list that knows only domains completes the customers of a portal."""
    customers(tmp_path, f"{guid(1)},Contoso,contoso.example,", ",,contoso.example,IT")
    stamp = datetime(2026, 9, 3, 12, tzinfo=UTC).timestamp()
    os.utime(tmp_path / "customers.csv", (stamp, stamp))
    (found,) = load(tmp_path).customers.to_dict("records")

    assert found["seen_on"] == date(2026, 9, 3)
    assert (guid(1), "Contoso", "IT") == (found["customer_id"], found["name"], found["market"])


def test_a_bill_tells_the_tenant_of_a_domain(tmp_path):
    """Any row that names both counts, also one of a subscription."""
    write(tmp_path, "a.csv", HEADER, f"{guid(8)},{guid(1)},5,2027-06-30,,contoso.example")

    assert {guid(1)} == set(owned(tmp_path, domain="contoso.example").subscriptions["customer_id"])


@pytest.mark.parametrize("other", [f"{guid(2)},Fabrikam,contoso.example,IT", ""])
def test_a_domain_of_nobody_or_of_two_tells_nothing(tmp_path, other):
    """A domain that two tenants have decides no tenant, and the reject says so."""
    customers(tmp_path, f"{guid(1)},Contoso,{'contoso' if other else 'other'}.example,ES", other)
    found = owned(tmp_path, domain="contoso.example").rejects.iloc[0]

    assert (found[["reason_code", "column", "value"]].tolist()) == [
        "unknown_domain",
        "customer_domain",
        "contoso.example",
    ]


def test_a_tenant_id_beats_the_domain(tmp_path):
    """The id that stands in the row counts, even when the domain is another's."""
    customers(tmp_path, f"{guid(1)},Contoso,contoso.example,ES")
    found = owned(tmp_path, tenant=guid(2), domain="contoso.example")

    assert [guid(2)] == found.subscriptions["customer_id"].tolist()


def test_a_damaged_tenant_id_is_not_mended_by_the_domain(tmp_path):
    """A row that says something wrong is rejected, not joined by something else."""
    customers(tmp_path, f"{guid(1)},Contoso,contoso.example,ES")

    assert owned(tmp_path, tenant="1234", domain="contoso.example").rejects[
        "reason_code"
    ].tolist() == ["not_a_guid"]


def test_a_join_by_name_is_proposed_and_not_made(tmp_path):
    """The row stays rejected; every customer of that name is named beside it, and saved."""
    customers(
        tmp_path, f'{guid(1)},"Fabrikam, S.L.",,ES', f"{guid(2)},Fabrikam SL,,IT", f"{guid(3)},X,,"
    )
    found = owned(tmp_path, name="FABRIKAM  SL")

    assert len(found.subscriptions) == 0
    assert [("list.csv", 2, "FABRIKAM  SL", guid(n)) for n in (1, 2)] == list(
        found.proposed[["source_file", "source_row", "name", "customer_id"]].itertuples(
            index=False, name=None
        )
    )
    found.save(tmp_path / "out")
    pd.testing.assert_frame_equal(found.proposed, load(tmp_path / "out").proposed)


def test_a_proposal_is_taken_by_typing_the_id(tmp_path):
    """The reject names the column for the tenant's id; typed into `value` it is read back."""
    folder = tmp_path / "in"
    folder.mkdir()
    customers(folder, f"{guid(1)},Contoso,,ES")
    write(
        folder,
        "synnex.json",
        '[{"id": "S1", "orderNumber": "1", "sku": "CFQ7TTC0LH18:0001", "quantity": 5, '
        '"productType": "", "name": "S/Basic", "unitPrice": "", "licenceStatus": "Active", '
        '"companyName": "Contoso", "customerName": "", "customerEmail": "", "endCustomerPO": ""}]',
    )
    found = load(folder)
    found.save(tmp_path / "out")
    rejects = pd.read_csv(tmp_path / "out" / "rejects.csv", dtype=str)

    assert rejects["reason_code"].tolist() == ["no_tenant"]
    assert [guid(1)] == found.proposed["customer_id"].tolist()
    rejects["value"] = found.proposed["customer_id"]
    rejects.to_csv(folder / "rejects.csv", index=False)
    assert [guid(1)] == load(folder).subscriptions["customer_id"].tolist()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    known=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=5),
    asked=st.lists(
        st.tuples(st.sampled_from([0, 1, 2]), st.integers(1, 4)), min_size=1, max_size=4
    ),
)
def test_the_join_is_that_of_a_plain_loop(known, asked, tmp_path_factory):
    """Own id first, else the domain where exactly one tenant has it, else nobody."""
    folder = tmp_path_factory.mktemp("owners")
    customers(folder, *(f"{guid(tenant)},,d{domain}.example," for tenant, domain in known))
    rows = [
        f"{guid(100 + i)},{guid(tenant) if tenant else ''},5,2027-06-30,,d{domain}.example"
        for i, (tenant, domain) in enumerate(asked)
    ]
    write(folder, "list.csv", HEADER, *rows)
    having = {*known, *((tenant, domain) for tenant, domain in asked if tenant)}
    expected = {}
    for i, (tenant, domain) in enumerate(asked):
        owners = {one for one, other in having if other == domain}
        if tenant or len(owners) == 1:
            expected[guid(100 + i)] = guid(tenant or owners.pop())
    found = load(folder).subscriptions

    assert expected == dict(zip(found["subscription_id"], found["customer_id"], strict=True))
