"""The sample world, drawn from a seed: who the customers are and what they bought where."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from cspkit.rehearsal import lifecycle, names
from cspkit.rehearsal.products import Product, by_sku_id, products
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription

AS_OF = date(2026, 11, 20)
MORNING = datetime(2026, 11, 20, 8, tzinfo=UTC)
OTHER_PARTNERS = ("5d1f6f3a-77c1-4c0e-9a54-0f5b0c6a1e01", "c2a0b7de-1b1e-4f7e-8d53-6a44b9f0e702")
ARCHIVING = "ee02fd1b-340e-4a4b-b355-4a514e4c8943"
ENTERPRISE = ("ea", "mca_e")

# main channel of a customer, share of the customers, share of them that is related already
_MIX = (
    ("direct_mosa", 26, 0.42),
    ("direct_mca", 25, 0.45),
    ("open", 9, 0.45),
    ("ea", 7, 0.30),
    ("mca_e", 5, 0.30),
    ("csp_legacy", 10, 1.0),
    ("csp_nce", 6, 1.0),
    ("csp_other", 12, 0.4),
)
# days from AS_OF to the end: a few overdue, most within the year, some up to 14 months
_SPANS = (
    ((-40, -31), 1),
    ((-25, -1), 4),
    ((0, 30), 16),
    ((31, 90), 24),
    ((91, 200), 28),
    ((201, 425), 28),
)


def guid(seed: int, *parts: object) -> str:
    """Make the GUID that stands for parts in the world of this seed."""
    name = "/".join(str(part) for part in (seed, *parts))
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"rehearsal:{name}"))


def draw(seed: int, *parts: object) -> random.Random:
    """Start the random numbers that belong to parts, whatever else was drawn before."""
    return random.Random("/".join(str(part) for part in (seed, *parts)))


def availability(seed: int, *parts: object) -> str:
    """Make the availability id of an offer."""
    return f"CFQ7TTC0{guid(seed, 'availability', *parts)[:4].upper()}"


def customers(seed: int, count: int) -> Iterator[tuple[Customer, str]]:
    """Draw the customers, each with its main channel."""
    rng = draw(seed, "customers")
    for number, (name, market) in enumerate(names.companies(count, rng), start=1):
        channel, _, related = rng.choices(_MIX, weights=[share for _, share, _ in _MIX])[0]
        first, last = names.person(rng)
        customer = Customer(
            id=guid(seed, "tenant", number),
            name=name,
            domain=names.domain(name, number),
            market=market,
            language=names.MARKETS[market],
            first_name=first,
            last_name=last,
        )
        if rng.random() < related:
            _relate(customer, rng)
        elif rng.random() < 0.15:
            customer.direct_signed_at = MORNING - timedelta(days=rng.randint(30, 400))
        customer.in_graph_export = channel not in ENTERPRISE and rng.random() < 0.2
        yield customer, channel


def _relate(customer: Customer, rng: random.Random) -> None:
    customer.related_at = MORNING - timedelta(days=rng.randint(20, 900))
    customer.dual_partner = rng.random() < 0.06
    if rng.random() < 0.5:
        customer.direct_signed_at = customer.related_at
    else:
        customer.attestations.append(
            {
                "primaryContact": {
                    "firstName": customer.first_name,
                    "lastName": customer.last_name,
                    "email": customer.email,
                },
                "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
                "dateAgreed": customer.related_at.strftime("%Y-%m-%dT00:00:00"),
                "type": "MicrosoftCustomerAgreement",
                "agreementLink": "https://aka.ms/customeragreement",
            }
        )


def originals(seed: int, customer: Customer, channel: str) -> Iterator[Subscription]:
    """Draw what one customer bought, most of it in its main channel."""
    rng = draw(seed, "originals", customer.id)
    shared_end = _end(rng)
    size = rng.choices((rng.randint(2, 25), rng.randint(20, 120), rng.randint(150, 900)), (6, 3, 1))
    agreement = f"{'E' if channel == 'ea' else 'V'}{rng.randint(1_000_000, 9_999_999)}"
    count = rng.choices((1, 2, 3, 4, 5, 6, 8), (12, 20, 22, 18, 13, 9, 6))[0]
    in_agreement: set[Product] = set()
    for number in range(1, count + 1):
        where = channel if rng.random() < 0.85 else rng.choice(("direct_mosa", "direct_mca"))
        product = _product(where, rng, in_agreement)
        end = shared_end if where in ENTERPRISE or rng.random() < 0.6 else _end(rng)
        draft = _Draft(where, product, size[0], end)
        made = _original(customer, draft, guid(seed, "original", customer.id, number), rng=rng)
        _number(seed, made)
        if where in ENTERPRISE:
            made.agreement = agreement
            in_agreement.add(product)
        yield made
        if where == "csp_legacy" and product.part_number.startswith("EXCHANGE"):
            yield _addon(seed, made, number=number, rng=rng)


def _end(rng: random.Random) -> date:
    (first, last), _ = rng.choices(_SPANS, weights=[weight for _, weight in _SPANS])[0]
    return AS_OF + timedelta(days=rng.randint(first, last))


def _product(channel: str, rng: random.Random, taken: set[Product]) -> Product:
    on_sale = [product for product in products() if product.weight and product not in taken]
    if channel == "csp_nce":
        on_sale = [product for product in on_sale if product.offer]
    if channel == "csp_legacy":
        on_sale = [product for product in on_sale if product.legacy_offer]
    if channel in ENTERPRISE:
        on_sale = [product for product in on_sale if "Business" not in product.name]
    return rng.choices(on_sale, weights=[product.weight for product in on_sale])[0]


@dataclass(frozen=True)
class _Draft:
    """What is settled about an original before its details are drawn."""

    channel: str
    product: Product
    size: int
    end: date


def _original(
    customer: Customer, draft: _Draft, subscription_id: str, *, rng: random.Random
) -> Subscription:
    """Draw one original; a channel without grace has no overdue ones."""
    channel, product = draft.channel, draft.product
    rule = lifecycle.RULES[channel]
    term = _term(channel, rng)
    end = _possible(draft, term, rng)
    seats = max(1, min(product.max_seats, int(draft.size * rng.uniform(0.3, 1.3))))
    cycle = rng.choice(("monthly", "annual")) if term != "P1M" else "monthly"
    starts = lifecycle.term_start(end, term)
    status = _status(end, rule)
    return Subscription(
        id=subscription_id,
        customer_id=customer.id,
        channel=channel,
        product=product,
        seats=seats,
        term=term,
        cycle=cycle,
        starts_on=starts,
        ends_on=end,
        auto_renew=rule.renews and rng.random() < 0.8,
        status=status,
        created=datetime(starts.year, starts.month, starts.day, 9, rng.randint(0, 59), tzinfo=UTC),
        price=_price(product, cycle, rng),
        currency="USD" if customer.market == "US" else "EUR",
        owner_tenant=_owner(channel, customer, rng),
        assigned=int(seats * rng.uniform(0.55, 1.0)) if status != "disabled" else 0,
        is_trial=channel == "direct_mca" and rng.random() < 0.02,
        friendly_name=product.name,
        listed_in=_listed_in(channel, customer),
    )


def _possible(draft: _Draft, term: str, rng: random.Random) -> date:
    """Move the drawn end to where the channel and the term allow it."""
    end = draft.end
    if end < AS_OF and not lifecycle.RULES[draft.channel].grace:
        end = AS_OF + (AS_OF - end)
    if term == "P1M":
        end = AS_OF + timedelta(days=rng.randint(0, 29))
    if draft.channel == "csp_nce":
        # it must have started before the month that the reconciliation file is about
        end = min(end, date(2027, 9, 1) + timedelta(days=rng.randint(0, 27)))
    return end


def _number(seed: int, made: Subscription) -> None:
    """Give one of ours the numbers that Partner Center shows."""
    if made.channel == "csp_nce":
        made.order_id = guid(seed, "order", made.id).replace("-", "")[:12]
        made.availability_id = availability(seed, made.id)
    if made.channel == "csp_legacy":
        made.order_id = guid(seed, "order", made.id)


def _addon(seed: int, base: Subscription, *, number: int, rng: random.Random) -> Subscription:
    product = by_sku_id()[ARCHIVING]
    return Subscription(
        id=guid(seed, "addon", base.customer_id, number),
        customer_id=base.customer_id,
        channel=base.channel,
        product=product,
        seats=base.seats,
        term=base.term,
        cycle=base.cycle,
        starts_on=base.starts_on,
        ends_on=base.ends_on,
        auto_renew=base.auto_renew,
        status=base.status,
        created=base.created,
        price=_price(product, base.cycle, rng),
        currency=base.currency,
        owner_tenant=base.owner_tenant,
        assigned=base.assigned,
        parent_id=base.id,
        friendly_name=product.name,
        order_id=base.order_id,
        listed_in=base.listed_in,
    )


def _status(end: date, rule: lifecycle.Rule) -> str:
    if end >= AS_OF:
        return "active"
    return "warning" if (AS_OF - end).days <= rule.grace else "disabled"


def _term(channel: str, rng: random.Random) -> str:
    if channel in (*ENTERPRISE, "open"):
        return "P3Y"
    if channel in ("csp_legacy", "csp_nce"):
        return "P1Y"
    return rng.choices(("P1Y", "P1M", "P3Y"), (82, 12, 6))[0]


def _price(product: Product, cycle: str, rng: random.Random) -> Decimal | None:
    if rng.random() < 0.03:
        return None
    price = product.monthly * Decimal(rng.choice(("0.90", "0.95", "1", "1", "1.05")))
    return (price * (12 if cycle == "annual" else 1)).quantize(Decimal("0.01"))


def _owner(channel: str, customer: Customer, rng: random.Random) -> str | None:
    if channel in ("csp_legacy", "csp_nce"):
        return PARTNER_TENANT
    if channel == "csp_other":
        return rng.choice(OTHER_PARTNERS)
    return customer.id if rng.random() < 0.5 else None


def _listed_in(channel: str, customer: Customer) -> str:
    fixed = {"csp_legacy": "bam", "csp_nce": "reconciliation", "ea": "ea", "mca_e": "ea"}
    if channel in fixed:
        return fixed[channel]
    # of every two customers whose Graph answer is there, one is in no other export
    return "graph" if customer.in_graph_export and customer.id < "8" else "distributor"
