"""Without access to a tenant: what the customer's own dated licence export proves, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cspkit.errors import ApiRefused, ExportError, SettingsError
from cspkit.exports import units
from cspkit.exports.units import Units
from cspkit.ledger import MoveRow
from cspkit.moves.desk import Desk
from cspkit.planning import PlannedMove
from cspkit.tables import MoveState

CLOSED = (401, 403)
NO_ACCESS = "the customer's tenant cannot be looked into yet: run the access step"
CELLS = "licence_export and licence_export_on in decisions.xlsx"


@dataclass(frozen=True)
class Evidence:
    """A licence export that people named: its file, its day, and the seats by skuId."""

    file: str
    on: date
    units: dict[str, Units]

    def of(self, sku_id: str) -> Units:
        """Give the seats of a skuId; one that the export lacks has none."""
        return self.units.get(sku_id, Units(0, 0))

    @property
    def as_detail(self) -> dict[str, object]:
        """Give what the ledger keeps of it."""
        users = {sku_id: one.consumed for sku_id, one in sorted(self.units.items())}
        return {"export": self.file, "export_on": self.on.isoformat(), "users": users}

    @property
    def as_text(self) -> str:
        """Name it for a reason."""
        return f"{self.file} of {self.on}"


def is_closed(error: ApiRefused) -> bool:
    """Say whether a refusal means that the tenant does not let us in."""
    return error.status in CLOSED


def named(desk: Desk, customer_id: str) -> tuple[str, date] | None:
    """Give file and day of the licence export that decisions name for a customer."""
    row = desk.said.get(customer_id, {})
    name, on = row.get("licence_export"), row.get("licence_export_on")
    if not name:
        return None
    if on is None or on > desk.today:
        problem = f"expected the day on which {name!r} was made, until {desk.today}, found {on}"
        raise SettingsError(desk.settings.decisions, "licence_export_on", problem)
    return str(name), on


def read(desk: Desk, customer_id: str) -> Evidence | None:
    """Read that export from the folder of exports; None where decisions name none.

    Raises SettingsError for a file outside that folder, without a day, or that cannot be read.
    """
    found = named(desk, customer_id)
    if found is None:
        return None
    name, on = found
    folder = desk.settings.exports.resolve()
    file = (folder / name).resolve()
    if not file.is_relative_to(folder):
        problem = f"expected a file in {folder.name}/, found {name!r}"
        raise SettingsError(desk.settings.decisions, "licence_export", problem)
    try:
        return Evidence(name, on, units.read(file))
    except ExportError as error:
        raise SettingsError(desk.settings.decisions, "licence_export", str(error)) from error


def shows_seats(desk: Desk, row: MoveRow) -> tuple[str, Evidence | None]:
    """Say why an export does not prove the seats of a move; empty when it does, with the proof.

    It must be of the day of the order or later, and show all replacements of that skuId beside
    the originals of it that still run.
    """
    found = read(desk, row.customer_id)
    if found is None:
        return f"{NO_ACCESS}, or name a licence export of the customer: {CELLS}", None
    since = row.ordered_at.date() if row.ordered_at else None
    if since is not None and found.on < since:
        return f"{found.as_text} is older than the order of {since}: ask for a newer one", found
    running = sum(
        move.original_seats or move.seats
        for move in _of_sku(desk, row.customer_id, row.target_sku_id)
        if move.expires_on >= found.on
    )
    others = desk.ledger.replaced_seats(row.customer_id, row.target_sku_id, besides=row.move_id)
    needed = row.seats + others + running
    seen = found.of(row.target_sku_id).enabled
    if seen < needed:
        return f"{found.as_text} shows {seen} seats of {row.target_sku_id}, not {needed}", found
    return "", found


def shows_users(desk: Desk, row: MoveRow) -> tuple[str, Evidence | None]:
    """Say why an export does not prove that the users changed; empty when it does.

    It counts, it names nobody: of the old product no more users are left than seats of it go on,
    and where the seats were checked by an export too, whoever left the old one has a new one.
    """
    found = read(desk, row.customer_id)
    if found is None:
        return f"{NO_ACCESS}, or name a licence export of the customer: {CELLS}", None
    since = row.verified_at.date() if row.verified_at else None
    if since is not None and found.on < since:
        return f"{found.as_text} is older than the check of the seats, {since}", found
    old, new = found.of(row.sku_id), found.of(row.target_sku_id)
    going = sum(
        move.original_seats or move.seats
        for move in _of_sku(desk, row.customer_id, row.sku_id)
        if not move.same_offer and move.expires_on >= found.on and _is_over(desk, move, row)
    )
    kept = max(old.enabled - going, 0)
    if old.consumed > kept:
        return f"{found.as_text}: {old.consumed} users hold {row.sku_id}, {kept} may", found
    if not new.consumed:
        return f"{found.as_text}: nobody holds {row.target_sku_id}", found
    lost = _lost(desk, row, found)
    if lost > 0:
        return f"{found.as_text}: {lost} users left {row.sku_id} and have no new licence", found
    return "", found


def _of_sku(desk: Desk, customer_id: str, sku_id: str) -> list[PlannedMove]:
    return [one for one in desk.planned.get(customer_id, []) if one.sku_id == sku_id]


def _is_over(desk: Desk, move: PlannedMove, row: MoveRow) -> bool:
    """Say whether a move is this one, or has reassigned its users already."""
    if move.move_id == row.move_id:
        return True
    known = desk.ledger.move(move.move_id)
    return known is not None and known.state is MoveState.REASSIGNED


def _lost(desk: Desk, row: MoveRow, found: Evidence) -> int:
    """Count who left the old product since its seats were checked, and came to no new one."""
    before = _checked_by(desk, row)
    if before is None:
        return 0
    targets = {
        one.target_sku_id
        for one in _of_sku(desk, row.customer_id, row.sku_id)
        if one.target_sku_id and not one.same_offer
    }
    came = sum(found.of(sku_id).consumed - before.get(sku_id, 0) for sku_id in targets)
    return before.get(row.sku_id, 0) - found.of(row.sku_id).consumed - came


def _checked_by(desk: Desk, row: MoveRow) -> dict[str, int] | None:
    """Give the users by skuId in the export by which the seats were checked, if one was."""
    counted = desk.ledger.told(row.move_id, MoveState.VERIFIED).get("users")
    return {str(key): int(value) for key, value in counted.items()} if counted else None
