"""What the hand-written scripts know of the two files and of the words in the rejects."""

from datetime import date

AS_OF = date(2026, 11, 20)
COLUMNS = [
    "subscription_id",
    "customer_id",
    "channel",
    "product",
    "sku_id",
    "seats",
    "term",
    "billing_cycle",
    "expires_on",
    "auto_renew",
    "status",
    "unit_price",
    "currency",
]
REASONS = {
    "not_a_guid": "expected a GUID such as 01234567-89ab-cdef-0123-456789abcdef",
    "not_a_number": "expected a number",
    "negative": "expected a number that is not negative",
    "no_such_day": "there is no such day",
    "unknown_word": "this word has no known meaning here",
    "other_customer": "the same subscription stands under another customer in a better source",
}
