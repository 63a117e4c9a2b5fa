"""Jupyter's kernel manager, with warm kernels and without its fixed waits."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from cspkit.kernels.warming import Server

_LOOK = 0.005
_BOUND_WITHIN = 10.0
_FIRST_WORD = 0.02


class Client(AsyncKernelClient):  # type: ignore[misc]
    """A client that begins as soon as the kernel has answered on both channels."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for an answer and for the first word on iopub; raise RuntimeError without one.

        Jupyter's own waits for a fifth of a second of silence more. What is left of the
        beginning belongs to no cell, and whoever executes cells leaves it aside.
        """
        latest = time.monotonic() + (timeout or float("inf"))
        while time.monotonic() < latest:
            self.kernel_info()
            try:
                reply = await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=_FIRST_WORD)
            except Empty:
                if not await self._async_is_alive():
                    raise RuntimeError("Kernel died before replying to kernel_info") from None
                continue
            self._handle_kernel_info_reply(reply)
            return
        raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")


def manager(base: type[AsyncKernelManager] | None, server: Server) -> type[AsyncKernelManager]:
    """Make a kind of kernel manager whose kernels a server forks.

    One whose kernel spec, or environment, asks for another kind of kernel gets that.
    """
    kind: Any = base or AsyncKernelManager

    class Manager(kind):  # type: ignore[misc]
        """A manager of one warm kernel."""

        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            self.client_class = f"{Client.__module__}.{Client.__name__}"
            self.client_factory = Client

        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            # It wrote down before how to reach the kernel, so there is nothing left to tell.
            plain = type(self.provisioner) is LocalProvisioner
            if not plain or not await _fork(server, self.provisioner, kernel_cmd, options):
                await super()._async_launch_kernel(kernel_cmd, **options)

        async def _async_wait(self, pollinterval: float = _LOOK) -> None:
            await super()._async_wait(min(pollinterval, _LOOK))

    return Manager


async def _fork(server: Server, local: Any, command: list[str], options: Mapping[str, Any]) -> bool:
    """Fork a kernel and wait until somebody listens at its sockets; False where it cannot be.

    A client that comes too early tries again only after a tenth of a second.
    """
    cwd, env = os.fspath(options.get("cwd") or Path.cwd()), options.get("env") or os.environ
    forked = server.fork(command, cwd, env)
    if forked is None:
        return False
    local.process, local.cwd = forked, cwd
    local.pid = local.pgid = forked.pid
    latest, sockets = time.monotonic() + _BOUND_WITHIN, _sockets(local.connection_info)
    while not all(map(os.path.exists, sockets)) and time.monotonic() < latest:
        if forked.poll() is not None:
            break
        await asyncio.sleep(_LOOK)
    return True


def _sockets(told: Mapping[str, Any]) -> list[str]:
    """Name the files of a kernel's sockets; none where it listens at ports."""
    if told.get("transport") != "ipc":
        return []
    return [f"{told['ip']}-{told[name]}" for name in told if name.endswith("_port")]
