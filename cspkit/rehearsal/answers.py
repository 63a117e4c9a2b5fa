"""What all routes share: who calls, what the body says, how answers and errors are shaped."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
import zlib
from collections.abc import Callable, Iterable
from datetime import date
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Blueprint, Response, current_app, g, request

from cspkit.rehearsal import tokens
from cspkit.rehearsal.graph_json import instant
from cspkit.rehearsal.records import PARTNER_TENANT, Customer
from cspkit.rehearsal.refusals import Denied, Refused
from cspkit.rehearsal.tokens import Caller
from cspkit.rehearsal.world import World

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Json = dict[str, Any]
View = TypeVar("View", bound=Callable[..., Response])


def the_world() -> World:
    """Give the world behind the running application."""
    return cast(World, current_app.extensions["world"])


def caller() -> Caller | None:
    """Read the bearer token; None when there is none that is good."""
    return tokens.read(request.headers.get("Authorization", ""))


def partner_center(name: str) -> Blueprint:
    """Make a group of Partner Center routes: tokens checked, errors in its shape."""
    group = Blueprint(name, __name__, url_prefix="/v1")
    group.before_request(check_partner_token)
    group.after_request(_say_mfa)
    group.register_error_handler(Refused, refusal)
    return group


def _say_mfa(answer: Response) -> Response:
    """Say whether the caller signed in with a second factor, when the call asks for it."""
    if request.headers.get("ValidateMfa", "").lower() == "true":
        found = caller()
        signed_in = found is not None and found.kind == "user"
        answer.headers["isMfaCompliant"] = "true" if signed_in else "false"
    return answer


def user_only(view: View) -> View:
    """Refuse a route to callers without a signed-in user."""

    @wraps(view)
    def checked(*args: Any, **words: Any) -> Response:
        if g.caller.kind != "user":
            raise Refused(900329)
        return view(*args, **words)

    return cast(View, checked)


def refusal(problem: Refused) -> Response:
    """Answer in the shape of Partner Center's errors: numeric code, description, data, source."""
    body = {
        "code": problem.code,
        "description": problem.description,
        "data": problem.data,
        "source": "PartnerFD",
    }
    answer = reply(body, problem.status)
    if problem.status == 401:
        answer.headers["WWW-Authenticate"] = f"OAuth realm=urn:cpsvc:cpid:{PARTNER_TENANT}"
    return answer


def denial(problem: Denied) -> Response:
    """Answer in the shape of Microsoft Graph's errors."""
    body = {
        "error": {
            "code": problem.code,
            "message": problem.message,
            "innerError": {
                "date": the_world().now.strftime("%Y-%m-%dT%H:%M:%S"),
                "request-id": request.environ.get("rehearsal.request_id", str(uuid.uuid4())),
                "client-request-id": request.headers.get("client-request-id", ""),
            },
        }
    }
    return reply(body, problem.status)


def reply(value: object, status: int = 200) -> Response:
    """Answer with JSON, text kept as it is."""
    # half a surrogate pair is valid in JSON text, but cannot be written as UTF-8
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, status, content_type="application/json; charset=utf-8")


def collection(items: Iterable[Json], **more: Any) -> Response:
    """Answer with a whole collection, as routes without paging do."""
    listed = list(items)
    return reply(
        {
            "totalCount": len(listed),
            "items": listed,
            **more,
            "attributes": {"objectType": "Collection"},
        }
    )


def midnight(day: date) -> str:
    """Write a day as the first second of it."""
    return f"{day.isoformat()}T00:00:00Z"


def link(uri: str, method: str = "GET") -> Json:
    """Make one entry of `links`."""
    return {"uri": version(uri) + uri, "method": method, "headers": []}


def version(uri: str) -> str:
    """Say what stands before a link: documents show links with the version and without."""
    how = the_world().options.links
    mixed = how == "mixed" and zlib.crc32(uri.encode()) % 2 == 0
    return "/v1" if how == "long" or mixed else ""


