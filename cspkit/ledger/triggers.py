"""The rules that no constraint can say: what was written stays, and a state has one past."""

from __future__ import annotations

from sqlalchemy import DDL, Table, event
from sqlalchemy.schema import ExecutableDDLElement

from cspkit.ledger import schema

_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {refused} THEN RAISE EXCEPTION '{message}'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$
"""
_ALWAYS = "1 = 1"


def _refuse(table: Table, when: str, *, refused: str = _ALWAYS, message: str) -> None:
    """Make the database refuse UPDATE or DELETE of a row of the table when `refused` is true."""
    name = f"{table.name}_{when.lower()}"
    head = f"CREATE TRIGGER {name} BEFORE {when} ON {table.name}"
    message = f"{table.name}: {message}"
    texts = {
        "sqlite": [f"{head} WHEN {refused} BEGIN SELECT RAISE(ABORT, '{message}'); END"],
        "postgresql": [
            _FUNCTION.format(name=name, refused=refused, message=message),
            f"{head} FOR EACH ROW EXECUTE FUNCTION {name}_rule()",
        ],
    }
    for dialect, statements in texts.items():
        for text in statements:
            event.listen(table, "after_create", _ddl(text, dialect))


def _ddl(text: str, dialect: str) -> ExecutableDDLElement:
    made: ExecutableDDLElement = DDL(text)  # type: ignore[no-untyped-call]
    return made.execute_if(dialect=dialect)


_STATE = "COALESCE(NEW.prev, '') <> OLD.state"
_MOVED = (
    f"(NEW.state <> OLD.state OR COALESCE(NEW.prev, '') <> COALESCE(OLD.prev, '')) AND {_STATE}"
)

for _table in (schema.moves, schema.steps):
    _refuse(_table, "UPDATE", refused=_MOVED, message="prev must be the state that was left")
for _table in (schema.events, schema.approvals, schema.binding):
    _refuse(_table, "UPDATE", message="is append-only")
_refuse(
    schema.calls,
    "UPDATE",
    refused="OLD.outcome IS NOT NULL OR NEW.request_id <> OLD.request_id "
    "OR NEW.body_hash <> OLD.body_hash OR NEW.sent_at <> OLD.sent_at",
    message="only an open call may get its outcome, once",
)
for _table in (
    schema.events,
    schema.approvals,
    schema.binding,
    schema.runs,
    schema.moves,
    schema.move_originals,
    schema.steps,
    schema.letters,
    schema.calls,
    schema.holds,
):
    _refuse(_table, "DELETE", message="nothing is deleted from the ledger")
