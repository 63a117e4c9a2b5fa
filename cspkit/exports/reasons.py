"""Why a row is rejected or set aside: short codes and what they say."""

from __future__ import annotations

REJECTED = {
    "missing": "a value is needed here",
    "not_a_guid": "expected a GUID such as 01234567-89ab-cdef-0123-456789abcdef",
    "damaged_id": "the id lost digits, as spreadsheets do with long numbers; export it again",
    "not_a_day": "expected a day such as 2026-11-20",
    "no_such_day": "there is no such day",
    "ambiguous_day": "day and month cannot be told apart; write it as 2026-11-20",
    "not_a_number": "expected a number",
    "ambiguous_number": "thousands and decimals cannot be told apart; write 1200 or 1.20",
    "negative": "expected a number that is not negative",
    "not_whole": "expected a whole number",
    "unknown_word": "this word has no known meaning here",
    "unknown_currency": "expected a currency code such as EUR",
    "formula": "a formula is not read; put its value there",
    "too_many_cells": "the row has more cells than the header; a delimiter may stand in a value",
    "too_few_cells": "the row ends before the last column that is needed",
    "no_tenant": "nothing says whose it is; add a column 'Tenant ID', or its id to the name",
    "unknown_domain": "no customers file says which tenant has this domain",
    "other_customer": "the same subscription stands under another customer in a better source",
}
SET_ASIDE = {
    "blank": "blank rows",
    "total": "rows that sum up others",
    "merged": "rows of something that another row stands for",
    "not_licence_based": "usage, software and other lines without licences",
    "free": "free products without an end",
    "header": "repeated header rows",
    "tier": "prices that only large quantities have",
    "ended": "offers that a price list takes off",
    "other_data": "rows of logs, usage and other files without originals or prices",
}
