"""The token endpoints: client credentials and refresh tokens, in both versions."""

from __future__ import annotations

import re
import time
import uuid
from typing import cast
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, current_app, request

from cspkit.rehearsal.answers import Json, reply, the_world
from cspkit.rehearsal.tokens import LIFETIME, NoToken, Tokens

routes = Blueprint("login", __name__)


@routes.errorhandler(NoToken)
def refused(problem: NoToken) -> Response:
    """Answer in the shape of the sign-in service's errors."""
    codes = [int(word) for word in [problem.words[6:].partition(":")[0]] if word.isdecimal()]
    answer = {
        "error": problem.error,
        "error_description": problem.words,
        "error_codes": codes,
        "timestamp": the_world().now.strftime("%Y-%m-%d %H:%M:%SZ"),
        "trace_id": str(uuid.uuid4()),
        "correlation_id": request.headers.get("client-request-id", str(uuid.uuid4())),
    }
    return reply(answer, problem.status)


@routes.get("/<tenant>/oauth2/authorize")
@routes.get("/<tenant>/oauth2/v2.0/authorize")
def authorize(tenant: str) -> Response:
    """Sign a user in without asking, and send the browser back to this machine with a code."""
    back, asked = request.args.get("redirect_uri", ""), request.args
    if not asked.get("client_id") or asked.get("response_type", "code") != "code":
        raise NoToken("invalid_request", "AADSTS900144: The request needs client_id and a code.")
    if not re.match(r"https?://(localhost|127\.0\.0\.1)([:/?]|$)", back):
        raise NoToken("invalid_request", "AADSTS50011: The redirect URI is not registered.")
    answer = {"code": _tokens().code(), "state": asked.get("state", ""), "session_state": tenant}
    address = urlsplit(back)
    query = "&".join(filter(None, [address.query, urlencode(answer)]))
    return Response(status=302, headers={"Location": address._replace(query=query).geturl()})


@routes.post("/<tenant>/oauth2/token")
def token(tenant: str) -> Response:
    """Give a token of the first version, whose numbers are texts."""
    access, fresh = _tokens().grant(tenant, request.form.to_dict())
    now = int(time.time())
    answer: Json = {
        "token_type": "Bearer",
        "expires_in": str(LIFETIME),
        "ext_expires_in": str(LIFETIME),
        "expires_on": str(now + LIFETIME),
        "not_before": str(now),
        "resource": request.form.get("resource", ""),
        "access_token": access,
    }
    if fresh:
        more = {"refresh_token": fresh, "id_token": "rehearsal", "scope": "user_impersonation"}
        answer |= more
    return reply(answer)


@routes.post("/<tenant>/oauth2/v2.0/token")
def token_v2(tenant: str) -> Response:
    """Give a token of the second version, whose numbers are numbers."""
    access, fresh = _tokens().grant(tenant, request.form.to_dict())
    answer: Json = {
        "token_type": "Bearer",
        "scope": request.form.get("scope", ""),
        "expires_in": LIFETIME,
        "ext_expires_in": LIFETIME,
        "access_token": access,
    }
    return reply(answer | ({"refresh_token": fresh} if fresh else {}))


def _tokens() -> Tokens:
    return cast(Tokens, current_app.extensions["tokens"])
