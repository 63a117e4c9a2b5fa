"""Many calls in one: at most 20 at a time, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cspkit.errors import ApiError, ApiUnavailable
from cspkit.graph.calling import Caller, route
from cspkit.wire import Answer, Record, Sent
from cspkit.wire.faults import Said, of_answer, of_silence

MOST = 20
ROUNDS = 5
THROTTLED = 429
_VERSION = "/v1.0"


@dataclass(frozen=True)
class Part:
    """One call of a batch; `after` names parts that must succeed before it."""

    id: str
    method: str
    path: str
    body: Any = None
    after: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give it as Graph wants it: a relative address, and a type where there is a body."""
        made: dict[str, Any] = {
            "id": self.id,
            "method": self.method,
            "url": self.path.removeprefix(_VERSION),
        }
        if self.body is not None:
            made |= {"headers": {"Content-Type": "application/json"}, "body": self.body}
        return made | ({"dependsOn": list(self.after)} if self.after else {})


Outcome = Answer | ApiError


class Batching(Caller):
    """The verbs of batches. An error is an outcome here, so that no part hides the others."""

    def read_batch(self, customer_id: str, parts: Sequence[Part]) -> dict[str, Outcome]:
        """Read many things; parts that were throttled are asked again after the pause.

        Raises ValueError for a part that is no GET: reads are repeated, writes never are.
        """
        if any(part.method != "GET" for part in parts):
            raise ValueError("expected only GET in a batch of reads")
        outcomes: dict[str, Outcome] = {}
        for some in _chunks(parts):
            outcomes |= self._read_some(customer_id, some)
        return outcomes

    def write_batch(
        self, customer_id: str, parts: Sequence[Part], request_id: str
    ) -> dict[str, Outcome]:
        """Send at most 20 writes, once: throttled ones are refused, the caller sends them again.

        Raises what `Wire.write` raises when the batch as a whole got no clear answer: then each
        part has to be read back.
        """
        if len(parts) > MOST:
            raise ValueError(f"expected at most {MOST} parts, found {len(parts)}")
        answer = self._wire.write(
            "POST",
            route("batch").path,
            tenant=customer_id,
            request_id=request_id,
            body=_body(parts),
            weight=len(parts),
        )
        return self._outcomes(customer_id, parts, answer, wrote=True)

    def _read_some(self, customer_id: str, parts: Sequence[Part]) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        left = list(parts)
        for _ in range(ROUNDS):
            answer = self._wire.read(
                route("batch").path, tenant=customer_id, body=_body(left), weight=len(left)
            )
            outcomes |= self._outcomes(customer_id, left, answer, wrote=False)
            left = [part for part in left if _is_throttled(outcomes[part.id])]
            if not left:
                break
        return outcomes

    def _outcomes(
        self, customer_id: str, parts: Sequence[Part], answer: Answer, *, wrote: bool
    ) -> dict[str, Outcome]:
        found = {one.text("id"): one for one in answer.record.records("responses")}
        outcomes = {
            part.id: _outcome(part, found.get(part.id, Record(None)), answer, wrote=wrote)
            for part in parts
        }
        waits = [
            one.retry_after or 1.0
            for one in outcomes.values()
            if isinstance(one, ApiError) and one.status == THROTTLED
        ]
        if waits:
            self._wire.limiter.hold(customer_id, max(waits))
        return outcomes


def _outcome(part: Part, found: Record, answer: Answer, *, wrote: bool) -> Outcome:
    """Judge one part as if it had been a call; one without an answer is as unclear as silence."""
    status = found.whole("status") or 0
    headers = {str(name).title(): str(one) for name, one in found.record("headers").data.items()}
    if 200 <= status < 300:
        body = found.get("body")
        return Answer(status, body, headers, answer.request_id, answer.correlation_id)
    sent = Sent(part.method, part.path, answer.request_id, answer.correlation_id, wrote=wrote)
    if not status:
        return of_silence(sent, "the batch holds no answer to this part", unsent=not wrote)
    body = found.get("body")
    return of_answer(sent, Said.of(status, body, headers, str(body)))


def _is_throttled(outcome: Outcome) -> bool:
    return isinstance(outcome, ApiUnavailable) and outcome.status == THROTTLED


def _body(parts: Sequence[Part]) -> dict[str, Any]:
    return {"requests": [part.as_json() for part in parts]}


def _chunks(parts: Sequence[Part]) -> list[list[Part]]:
    left = iter(parts)
    return list(iter(lambda: list(islice(left, MOST)), []))
