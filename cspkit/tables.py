"""Columns, types, words and states: the one place where they are named."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MONEY = "decimal(18, 6)"
# What an export said longer ago is old: newer rows go before it, and nothing is ordered on it.
FRESH_DAYS = 14


@dataclass(frozen=True)
class Column:
    """One column: its name, its type in Ibis' words and what it means."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A named list of columns, in order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """List the column names in order."""
        return [column.name for column in self.columns]

    @property
    def schema(self) -> dict[str, str]:
        """Map column names to types, as `ibis.schema` takes it."""
        return {column.name: column.type for column in self.columns}


def _table(name: str, *columns: tuple[str, str, str]) -> Table:
    return Table(name, tuple(Column(*column) for column in columns))


class Channel(StrEnum):
    """Where an original was bought."""

    DIRECT_MOSA = "direct_mosa"
    DIRECT_MCA = "direct_mca"
    OPEN = "open"
    EA = "ea"
    MCA_E = "mca_e"
    CSP_LEGACY = "csp_legacy"
    CSP_NCE = "csp_nce"
    CSP_OTHER = "csp_other"
    UNKNOWN = "unknown"


class Route(StrEnum):
    """How an original can legally come over."""

    PURCHASE = "purchase"
    BUY_AT_TERM_END = "buy_at_term_end"
    PARTNER_TRANSFER = "partner_transfer"
    NCE_MIGRATION = "nce_migration"
    CHANNEL_TRANSFER = "channel_transfer"
    NONE = "none"


class Mode(StrEnum):
    """What a runbook may change outside: nothing, a rehearsal, or the real service."""

    DRY = "dry"
    REHEARSAL = "rehearsal"
    LIVE = "live"


class BlockerKind(StrEnum):
    """Whether a blocker is work of the programme, another road, or the end of the road."""

    TO_DO = "to_do"
    OTHER_ROUTE = "other_route"
    IMPOSSIBLE = "impossible"


class Step(StrEnum):
    """What is done once per customer, however many moves wait for it."""

    RELATIONSHIP = "relationship"
    AGREEMENT = "agreement"
    ACCESS = "access"


CUSTOMERS = _table(
    "customers",
    ("customer_id", "string", "tenant id, lower-case GUID"),
    ("name", "string", "company name as the best source writes it"),
    ("domain", "string", "primary domain, lower case"),
    ("market", "string", "country, ISO 3166 alpha-2"),
    ("language", "string", "language of letters, ISO 639-1"),
    ("relationship", "string", "relationship to the partner: reseller, none, ..."),
    ("seen_on", "date", "the day the row was true"),
    ("source_file", "string", "file the row was read from, relative to the loaded path"),
    ("source_row", "int64", "row in that file, the header being row 1 where it is the first"),
)

SUBSCRIPTIONS = _table(
    "subscriptions",
    ("subscription_id", "string", "id in the source, lower case"),
    ("customer_id", "string", "tenant id of its customer"),
    ("channel", "string", "where it was bought, a word of Channel"),
    ("product", "string", "product name as the source writes it; never a key"),
    ("sku_id", "string", "Entra skuId, lower-case GUID"),
    ("offer_id", "string", "legacy offer GUID or product:sku, as the source has it"),
    ("seats", "int64", "seats bought"),
    ("assigned_seats", "int64", "seats assigned to users, where the source knows"),
    ("term", "string", "P1M, P1Y or P3Y"),
    ("billing_cycle", "string", "monthly, annual or triennial"),
    ("starts_on", "date", "first day of the term, UTC"),
    ("expires_on", "date", "natural expiration: last day of the term, inclusive, UTC"),
    ("auto_renew", "boolean", "whether it renews by itself; missing where no source says"),
    ("status", "string", "active, warning, suspended, disabled, deleted, expired, pending"),
    ("is_trial", "boolean", "whether it is a trial"),
    ("unit_price", MONEY, "price per seat per billing cycle"),
    ("currency", "string", "ISO 4217"),
    ("base_subscription_id", "string", "the subscription this add-on belongs to"),
    ("seen_on", "date", "the day the export was true"),
    ("source_file", "string", "file the row was read from, relative to the loaded path"),
    ("source_row", "int64", "row in that file, the header being row 1 where it is the first"),
)

PRICES = _table(
    "prices",
    ("target_offer", "string", "product:sku; in a legacy list the GUID of the legacy offer"),
    ("title", "string", "name of the offer in the sheet; never a key"),
    ("market", "string", "country, ISO 3166 alpha-2; missing where the sheet has none"),
    ("currency", "string", "ISO 4217"),
    ("segment", "string", "commercial, education, nonprofit or government; missing if unsaid"),
    ("term", "string", "P1M, P1Y or P3Y"),
    ("billing_cycle", "string", "monthly, annual or triennial"),
    ("unit_price", MONEY, "the partner's cost per seat per billing cycle"),
    ("erp_price", MONEY, "list price per seat per billing cycle, as Microsoft proposes it"),
    ("valid_from", "date", "first day of the price; missing when it always held"),
    ("valid_to", "date", "last day of the price, inclusive; missing when no end is set"),
    ("source_file", "string", "file the row was read from, relative to the loaded path"),
    ("source_row", "int64", "row in that file"),
)

