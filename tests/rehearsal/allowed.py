"""Where the rehearsal differs from a document on purpose: which documents, what, and why."""

from __future__ import annotations

# (documents, {difference: reason}); `*` stands for any text, `each` for the items of a list
ALLOWED: list[tuple[str, dict[str, str]]] = [
    (
        "agreements.list customers.list.by-indirect-reseller customers.list",
        {
            "extra attributes": "every other collection has them; this document was cut short",
            "extra links": "the same list without a filter links to itself",
            "extra items.each*.links": "the filtered list shows the links of each customer",
            "items.each.companyProfile.tenantId: guid, documented text": "a placeholder stood here",
        },
    ),
    (
        "availabilities.list availability.get",
        {
            "extra *renewalInstructions": "the document is about a reservation of 2019; the one "
            "of new commerce has them",
            "extra *terms.each.*": "terms of new commerce have an id, a cycle and policies",
            "missing *product": "the document shows an empty object in its place",
            "missing *sku": "the document shows an empty object in its place",
        },
    ),
    (
        "product.get products.list",
        {"missing *productType.subType": "only Azure products have one; licences have none"},
    ),
    (
        "sku.get skus.list",
        {
            "extra *actions": "SKUs of new commerce have them, those of reservations do not",
            "extra *inventoryVariables": "shown for one reservation and not for another",
            "extra *dynamicAttributes.*": "each family of products has attributes of its own",
            "missing *dynamicAttributes.*": "sizes of virtual machines; licences have none",
        },
    ),
    (
        "cart.*",
        {
            "missing lastModifiedUser": "carts of new commerce are shown without it",
            "extra lineItems.each.friendlyName": "given in our call, and not in the documented",
            "extra lineItems.each.participants": "given in our call, and not in the documented",
            "extra lineItems.each.provisioningContext": "given in our call, not in the documented",
            "extra lineItems.each.*termDuration": "new commerce needs a term, legacy had none",
            "missing lineItems.each.provisioningContext.*": "they belong to reservations",
            "missing lineItems.each.ProvisioningContext": "a capital that no other cart has",
            "lineItems.each.*catalogItemId: text, documented guid": "a legacy offer was put into "
            "the documented cart; none can be bought any more",
            "extra expirationTimestamp": "the document of the update leaves it out",
            "extra status": "the document of the update leaves it out",
        },
    ),
    (
        "cart.checkout order.create order.create.indirect order.get orders.list",
        {
            "extra *client": "orders of new commerce have it",
            "extra *lineItems.each.*": "lines of new commerce say more about partner and term",
            "extra *links.*": "orders of new commerce link to their provisioning and their change",
            "extra *attributes": "the document ends before them",
            "missing *lineItems.each.subscriptionId": "it comes later, when the order is completed",
            "extra *alternateId": "the documents are from before orders had a second id",
            "extra *currency*": "an order of licences always names its currency",
            "extra *transactionType": "the documents are from before orders had a type",
            "extra status": "the documented order is a legacy one, completed at once",
            "*lineItems.each.offerId: text, documented guid": "the documented offer is legacy",
            "id: text, documented guid": "orders of new commerce have twelve digits as their id",
            "creationDate: date Z, documented date with offset": "both forms occur in documents",
            "missing *attributes.etag": "only legacy orders have an etag",
            "missing *lineItems.each.links.*": "they belong to legacy orders and reservations",
        },
    ),
    (
        "order.patch.billingcycle",
        {"creationDate: date Z, documented date with offset": "both forms occur in documents"},
    ),
    (
        "customer.create*",
        {
            "extra allowDelegatedAccess": "one of the two documents has it, the other not",
            "extra associatedPartnerId": "given in our call, and not in the documented one",
            "extra *firstName": "given in our call, and not in the documented one",
            "extra *lastName": "given in our call, and not in the documented one",
            "extra *companyName": "one of the two documents has it, the other not",
            "extra *links": "one of the two documents has them, the other not",
        },
    ),
    (
        "graph.batch",
        {
            "missing *headers.location": "a redirect to a file; licences have none",
            "extra *innerError": "every other error of Graph has it; this one was cut short",
            "extra *headers.Content-Type": "an answer with a body says what it is",
        },
    ),
    (
        "order.patch.addon",
        {
            "billingCycle: Word, documented word": "none is small there; the document of its "
            "change has a capital",
            "creationDate: date Z, documented date with offset": "both forms occur in documents",
        },
    ),
    (
        "subscription.upgrades.create",
        {
            "targetSubscriptionId: null, documented guid": "legacy offers are not sold any more, "
            "so an upgrade has no target and says why in upgradeErrors",
        },
    ),
    (
        "user.create",
        {"extra links": "every other document of a user has them"},
    ),
    (
        "transitions.list",
        {
            "missing *.[A-Z]*": "capitals of this one example; the fields' table has none",
            "extra *": "the same fields without capitals, and the subscriptions at both ends",
        },
    ),
    (
        "graph.subscribedSkus.list",
        {
            "extra value.each.*": "newer pages show the account, its subscriptions, lockedOut",
        },
    ),
    (
        "graph.user.assignLicense",
        {
            "extra *": "the document shows a part of the user, the rehearsal the usual fields too",
            "c*: null, documented text": "nobody filled the field in",
        },
    ),
    (
        "migrations.query",
        {"each.externalReferenceId: text, documented guid": "any text may be a reference"},
    ),
    (
        "offer.* offers.list",
        {
            "missing *salesGroupId": "shown for one offer in one document",
            "missing links.previous": "the documented page is not the first",
            "extra links.self": "the list of offers shows it, the single offer not",
        },
    ),
    (
        "subscription.addons.list subscription.get.azure-legacy subscription.get.legacy-addon "
        "subscriptions.list subscriptions.list.by-*",
        {
            "extra *billingCycle*": "the documents are from before a cycle was shown",
            "extra *isTrial": "the documents are from before trials were shown",
            "extra *offer*": "the documents of 2015 named the offer only in a link",
            "extra *arent*": "the documented list shows no add-on of another subscription",
            "extra *partnerId": "shown since subscriptions have a partner of record",
            "*unitType: Word, documented word": "licences are counted in Licenses; the document "
            "shows an Azure subscription without unit",
            "missing *entitlementId": "only Azure subscriptions have one",
            "offerId: guid, documented text": "Azure's legacy offer has a name as its id",
            "*orderId: guid, documented text": "a placeholder stood here",
            "extra items.each.*": "the list also holds a subscription of new commerce here",
        },
    ),
    (
        "subscription.patch.autorenew subscription.patch.cancel subscription.patch.quantity.nce "
        "subscription.patch.scheduled-next-term",
        {
            "*Date: date Z, documented date with offset": "both forms occur in documents",
            "extra actionTaken": "the document of 2019 is about a marketplace product",
            "extra attentionNeeded": "the document of 2019 is about a marketplace product",
            "extra productType": "the document of 2019 is about a marketplace product",
            "extra renewalTermDuration": "the document of 2019 is about a marketplace product",
            "extra billingCycleEnd*": "shown since 2024",
            "extra commitmentEndDateTime": "shown since 2024",
            "extra cancellationAllowedUntilDate": "took the place of refundOptions",
            "missing refundOptions": "gone since the day of cancellation is shown",
            "extra refundableQuantity": "shown since 2024",
            "missing attributes.etag": "an empty text in 2019, absent in 2024",
        },
    ),
    (
        "subscription.patch.quantity subscription.patch.suspend",
        {
            "missing [A-Z]*": "answers of 2015 had capital letters; later ones have none",
            "extra [a-z]*": "the same fields without capitals, and those that came later",
        },
    ),
    (
        "transfer.accept",
        {
            "missing transferErrors": "in the document one line failed, here none does",
            "*d: text, documented guid": "legacy orders and offers have GUIDs, new commerce not",
        },
    ),
    (
        "transfer.create.legacy transfer.get.nce transfer.update.nce transfers.list",
        {
            "extra *partnerIdOnRecord": "the single transfer shows it, the new one not",
            "extra *PartnerName": "the single transfer shows them, the new one not",
            "extra expirationTime": "the cancelled transfer shows it, the one under way not",
            "targetPartnerEmailId: text, documented guid": "a placeholder stood here",
            "extra attributes": "the cancelled transfer is shown without them",
            "extra lineItems": "the cancelled transfer is shown without them",
            "missing *lineItems.each.*": "shown for finished transfers; these have not ended",
        },
    ),
]
