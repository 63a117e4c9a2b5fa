"""This computer: Python, the packages, and a kernel that finds them."""

from __future__ import annotations

import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from cspkit.doctor.findings import FAILED, OK, Finding

_CODE = "import sys, cspkit; print(sys.executable)"
_SECONDS = 60
_INSTALL = "python -m pip install cspkit"


def versions() -> Iterator[Finding]:
    """Name the versions, and what is missing of what cspkit needs."""
    running = f"Python {platform.python_version()}, cspkit {version('cspkit')}"
    yield Finding("versions", OK, f"{running}, on {platform.platform(terse=True)}")
    missing = [name for name in _needed() if not _installed(name)]
    if missing:
        said = f"not installed: {', '.join(missing)}"
        yield Finding("packages", FAILED, said, f"{_INSTALL}, in the same environment")
    else:
        yield Finding("packages", OK, f"{len(_needed())} packages that cspkit needs are there")


def kernel() -> Iterator[Finding]:
    """Start a real kernel and see which Python it is."""
    import nbformat
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    from cspkit.runbooks.kernel import transport

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(_CODE)])
    try:
        with tempfile.TemporaryDirectory(prefix="cspkit-") as sockets:
            how = transport(sockets)
            NotebookClient(book, timeout=_SECONDS, kernel_name="python3", config=how).execute()
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
        yield Finding("kernel", OK, "".join(out.text for out in book.cells[0].outputs).strip())


def _needed() -> list[str]:
    lines = requires("cspkit") or []
    return [
        re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0] for line in lines if "extra ==" not in line
    ]


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
