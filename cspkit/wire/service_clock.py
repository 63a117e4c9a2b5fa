"""The time of a rehearsal, which stands still until somebody moves it."""

from __future__ import annotations

from datetime import datetime

from cspkit.errors import ApiError, ApiRefused, ApiUnavailable
from cspkit.wire.sessions import Wire

PATH = "/control/clock"


class ServiceClock:
    """A clock that asks the rehearsal what time it is, each time."""

    def __init__(self, wire: Wire) -> None:
        """Ask over a wire to the rehearsal's own address."""
        self._wire = wire

    def now(self) -> datetime:
        """Return the rehearsal's instant; raise ApiUnavailable when it shows none."""
        try:
            answer = self._wire.read(PATH, tenant=None)
        except ApiRefused as error:
            raise self._hidden(error.status) from error
        found = answer.record.instant("now")
        if found is None:
            raise self._hidden(answer.status)
        return found

    def _hidden(self, status: int | None) -> ApiError:
        return ApiUnavailable(
            f"{self._wire.base_url} does not show its clock: it is not a rehearsal, or was "
            "started without its control",
            method="GET",
            url=self._wire.base_url + PATH,
            status=status,
        )
