"""Which tenant has a domain: told by any row that names both, if all of them name one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from cspkit.exports import arrays, cells
from cspkit.exports.engine import Engine
from cspkit.exports.layout import DOMAINS, Cells, Layout
from cspkit.exports.parsing import tidy
from cspkit.later import deferred as _
from cspkit.later import ibis
from cspkit.statements import Rows, described

Opened = tuple[Layout, Rows, dict[int, Cells]]


def domains(engine: Engine, opened: Sequence[Opened]) -> dict[str, str]:
    """Map the domains that rows name in place of a tenant to the one tenant that has each."""
    asked = {
        tidy(cell).lower()
        for layout, _raw, different in opened
        for found in different.values()
        for name in found
        if layout.rules[name].rule == "domain"
        for cell in found[name]
    }
    told = [(layout, raw) for layout, raw, _different in opened if _names_both(layout)]
    if not asked or not told:
        return {}
    wanted = engine.keep("asked", pa.table({"domain": arrays.texts(sorted(asked))}))
    lines = engine.fetch(
        _owned([raw for _layout, raw in told], [one for one, _raw in told], wanted)
    )
    return {line["domain"]: line["customer_id"] for line in lines}


@described
def _owned(raws: Sequence[Any], layouts: Sequence[Layout], wanted: Any) -> Any:
    told = [_tenants(layout, raw) for layout, raw in zip(layouts, raws, strict=True)]
    rows = (ibis.union(*told) if len(told) > 1 else told[0]).semi_join(wanted, "domain")
    one = (
        rows.group_by("domain")
        .aggregate(customer_id=_.customer_id.min(), other=_.customer_id.max())
        .filter(_.customer_id == _.other)
    )
    return one.select("domain", "customer_id")


def _names_both(layout: Layout) -> bool:
    """Tell whether a format names a customer's id and its domain."""
    tenant = layout.known(["customer_id"])
    return tenant is not None and not tenant.rule and layout.known(DOMAINS) is not None


def _tenants(layout: Layout, raw: Any) -> Any:
    """Return the pairs of customer_id and domain that raw rows name."""
    tenant, domain = layout.known(["customer_id"]), layout.known(DOMAINS)
    assert tenant
    assert domain
    pairs = raw.select(
        customer_id=cells.guid(layout.cell(raw, tenant)),
        domain=cells.tidy(layout.cell(raw, domain)).lower(),
    )
    return pairs.filter(pairs["customer_id"].notnull() & pairs["domain"].notnull())
