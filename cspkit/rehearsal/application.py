"""The Flask application over a world: all routes, and errors that keep the documented shape."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable

from flask import Flask, Request, Response, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException

from cspkit.rehearsal.answers import denial, reply, the_world
from cspkit.rehearsal.faults import Faults
from cspkit.rehearsal.refusals import Denied
from cspkit.rehearsal.routes import (
    analytics,
    azure,
    catalogue,
    control,
    customers,
    gdap,
    graph,
    licences,
    login,
    market,
    migrations,
    orders,
    partners,
    profiles,
    transfers,
    transitions,
)
from cspkit.rehearsal.routes import subscriptions as subscription_routes
from cspkit.rehearsal.tokens import Tokens
from cspkit.rehearsal.world import World

LARGEST_BODY = 1_000_000
_log = logging.getLogger(__name__)


class _AnyCase(ImmutableMultiDict[str, str]):
    """Parameters whose names count in any case, as they do for the service."""

    def __init__(self, mapping: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__((name.lower(), value) for name, value in mapping)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def getlist(self, name: str) -> list[str]:  # type: ignore[override]
        """Give every value of one name."""
        return super().getlist(name.lower())


class _Call(Request):
    parameter_storage_class = _AnyCase


def build(world: World, faults: Faults, *, with_control: bool) -> Flask:
    """Build the application; the routes of control only when asked for."""
    application = Flask("cspkit.rehearsal", static_folder=None)
    application.request_class = _Call
    application.url_map.strict_slashes = False
    application.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    application.extensions["world"] = world
    application.extensions["faults"] = faults
    application.extensions["tokens"] = Tokens()
    road = (customers, catalogue, orders, subscription_routes, licences, graph, gdap)
    also = (profiles, partners, market, migrations, transfers, transitions, analytics, azure)
    for module in (*road, *also):
        application.register_blueprint(module.routes)
    for group in (partners.hooks, market.sheets, login.routes):
        application.register_blueprint(group)
    if with_control:
        application.register_blueprint(control.routes)
    application.register_error_handler(HTTPException, _no_such_call)
    application.register_error_handler(Exception, _broken)
    return application


def _no_such_call(problem: HTTPException) -> Response:
    status = problem.code or 500
    words = problem.description or problem.name
    if request.path.startswith("/graph"):
        code = "BadRequest" if status != 404 else "ResourceNotFound"
        return denial(Denied(status, code, words))
    if request.path.startswith("/azure"):
        return azure.refused(Denied(status, problem.name.replace(" ", ""), words))
    body = {"code": status, "description": words, "data": [], "source": "PartnerFD"}
    return reply(body, status)


def _broken(problem: Exception) -> Response:
    """Answer for a mistake of the rehearsal itself, and write it into the books."""
    _log.error("the rehearsal failed", exc_info=problem)
    the_world().books.server_errors.append(
        {
            "call": f"{request.method} {request.path}",
            "error": "".join(traceback.format_exception_only(problem)).strip(),
            "at": the_world().now,
        }
    )
    if request.path.startswith("/graph"):
        return denial(Denied(500, "serviceException", "An error occurred."))
    if request.path.startswith("/azure"):
        return azure.refused(Denied(500, "InternalServerError", "An error occurred."))
    text = "Unexpected service error"
    return reply({"code": 800003, "description": text, "data": [], "source": "PartnerFD"}, 500)
