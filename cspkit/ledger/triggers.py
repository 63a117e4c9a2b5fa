"""The rules that no constraint can say: what was written stays, and a state has one past."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

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


@dataclass(frozen=True)
class Rule:
    """Rows of a table that the database itself refuses to update or delete."""

    table: str
    when: str
    message: str
    refused: str = _ALWAYS
    about: str = ""

    @property
    def name(self) -> str:
        """Name the trigger."""
        return "_".join(filter(None, (self.table, self.when.lower(), self.about)))

    def statements(self, dialect: str) -> list[str]:
        """Write the trigger for a database."""
        head = f"CREATE TRIGGER {self.name} BEFORE {self.when} ON {self.table}"
        message = f"{self.table}: {self.message}"
        if dialect == "sqlite":
            return [f"{head} WHEN {self.refused} BEGIN SELECT RAISE(ABORT, '{message}'); END"]
        return [
            _FUNCTION.format(name=self.name, refused=self.refused, message=message),
            f"{head} FOR EACH ROW EXECUTE FUNCTION {self.name}_rule()",
        ]


def install(connection: sa.Connection) -> None:
    """Put every rule of this version in the place of those that are there."""
    dialect = connection.dialect.name
    for rule in RULES:
        on = "" if dialect == "sqlite" else f" ON {rule.table}"
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {rule.name}{on}")
        for statement in rule.statements(dialect):
            connection.exec_driver_sql(statement)


def missing(connection: sa.Connection) -> list[str]:
    """Name the rules that somebody took out of the database."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if connection.dialect.name == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
    found = {str(name) for name in connection.exec_driver_sql(query).scalars()}
    return sorted({rule.name for rule in RULES} - found)


_STATE = "COALESCE(NEW.prev, '') <> OLD.state"
_MOVED = (
    f"(NEW.state <> OLD.state OR COALESCE(NEW.prev, '') <> COALESCE(OLD.prev, '')) AND {_STATE}"
)

_MOVES_OF = (
    "SELECT 1 FROM move_originals AS o JOIN moves AS m ON m.move_id = o.move_id "
    "WHERE o.service = NEW.service AND o.customer_id = NEW.customer_id "
    "AND o.original = NEW.original AND m.state NOT IN ('refused', 'undone')"
)
_OVER = "(m.state IN ('reassigned', 'closed') OR (m.state = 'verified' AND m.same_offer))"
_TOO_SOON = (
    "NEW.state = 'end_scheduled' AND OLD.state <> 'end_scheduled' AND "
    f"(NOT EXISTS ({_MOVES_OF}) OR EXISTS ({_MOVES_OF} AND NOT {_OVER}))"
)
_STILL_THERE = (
    "EXISTS (SELECT 1 FROM move_originals AS o WHERE o.move_id = NEW.move_id AND NOT EXISTS "
    "(SELECT 1 FROM ends AS e WHERE e.service = o.service AND e.customer_id = o.customer_id "
    "AND e.original = o.original AND e.state = 'ended'))"
)
_NOT_CLOSABLE = (
    "NEW.state = 'closed' AND OLD.state <> 'closed' AND "
    f"((OLD.state = 'verified' AND NOT NEW.same_offer) OR {_STILL_THERE})"
)
_ANOTHER = (
    "NEW.service <> OLD.service OR NEW.customer_id <> OLD.customer_id "
    "OR NEW.original <> OLD.original"
)
_SENT_AGAIN = (
    "(NEW.state = 'sending' AND OLD.state <> 'waiting') "
    "OR (OLD.state = 'sent' AND NEW.state NOT IN ('sent', 'bounced')) "
    "OR NEW.customer_id <> OLD.customer_id OR NEW.letter <> OLD.letter OR NEW.cycle <> OLD.cycle"
)

RULES = (
    Rule("moves", "UPDATE", "prev must be the state that was left", _MOVED),
    Rule(
        "steps",
        "UPDATE",
        "prev must be the state that was left, and only access is asked for again",
        f"({_MOVED}) OR (OLD.state = 'done' AND NEW.state = 'asked' AND NEW.step <> 'access')",
    ),
    Rule("ends", "UPDATE", "prev must be the state that was left", _MOVED),
    Rule("ends", "INSERT", "an end begins open", "NEW.state <> 'open'"),
    Rule("ends", "UPDATE", "whose end it is never changes", _ANOTHER, about="key"),
    Rule(
        *("ends", "UPDATE", "no end is scheduled before every replacement is verified"),
        *(_TOO_SOON, "too_soon"),
    ),
    Rule(
        *("moves", "UPDATE", "a move closes when it is over and all its originals ended"),
        *(_NOT_CLOSABLE, "closed"),
    ),
    *(Rule(name, "UPDATE", "is append-only") for name in ("events", "approvals", "binding")),
    Rule(
        "calls",
        "UPDATE",
        "only an open call may get its outcome, once",
        "OLD.outcome IS NOT NULL OR NEW.request_id <> OLD.request_id "
        "OR NEW.body_hash <> OLD.body_hash OR NEW.sent_at <> OLD.sent_at",
    ),
    Rule(
        "heads",
        "UPDATE",
        "a chain grows by one event",
        "NEW.seq <> OLD.seq + 1 OR NEW.run_id <> OLD.run_id",
    ),
    Rule("leases", "UPDATE", "a fence never falls", "NEW.fence < OLD.fence"),
    Rule("holds", "UPDATE", "a hold is released once", "OLD.released_at IS NOT NULL"),
    Rule("letters", "UPDATE", "a letter is written once", "OLD.written_at IS NOT NULL"),
    Rule("mails", "INSERT", "a mail begins waiting", "NEW.state <> 'waiting'"),
    Rule("mails", "UPDATE", "a mail goes out once, and only from waiting", _SENT_AGAIN),
    *(
        Rule(table.name, "DELETE", "nothing is deleted from the ledger")
        for table in (
            *(schema.events, schema.heads, schema.approvals, schema.binding, schema.runs),
            *(schema.moves, schema.move_originals, schema.steps, schema.letters, schema.calls),
            *(schema.holds, schema.leases, schema.move_transitions, schema.step_transitions),
            *(schema.ends, schema.end_transitions, schema.mails),
        )
    ),
)
