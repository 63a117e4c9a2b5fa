"""A workspace: the folder with cspkit.toml, exports, decisions, ledger and reports."""

from __future__ import annotations

from pathlib import Path

from cspkit import decisions
from cspkit.errors import SettingsError
from cspkit.settings import FILE, Service, Settings

TEMPLATE = """\
# Settings of one cspkit workspace. No secret belongs in this file.
# Every field that is left out keeps its careful default; the README explains them.

[service]
kind = "{kind}"                     # "rehearsal" on this machine, or "tenant" for the real service
partner_tenant = "{partner_tenant}"
partner_center = "{partner_center}"
graph = "{graph}"

[paths]                                 # relative to this folder
exports = "exports"
decisions = "decisions.xlsx"
ledger = "sqlite:///ledger/cspkit.db"   # a team shares a PostgreSQL ledger instead
reports = "reports"

[policy]
country = "ES"                          # whose working days count
subdivision = "MD"
relationship_days = 21                  # invitation sent to accepted
access_days = 7                         # access asked to active
moves_per_day = 25
invitations_per_day = 50
order_on_friday = false
use_grace = false
# currency = "EUR"                      # of a plan's total; prices in others need their rate:
# rates = {{ USD = 0.90 }}                # what one of them is in the plan's currency

[letters]                               # drafts in reports/outbox, until a server is set
# invoicer = "Sur Cloud S.L."           # who invoices from now on; the last letter says it
# support = "+34 600 000 000"           # whom to call; so does this
# sender = "Sur Cloud <moves@surcloud.example>"
# smtp_host = "smtp.surcloud.example"   # its password: CSPKIT_SMTP_PASSWORD in the environment
# smtp_user = "moves@surcloud.example"
"""


def init(folder: Path, service: Service | None = None) -> Settings:
    """Make a workspace in folder and return its settings; nothing that is there is overwritten.

    Raises SettingsError when the folder already holds a cspkit.toml or cannot be written.
    """
    service = service or Service()
    file = folder / FILE
    if file.exists():
        raise SettingsError(file, "file", "already there; edit it, or choose another folder")
    try:
        for name in ("exports", "ledger", "reports"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        decisions.write(folder / "decisions.xlsx", None)
        file.write_text(
            TEMPLATE.format(
                kind=service.kind,
                partner_tenant=service.partner_tenant,
                partner_center=service.partner_center,
                graph=service.graph,
            ),
            encoding="utf-8",
        )
    except OSError as error:
        raise SettingsError(folder, "folder", f"cannot be written: {error.strerror}") from error
    return Settings.read(file)
