"""How Partner Center says no: the documented codes that the rehearsal uses, with their texts."""

from __future__ import annotations

_TARGET = "The target transition ToSubscriptionId field is invalid. "
_MIGRATION = "Subscription {0} cannot be migrated to New Commerce because "

# code -> HTTP status, text; {0} and {1} are filled in
TEXTS: dict[int, tuple[int, str]] = {
    400: (401, "Access denied"),
    2000: (400, "Invalid input: {0}"),
    2001: (
        400,
        "Subscription quantity cannot be increased or decreased while subscription is being "
        "suspended",
    ),
    2002: (400, "Subscription quantity is not within minimum and maximum allowed quantity"),
    2011: (400, "Subscription with ID {0} and deleted status cannot be updated."),
    2032: (403, "Access denied"),
    2054: (
        400,
        "The billing cycle for an existing subscription cannot be updated using "
        "update-subscription operation. Use update-Order operation",
    ),
    2055: (400, "Etag is no longer valid"),
    13605: (
        403,
        "Either a partner confirmation of the customer acceptance of the Microsoft Customer "
        "Agreement must be provided or the customer must accept the Microsoft Customer Agreement "
        "in the Microsoft Admin Center",
    ),
    20000: (404, "Order ID not found"),
    20002: (403, "The partner ID {0} has no commerce relationship with the customer ID {1}."),
    20003: (404, "Subscription with ID {0} not found."),
    60000: (400, "The customer license migration failed"),
    60002: (404, "User object ID is not found"),
    60003: (404, "Tenant not found"),
    # this text comes with its apostrophe escaped as in HTML
    60012: (
        400,
        "We&#39;re sorry, it looks like you've run out of licenses. Buy more licenses, and then "
        "try again.",
    ),
    400013: (404, "Product wasn't found"),
    400018: (404, "SKU wasn't found"),
    400019: (404, "Availability not found"),
    400030: (403, "The targetSegment value isn't allowed."),
    400036: (403, "The requested targetView isn't allowed."),
    600061: (400, "An agreement with the same details already exists."),
    800001: (401, "Partner Token missing in request context"),
    800002: (400, "Invalid request input"),
    800003: (500, "Unexpected service error"),
    800008: (404, "Unable to retrieve cart {0}"),
    800009: (400, "Error in Cart item(s)"),
    800010: (400, "Inventory is not available for this catalog item"),
    800040: (400, "Asset status cannot be changed to {0} from {1}"),
    800060: (
        409,
        "Your order is in progress. Check your order history for recent orders in few minutes",
    ),
    800064: (409, "Cart {0} is being processed by another request"),
    800065: (400, "Cannot check out an already submitted cart {0}."),
    800090: (400, "Subscription quantity cannot be decreased."),
    800093: (400, "The subscription is not eligible to be auto-renewed"),
    800091: (400, "Cannot update a subscription with suspended status"),
    800107: (400, "Term changes are not supported for trial offers."),
    800121: (400, "The term duration provided is invalid."),
    800122: (400, "The target term duration cannot be shorter than the current term duration."),
    900123: (
        403,
        "The indirect reseller has not signed the Microsoft Partner Agreement, so nothing can be "
        "bought for it.",
    ),
    900117: (
        400,
        "You have passed your {0}-day cancellation window. We are unable to cancel your purchase",
    ),
    900100: (404, "Transfer request not found"),
    900101: (409, "This transfer is not allowed as original transfer {0} is in progress"),
    900102: (400, "Cannot process the transfer request for {1} transfer {0}"),
    900118: (400, "Invalid Customer Id"),
    900236: (
        400,
        _TARGET + "Target subscription CommitmentEndDate must be later than source subscription",
    ),
    900258: (400, _TARGET + "Target subscription must be active."),
    900259: (
        400,
        _TARGET + "Target subscription id can't be the same as the source subscription ID.",
    ),
    900260: (
        400,
        _TARGET + "Target subscription must have the same CatalogItemId as in the transition "
        "request.",
    ),
    900267: (
        400,
        "Target transition can't have a term duration shorter than that of the source "
        "subscription.",
    ),
    900268: (400, "The term duration on the target transition is invalid."),
    900269: (400, "The billing cycle is invalid."),
    900270: (400, "The billing cycle cannot be longer than the term."),
    900215: (400, _MIGRATION + "the status is not active."),
    900216: (400, _MIGRATION + "the subscription is currently being processed."),
    900217: (400, _MIGRATION + "it is less than 24 hours from the term end."),
    900219: (400, _MIGRATION + "it has add-ons."),
    900220: (400, _MIGRATION + "there is not a valid migration path for this offer yet."),
    900222: (
        400,
        _MIGRATION + "the combination of term duration and billing cycle is not supported for "
        "the New-Commerce product.",
    ),
    900224: (400, "New-Commerce migration {0} could not be found."),
    900226: (403, _MIGRATION + "it has been active for 1 month or less. Please try again later."),
    900248: (
        400,
        "Migration cannot be performed because two or more add-on migrations were specified with "
        "the same current subscription ID",
    ),
    900262: (
        400,
        "Subscription cannot be migrated to New-Commerce because one or more add-on subscriptions "
        "specified in the AddOnMigrations collection do not exist or are not active.",
    ),
    900257: (
        400,
        "You have passed your {0}-day window for reducing seats for this subscription.",
    ),
    900279: (400, "Update operations are no longer allowed for this subscription."),
    900308: (403, "Insufficient privileges to complete the operation."),
    900419: (
        400,
        "This customer tenant has exceeded the limit for the number of subscriptions.",
    ),
    900420: (
        401,
        "The audience in the token is invalid and is no longer supported in Partner Center API.",
    ),
    900329: (403, "This resource does not support application-only authentication."),
}


class Refused(Exception):
    """The world says no; nothing has changed."""

    def __init__(
        self, code: int, *words: object, data: list[str] | None = None, text: str = ""
    ) -> None:
        """Take the code and the words that fill its text, or another text for the same code."""
        self.code = code
        self.status, usual = TEXTS[code]
        self.description = text or usual.format(*words)
        self.data = data or []
        super().__init__(f"{code}: {self.description}")


class Denied(Exception):
    """Microsoft Graph says no; nothing has changed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Take the HTTP status, Graph's code and its message."""
        self.status = status
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")
