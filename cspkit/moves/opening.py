"""Set up the desk of a run, or refuse it in one line before anything is sent."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from cspkit.azure_billing import AzureBilling
from cspkit.clock import Clock, SystemClock
from cspkit.errors import ApiError, SettingsError
from cspkit.graph import Graph
from cspkit.ledger import Ledger, Pace, new_holder
from cspkit.moves import guard
from cspkit.moves.costs import Sheets
from cspkit.moves.desk import Desk
from cspkit.partner_center import PartnerCenter, PriceSheets
from cspkit.planning import Plan
from cspkit.settings import FILE, Settings
from cspkit.tables import Mode
from cspkit.wire import (
    FixedTokens,
    NoTokens,
    ServiceClock,
    TokenProvider,
    Wire,
    dial,
    dial_azure,
    dial_price_sheets,
    sign_in,
)

# the wires whose calls the service counts for the partner, in the order of a desk's wires
PACES = ("partner_center", "graph")


def read_settings(config: str | Path | None) -> Settings:
    """Read the settings named, or those of this folder, or take the defaults."""
    if config:
        return Settings.read(config)
    return Settings.read(FILE) if Path(FILE).exists() else Settings()


def read_mode(mode: str) -> Mode:
    """Read a mode; raise SettingsError for a word that is none."""
    try:
        return Mode(mode)
    except ValueError:
        raise SettingsError("run", "mode", f"expected {', '.join(Mode)}, found {mode!r}") from None


def read_day(day: date | str | None) -> date | None:
    """Read a due day; raise SettingsError for what is none."""
    if day is None or isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise SettingsError("run", "due", f"expected YYYY-MM-DD, found {day!r}") from None


def open_desk(
    plan: Plan,
    mode: Mode,
    settings: Settings,
    tokens: TokenProvider | None,
    *,
    adapter: Any = None,
    clock: Clock | None = None,
) -> Desk:
    """Connect to service and ledger as the mode allows; a dry run may stay offline.

    Calls go by `adapter` where one is given, such as a rehearsal in the same process. `clock` is
    for work by hand, where no service tells the time.
    Raises SettingsError, PlanRefused or LedgerError when they do not belong together.
    """
    guard.check_mode(mode, settings)
    guard.check_plan(plan, settings)
    tokens, why_offline = _tokens(tokens, mode, settings)
    desk = _desk(plan, mode, settings, tokens, why_offline, adapter)
    if settings.service.by_hand:
        desk.clock = clock or SystemClock()
    try:
        _ = desk.said, desk.held_originals
        _connect(desk, tokens)
    except BaseException:
        desk.close()
        raise
    return desk


def reach(
    plan: Plan,
    mode: Mode,
    settings: Settings,
    tokens: TokenProvider | None,
    *,
    adapter: Any = None,
) -> Desk:
    """Connect to the service alone, for who only reads it; the ledger is theirs to open."""
    guard.check_mode(mode, settings)
    tokens, why_offline = _tokens(tokens, mode, settings)
    return _desk(plan, mode, settings, tokens, why_offline, adapter)


def _desk(
    plan: Plan,
    mode: Mode,
    settings: Settings,
    tokens: TokenProvider,
    why_offline: str,
    adapter: Any,
) -> Desk:
    wires = _wires(settings, tokens, adapter)
    clock: Clock = SystemClock()
    if settings.service.kind == "rehearsal" and not settings.service.by_hand:
        clock = ServiceClock(wires[0])
    return Desk(
        settings=settings,
        plan=plan,
        mode=mode,
        clock=clock,
        partner_center=PartnerCenter(wires[0], settings.service.partner_tenant),
        graph=Graph(wires[1], settings.service.partner_tenant),
        holder=new_holder(),
        why_offline=why_offline,
        wires=wires,
        sheets=Sheets(PriceSheets(wires[2], settings.service.partner_tenant)),
        azure=AzureBilling(wires[3]),
    )


def _connect(desk: Desk, tokens: TokenProvider) -> None:
    url = desk.settings.ledger_url
    if desk.mode is Mode.DRY:
        _try_live(desk)
        desk.ledger = Ledger.glance(url, clock=desk.clock)
        desk.ledger.check_binding(desk.settings.service.id)
        return
    if desk.mode is Mode.LIVE and not desk.by_hand:
        guard.check_sign_in(tokens, desk.settings)
    desk.clock.now()
    desk.ledger = Ledger(url, clock=desk.clock)
    desk.ledger.bind(desk.settings.service.id)
    share_pace(desk, desk.ledger)


def share_pace(desk: Desk, ledger: Ledger) -> None:
    """Share the partner's pace with all who work with the same ledger on a server.

    Not that of a customer's tenant: two runs are never at work there at once.
    """
    if not ledger.is_shared:
        return
    for name, wire in zip(PACES, desk.wires, strict=False):
        wire.limiter.share(desk.settings.service.partner_tenant, Pace(ledger, name))


def _try_live(desk: Desk) -> None:
    """Read what every step reads first; a dry run goes on without it."""
    try:
        if desk.online:
            desk.clock.now()
            _ = desk.customers
    except (ApiError, SettingsError) as error:
        desk.why_offline = str(error)
    if not desk.online and not desk.by_hand:
        desk.clock = SystemClock()


def _tokens(
    given: TokenProvider | None, mode: Mode, settings: Settings
) -> tuple[TokenProvider, str]:
    if settings.service.by_hand:
        return NoTokens(), "work is done by hand, so nobody calls the service"
    if given is not None:
        return given, ""
    if settings.service.kind == "rehearsal":
        return FixedTokens(), ""
    if mode is Mode.LIVE:
        return sign_in(settings.service, settings.root, ask=True), ""
    try:
        return sign_in(settings.service, settings.root, ask=False), ""
    except SettingsError as error:
        return NoTokens(), str(error)


def _wires(settings: Settings, tokens: TokenProvider, adapter: Any) -> tuple[Wire, ...]:
    service = settings.service
    return (
        dial(service, "partner_center", tokens, adapter=adapter),
        dial(service, "graph", tokens, adapter=adapter),
        dial_price_sheets(service, tokens, adapter=adapter),
        dial_azure(service, tokens, adapter=adapter),
    )
