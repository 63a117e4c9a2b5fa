"""Which tenant has a domain: told by any row that names both, if all of them name one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from cspkit.exports import cells
from cspkit.exports.layout import DOMAINS, Cells, Layout
from cspkit.exports.parsing import tidy

Opened = tuple[Layout, Any, dict[int, Cells]]


def domains(connection: Any, opened: Sequence[Opened]) -> dict[str, str]:
    """Map the domains that rows name in place of a tenant to the one tenant that has each."""
    asked = {
        tidy(cell).lower()
        for layout, _raw, different in opened
        for found in different.values()
        for name in found
        if layout.rules[name].rule == "domain"
        for cell in found[name]
    }
    pairs = (_tenants(layout, raw) for layout, raw, _different in opened)
    told = [rows for rows in pairs if rows is not None]
    if not asked or not told:
        return {}
    wanted = ibis.memtable(pa.table({"domain": sorted(asked)}))
    rows = (ibis.union(*told) if len(told) > 1 else told[0]).semi_join(wanted, "domain")
    one = (
        rows.group_by("domain")
        .aggregate(customer_id=_.customer_id.min(), other=_.customer_id.max())
        .filter(_.customer_id == _.other)
    )
    table = connection.to_pyarrow(one.select("domain", "customer_id"))
    return dict(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _tenants(layout: Layout, raw: Any) -> Any:
    """Return the pairs of customer_id and domain that raw rows name; None without both."""
    tenant, domain = layout.known(["customer_id"]), layout.known(DOMAINS)
    if tenant is None or domain is None or tenant.rule:
        return None
    pairs = raw.select(
        customer_id=cells.guid(layout.cell(raw, tenant)),
        domain=cells.tidy(layout.cell(raw, domain)).lower(),
    )
    return pairs.filter(pairs["customer_id"].notnull() & pairs["domain"].notnull())
