"""Saved worlds: what was saved goes on as if nothing had happened."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from cspkit.rehearsal import saved
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.world import World
from tests.rehearsal.conftest import Partner


def test_a_saved_world_is_the_same_world(partner: Partner, tmp_path: Path) -> None:
    """Orders, users, books, agenda and clock come back."""
    partner.buy(partner.related())
    partner.get("/graph/v1.0/users", tenant=partner.accessible().id)
    saved.save(partner.world, tmp_path / "world.json")

    assert saved.to_json(partner.world) == saved.to_json(saved.read(tmp_path / "world.json"))


def test_the_future_of_a_saved_world_is_the_same_too(tmp_path: Path) -> None:
    """Renewals, endings and gaps happen in the copy as they would have in the original."""
    world = World.sample(customers=60)
    world.move_to(world.now + timedelta(days=40))
    saved.save(world, tmp_path / "world.json")
    copy = saved.read(tmp_path / "world.json")
    for one in (world, copy):
        one.move_to(one.now + timedelta(days=300))

    assert world.books.renewals and world.books.gaps
    assert saved.to_json(world) == saved.to_json(copy)


def test_a_world_is_saved_over_http(partner: Partner, tmp_path: Path) -> None:
    """The control route gives what the command line serves again."""
    path = tmp_path / "world.json"
    path.write_text(json.dumps(partner.control("world")), "utf-8")
    with Server(saved.read(path), start=partner.world.now) as again:
        assert partner.world.now == again.now()
        assert partner.world.customers == again.world.customers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 99, "world": {}, "agenda": []}',
        '{"format": 1, "world": {"seed": 1}, "agenda": []}',
        '{"format": 1, "world": {"seed": 1, "now": {"$": "os.system", "is": "x"}}, "agenda": []}',
        '{"format": 1, "world": {"seed": 1, "now": 5}, "agenda": [[1, 2, "os.system", []]]}',
    ],
)
def test_a_file_without_a_world_is_named(tmp_path: Path, text: str) -> None:
    """Nothing but what was saved can be read: no code, no other classes."""
    path = tmp_path / "world.json"
    path.write_text(text, "utf-8")
    with pytest.raises(saved.NoWorld, match=r"world\.json is not a saved world"):
        saved.read(path)


def test_the_command_line_serves_a_saved_world(tmp_path: Path) -> None:
    """`cspkit rehearse serve --world FILE` goes on where the world was saved."""
    world = World.sample(customers=20)
    world.move_to(world.now + timedelta(days=33))
    saved.save(world, tmp_path / "world.json")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "cspkit", "rehearse", "serve", "--port", port]
    with subprocess.Popen(
        [*command, "--world", "world.json"], cwd=tmp_path, stdout=subprocess.DEVNULL
    ) as running:
        try:
            told = _clock(f"http://127.0.0.1:{port}/control/clock")
        finally:
            running.terminate()

    assert world.now.isoformat() == told


def _clock(url: str) -> str:
    for _ in range(100):
        try:
            return str(requests.get(url, timeout=5).json()["now"])
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the rehearsal did not start")


def test_the_command_line_names_a_file_without_a_world(tmp_path: Path) -> None:
    """One line, and the exit code of bad input."""
    (tmp_path / "world.json").write_text("{}", "utf-8")
    command = [sys.executable, "-m", "cspkit", "rehearse", "serve", "--world", "world.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert (done.returncode, "world.json is not a saved world" in done.stderr) == (2, True)
