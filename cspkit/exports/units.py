"""Read how many seats of each skuId a tenant has and uses: the lists that hold no subscriptions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cspkit import catalogue
from cspkit.errors import ExportError
from cspkit.exports.folders import Found
from cspkit.exports.opening import open_file
from cspkit.exports.sheets import Sheet, column

_PAIR = re.compile(r"(\w+)\s*=\s*(\d+)")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Units:
    """The seats of one skuId: enabled, and assigned to users."""

    enabled: int
    consumed: int


def read(file: Path) -> dict[str, Units]:
    """Map the skuIds of a licence export to their seats.

    Reads Graph's subscribedSkus (JSON, or csv of Get-MgSubscribedSku), Get-MsolAccountSku and
    Partner Center PowerShell. Names are no keys: a list of the admin center does not do. Raises
    ExportError for another format, and for a row whose seats cannot be read. A part number that
    the catalogue does not know stands in place of its skuId.
    """
    if not file.is_file():
        raise ExportError(file, ["expected a licence export, found no file"])
    sheets, _ = open_file(Found(file, file.name, named=True))
    known = [sheet for sheet in sheets if sheet.profile.id in _FORMATS]
    if not known:
        titles = ", ".join(sheet.profile.title for sheet in sheets)
        expected = "expected Graph's subscribedSkus or a PowerShell list of account SKUs"
        raise ExportError(file, [f"{expected}, found {titles}"])
    return {key: value for sheet in known for key, value in _units(file, sheet).items()}


def _units(file: Path, sheet: Sheet) -> dict[str, Units]:
    assert sheet.rows is not None
    names = {column(at): name.casefold() for at, name in enumerate(sheet.header)}
    found: dict[str, Units] = {}
    for number, raw in enumerate(sheet.rows.to_pylist(), start=1):
        row = {name: raw.get(cell) for cell, name in names.items()}
        try:
            found[_sku(row)] = _FORMATS[sheet.profile.id](row)
        except (ValueError, KeyError, TypeError) as error:
            shown = row.get("skupartnumber") or row.get("skuid")
            problem = f"row {number} ({shown!r}): its enabled and consumed seats cannot be read"
            raise ExportError(file, [problem]) from error
    return found


def _sku(row: Row) -> str:
    """Read the skuId, else find the one of the part number."""
    text = (row.get("skuid") or "").strip().lower()
    if _GUID.fullmatch(text):
        return text
    part = (row.get("skupartnumber") or "").strip().upper()
    return _parts().get(part, part)


@cache
def _parts() -> dict[str, str]:
    rows = catalogue.table().select(["part_number", "sku_id"]).to_pylist()
    return {str(row["part_number"]).upper(): row["sku_id"] for row in rows}


def _of_graph(row: Row) -> Units:
    text = row["prepaidunits"] or ""
    units = json.loads(text) if text.lstrip().startswith("{") else dict(_PAIR.findall(text))
    return Units(int(units["enabled"]), int(row["consumedunits"] or ""))


def _of_powershell(row: Row) -> Units:
    return Units(int(row["activeunits"] or ""), int(row["consumedunits"] or ""))


_FORMATS: dict[str, Callable[[Row], Units]] = {
    "graph-subscribed-skus": _of_graph,
    "msol-account-skus": _of_powershell,
    "partner-center-powershell-skus": _of_powershell,
}
