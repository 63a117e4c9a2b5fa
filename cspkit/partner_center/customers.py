"""Customers of the partner: relationship, agreement, qualification, resellers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cspkit.errors import ApiUnavailable
from cspkit.partner_center.calling import PAGE, Caller, Query, route
from cspkit.wire import Listed, Record, Unreadable, plain

AGREEMENT = "MicrosoftCustomerAgreement"


@dataclass(frozen=True)
class Customer:
    """One customer of the partner; country and language only when it was read by itself."""

    id: str
    name: str
    domain: str
    relationship: str
    country: str = ""
    language: str = ""


@dataclass(frozen=True)
class Template:
    """The text of an agreement: its id, needed to attest it, and where to read it."""

    id: str
    kind: str
    link: str
    rank: int | None


@dataclass(frozen=True)
class Attestation:
    """A partner's word that a customer accepted an agreement."""

    kind: str
    template_id: str
    agreed_at: datetime | None


@dataclass(frozen=True)
class Qualification:
    """What a customer may buy at a price of its own, such as education."""

    name: str
    vetting: str


@dataclass(frozen=True)
class Reseller:
    """An indirect reseller of the partner."""

    id: str
    name: str
    mpn_id: str
    state: str
    country: str


class Customers(Caller):
    """Verbs about who the customers are and what they agreed to; `page` is the size of a page."""

    page = PAGE

    def relationship_link(self, reseller: str = "") -> str:
        """Return the invitation link: the same for every customer, or for those of a reseller.

        `reseller` is the tenant id of an indirect reseller of ours.
        """
        query: Query | None = {"indirectResellerId": reseller} if reseller else None
        answer = self._read("relationship_request", query)
        link = answer.record.text("url")
        if not link.startswith("https://"):
            raise ApiUnavailable(
                f"the service gave {plain(link)!r} as the invitation link, expected https",
                method="GET",
                url=route("relationship_request").path,
                request_id=answer.request_id,
                correlation_id=answer.correlation_id,
            )
        return link

    def customers(
        self, *, name: str = "", domain: str = "", reseller: str = ""
    ) -> Listed[Customer]:
        """List all customers, or those whose name or domain begins so, or of one reseller.

        Raises ValueError for more than one wish: the service takes one.
        """
        wishes = {"CompanyName": name, "Domain": domain, "IndirectReseller": reseller}
        wanted = [(field, value) for field, value in wishes.items() if value]
        if len(wanted) > 1:
            raise ValueError(f"expected one wish, found {', '.join(field for field, _ in wanted)}")
        params: Query = {"size": self.page}
        for field, value in wanted:
            params["filter"] = _filter(field, value)
        return self._listed("customers", _customer, params)

    def customer(self, customer_id: str) -> Customer | None:
        """Read one customer with its country; None when it is no customer of ours."""
        found = self._found("customer", customer=customer_id)
        return None if found is None else _customer(found)

    def direct_signed(self, customer_id: str) -> bool:
        """Say whether the customer signed the Microsoft Customer Agreement themselves."""
        return self._read("direct_signed", customer=customer_id).record.flag("isSigned") is True

    def attested(self, customer_id: str) -> bool:
        """Say whether the partner attested that the customer accepted the agreement."""
        found = self.attestations(customer_id)
        return any(one.kind.casefold() in ("", AGREEMENT.casefold()) for one in found)

    def attestations(self, customer_id: str) -> Listed[Attestation]:
        """List what the partner attested for a customer."""
        query: Query = {"agreementType": AGREEMENT}
        return self._listed("attestations", _attestation, query, customer=customer_id)

    def agreement_template(self) -> Template | None:
        """Read the newest text of the Microsoft Customer Agreement; None when there is none."""
        found = self._listed("agreements", _template, {"agreementType": AGREEMENT})
        mine = [one for one in found if one.kind.casefold() == AGREEMENT.casefold()]
        return max(mine, key=lambda one: (one.rank or 0, one.id), default=None)

    def agreement_link(self, template_id: str, *, language: str, country: str) -> str:
        """Return where the text can be read in a language; empty when the service names none."""
        query: Query = {"language": language, "country": country}
        record = self._read("agreement_document", query, template=template_id).record
        return record.text("displayUri") or record.text("downloadUri")

    def attest(self, path: str, body: Any, request_id: str) -> Attestation:
        """Attest that a customer accepted the agreement; the same again is refused."""
        return _attestation(self._write("attest", path, request_id, body).record)

    def qualifications(self, customer_id: str) -> Listed[Qualification]:
        """List what a customer qualifies for; a commercial customer for nothing."""
        return self._listed("qualifications", _qualification, customer=customer_id)

    def resellers(self) -> Listed[Reseller]:
        """List the indirect resellers of the partner; only a provider has any."""
        query: Query = {"relationship_type": "IsIndirectCloudSolutionProviderOf"}
        return self._listed("resellers", _reseller, query)

    def resellers_of(self, customer_id: str) -> Listed[Reseller]:
        """List the indirect resellers of one customer."""
        return self._listed("customer_resellers", _reseller, customer=customer_id)

    def agreement_signed(self, *, mpn_id: str = "", tenant_id: str = "") -> bool:
        """Say whether a reseller signed its agreement with Microsoft; unsigned cannot buy."""
        query: Query = {"mpnId": mpn_id} if mpn_id else {"tenantId": tenant_id}
        return self._read("agreement_status", query).record.flag("isAgreementSigned") is True


def attestation_path(customer_id: str) -> str:
    """Give the path that attests a customer's agreement."""
    return route("attest").at(customer=customer_id)


def attestation_body(
    template_id: str, *, first_name: str, last_name: str, email: str, agreed_on: date
) -> dict[str, Any]:
    """Make the body of an attestation: who at the customer agreed to which text, and when."""
    return {
        "primaryContact": {"firstName": first_name, "lastName": last_name, "email": email},
        "templateId": template_id,
        "dateAgreed": f"{agreed_on.isoformat()}T00:00:00Z",
        "type": AGREEMENT,
    }


def _filter(field: str, value: str) -> str:
    return json.dumps({"Field": field, "Value": value, "Operator": "starts_with"})


def _customer(item: Record) -> Customer:
    company, billing = item.record("companyProfile"), item.record("billingProfile")
    customer_id = item.id("id") or company.id("tenantId")
    if not customer_id:
        raise Unreadable("expected the id of a customer, found none")
    address = company.record("address").text("country")
    return Customer(
        customer_id,
        plain(company.text("companyName")),
        company.id("domain"),
        item.id("relationshipToPartner"),
        (address or billing.record("defaultAddress").text("country")).upper(),
        billing.id("language"),
    )


def _attestation(item: Record) -> Attestation:
    return Attestation(item.text("type"), item.id("templateId"), item.instant("dateAgreed"))


def _template(item: Record) -> Template:
    return Template(
        item.needed("templateId"),
        item.text("agreementType"),
        item.text("agreementLink"),
        item.whole("versionRank"),
    )


def _qualification(item: Record) -> Qualification:
    return Qualification(item.needed("qualification"), item.id("vettingStatus"))


def _reseller(item: Record) -> Reseller:
    return Reseller(
        item.needed("id"),
        plain(item.text("name")),
        item.text("mpnId"),
        item.id("state"),
        item.text("location").upper(),
    )
