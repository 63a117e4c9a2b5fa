"""Rehearsals whose routes are built once in a process: that takes longer than most tests."""

from __future__ import annotations

import threading
from copy import copy
from functools import cache
from typing import Any

from flask import Flask

from cspkit.rehearsal import application
from cspkit.rehearsal.faults import Faults
from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.server import HOST, START, Server, _listen
from cspkit.rehearsal.tokens import Tokens
from cspkit.rehearsal.world import World


@cache
def _built(control: bool) -> Flask:
    return application.build(World(), Faults(), with_control=control)


class Door(Gate):
    """A gate that differs from others in nothing but who built its routes."""

    def __init__(self, world: World, *, with_control: bool = False) -> None:
        self.world = world
        self.faults = Faults(world.seed)
        self.lock = threading.RLock()
        # A copy has the same routes and a world of its own: what an earlier test left running
        # cannot reach into this one.
        self._flask = copy(_built(with_control))
        own = {"world": world, "faults": self.faults, "tokens": Tokens()}
        self._flask.extensions = {**self._flask.extensions, **own}
        self._routes = self._flask.url_map.bind("")
        self._answered = {}


class Rehearsal(Server):
    """A server behind such a gate, on a port of its own, with its control routes."""

    def __init__(self, world: World) -> None:
        if world.now < START:
            world.move_to(START)
        self.world = world
        self.gate: Any = Door(world, with_control=True)
        self._socket = _listen(0)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self.control = f"{self.url}/control"
        self._server = self._thread = None
