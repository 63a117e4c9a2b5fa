"""One rule for all tests: where CSPKIT_NO_SKIPS is set, a skipped test is a failed test."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure that says what was skipped."""
    report = yield
    if report.skipped and os.environ.get("CSPKIT_NO_SKIPS"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skips are failures here (CSPKIT_NO_SKIPS): {reason}"
    return report
