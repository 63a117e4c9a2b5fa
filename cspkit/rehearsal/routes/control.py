"""The hand on the clock: time, letters, faults and the books; never part of the service."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import cast

from flask import Blueprint, Response, current_app

from cspkit.rehearsal import relations, saved, transfers
from cspkit.rehearsal.answers import Json, body, reply, the_world
from cspkit.rehearsal.faults import Faults
from cspkit.rehearsal.records import Customer
from cspkit.rehearsal.refusals import Refused

routes = Blueprint("control", __name__, url_prefix="/control")


@routes.errorhandler(ValueError)
def mistaken(problem: ValueError) -> Response:
    """Say what is wrong with a control call."""
    return reply({"error": str(problem)}, 400)


@routes.errorhandler(Refused)
def unreadable(problem: Refused) -> Response:
    """Say that the body is no JSON object."""
    return reply({"error": problem.description}, 400)


@routes.get("/clock")
def clock() -> Response:
    """Tell the rehearsal's time."""
    return reply({"now": the_world().now.isoformat()})


@routes.post("/clock")
def move_clock() -> Response:
    """Move the clock forward and let happen what was due."""
    now = body().get("now")
    if not isinstance(now, str):
        raise ValueError(f"now must be an ISO 8601 instant, found {now!r}")
    the_world().move_to(datetime.fromisoformat(now))
    return clock()


@routes.post("/deliver")
def deliver() -> Response:
    """Let a letter reach a customer, who answers after a while, late or never."""
    customer = _customer()
    letter = str(body().get("letter", ""))
    if letter in relations.ENDS_LETTERS:
        relations.ask_to_end(the_world(), customer, letter)
    else:
        relations.deliver(the_world(), customer)
    return reply({"customer_id": customer.id, "related": customer.related})


@routes.post("/accept")
def accept() -> Response:
    """Let a customer accept the relationship and sign the agreement now."""
    customer = _customer()
    relations.accept(the_world(), customer)
    relations.sign(the_world(), customer.id)
    return reply({"customer_id": customer.id, "related": customer.related})


@routes.post("/approve")
def approve() -> Response:
    """Let a customer approve the access that waits for it now."""
    customer, world = _customer(), the_world()
    for access in world.access_of[customer.id]:
        relations.approve(world, access.id)
    return reply({"customer_id": customer.id})


@routes.post("/offer")
def offer() -> Response:
    """Let another partner offer us what it sold to a customer."""
    made = transfers.offered(the_world(), _customer())
    return reply({"transfer_id": made["id"], "lines": made["lines"]}, 201)


@routes.post("/rotate")
def rotate() -> Response:
    """Replace all availability ids."""
    the_world().rotations += 1
    return reply({"rotations": the_world().rotations})


@routes.get("/books")
def books() -> Response:
    """Show what really happened."""
    return reply(the_world().books.as_json())


@routes.get("/world")
def world() -> Response:
    """Give the whole world, to be saved and served again."""
    return reply(saved.to_json(the_world()))


@routes.get("/options")
def options() -> Response:
    """Show how the world behaves where documents leave it open."""
    return reply(asdict(the_world().options))


@routes.post("/options")
def set_options() -> Response:
    """Change how the world behaves."""
    found = the_world().options
    known = {field.name: getattr(found, field.name) for field in fields(found)}
    for name, value in body().items():
        if name not in known:
            raise ValueError(f"there is no option {name!r}; there are {', '.join(known)}")
        setattr(found, name, _like(name, value, known[name]))
    return options()


def _like(name: str, value: object, before: object) -> object:
    """Take a value of the kind that the option has; raises ValueError."""
    if isinstance(before, tuple):
        if isinstance(value, list) and len(value) == 2 and all(type(n) is int for n in value):
            return tuple(value)
    elif isinstance(before, float):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif type(value) is type(before):
        return value
    raise ValueError(f"{name} must be like {before!r}, found {value!r}")


@routes.get("/faults")
def show_faults() -> Response:
    """Show the faults that are on and the log of what they did."""
    faults = _faults()
    return reply({"rules": [asdict(rule) for rule in faults.rules], "log": faults.log})


@routes.post("/faults")
def add_fault() -> Response:
    """Switch a fault on."""
    return reply(asdict(_faults().add(body())), 201)


@routes.delete("/faults")
def clear_faults() -> Response:
    """Switch all faults off."""
    _faults().clear()
    return show_faults()


def _faults() -> Faults:
    return cast(Faults, current_app.extensions["faults"])


def _customer() -> Customer:
    sent: Json = body()
    found = the_world().customers.get(str(sent.get("customer_id")).lower())
    if found is None:
        raise ValueError(f"no customer {sent.get('customer_id')!r} in this world")
    return found