OFFERS = _table(
    "offers",
    ("sku_id", "string", "Entra skuId that the offer carries (ProvisioningId), lower-case GUID"),
    ("target_offer", "string", "product:sku of new commerce"),
    ("legacy_offer_id", "string", "GUID of the legacy offer"),
    ("title", "string", "name of the offer in the matrix; never a key"),
    ("segment", "string", "commercial, education, nonprofit or government; missing if unsaid"),
    ("terms", "string", "terms it is sold for, separated by commas; missing if unsaid"),
    ("billing_cycles", "string", "billing cycles it is sold with, separated by commas"),
    ("source_file", "string", "file the row was read from, relative to the loaded path"),
    ("source_row", "int64", "row in that file"),
)

SOURCES = _table(
    "sources",
    ("subscription_id", "string", "the subscription that a row of a file speaks of"),
    ("source_file", "string", "file of that row"),
    ("source_row", "int64", "row in that file"),
    ("profile", "string", "the export profile that recognised the file"),
    ("seen_on", "date", "the day the row was true"),
    ("won", "string", "columns of subscriptions that this row decided, separated by spaces"),
)

REJECTS = _table(
    "rejects",
    ("source_file", "string", "file the row was read from; a sheet as file.xlsx#sheet"),
    ("source_row", "int64", "row in that file"),
    ("column", "string", "column of the file that is wrong; empty when the row as a whole is"),
    ("value", "string", "the raw value found"),
    ("reason_code", "string", "short code of the reason"),
    ("reason", "string", "the reason in words"),
    ("row", "string", "the whole raw row as a JSON object"),
)

CONFLICTS = _table(
    "conflicts",
    ("subscription_id", "string", "the subscription that several files speak of"),
    ("column", "string", "column of subscriptions in which they differ"),
    ("kept", "string", "the value that was kept"),
    ("kept_file", "string", "file of the row that leads"),
    ("kept_row", "int64", "row in that file"),
    ("other", "string", "the value that was not kept"),
    ("source_file", "string", "file that says so"),
    ("source_row", "int64", "row in that file"),
)

PROPOSED = _table(
    "proposed",
    ("source_file", "string", "file of a rejected row that says neither tenant id nor domain"),
    ("source_row", "int64", "row in that file"),
    ("name", "string", "the customer's name in that row"),
    ("customer_id", "string", "a customer of the same name: for a person to confirm, never joined"),
    ("customer_name", "string", "that customer's name"),
)

FILES = _table(
    "files",
    ("source_file", "string", "file, or file.xlsx#sheet"),
    ("profile", "string", "the export profile that recognised it"),
    ("read", "int64", "data rows in the file, counted by the reader"),
    ("accepted", "int64", "rows that became a row of one of the tables"),
    ("rejected", "int64", "rows in rejects"),
    ("set_aside", "int64", "totals, blanks, merged duplicates, lines that are not licence-based"),
    ("note", "string", "what is unusual about it, such as hidden rows that were read; or empty"),
)

