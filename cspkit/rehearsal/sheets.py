"""The two workbooks: a Spanish distributor's list and a hand-made sheet of agreements."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from cspkit.rehearsal.records import Customer, Subscription

Pair = tuple[Customer, Subscription]
MADE = datetime(2026, 11, 20, 8)
_COLUMNS = (
    "Cliente",
    "Id. de inquilino",
    "Dominio",
    "País",
    "Programa",
    "Id. de suscripción",
    "Producto",
    "SKU",
    "Cantidad",
    "Asignadas",
    "Precio unitario",
    "Ciclo de facturación",
    "Plazo",
    "Fecha de inicio",
    "Fecha de expiración",
    "Renovación automática",
    "Estado",
)
_COUNTRIES = {
    "ES": "España",
    "IT": "Italia",
    "FR": "Francia",
    "DE": "Alemania",
    "PT": "Portugal",
    "US": "Estados Unidos",
}
_PROGRAMMES = {
    "direct_mosa": "Directo (MOSA)",
    "direct_mca": "Directo (MCA)",
    "open": "Open Value",
    "csp_other": "CSP (otro)",
}
_CYCLES = {"monthly": "Mensual", "annual": "Anual"}
_TERMS = {"P1M": "1 mes", "P1Y": "1 año", "P3Y": "3 años"}
# row number -> column -> what somebody's spreadsheet made of it
_BROKEN = {
    37: {"Fecha de expiración": "31/02/2026"},
    118: {"Cantidad": "n/d"},
    203: {"Fecha de expiración": "pendiente"},
    261: {"Id. de inquilino": "6a1f22b0"},
    344: {"Cantidad": "-4"},
    402: {"Id. de suscripción": ""},
}


def distributor(listed: list[Pair]) -> bytes:
    """Write sheet Suscripciones: text dates, text prices, a totals row, six broken rows."""
    rows = [_row(number, *pair) for number, pair in enumerate(listed)]
    total = sum(row["Cantidad"] for row in rows if isinstance(row["Cantidad"], int))

    def fill(book: Any) -> None:
        sheet = book.add_worksheet("Suscripciones")
        sheet.write_row(0, 0, _COLUMNS)
        for number, row in enumerate(rows, start=1):
            _write(sheet, number, (row[name] for name in _COLUMNS))
        _write(sheet, len(rows) + 2, ("Total", *[""] * 7, total))

    return _workbook(fill)


def _row(number: int, customer: Customer, subscription: Subscription) -> dict[str, Any]:
    upper = number % 17 == 0
    row = {
        "Cliente": customer.name.upper() if number % 29 == 0 else customer.name,
        "Id. de inquilino": customer.id.upper() if upper else customer.id,
        "Dominio": customer.domain,
        "País": _COUNTRIES.get(customer.market, customer.market),
        "Programa": _PROGRAMMES[subscription.channel],
        "Id. de suscripción": subscription.id.upper() if upper else subscription.id,
        "Producto": subscription.product.name,
        "SKU": subscription.product.sku_id,
        "Cantidad": subscription.seats,
        "Asignadas": subscription.assigned,
        "Precio unitario": _money(subscription.price, subscription.currency),
        "Ciclo de facturación": _CYCLES[subscription.cycle],
        "Plazo": _TERMS[subscription.term],
        "Fecha de inicio": f"{subscription.starts_on:%d/%m/%Y}",
        "Fecha de expiración": f"{subscription.ends_on:%d/%m/%Y}",
        "Renovación automática": "Sí" if subscription.auto_renew else "No",
        "Estado": "Suspendida" if subscription.status == "disabled" else "Activa",
    }
    return row | _BROKEN.get(number, {})


def _money(price: Decimal | None, currency: str) -> str:
    if price is None:
        return ""
    text = f"{price:,.2f}".translate(str.maketrans(",.", ".,"))
    sign = "US$" if currency == "USD" else "€"
    return f"{text}\N{NO-BREAK SPACE}{sign}" if price >= 1000 else f"{text} {sign}"


def agreements(listed: list[Pair]) -> bytes:
    """Write sheet EA: a title, a blank row, the header in row 3, real Excel dates."""
    header = (
        "Customer",
        "Tenant ID",
        "Country",
        "Program",
        "Agreement No",
        "Product",
        "Part number",
        "Licences",
        "Agreement end date",
        "Price per user/month",
        "Currency",
        "Notes",
    )

    def fill(book: Any) -> None:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet = book.add_worksheet("EA")
        sheet.write_string(0, 0, "Enterprise agreements to bring over, November 2026")
        sheet.write_row(2, 0, header)
        for number, (customer, subscription) in enumerate(listed):
            row = number + 3
            _write(sheet, row, _agreement(number, customer, subscription))
            sheet.write_datetime(
                row, 8, datetime.combine(subscription.ends_on, datetime.min.time()), day
            )

    return _workbook(fill)


def _agreement(number: int, customer: Customer, subscription: Subscription) -> Iterable[Any]:
    notes = ("", "", "asked on 3 Nov, no answer yet", "renewal quote sent", "ignore = old price")
    price = subscription.price
    if price is not None and subscription.cycle == "annual":
        price = price / 12
    return (
        customer.name,
        customer.id,
        customer.market,
        "EA" if subscription.channel == "ea" else "MCA-E",
        subscription.agreement,
        subscription.product.name,
        subscription.product.part_number,
        subscription.seats,
        None,
        "" if price is None else round(float(price), 2),
        subscription.currency,
        notes[number % len(notes)],
    )


def _write(sheet: Any, row: int, values: Iterable[Any]) -> None:
    """Write a row cell by cell; text stays text, so that no name becomes a formula."""
    for column, value in enumerate(values):
        if isinstance(value, (int, float)):
            sheet.write_number(row, column, value)
        elif value:
            sheet.write_string(row, column, value)


def _workbook(fill: Any) -> bytes:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    book.set_properties({"created": MADE, "title": "cspkit sample"})
    fill(book)
    book.close()
    return stream.getvalue()
