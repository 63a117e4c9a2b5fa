"""Azure billing: what a customer bought directly under the Microsoft Customer Agreement."""

from cspkit.azure_billing.billing import (
    Account,
    AzureBilling,
    BillingSubscription,
    change_path,
    not_renewing,
)

__all__ = ["Account", "AzureBilling", "BillingSubscription", "change_path", "not_renewing"]
