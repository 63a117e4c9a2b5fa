"""The team's choices: lead times, capacity, calendar, caution. Written under [policy]."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[int, Field(ge=0, le=365)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Policy(BaseModel):
    """What the team decided; every field has a careful default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str = Field("ES", pattern="^[A-Z]{2}$", description="calendar of the team")
    subdivision: str | None = Field("MD", description="region of the team's calendar")
    blackout_days: tuple[date, ...] = Field((), description="days without orders")
    order_on_friday: bool = Field(False, description="orders on a Friday allowed")
    order_on_eve: bool = Field(False, description="orders on the eve of a holiday allowed")

    relationship_days: Days = Field(21, description="invitation sent to accepted")
    agreement_days: Days = Field(3, description="agreement asked to signed")
    access_days: Days = Field(7, description="GDAP asked to active")
    verify_days: Days = Field(1, description="working days to verify new seats")
    repair_days: Days = Field(1, description="working days left for repair")

    moves_per_day: Count = Field(25, description="orders the team can place on a day")
    seats_per_day: Count | None = Field(None, description="seats the team can place on a day")
    invitations_per_day: Count = Field(50, description="invitations the team can send on a day")

    use_grace: bool = Field(False, description="plan with free grace where a sure rule gives it")
    term: str = Field("P1Y", pattern="^P(1M|1Y|3Y)$", description="term of replacements")
    billing_cycle: str = Field("monthly", pattern="^(monthly|annual|triennial)$")
    approval_horizon_days: Count = Field(10, description="working days an approval covers")
    max_failures: Count = Field(5, description="failed moves at which a run stops")
    settle_minutes: Count = Field(45, description="minutes before silence counts as no order")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="currency of the plan's total")
    rates: dict[str, Decimal] = Field(
        default_factory=dict, description="plan currency per unit of another currency"
    )
