"""The hand on a served rehearsal: clock and letters from another process."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cspkit.rehearsal import hand
from cspkit.rehearsal.server import START, Server
from cspkit.rehearsal.world import World


def test_the_clock_moves_forward() -> None:
    """What is told to move is the rehearsal's own clock."""
    with Server(World.sample(), control=True) as server:
        assert hand.now(server.port) == START
        assert hand.move_clock(server.port, timedelta(hours=2)) == START + timedelta(hours=2)
        assert server.now() == START + timedelta(hours=2)


def test_each_letter_reaches_its_customer_once(tmp_path: Path) -> None:
    """A letter goes to the tenant its file is named for; other files are left alone."""
    world = World.sample()
    stranger = next(customer for customer in world.customers.values() if not customer.related)
    for suffix in (".eml", ".txt"):
        (tmp_path / f"{stranger.id}-invitation{suffix}").write_text("Subject: hello\n\n")
    with Server(world, control=True) as server:
        assert hand.deliver(server.port, tmp_path) == 1
        assert stranger.id in str(server.books()["invitations"])


def test_a_letter_about_renewals_has_them_switched_off(tmp_path: Path) -> None:
    """Days after it arrived, and only what was bought directly: others are not theirs to stop."""
    world = World.sample()
    world.options.never_answers = 0.0
    held = [one for tenant in world.subscriptions.values() for one in tenant.values()]
    direct = next(one for one in held if one.channel == "direct_mosa" and one.auto_renew)
    ours = [one for one in world.originals(direct.customer_id) if one.ours and one.auto_renew]
    (tmp_path / f"{direct.customer_id}-renewal-off-0123456789ab.eml").write_text("Subject: x\n\n")
    with Server(world, control=True) as server:
        assert hand.deliver(server.port, tmp_path) == 1
        assert direct.auto_renew
        hand.move_clock(server.port, timedelta(days=5))
        assert (direct.auto_renew, server.books()["invitations"]) == (False, [])
    assert all(one.auto_renew for one in ours)


def test_silence_is_said_plainly(tmp_path: Path) -> None:
    """Without a rehearsal on the port, or an outbox, one line says what to start."""
    with Server(World.sample()) as server:
        port = server.port
    with pytest.raises(hand.NoRehearsal, match="rehearse serve"):
        hand.now(port)
    with pytest.raises(FileNotFoundError, match="run invite"):
        hand.deliver(port, tmp_path / "none")
