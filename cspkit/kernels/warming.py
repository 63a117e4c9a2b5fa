"""The server of warm kernels as its launcher sees it: started, asked, and ended with the run."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

# Importing takes a second or two, on a busy machine ten times as long.
_PATIENCE = 60.0
# What an interpreter reads once, at its start.
_SHAPING = ("PYTHON", "LD_", "LC_", "LANG")
_SECRET = re.compile(r"secret|token|passw|pwd|credential|key|jwt|_pat$", re.IGNORECASE)

_BEGIN = (
    "import sys; sys.path[:1] == [''] and sys.path.pop(0); "
    "from cspkit.kernels.server import main; main()"
)
_lock = threading.Lock()
_shared: Server | None = None
_users = 0


def possible() -> bool:
    """Say whether this computer can have warm kernels; elsewhere each starts from nothing."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


@contextmanager
def warm(wanted: bool = True) -> Iterator[Server | None]:
    """Have a server for a while: the one that is there already, or a new one.

    It ends with the last who has it. None where there can be none, or none is wanted: then a
    kernel is started as ever.
    """
    global _shared, _users
    if not wanted or not possible():
        yield None
        return
    with _lock:
        found = _shared = _shared or Server()
        _users += 1
    try:
        yield found
    finally:
        with _lock:
            _users -= 1
            last = _users == 0
            if last:
                _shared = None
        if last:
            found.close()


def shared() -> bool:
    """Say whether a server is there."""
    return _shared is not None


class Server:
    """A process that forks kernels. What it has imported stays as it was when it started."""

    def __init__(self) -> None:
        """Start it; it imports while the launcher goes on."""
        self._shape = _shape(os.environ)
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
                # Not by -m: a file of the user's in this folder must not be taken for a module.
                [sys.executable, "-c", _BEGIN, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                # Kernels get the whole environment of their run; who serves them all needs no
                # password, and hears no signal of the launcher's terminal.
                env={name: value for name, value in os.environ.items() if not _SECRET.search(name)},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._asked = Connection(ours.detach())

    def fork(self, command: list[str], cwd: str, env: Mapping[str, str]) -> Forked | None:
        """Fork a kernel for one run; None for one that must be started as ever.

        That is a kernel of another Python, one that is no plain ipykernel, and any when the
        server is lost or the environment asks for another kind of interpreter.
        """
        arguments = _plain(command)
        if arguments is None or _shape(env) != self._shape:
            return None
        with self._lock:
            if self._process is None:
                return None
            wanted = {"arguments": arguments, "cwd": cwd, "env": dict(env)}
            try:
                self._asked.send_bytes(json.dumps(wanted).encode())
                if self._asked.poll(_PATIENCE):
                    return Forked(int(self._asked.recv_bytes()))
            except (EOFError, OSError, ValueError):
                pass
            self._end()
            return None

    def close(self) -> None:
        """End the server; a kernel that is still there ends with it."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._asked.close()
            self._process.kill()
            self._process.wait()
            self._process = None


class Forked:
    """A kernel that somebody else is the parent of, with what jupyter_client asks of a process."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        """Hold on to a process; the server forgets no number before it is asked again."""
        self.pid = pid
        self._watch = os.pidfd_open(pid)
        self._ended = False

    def poll(self) -> int | None:
        """Say whether it ended: its parent alone knows with which number, so it is always 1."""
        if not self._ended and select.select([self._watch], [], [], 0)[0]:
            self._ended = True
            os.close(self._watch)
        return 1 if self._ended else None

    def wait(self) -> int:
        """Wait for its end."""
        if not self._ended:
            select.select([self._watch], [], [])
        return self.poll() or 1

    def send_signal(self, number: int) -> None:
        """Send a signal to it, unless it ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._watch, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def _shape(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_SHAPING)}


def _plain(command: list[str]) -> list[str] | None:
    """Give the arguments of a plain ipykernel of this very Python; None for any other command."""
    if _python(command[0]) != _python(sys.executable):
        return None
    return command[3:] if command[1:3] == ["-m", "ipykernel_launcher"] else None


def _python(program: str) -> tuple[str, str]:
    """Tell a Python by its folder, too: those of all environments are links to one file."""
    return os.path.realpath(os.path.dirname(program)), os.path.realpath(program)
