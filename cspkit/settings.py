"""cspkit.toml, read once and passed on; it holds no secret."""

from __future__ import annotations

import re
import tomllib
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cspkit import validation
from cspkit.errors import SettingsError
from cspkit.policy import Policy

FILE = "cspkit.toml"
WARM: Literal["warm"] = "warm"
STOCK: Literal["stock"] = "stock"
ENGINES = (WARM, STOCK)
_SECRET = re.compile("password|secret|token$", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+")


class Service(BaseModel):
    """Which Partner Center and Graph to speak to, and as whom; tokens come from elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["rehearsal", "tenant"] = "rehearsal"
    partner_tenant: str = Field(
        "00000000-0000-4000-8000-000000000001",
        pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    )
    partner_center: str = "http://127.0.0.1:8765"
    graph: str = "http://127.0.0.1:8765/graph"
    access_group: str = Field(
        "",
        pattern="^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
        description="the partner's security group that gets access by GDAP",
    )
    connect_timeout: float = Field(10, gt=0, le=300, description="seconds")
    read_timeout: float = Field(60, gt=0, le=300, description="seconds")
    authority: str = Field(
        "https://login.microsoftonline.com", description="who signs in; national clouds differ"
    )
    partner_center_audience: str = Field("", description="of tokens; else the address itself")
    graph_audience: str = Field("", description="of tokens; else the address itself")
    price_sheets: str = Field("", description="their own address; else Microsoft's")
    azure_billing: str = Field("", description="of customers' Azure billing; else Microsoft's")
    allowed_hosts: tuple[str, ...] = Field((), description="other addresses a link may lead to")
    calls_per_minute: float | None = Field(None, gt=0, description="to Partner Center")
    graph_calls_per_minute: float | None = Field(None, gt=0, description="to Graph, per tenant")
    by_hand: bool = Field(False, description="nobody calls the service: lines for a provider")
    invitation_link: str = Field("", description="by hand: the link that invites customers")
    invitation_links: dict[str, str] = Field(
        default_factory=dict, description="by hand: links of the resellers, by reseller_id"
    )
    client_id: str = Field("", description="the app of the secure application model")
    refresh_token_file: str = Field("", description="where its user's refresh token is kept")

    @field_validator(
        *("partner_center", "graph", "authority", "price_sheets", "azure_billing"),
        *("partner_center_audience", "graph_audience"),
    )
    @classmethod
    def _plain_address(cls, value: str, found: ValidationInfo) -> str:
        if not value and found.field_name not in ("partner_center", "graph", "authority"):
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("expected an address such as https://graph.microsoft.com")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("plain http is only for a rehearsal on this machine; use https")
        return value.rstrip("/")

    def audience(self, field: str) -> str:
        """Give what the tokens for `partner_center` or `graph` are made for."""
        parts = urlsplit(getattr(self, field))
        return getattr(self, f"{field}_audience") or f"{parts.scheme}://{parts.netloc}"

    @property
    def id(self) -> str:
        """Name the service that a ledger is bound to for life."""
        return f"{self.kind}:{self.partner_tenant}"


class Paths(BaseModel):
    """Where things are, relative to the workspace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exports: str = "exports"
    decisions: str = "decisions.xlsx"
    ledger: str = "sqlite:///ledger/cspkit.db"
    reports: str = "reports"


class Runs(BaseModel):
    """How notebooks are run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["warm", "stock"] = Field(
        WARM, description="warm: kernels forked from one that has imported; stock: each anew"
    )


class Letters(BaseModel):
    """What letters say of the partner, and who brings them; no password is kept here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    own: str = Field("", description="folder of the partner's own texts")
    invoicer: str = Field("", description="who invoices from now on")
    support: str = Field("", description="whom to call")
    remind_after_days: tuple[Annotated[int, Field(ge=1, le=365)], ...] = Field(
        (7, 14), description="days after an invitation when it is asked for again"
    )
    sender: str = Field(
        "", description="whom letters are from, such as Ana Ruiz <ana@cloud.example>"
    )
    smtp_host: str = Field("", description="who carries letters; empty: they stay drafts")
    smtp_port: int = Field(0, ge=0, le=65535, description="0: the usual one of smtp_security")
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = Field("", description="who signs in; the password is in the environment")

    @model_validator(mode="after")
    def _can_send(self) -> Letters:
        name, address = parseaddr(self.sender)
        if self.smtp_host and not self.sender:
            raise ValueError("sender is needed where smtp_host is set")
        if self.sender and not _ADDRESS.fullmatch(address):
            raise ValueError(f"sender: expected Name <name@domain>, found {self.sender!r}")
        if not self.sender.isprintable() or not name.isprintable():
            raise ValueError(f"sender: expected one line, found {self.sender!r}")
        if self.smtp_security == "none" and self.smtp_user and not self.on_this_machine:
            raise ValueError("smtp_security: none would send the password of smtp_user in clear")
        return self

    @property
    def sender_name(self) -> str:
        """Name whom letters are from."""
        return parseaddr(self.sender)[0]

    @property
    def sender_address(self) -> str:
        """Give the address that letters are from, and that comes to know what bounced."""
        return parseaddr(self.sender)[1]

    @property
    def on_this_machine(self) -> bool:
        """Say whether mail goes no further than this machine."""
        return self.smtp_host in ("127.0.0.1", "localhost", "::1")


class Settings(BaseModel):
    """All settings of one workspace; `root` is the folder that relative paths start from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path = Field(default_factory=Path.cwd, exclude=True)
    service: Service = Field(default_factory=Service)
    paths: Paths = Field(default_factory=Paths)
    policy: Policy = Field(default_factory=Policy)
    letters: Letters = Field(default_factory=Letters)
    runs: Runs = Field(default_factory=Runs)
    channels: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="rules of channels.toml to override, by channel"
    )

    @classmethod
    def read(cls, path: Path | str) -> Settings:
        """Read a cspkit.toml, or the one in a workspace folder.

        Raises SettingsError that names the file and the first wrong field.
        """
        file = Path(path)
        if file.is_dir():
            file = file / FILE
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SettingsError(file, "file", "not found; `cspkit init` makes one") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise SettingsError(file, "file", f"cannot be read: {error}") from error
        try:
            return cls(root=file.parent.resolve(), **data)
        except ValidationError as error:
            field, problem = validation.first(error)
            if _SECRET.search(field):
                problem = "secrets are not kept in this file; see CSPKIT_SMTP_PASSWORD and its like"
            raise SettingsError(file, field, problem) from error
        except TypeError as error:
            raise SettingsError(file, "root", "cannot be set in the file") from error

    def path(self, relative: str) -> Path:
        """Resolve a path of this workspace."""
        return (self.root / relative).resolve()

    @property
    def exports(self) -> Path:
        """Folder of the export files."""
        return self.path(self.paths.exports)

    @property
    def decisions(self) -> Path:
        """Workbook with the decisions that no export holds."""
        return self.path(self.paths.decisions)

    @property
    def reports(self) -> Path:
        """Folder that runs and reports write to."""
        return self.path(self.paths.reports)

    @property
    def ledger_url(self) -> str:
        """Address of the ledger, with a relative SQLite file placed in the workspace."""
        prefix = "sqlite:///"
        url = self.paths.ledger
        if not url.startswith(prefix):
            return url
        return prefix + self.path(url.removeprefix(prefix)).as_posix()