JUDGED = _table(
    "judged",
    ("subscription_id", "string", "the original"),
    ("customer_id", "string", "its customer"),
    ("channel", "string", "where it was bought"),
    ("product", "string", "product name for people"),
    ("sku_id", "string", "Entra skuId of the original"),
    ("seats", "int64", "seats bought"),
    ("expires_on", "date", "natural expiration"),
    ("auto_renew", "boolean", "whether it renews by itself"),
    ("route", "string", "how it can come over, a word of Route"),
    ("target_offer", "string", "replacement as product:sku"),
    ("target_sku_id", "string", "Entra skuId of the replacement"),
    ("same_offer", "boolean", "same skuId, so nobody is reassigned"),
    ("term", "string", "term of the replacement"),
    ("billing_cycle", "string", "billing cycle of the replacement"),
    ("state", "string", "what its customer still needs: a Step, or ready"),
    ("lead_days", "int64", "days that the customer's missing steps need"),
    ("order_from", "date", "first day on which it can be ordered"),
    ("last_safe_day", "date", "last day on which it may be ordered"),
    ("invite_by", "date", "last day for the invitation to go out"),
    ("access_by", "date", "last day for access to be there"),
    ("renewal_safe_on", "date", "day by which auto-renew must be off"),
    ("slack_days", "int64", "days left after the lead time its state still needs"),
    ("daily_price", MONEY, "price of all seats per day"),
    ("forfeit", MONEY, "money lost by moving today; missing when the price is unknown"),
    ("exposure", MONEY, "money one missed renewal would commit; missing when unknown"),
    ("currency", "string", "currency of the money columns"),
    ("blockers", "string", "codes of what is in the way, separated by a space"),
    ("rule", "string", "the lifecycle rule that decided"),
    ("stopped_by", "string", "who can stop the renewal"),
    ("rolls_over", "boolean", "a month that renews by itself, so its end is no anniversary"),
    ("offer", "string", "what replaces it: same, different, retired or unknown"),
    ("mapping_source", "string", "who names it: decision, matrix, export or catalogue"),
    ("mapping_place", "string", "file and row of the offer matrix that names it"),
    ("order_seats", "int64", "seats of the replacement"),
    ("order_daily", MONEY, "price of the replacement's seats per day; missing when unknown"),
    ("order_currency", "string", "currency of order_daily"),
    ("price_source", "string", "where order_daily is from: decision, sheet, or original instead"),
    ("price_place", "string", "file and row of the price sheet that states it"),
    ("end_scheduled_by", "date", "last day for its end to be scheduled"),
    ("service_ends", "date", "last day of full service if nothing is done"),
    ("base_subscription_id", "string", "the subscription this add-on belongs to"),
    ("moves_with", "string", "its base, where the two can only come over together"),
    ("segment", "string", "commercial, education, nonprofit or government"),
    ("invited_on", "date", "day of an invitation that nobody has answered yet"),
    ("undo_until", "string", "how long an order can be undone; its instant is known once placed"),
    ("overlap_cost", MONEY, "least that old and new cost side by side on its legal route"),
    ("alternative", "string", "another legal route, where its own is worked by hand"),
    ("alternative_cost", MONEY, "least overlap of that alternative; missing when unknown"),
    ("seen_on", "date", "the day the export was true"),
)

RANKED = _table(
    "ranked",
    ("rank", "int64", "1 goes first"),
    ("customer_id", "string", "tenant id"),
    ("name", "string", "company name"),
    ("market", "string", "country"),
    ("next_expiration", "date", "nearest natural expiration among originals that have a route"),
    ("days_to_expiration", "int64", "days from as_of to next_expiration; negative when overdue"),
    ("slack_days", "int64", "least slack among those originals"),
    ("originals", "int64", "originals of the customer"),
    ("movable", "int64", "originals that have a route"),
    ("seats", "int64", "seats of the movable originals"),
    ("forfeit_if_moved_now", MONEY, "money lost if all movable originals moved today"),
    ("exposure_if_renewed", MONEY, "money that one missed renewal of each would commit"),
    ("currency", "string", "currency of the money columns; empty when mixed or unknown"),
    ("state", "string", "what the customer still needs: a Step, or ready"),
    ("next_action", "string", "the next thing to do"),
    ("blockers", "string", "codes of what is in the way, separated by a space"),
    ("reason", "string", "one sentence that says why the customer stands here"),
)

MOVES = _table(
    "moves",
    ("move_id", "string", "deterministic id of customer, originals and part"),
    ("batch", "string", "B001, B002, ...; empty when it could not be placed"),
    ("date", "date", "the day of the order"),
    ("customer_id", "string", "tenant id"),
    ("subscription_ids", "string", "originals, separated by a space"),
    ("part", "int64", "number of the order among several for one original"),
    ("sku_id", "string", "Entra skuId of the originals"),
    ("target_offer", "string", "product:sku of the replacement"),
    ("target_sku_id", "string", "Entra skuId of the replacement"),
    ("seats", "int64", "seats to order"),
    ("term", "string", "term of the replacement"),
    ("billing_cycle", "string", "billing cycle of the replacement"),
    ("auto_renew", "boolean", "whether the replacement renews by itself"),
    ("route", "string", "how it comes over"),
    ("expires_on", "date", "natural expiration of the originals"),
    ("invite_on", "date", "day the invitation goes out; missing when not needed"),
    ("access_by", "date", "last day for access to be there"),
    ("renewal_safe_on", "date", "day by which auto-renew of the originals must be off"),
    ("reassign_on", "date", "day licences are reassigned; missing for the same offer"),
    ("verify_by", "date", "last day for the check of the new seats"),
    ("end_scheduled_by", "date", "last day for the end of the originals to be scheduled"),
    ("last_safe_day", "date", "last day on which it may be ordered"),
    ("same_offer", "boolean", "same skuId, so nobody is reassigned"),
    ("overlap_cost", MONEY, "money paid for old and new at once; missing when unknown"),
    ("currency", "string", "currency of overlap_cost"),
    ("reason", "string", "why this day, or what it would take to place it"),
)


