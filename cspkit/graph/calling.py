"""How all verbs of Graph call: by the name of a route, with the token of the tenant meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cspkit.wire import Answer, Listed, Record, Step, Wire, odata, read_all
from cspkit.wire.routes import Route, routes

T = TypeVar("T")
Query = dict[str, str | int]


def route(name: str) -> Route:
    """Return a call by its name in calls.csv."""
    return routes(__package__)[name]


class Caller:
    """What all groups of verbs share: the wire, and the partner's tenant for GDAP."""

    def __init__(self, wire: Wire, partner_tenant: str) -> None:
        """Speak over a wire as a user of the partner."""
        self._wire = wire
        self._partner = partner_tenant

    def _one(
        self,
        name: str,
        tenant: str,
        read: Callable[[Record], T],
        params: Query | None = None,
        **ids: str,
    ) -> T:
        call = route(name)
        answer = self._wire.read(call.at(**ids), tenant=tenant, user=call.user, params=params)
        return read(answer.record)

    def _listed(
        self,
        name: str,
        tenant: str,
        read: Callable[[Record], T],
        params: Query | None = None,
        **ids: str,
    ) -> Listed[T]:
        call = route(name)

        def ask(step: Step) -> Answer:
            return self._wire.read(
                step.where, tenant=tenant, user=call.user, params=step.params, headers=step.headers
            )

        return read_all(ask, Step(call.at(**ids), params), odata, read)

    def _write(
        self,
        name: str,
        path: str,
        tenant: str,
        body: Any,
        request_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        call = route(name)
        return self._wire.write(
            call.method,
            path,
            tenant=tenant,
            request_id=request_id,
            user=call.user,
            body=body,
            headers=headers,
        )
