"""Orders as csv files, one per batch: for work by hand, and for providers without our access."""

from __future__ import annotations

import csv
import io
import tomllib
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cspkit import validation, writing
from cspkit.errors import CspkitError, SettingsError
from cspkit.moves import consent
from cspkit.planning import Plan, PlannedCustomer, PlannedMove

ADDED = ("product_id", "sku", "customer", "domain", "market", "language")
FIELDS = frozenset((*PlannedMove.model_fields, *ADDED)) - {"reason", "subscription_ids"}


class Layout(BaseModel):
    """How a provider wants its orders: headings, words, dates, numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    separator: str = Field(",", pattern="^[,;\t|]$")
    encoding: str = Field("utf-8-sig", pattern="^(utf-8|utf-8-sig|cp1252|utf-16)$")
    date: str = Field("%Y-%m-%d", pattern="%")
    decimal: str = Field(".", pattern="^[.,]$")
    columns: dict[str, str] = Field(min_length=1)
    words: dict[str, dict[str, str]] = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _known(cls, columns: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(columns.values()) - FIELDS):
            known = ", ".join(sorted(FIELDS))
            raise ValueError(f"expected fields of {known}; found {unknown[0]!r}")
        return columns

    @classmethod
    def read(cls, path: Path | None = None) -> Layout:
        """Read a layout, or the packaged one; raises SettingsError that names file and field."""
        place = path or resources.files(__package__).joinpath("orders.toml")
        try:
            return cls.model_validate(tomllib.loads(place.read_text(encoding="utf-8")))
        except ValidationError as error:
            raise SettingsError(str(place), *validation.first(error)) from error
        except (OSError, ValueError) as error:
            raise SettingsError(str(place), "file", f"expected a layout: {error}") from error

    def cell(self, field: str, value: Any) -> str:
        """Write a value as the provider writes it; nothing that Excel would execute."""
        if value is None:
            return ""
        if isinstance(value, date):
            return value.strftime(self.date)
        word = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, Decimal):
            word = f"{value:f}".replace(".", self.decimal)
        word = self.words.get(field, {}).get(word, word)
        return word if isinstance(value, Decimal | int) else str(writing.harmless(word))


def write(
    plan: Plan,
    folder: Path,
    *,
    originals: dict[str, dict[str, Any]],
    today: date,
    layout: Layout | None = None,
) -> tuple[list[Path], int]:
    """Write a csv for each batch; return the files, and how many moves are in none of them.

    Only what the customer accepted (`originals`: the rows of decisions.xlsx by subscription id)
    is written: by hand nothing else may be ordered either. Files of an earlier plan are replaced.
    """
    layout = layout or Layout.read()
    customers = {one.customer_id: one for one in plan.customers}
    files, left = [], 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("B[0-9]*.csv"):
            old.unlink()
        for batch in plan.document.batches:
            moves = plan.select(batch.batch)
            agreed = [move for move in moves if not consent.disagreement(move, originals, today)]
            left += len(moves) - len(agreed)
            if agreed:
                files.append(folder / f"{batch.batch}.csv")
                files[-1].write_bytes(_text(agreed, customers, layout).encode(layout.encoding))
    except (OSError, UnicodeEncodeError) as error:
        raise CspkitError(f"{folder}: cannot be written: {error}") from error
    return files, left


def _text(moves: list[PlannedMove], customers: dict[str, PlannedCustomer], layout: Layout) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=layout.separator, lineterminator="\r\n")
    writer.writerow(layout.columns)
    for move in moves:
        facts = _facts(move, customers[move.customer_id])
        writer.writerow([layout.cell(name, facts[name]) for name in layout.columns.values()])
    return out.getvalue()


def _facts(move: PlannedMove, customer: PlannedCustomer) -> dict[str, Any]:
    product, _, sku = move.target_offer.partition(":")
    mine = {name: getattr(customer, name) for name in ("domain", "market", "language")}
    offer = {"product_id": product, "sku": sku, "customer": customer.name}
    return {**dict(move), **mine, **offer}