class MoveState(StrEnum):
    """Where a move stands in the ledger."""

    PLANNED = "planned"
    CART = "cart"
    SENT = "sent"
    ORDERED = "ordered"
    PROVISIONED = "provisioned"
    VERIFIED = "verified"
    REASSIGNED = "reassigned"
    CLOSED = "closed"
    UNDONE = "undone"
    HUMAN = "human"
    REFUSED = "refused"


class EndState(StrEnum):
    """How far the end of an original is, beside the state of its move."""

    OPEN = "open"
    ASKED = "asked"
    SAFE = "renewal_safe"
    SCHEDULED = "end_scheduled"
    ENDED = "ended"
    RENEWED = "renewed"


class StepState(StrEnum):
    """Where a customer step stands in the ledger."""

    TO_DO = "to_do"
    ASKED = "asked"
    DONE = "done"


MOVE_TRANSITIONS: tuple[tuple[MoveState, MoveState], ...] = (
    (MoveState.PLANNED, MoveState.CART),
    (MoveState.PLANNED, MoveState.REFUSED),
    (MoveState.CART, MoveState.SENT),
    (MoveState.CART, MoveState.PLANNED),
    (MoveState.SENT, MoveState.ORDERED),
    (MoveState.SENT, MoveState.REFUSED),
    (MoveState.SENT, MoveState.HUMAN),
    (MoveState.ORDERED, MoveState.PROVISIONED),
    (MoveState.ORDERED, MoveState.HUMAN),
    (MoveState.PROVISIONED, MoveState.VERIFIED),
    (MoveState.PROVISIONED, MoveState.HUMAN),
    (MoveState.VERIFIED, MoveState.REASSIGNED),
    (MoveState.VERIFIED, MoveState.HUMAN),
    (MoveState.VERIFIED, MoveState.CLOSED),
    (MoveState.REASSIGNED, MoveState.CLOSED),
    (MoveState.ORDERED, MoveState.UNDONE),
    (MoveState.PROVISIONED, MoveState.UNDONE),
    (MoveState.VERIFIED, MoveState.UNDONE),
    (MoveState.REASSIGNED, MoveState.UNDONE),
    (MoveState.UNDONE, MoveState.PLANNED),
    (MoveState.REFUSED, MoveState.PLANNED),
    (MoveState.PLANNED, MoveState.HUMAN),
    (MoveState.CART, MoveState.HUMAN),
    (MoveState.REFUSED, MoveState.HUMAN),
    (MoveState.HUMAN, MoveState.ORDERED),
    (MoveState.HUMAN, MoveState.PLANNED),
)

# Both ways between safe and open, scheduled and safe: what somebody else undid is seen, with why.
END_TRANSITIONS: tuple[tuple[EndState, EndState], ...] = (
    (EndState.OPEN, EndState.ASKED),
    (EndState.OPEN, EndState.SAFE),
    (EndState.OPEN, EndState.ENDED),
    (EndState.OPEN, EndState.RENEWED),
    (EndState.ASKED, EndState.SAFE),
    (EndState.ASKED, EndState.ENDED),
    (EndState.ASKED, EndState.RENEWED),
    (EndState.SAFE, EndState.SCHEDULED),
    (EndState.SAFE, EndState.OPEN),
    (EndState.SAFE, EndState.ENDED),
    (EndState.SAFE, EndState.RENEWED),
    (EndState.SCHEDULED, EndState.SAFE),
    (EndState.SCHEDULED, EndState.ENDED),
    (EndState.SCHEDULED, EndState.RENEWED),
    (EndState.RENEWED, EndState.ASKED),
    (EndState.RENEWED, EndState.SAFE),
    (EndState.RENEWED, EndState.ENDED),
)

STEP_TRANSITIONS: tuple[tuple[StepState, StepState], ...] = (
    (StepState.TO_DO, StepState.ASKED),
    (StepState.TO_DO, StepState.DONE),
    (StepState.ASKED, StepState.DONE),
    # access that ended is asked for again
    (StepState.DONE, StepState.ASKED),
)


def to_pandas(arrow: pa.Table) -> pd.DataFrame:
    """Hand an Arrow table to pandas: text as `str`, all else Arrow-backed, nothing guessed.

    Dates stay dates (`date32`), money stays decimal, whole numbers stay whole with missing
    values as `<NA>`; text uses pandas' own `str` with NaN for missing.
    """
    import pandas as pd
    import pyarrow.types as kinds

    def dtype(kind: Any) -> Any:
        if kinds.is_string(kind) or kinds.is_large_string(kind):
            return pd.StringDtype(na_value=float("nan"))
        return pd.ArrowDtype(kind)

    frame: pd.DataFrame = arrow.to_pandas(types_mapper=dtype)
    return frame
