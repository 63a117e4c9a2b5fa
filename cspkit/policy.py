"""The team's choices: lead times, capacity, calendar, caution. Written under [policy]."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cspkit.errors import SettingsError

Days = Annotated[int, Field(ge=0, le=365)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Horizon = Annotated[int, Field(ge=1, le=365)]
Room = Annotated[int, Field(ge=0, le=1_000_000)]
Money = Annotated[Decimal, Field(ge=0, le=1_000_000_000_000)]
Rate = Annotated[Decimal, Field(gt=0, le=1_000_000)]
Market = Annotated[str, Field(pattern="^[A-Z]{2}$")]
MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
DAY = timedelta(days=1)


class Season(BaseModel):
    """Days of each year, MM-DD, on which customers of some markets (none: all) answer nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: MonthDay
    last: MonthDay
    markets: tuple[Market, ...] = ()

    def holds(self, day: date, market: str) -> bool:
        """Tell whether a day lies in the season of a market."""
        if self.markets and market not in self.markets:
            return False
        place = day.strftime("%m-%d")
        if self.first <= self.last:
            return self.first <= place <= self.last
        return place >= self.first or place <= self.last


class Team(BaseModel):
    """A part of the team with its own calendar, capacities and markets (none: all the others)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[\w .-]{1,40}$")
    country: str = Field(pattern="^[A-Z]{2}$")
    subdivision: str = ""
    markets: tuple[Market, ...] = ()
    moves_per_day: Room | None = None
    seats_per_day: Room | None = None


SLOW = (
    Season(first="08-01", last="08-31", markets=("ES", "FR", "GR", "IT", "PT")),
    Season(first="12-24", last="01-06"),
)


class Policy(BaseModel):
    """What the team decided; every field has a careful default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str = Field("ES", pattern="^[A-Z]{2}$", description="calendar of the team")
    subdivision: str = Field(
        "MD", description="region of the team's calendar; empty, or left out: none"
    )
    blackout_days: tuple[date, ...] = Field((), description="days without orders")
    order_on_friday: bool = Field(False, description="orders on a Friday allowed")
    order_on_eve: bool = Field(False, description="orders on the eve of a holiday allowed")

    markets: tuple[Market, ...] = Field(
        (), description="markets the partner may sell in; empty for all"
    )
    relationship_days: Days = Field(21, description="invitation sent to accepted")
    agreement_days: Days = Field(3, description="agreement asked to signed")
    access_days: Days = Field(7, description="GDAP asked to active")
    slow_seasons: tuple[Season, ...] = Field(
        SLOW, description="days that do not count while a customer of the market is waited for"
    )
    verify_days: Days = Field(1, description="working days to verify new seats")
    repair_days: Days = Field(1, description="working days left for repair")

    moves_per_day: Room = Field(25, description="orders the team can place on a day")
    seats_per_day: Room | None = Field(None, description="seats the team can place on a day")
    invitations_per_day: Room = Field(50, description="invitations the team can send on a day")

    teams: tuple[Team, ...] = Field((), description="parts of the team; empty: one team for all")
    together: Literal["", "customer"] = Field(
        "", description="customer: moves of one customer in one week go on one day where they can"
    )

    use_grace: bool = Field(False, description="plan with free grace where a sure rule gives it")
    term: str = Field("P1Y", pattern="^P(1M|1Y|3Y)$", description="term of replacements")
    billing_cycle: str = Field("monthly", pattern="^(monthly|annual|triennial)$")
    approval_horizon_days: Horizon = Field(10, description="working days an approval covers")
    max_failures: Count = Field(5, description="failed moves at which a run stops")
    settle_minutes: Count = Field(45, description="minutes before silence counts as no order")
    currency: str | None = Field(
        None, description="currency of the plan's total; left out: that of the prices, if only one"
    )
    rates: dict[str, Rate] = Field(
        default_factory=dict, description="what one unit of a currency is in the plan's currency"
    )
    max_amount: Money | None = Field(None, description="most that one plan may commit in all")
    max_amount_per_customer: Money | None = Field(None, description="the same, for one customer")
    max_seats: Room | None = Field(None, description="most seats that one plan may order in all")
    max_seats_per_customer: Room | None = Field(None, description="the same, for one customer")
    second_name_above: Money | None = Field(
        None, description="amount above which two people must approve"
    )
    min_margin_percent: Annotated[Decimal, Field(ge=-1000, le=100)] | None = Field(
        None, description="least share of the sale price that is left after the cost"
    )
    managers: tuple[str, ...] = Field((), description="who may accept a margin below that")

    @field_validator("slow_seasons")
    @classmethod
    def _answers_sometime(cls, seasons: tuple[Season, ...]) -> tuple[Season, ...]:
        year = [date(2028, 1, 1) + number * DAY for number in range(366)]
        for market in sorted({"", *(one for season in seasons for one in season.markets)}):
            if all(any(season.holds(day, market) for season in seasons) for day in year):
                raise ValueError(f"expected days outside all seasons, found none for {market!r}")
        return seasons

    @field_validator("teams")
    @classmethod
    def _teams_apart(cls, teams: tuple[Team, ...]) -> tuple[Team, ...]:
        names = [team.name for team in teams]
        markets = [market for team in teams for market in team.markets]
        for kind, found in (("name", names), ("market", markets)):
            if twice := sorted({one for one in found if found.count(one) > 1}):
                raise ValueError(f"expected each {kind} in one team only, found {twice[0]!r} twice")
        return teams

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str | None) -> str | None:
        return code if code is None else _currency(code)

    @field_validator("rates")
    @classmethod
    def _known_rates(cls, rates: dict[str, Decimal]) -> dict[str, Decimal]:
        return {_currency(code): rate for code, rate in rates.items()}

    @property
    def capped(self) -> bool:
        """Say whether anything that a plan commits is capped."""
        seats = (self.max_seats, self.max_seats_per_customer)
        return self.caps_amounts or any(cap is not None for cap in seats)

    @property
    def caps_amounts(self) -> bool:
        """Say whether some amount is capped, so that a move without a price cannot be ordered."""
        return self.max_amount is not None or self.max_amount_per_customer is not None

    @model_validator(mode="before")
    @classmethod
    def _own_region(cls, given: Any) -> Any:
        """Keep the default region out of a country that was named without one."""
        if isinstance(given, dict) and given.get("subdivision") is None:
            region = "" if "country" in given or "subdivision" in given else "MD"
            return {**given, "subdivision": region}
        return given


