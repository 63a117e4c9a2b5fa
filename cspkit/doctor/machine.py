"""This computer: Python, the packages, and a kernel that finds them."""

from __future__ import annotations

import atexit
import platform
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from cspkit.doctor.findings import FAILED, OK, WARNING, Finding

_CODE = """import sys; from importlib.metadata import version; import cspkit
print(version("cspkit")); print(sys.executable)"""
_SECONDS = 60
_INSTALL = "python -m pip install cspkit"


def versions() -> Iterator[Finding]:
    """Name the versions, and what is missing or too old of what cspkit needs."""
    running = f"Python {platform.python_version()}, cspkit {version('cspkit')}"
    yield Finding("versions", OK, f"{running}, on {platform.platform(terse=True)}")
    needed = list(_needed())
    wrong = [problem for requirement in needed if (problem := _wrong(requirement))]
    if wrong:
        advice = f"{_INSTALL}, in the same environment"
        yield Finding("packages", FAILED, "; ".join(wrong), advice)
    else:
        yield Finding("packages", OK, f"{len(needed)} packages that cspkit needs are there")


def kernel() -> Iterator[Finding]:
    """Start a real kernel and see which Python it is."""
    import nbformat
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    from cspkit.kernels import sockets

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(_CODE)])
    try:
        with sockets.over_files() as how:
            client = NotebookClient(book, timeout=_SECONDS, kernel_name="python3", config=how)
            # It would clean up once more when this process ends, and fail where the kernel died.
            with ExitStack() as end:
                end.callback(atexit.unregister, client._cleanup_kernel)
                client.execute()
    except NoSuchKernel:
        advice = f"{sys.executable} -m ipykernel install --sys-prefix"
        yield Finding("kernel", FAILED, "there is no kernel 'python3'", advice)
    except CellExecutionError as error:
        advice = "the kernel is of another environment: install cspkit there, or ipykernel here"
        yield Finding("kernel", FAILED, str(error.evalue), advice)
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        yield Finding(
            "kernel", FAILED, f"it does not answer: {said}", "run `jupyter kernelspec list`"
        )
    else:
        yield _answered("".join(out.text for out in book.cells[0].outputs).strip())


def _answered(said: str) -> Finding:
    """Compare the kernel with who asks: an older cspkit there would run other code."""
    theirs, _, python = said.partition("\n")
    ours = version("cspkit")
    if theirs != ours:
        found = f"{python} has cspkit {theirs}, this is {ours}"
        return Finding("kernel", FAILED, found, f"{_INSTALL} --upgrade, with that Python")
    if python != sys.executable:
        advice = f"{sys.executable} -m ipykernel install --sys-prefix"
        return Finding("kernel", WARNING, f"it is of another environment: {python}", advice)
    return Finding("kernel", OK, python)


def _needed() -> Iterator[Requirement]:
    """List what cspkit itself needs, without what is only for its extras or other systems."""
    for line in requires("cspkit") or []:
        found = Requirement(line)
        if found.marker is None or found.marker.evaluate({"extra": ""}):
            yield found


def _wrong(needed: Requirement) -> str:
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        return f"{needed.name} is not installed"
    if needed.specifier.contains(found, prereleases=True):
        return ""
    return f"{needed.name} is {found}, needed is {needed.specifier}"