def customer(customer_id: str) -> Customer:
    """Find the related customer of a path; raises Refused."""
    if not _GUID.fullmatch(customer_id):
        raise Refused(900118)
    return the_world().customer(customer_id)


def body() -> Json:
    """Read a JSON object; its names count in any case, so they are lowered."""
    found = _json(Refused(2000, "the body is not valid JSON."))
    if not isinstance(found, dict):
        raise Refused(800002)
    return lowered(found)


def lowered(found: Json) -> Json:
    """Write the names of an object in lower case."""
    return {str(name).lower(): value for name, value in found.items()}


def graph_body() -> Json:
    """Read a JSON object for Microsoft Graph."""
    problem = Denied(400, "BadRequest", "Unable to read JSON request payload.")
    found = _json(problem)
    if not isinstance(found, dict):
        raise problem
    return found


def _json(problem: Exception) -> object:
    try:
        return json.loads(request.get_data(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise problem from None


def _no_constant(name: str) -> object:
    raise ValueError(name)


def page(items: list[tuple[str, Json]], path: str, most: int) -> Response:
    """Answer with one page of a seek collection; items come with their keys, in their order.

    The token of the page before comes in a header and counts only with `seekOperation=Next`; the
    query is the same as before but for the size, whatever its order and its escapes.
    """
    size = _size(most)
    query = [part for part in request.query_string.decode().split("&") if part]
    kept = [part for part in query if not part.lower().startswith("seekoperation=")]
    here = _asked()
    token = request.headers.get("MS-ContinuationToken", "")
    seeking = request.args.get("seekOperation", "").lower() == "next"
    if bool(token) != seeking:
        raise Refused(2000, "MS-ContinuationToken and seekOperation=Next go together.")
    after = _after(token, here) if token else ""
    rest = [pair for pair in items if pair[0] > after]
    if token and not rest:
        raise Refused(2000, "there are no more items.")
    links: Json = {"self": link(f"{path}?{'&'.join(query)}" if query else path)}
    more: Json = {}
    if len(rest) > size:
        more["continuationToken"] = _token(rest[size - 1][0], here)
        links["next"] = {
            "uri": f"{version(path)}{path}?{'&'.join([*kept, 'seekOperation=Next'])}",
            "method": "GET",
            "headers": [{"key": "MS-ContinuationToken", "value": more["continuationToken"]}],
        }
    return collection([item for _, item in rest[:size]], **more, links=links)


def _asked() -> str:
    """Write down what a page is asked for, so that the next one can be held against it."""
    asked = request.args.items(multi=True)
    return json.dumps(sorted(pair for pair in asked if pair[0] not in ("seekoperation", "size")))


def _size(most: int) -> int:
    text = request.args.get("size", "0")
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise Refused(2000, "size must be a number.")
    return min(int(text) or most, most)


def _token(last: str, query: str) -> str:
    text = json.dumps([last, query])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _after(token: str, query: str) -> str:
    try:
        last, asked = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error):
        raise Refused(2000, "the continuation token is not valid.") from None
    if asked != query or not isinstance(last, str):
        raise Refused(2000, "the continuation token belongs to another query.")
    return last


def check_partner_token() -> None:
    """Refuse callers without a good token of the partner's tenant; raises Refused."""
    found = caller()
    if "Authorization" not in request.headers:
        raise Refused(800001)
    if found is None:
        raise Refused(400)
    if found.retired:
        raise Refused(900420)
    if found.tenant != PARTNER_TENANT:
        raise Refused(2032)
    g.caller = found


__all__ = [
    "Caller",
    "Denied",
    "Json",
    "Refused",
    "body",
    "caller",
    "check_partner_token",
    "collection",
    "customer",
    "denial",
    "graph_body",
    "instant",
    "link",
    "lowered",
    "midnight",
    "page",
    "partner_center",
    "refusal",
    "reply",
    "the_world",
    "user_only",
]
