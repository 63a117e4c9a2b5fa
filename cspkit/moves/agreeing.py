"""The customer step `agreement`: signed by the customer, or attested on their word and evidence."""

from __future__ import annotations

from functools import partial
from typing import Any

from cspkit import partner_center as pc
from cspkit.errors import ApiRefused
from cspkit.ledger import Intent, Lease
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Subject
from cspkit.tables import Step, StepState

CELLS = (
    *("attested_first_name", "attested_last_name", "attested_email"),
    *("attested_on", "attested_evidence"),
)
NOT_AGREED = "the customer has not accepted the Microsoft Customer Agreement yet"
SIGNED, ATTESTED = "signed by the customer", "attested by the partner"
SEEN_BEFORE = "accepted, as the exports say"
ALREADY = "600061"


def agreed(desk: Desk, customer_id: str) -> str:
    """Say how the Microsoft Customer Agreement was accepted; empty when it was not.

    The customer's own signature is looked for first: it needs nobody's word.
    """
    row = desk.ledger.step(customer_id, Step.AGREEMENT)
    if row.state is StepState.DONE:
        return row.reason or "accepted"
    if desk.by_hand:
        return SEEN_BEFORE if desk.is_past(Step.AGREEMENT, customer_id) else ""
    # preview, order and the next move ask the same; nobody takes an agreement back meanwhile
    if desk.once(desk.partner_center.direct_signed, customer_id):
        return SIGNED
    return ATTESTED if desk.once(desk.partner_center.attested, customer_id) else ""


def intended(desk: Desk, customer_id: str) -> tuple[str, bool]:
    """Say what the decisions have to attest, and whether it is whole; empty where they are silent.

    Who agreed, their e-mail, the day and the evidence: none of them is ever filled in for them.
    """
    said = desk.said.get(customer_id, {})
    found: dict[str, Any] = {cell: said.get(cell) for cell in CELLS}
    lacks = [cell for cell, value in found.items() if value is None]
    if len(lacks) == len(CELLS):
        return "", False
    if lacks:
        return f"decisions.xlsx attests the agreement without {', '.join(lacks)}", False
    if found["attested_on"] > desk.today:
        return f"attested_on in decisions.xlsx is {found['attested_on']}, not yet", False
    name = f"{found['attested_first_name']} {found['attested_last_name']}"
    when, evidence = found["attested_on"], found["attested_evidence"]
    return f"{ATTESTED}: {name} agreed on {when}, evidence {evidence}", True


def settle(desk: Desk, one: Subject, lease: Lease) -> str:
    """Bring the step as far as it goes; a text says what it waits for."""
    how = agreed(desk, one.customer_id)
    if not how:
        told, whole = intended(desk, one.customer_id)
        if not whole:
            _move(desk, one, StepState.ASKED, lease, "asked for in the invitation")
            return f"{NOT_AGREED}; {told}" if told else NOT_AGREED
        how = _attest(desk, one, lease, told)
        if not how:
            return "the service names no text of the Microsoft Customer Agreement"
    _move(desk, one, StepState.DONE, lease, how)
    return ""


def _attest(desk: Desk, one: Subject, lease: Lease, told: str) -> str:
    """Attest once: the same details again are refused, which says that they are there."""
    template = desk.partner_center.agreement_template()
    if template is None:
        return ""
    said: dict[str, Any] = desk.said[one.customer_id]
    path = pc.attestation_path(one.customer_id)
    body = pc.attestation_body(
        template.id,
        first_name=said["attested_first_name"],
        last_name=said["attested_last_name"],
        email=said["attested_email"],
        agreed_on=said["attested_on"],
    )
    intent = Intent(one.customer_id, one.customer_id, "attest", path, body)
    try:
        send = partial(desk.partner_center.attest, path, body)
        desk.write(intent, lease, send, repeatable=True)
    except ApiRefused as error:
        if error.code != ALREADY:
            raise
    return told


def _move(desk: Desk, one: Subject, after: StepState, lease: Lease, reason: str) -> None:
    row = desk.ledger.step(one.customer_id, Step.AGREEMENT)
    if row.state in (after, StepState.DONE):
        return
    desk.move_step(row, after, lease, reason=reason)