class Patience:
    """How long customers take: days of a slow season do not count."""

    def __init__(self, seasons: tuple[Season, ...]) -> None:
        """Remember the seasons; counted days are listed per market as they are asked for."""
        self._seasons = seasons
        self._counted: dict[str, tuple[date, list[date]]] = {}
        self._known: dict[tuple[int, int, str], bool] = {}

    def ready(self, begin: date, days: int, market: str) -> date:
        """Return the day that lies so many counted days after one; none: that day itself."""
        if not days:
            return begin
        if not self._seasons:
            return begin + timedelta(days=days)
        origin, counted = self._counted.setdefault(market, (begin, []))
        if begin < origin:
            origin, counted = self._counted[market] = (begin, [])
        place = bisect_right(counted, begin)
        day = counted[-1] if counted else origin
        while len(counted) < place + days:
            day += DAY
            if not self.slow(day, market):
                counted.append(day)
                place = place if day > begin else len(counted)
        return counted[place + days - 1]

    @property
    def alike(self) -> dict[str, list[str]]:
        """The markets with seasons of their own, those that share them under the first."""
        groups: dict[tuple[Season, ...], list[str]] = {}
        for market in sorted({one for season in self._seasons for one in season.markets}):
            own = tuple(season for season in self._seasons if market in season.markets)
            groups.setdefault(own, []).append(market)
        return {markets[0]: markets for markets in groups.values()}

    def begin(self, end: date, days: int, market: str) -> date:
        """Return the last day from which so many counted days are over by the end."""
        while days:
            days -= not self.slow(end, market)
            end -= DAY
        return end

    def slow(self, day: date, market: str) -> bool:
        """Tell whether a day does not count while customers of a market are waited for."""
        # Seasons are the same each year.
        key = (day.month, day.day, market)
        if key not in self._known:
            self._known[key] = any(season.holds(day, market) for season in self._seasons)
        return self._known[key]


class Workdays:
    """A team's calendar: which days are worked, and on which of them orders may be placed."""

    def __init__(self, policy: Policy, team: Team | None = None) -> None:
        """Load the calendar; raises SettingsError for a country or region that has none."""
        self._policy = policy
        place = team or policy
        self._holidays = _holidays(place.country, place.subdivision)
        self._weekend: Container[int] = self._holidays.weekend
        self._blackout = frozenset(policy.blackout_days)
        self._worked: dict[date, bool] = {}

    def is_workday(self, day: date) -> bool:
        """Tell whether the team works on a day; each is looked up once, for lookups are slow."""
        worked = self._worked.get(day)
        if worked is None:
            worked = day.weekday() not in self._weekend and day not in self._holidays
            self._worked[day] = worked
        return worked

    def is_order_day(self, day: date) -> bool:
        """Tell whether orders may be placed: worked, not black, with a day to notice trouble."""
        if not self.is_workday(day) or day in self._blackout:
            return False
        tomorrow = day + DAY
        if tomorrow.weekday() in self._weekend:
            return self._policy.order_on_friday
        return self._policy.order_on_eve or tomorrow not in self._holidays

    def back(self, day: date, count: int) -> date:
        """Return the working day that lies `count` working days strictly before a day."""
        return self._walk(day, count, -DAY)

    def after(self, day: date, count: int) -> date:
        """Return the working day that lies `count` working days strictly after a day."""
        return self._walk(day, count, DAY)

    def on_or_before(self, day: date) -> date:
        """Return the last working day up to a day."""
        return self.back(day + DAY, 1)

    def on_or_after(self, day: date) -> date:
        """Return the first working day from a day on."""
        return self.after(day - DAY, 1)

    def last_order_day(self, day: date) -> date:
        """Return the last day up to a day on which orders may be placed."""
        while not self.is_order_day(day):
            day -= DAY
        return day

    def order_days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days from first to last on which orders may be placed."""
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if self.is_order_day(day):
                yield day

    def _walk(self, day: date, count: int, step: timedelta) -> date:
        while count > 0:
            day += step
            count -= self.is_workday(day)
        return day


@cache
def _holidays(country: str, subdivision: str) -> Any:
    """Load a calendar; years are added to it as they are asked for."""
    import holidays

    try:
        calendar = holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError as error:
        field = "policy.country" if country not in _countries() else "policy.subdivision"
        raise SettingsError("cspkit.toml", field, f"no such calendar: {error}") from error
    return calendar


def _currency(code: str) -> str:
    from babel.numbers import list_currencies

    if code not in list_currencies():
        raise ValueError(f"expected the code of a currency, such as EUR, found {code!r}")
    return code


def _countries() -> list[str]:
    import holidays

    return list(cast(dict[str, Any], holidays.list_supported_countries()))
