"""The rehearsal as a server on this machine, for a test, a demo or a whole afternoon."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path
from types import TracebackType
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from cspkit.rehearsal import relations, saved
from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.records import PARTNER_TENANT, Customer
from cspkit.rehearsal.world import World

HOST = "127.0.0.1"
START = datetime(2026, 11, 23, 8, tzinfo=UTC)


class PortTaken(OSError):
    """The port is in use, or not allowed."""


class _Handler(WSGIRequestHandler):
    """Speak HTTP without delay and without a log line for each call."""

    # Nagle's algorithm and delayed acknowledgements cost 40 ms a call on loopback
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep quiet; the books count the calls."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status line alone: the date comes from the rehearsal's clock."""
        self.send_response_only(code, message)


class Server:
    """Serve a world on loopback while a `with` block lasts.

    The world's clock starts at `start`, or where it stands when that is later. Control routes
    exist only with `control=True`; the methods here work either way.
    """

    def __init__(
        self, world: World, *, port: int = 0, start: datetime = START, control: bool = False
    ) -> None:
        """Take the port; raises PortTaken."""
        if start > world.now:
            world.move_to(start)
        self.world = world
        self.gate = Gate(world, with_control=control)
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self.control = f"{self.url}/control" if control else ""
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Server:
        """Start to answer."""
        self._server = self._made()
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.close()

    def close(self) -> None:
        """Stop; harmless when stopped already."""
        if self._server is not None:
            self._server.shutdown()
        if self._thread is not None:
            self._thread.join()
        self._socket.close()
        self._server = self._thread = None

    def serve_forever(self) -> None:
        """Answer in this thread until interrupted."""
        server = self._made()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()
            self._socket.close()

    def _made(self) -> BaseWSGIServer:
        return make_server(
            HOST,
            self.port,
            self.gate,
            threaded=True,
            request_handler=_Handler,
            fd=self._socket.fileno(),
        )

    def now(self) -> datetime:
        """Tell the rehearsal's time."""
        return self.world.now

    def set_clock(self, instant: datetime) -> None:
        """Move the clock forward; raises ValueError when told to go back."""
        with self.gate.lock:
            self.world.move_to(instant)

    def deliver(self, customer_id: str) -> None:
        """Let the invitation reach a customer, who accepts after a while, late or never."""
        with self.gate.lock:
            relations.deliver(self.world, self.world.customers[customer_id])

    def accept(self, customer_id: str) -> None:
        """Let a customer accept the relationship and sign the agreement now."""
        with self.gate.lock:
            relations.accept(self.world, self.world.customers[customer_id])
            relations.sign(self.world, customer_id)

    def deliver_outbox(self, folder: Path) -> int:
        """Deliver every letter (.eml) that holds our invitation link; count those that arrive.

        A letter arrives at the customer whose tenant id it names, in a header or in its file
        name, or else at the one whose domain it is addressed to.
        """
        arrived = 0
        for path in sorted(folder.rglob("*.eml")):
            letter = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
            body = letter.get_body(("plain", "html"))
            text = str(body.get_content()) if body is not None else ""
            customer = self._addressee(path.name, str(letter["To"] or ""), letter.values())
            if customer is not None and f"partnerId={PARTNER_TENANT}" in text:
                self.deliver(customer.id)
                arrived += 1
        return arrived

    def _addressee(self, name: str, to: str, headers: list[Any]) -> Customer | None:
        named = " ".join([name, *(str(header) for header in headers)]).lower()
        for customer in self.world.customers.values():
            if customer.id in named or to.lower().rstrip(">").endswith(f"@{customer.domain}"):
                return customer
        return None

    def books(self) -> dict[str, Any]:
        """Show what really happened, as JSON values."""
        with self.gate.lock:
            return self.world.books.as_json()


def serve(
    *,
    port: int = 8765,
    seed: int = 1,
    world: Path | None = None,
    started: Callable[[str], object] = print,
) -> None:
    """Serve a saved world, or the sample, with its control routes until interrupted.

    `started` hears one line once the port is ours. A saved world goes on at the instant it was
    saved. Raises PortTaken, and NoWorld for a file that holds none.
    """
    found = World.sample(seed=seed) if world is None else saved.read(world)
    start = START if world is None else found.now
    server = Server(found, port=port, start=start, control=True)
    started(f"rehearsal on {server.url}, where it is {server.now():%Y-%m-%d %H:%M} UTC")
    started("Ctrl-C ends it")
    server.serve_forever()


def _listen(port: int) -> socket.socket:
    # werkzeug ends the whole process when a port is taken, so the port is taken here
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # on Windows the same option would let two programs share the port
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(128)
    except (OSError, OverflowError) as error:
        listening.close()
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        why = "is in use by another program" if taken else f"cannot be used: {error}"
        raise PortTaken(
            f"port {port} on {HOST} {why}; choose another with --port, or end that program"
        ) from error
    return listening
