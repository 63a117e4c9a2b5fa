"""How all verbs of Partner Center call: by the name of a route, with the partner's token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cspkit.errors import ApiRefused
from cspkit.wire import Answer, Listed, Record, Step, Wire, read_all, seek
from cspkit.wire.paging import Follow
from cspkit.wire.routes import Route, routes

NOT_FOUND = 404
PAGE = 500
Query = dict[str, str | int]
T = TypeVar("T")


def route(name: str) -> Route:
    """Return a call by its name in calls.csv."""
    return routes(__package__)[name]


class Caller:
    """What all groups of verbs share: the wire and the partner's tenant."""

    def __init__(self, wire: Wire, partner_tenant: str) -> None:
        """Speak over a wire as the partner."""
        self._wire = wire
        self._tenant = partner_tenant

    def _read(
        self, name: str, params: Query | None = None, *, body: Any = None, **ids: str
    ) -> Answer:
        call = route(name)
        return self._wire.read(
            call.at(**ids), tenant=self._tenant, user=call.user, params=params, body=body
        )

    def _found(self, name: str, **ids: str) -> Record | None:
        """Read one resource; None when it is not there, perhaps not yet."""
        call = route(name)
        try:
            return self._wire.read(call.at(**ids), tenant=self._tenant, user=call.user).record
        except ApiRefused as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _listed(
        self,
        name: str,
        read: Callable[[Record], T],
        params: Query | None = None,
        *,
        follow: Follow = seek,
        body: Any = None,
        **ids: str,
    ) -> Listed[T]:
        call = route(name)

        def ask(step: Step) -> Answer:
            return self._wire.read(
                step.where,
                tenant=self._tenant,
                user=call.user,
                params=step.params,
                headers=step.headers,
                body=body,
            )

        return read_all(ask, Step(call.at(**ids), params), follow, read)

    def _write(
        self,
        name: str,
        path: str,
        request_id: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        call = route(name)
        return self._wire.write(
            call.method,
            path,
            tenant=self._tenant,
            request_id=request_id,
            user=call.user,
            body=body,
            headers=headers,
        )
