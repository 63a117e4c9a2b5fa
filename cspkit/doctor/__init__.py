"""What must be in order before a run, looked at without changing anything; and what to do."""

from cspkit.doctor.findings import FAILED, OK, WARNING, Finding, check

__all__ = ["FAILED", "OK", "WARNING", "Finding", "check"]
