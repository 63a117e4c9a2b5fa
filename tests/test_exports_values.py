"""Cells as portals, tools and distributors write them, read by the rules of their own formats."""

from __future__ import annotations

import csv
from pathlib import Path

import ibis
import pytest

from cspkit.exports import cells, evidence
from cspkit.exports.formats import packaged
from cspkit.exports.lookups import LOOKED_UP, parser
from cspkit.exports.profiles import ColumnRule, Profile

VALUES = Path(__file__).parent / "data" / "cell-values.csv"
FORMATS = {profile.id: profile for profile in packaged().profiles}


def listed() -> list[dict[str, str]]:
    with VALUES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read(profile: Profile, column: str, cell: str) -> tuple[object, str | None]:
    """Read one cell as a file of the format does in which it stands alone."""
    rule = profile.columns[column]
    if rule.kind in LOOKED_UP or rule.rule:
        return looked_up(profile, column, rule, cell)
    found = cells.CHECKS.get(rule.kind, cells.text)(ibis.literal(cell))
    row = ibis.duckdb.connect().to_pyarrow(ibis.struct({"v": found.value, "p": found.problem}))
    return row.as_py()["v"], row.as_py()["p"]


def looked_up(
    profile: Profile, column: str, rule: ColumnRule, cell: str
) -> tuple[object, str | None]:
    orders = evidence.day_orders([cell], profile.dates)
    mark = profile.decimal if profile.decimal != "detect" else evidence.decimal_mark([cell])
    filled = "CFQ7TTC0LH18:" + cell if rule.template == "{ProductId}:{SkuId}" else cell
    return parser(column, rule, orders, mark, {})(filled)


@pytest.mark.parametrize(
    "sample", listed(), ids=lambda sample: f"{sample['format']}:{sample['cell'][:24]}"
)
def test_a_cell_means_what_its_writer_meant(sample):
    """Each cell seen in a real or documented file becomes its value, nothing, or a reason."""
    value, problem = read(FORMATS[sample["format"]], sample["column"], sample["cell"])
    found = f"!{problem}" if problem else "" if value is None else str(value)
    money = sample["means"].replace(".", "").isdigit() and "." in found

    assert sample["means"] == (found.rstrip("0").rstrip(".") if money else found)
