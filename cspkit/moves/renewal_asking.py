"""One letter asks for the renewals of all originals of a customer that the same people can stop."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from cspkit import letters
from cspkit.channels import Rule
from cspkit.ledger import EndRow, Lease
from cspkit.moves.desk import Desk, Overtaken
from cspkit.moves.posting import licences, post
from cspkit.moves.rows import Subject
from cspkit.planning import PlannedMove
from cspkit.tables import Channel, EndState

KINDS = {"customer": "renewal-off", "current_partner": "partner"}
# Licences under the Microsoft Customer Agreement are found in the same place, however they came.
_PLACES = {Channel.MCA_E: Channel.DIRECT_MCA}
_WITH_STEPS = (Channel.DIRECT_MOSA, Channel.DIRECT_MCA)


@dataclass(frozen=True)
class Letter:
    """Which letter asks whoever can stop a renewal; `channel` decides where it says to click."""

    kind: str
    channel: str


def letter_for(rule: Rule) -> Letter | None:
    """Choose the letter that stops a renewal; None where no letter can say how."""
    kind = KINDS.get(rule.stopped_by)
    if kind is None:
        return None
    place = _PLACES.get(rule.channel, rule.channel)
    if kind == KINDS["customer"] and place not in _WITH_STEPS:
        return None
    return Letter(kind, place if kind == KINDS["customer"] else "")


Asked = tuple[PlannedMove, EndRow]


def ask(
    desk: Desk,
    one: Subject,
    letter: Letter,
    asked: list[Asked],
    row: EndRow,
    lease: Lease,
) -> str:
    """Write one letter about all `asked`, once for their ends, and note who was asked.

    Which originals a letter is about is kept before it is written: a run that is killed at any
    point writes the same letter again, and nobody is asked twice. Returns the letter's file.
    Raises NotPosted where it did not go out, SettingsError for what it lacks.
    """
    cycle = _begun(row, _ends_on(asked, row))
    if cycle:
        asked = [pair for pair in asked if _begun(pair[1], pair[0].expires_on) == cycle]
    else:
        asked = [pair for pair in asked if not _begun(pair[1], pair[0].expires_on)]
        cycle = _cycle(asked)
        for move, end in asked:
            noted = {"letter": cycle, "letter_for": move.expires_on.isoformat()}
            if not desk.ledger.note_end(end, run_id=desk.run_id, lease=lease, evidence=noted):
                raise Overtaken
    moves = list({move.move_id: move for move, _ in asked}.values())
    by = max(min(move.renewal_safe_on for move in moves), desk.today)
    fields: dict[str, letters.Field] = {"originals": licences(moves), "by": by}
    made = post(desk, one, letter.kind, fields, cycle, channel=letter.channel)
    for _, end in asked:
        why = f"asked by letter {made.file}"
        desk.move_end(end, EndState.ASKED, lease, reason=why, way="letter")
    return made.file


def _ends_on(asked: list[Asked], row: EndRow) -> date | None:
    return next((move.expires_on for move, end in asked if end.original == row.original), None)


def _begun(row: EndRow, ends: date | None) -> str:
    """Name the letter that an original was meant for, if it was for this end of its term."""
    facts = row.facts
    mine = ends is not None and facts.get("letter_for") == ends.isoformat()
    return str(facts.get("letter", "")) if mine else ""


def _cycle(asked: list[Asked]) -> str:
    """Name a letter by what it is about, so that another plan cannot ask for the same again."""
    about = sorted(f"{end.original} {move.expires_on}" for move, end in asked)
    return hashlib.sha256("\n".join(about).encode()).hexdigest()[:12]
