"""One plan as it is written to disk: sealed by its hash, read back or refused."""

from __future__ import annotations

import hashlib
import json
from datetime import date as Day
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from cspkit import validation, writing
from cspkit.errors import CspkitError, PlanRefused
from cspkit.planfile.parts import (
    Optimum,
    Part,
    PlannedBatch,
    PlannedCustomer,
    PlannedMove,
    Rule,
    Saving,
    Source,
    Unplaced,
    outside,
)

SCHEMA = Path(__file__).with_name("plan.schema.json")
_JSON = TypeAdapter(Any)


class PlanFile(Part):
    """A whole plan. `currency` is that of its total, missing where the policy chose none."""

    format: Literal[2] = 2
    service: str
    as_of: Day
    start: Day
    policy: dict[str, Any]
    currency: str | None = None
    rules: list[Rule] = Field(default_factory=list)
    sources: list[Source] = Field(default_factory=list)
    moves: list[PlannedMove]
    batches: list[PlannedBatch]
    customers: list[PlannedCustomer]
    unplaced: list[Unplaced] = outside()
    savings: list[Saving] = outside()
    objective: str = outside()
    optimum: Optimum | None = outside(None)
    replaces: str = outside("")
    hash: str = outside("")
    made_by: str = outside("")
    made_at: datetime | None = outside(None)

    def sealed(self) -> PlanFile:
        """Return the plan with the hash of its content."""
        return self.model_copy(update={"hash": self.content_hash()})

    def content_hash(self) -> str:
        """Hash all that decides what is executed, in canonical JSON."""
        content = _JSON.dump_python(self.executed(), mode="json")
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def write(self, path: Path) -> None:
        """Write the plan so that a reader sees the old file or the new one, never a half."""
        data = {"$schema": SCHEMA.name, **self.model_dump(mode="json")}
        text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
        try:
            writing.write(path, text)
        except OSError as error:
            raise CspkitError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def read(cls, path: Path) -> PlanFile:
        """Read a plan; raises PlanRefused where its content does not match its hash."""
        try:
            text = path.read_text(encoding="utf-8")
            data = json.loads(text)
            if "\\ud" in text.lower():
                json.dumps(data, ensure_ascii=False).encode()
        except FileNotFoundError:
            raise CspkitError(f"{path}: not found; `cspkit plan` makes a plan") from None
        except (OSError, ValueError, RecursionError) as error:
            raise CspkitError(f"{path}: expected a plan as JSON: {error}") from error
        plan = _validated(path, data)
        if plan.hash != plan.content_hash():
            raise PlanRefused(
                f"{path}: the plan was edited after it was made: expected the hash"
                f" {plan.content_hash()[:12]}..., found {plan.hash[:12]!r}; make a new plan"
            )
        return plan


def _validated(path: Path, data: Any) -> PlanFile:
    if isinstance(data, dict):
        data = {name: value for name, value in data.items() if name != "$schema"}
        if data.get("format") == 1:
            raise PlanRefused(f"{path}: made by an older cspkit (format 1, now 2); plan again")
    try:
        return PlanFile.model_validate(data)
    except ValidationError as error:
        field, problem = validation.first(error)
        problem = f"{field}: {problem}; a plan is made by `cspkit plan`, not edited"
        raise PlanRefused(f"{path}: {problem}") from error


def published_schema() -> str:
    """Describe the plan file as a JSON Schema, as text; fields outside the hash are marked."""
    described = PlanFile.model_json_schema()
    described["properties"] |= {"$schema": {"type": "string"}}
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_schema() -> Path:
    """Write the published schema beside this module, after a change of the models."""
    SCHEMA.write_text(published_schema(), encoding="utf-8", newline="\n")
    return SCHEMA
