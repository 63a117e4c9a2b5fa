"""Every error that cspkit raises on purpose; each class carries its exit code.

CspkitError
  ExportError        export files that cannot be read: path, problems (all of them)
  SettingsError      cspkit.toml or decisions.xlsx: file, field
  LedgerError        the ledger cannot be opened, bound or written
  PlanRefused        unapproved, edited, beyond its horizon, or for another service
  ApiError           method, url, status, request id, correlation id, raw body
    ApiRefused       a (status, code) known to have done nothing; 429 with its wait
    ApiUnavailable   a read that failed, or a write that surely never left: may repeat
    ApiUnclear       every other answer to a write: reconcile, never resend
  RunbookError       notebook, cell, receipt
    UnknownParameter a parameter that the runbook does not declare
"""

from __future__ import annotations

from pathlib import Path

DONE, FAILED_MOVES, BAD_INPUT, REFUSED, SERVICE_FAILED = 0, 1, 2, 3, 4


class CspkitError(Exception):
    """Base of all errors raised on purpose: one line that says what, where and what to do."""

    exit_code = BAD_INPUT


class ExportError(CspkitError):
    """Export files that cannot be read; lists every problem, not the first."""

    def __init__(self, path: Path | str, problems: list[str]) -> None:
        self.path = str(path)
        self.problems = problems
        count = f"{len(problems)} problems; first: " if len(problems) > 1 else ""
        super().__init__(" ".join(f"{path}: {count}{problems[0]}".split("\n")))


class SettingsError(CspkitError):
    """A field of cspkit.toml or a cell of decisions.xlsx that cannot be used."""

    def __init__(self, file: Path | str, field: str, problem: str) -> None:
        self.file = str(file)
        self.field = field
        super().__init__(f"{file}: {field}: {problem}")


class LedgerError(CspkitError):
    """The ledger cannot be opened, belongs to another service, or refused a write."""

    exit_code = REFUSED


class PlanRefused(CspkitError):
    """A plan that must not run: unapproved, edited, beyond its horizon, for another service."""

    exit_code = REFUSED


class ApiError(CspkitError):
    """An answer of the outside service, or its absence, that stops a call."""

    exit_code = SERVICE_FAILED

    def __init__(
        self,
        message: str,
        *,
        method: str,
        url: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        correlation_id: str | None = None,
        body: str = "",
    ) -> None:
        self.method = method
        self.url = url
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.correlation_id = correlation_id
        self.body = body
        super().__init__(message)


class ApiRefused(ApiError):
    """The service said no, and the (status, code) is known to have changed nothing."""


class ApiUnavailable(ApiError):
    """A read that failed, or a write that surely never left this machine: may be repeated."""


class ApiUnclear(ApiError):
    """A write whose outcome is not known: read back and reconcile, never send again."""


class RunbookError(CspkitError):
    """A runbook that failed; the executed notebook is kept at receipt."""

    exit_code = FAILED_MOVES

    def __init__(
        self,
        message: str,
        *,
        notebook: str = "",
        cell: int | None = None,
        receipt: Path | None = None,
    ) -> None:
        self.notebook = notebook
        self.cell = cell
        self.receipt = receipt
        super().__init__(message)


class UnknownParameter(RunbookError):
    """A parameter that the runbook does not declare, or a value of the wrong type."""

    exit_code = BAD_INPUT
