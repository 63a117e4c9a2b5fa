"""The report's language: words for codes; numbers, money and dates as readers write them."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from cspkit import blockers
from cspkit.errors import SettingsError
from cspkit.letters.wording import elided

LOCALES = {"en": "en_GB", "es": "es_ES", "it": "it_IT"}
CATALOGUES = Path(__file__).parent / "locale"
UNKNOWN = "–"

# Codes of `figures` in English; another language translates these sentences.
WORDS = {
    "moved": "moved",
    "under_way": "under way",
    "waiting": "waiting",
    "at_risk": "at risk",
    "blocked": "blocked",
    "stage planned": "planned",
    "stage relationship": "invitation accepted",
    "stage agreement": "agreement in place",
    "stage access": "access given",
    "stage ordered": "ordered",
    "stage provisioned": "seats delivered",
    "stage verified": "seats verified",
    "stage moved": "moved",
    "stage closed": "originals ended",
    "end open": "not settled yet",
    "end asked": "asked by letter to stop it",
    "end renewal_safe": "will not renew",
    "end end_scheduled": "end scheduled",
    "end ended": "ended",
    "end renewed": "renewed by accident",
    "mail waiting": "waits to be sent",
    "mail refused": "refused by the mail server",
    "mail bounced": "came back",
    "mail unclear": "unclear whether it went out",
    "letter invitation": "invitation",
    "letter reminder": "reminder",
    "letter access": "access",
    "letter renewal-off": "no renewal",
    "letter end-at-term": "end at term",
    "letter on-the-day": "what happens on the day",
    "letter done": "done",
    "letter partner": "to the present partner",
    "letter partner-end": "to the present partner, to end it",
    "letter renewed": "renewed by accident",
    "consent consent_missing": "not given yet",
    "consent consent_differs": "given for something else",
    "consent consent_exceeded": "given for less",
    "why no_room": "the team has no day left for it before its last safe day",
    "why base_left": "its base is not moved by this plan, and the two only come over together",
    "why over_cap": "a cap of the policy is reached",
    "why term_undecided": "nobody decided on its term, which is an unusual one",
    "why cycle_undecided": "its term is not sold with its billing cycle",
    "fits no_room": "more orders a day or an earlier start; the workbook says what each needs",
    "fits base_left": "whatever lets its base have a day",
    "fits over_cap": "a higher cap, or a plan of its own",
    "fits term_undecided": "type its term into decisions.xlsx, once the customer agreed to it",
    "fits cycle_undecided": "type a billing cycle that goes with the term into decisions.xlsx",
    "why human": "a person must decide what became of an order",
    "why refused": "the order was refused",
    "why undone": "the order was undone; a newer plan orders anew",
    "why last_safe_day_passed": "its last safe day has passed without an order",
    "why day_passed": "its planned day has passed without an order",
    "why not_invited": "the invitation should have gone out by now",
    "why no_answer": "invited, and no answer in the time allowed",
    "why no_access": "access should have been given by now",
    "why its_day": "ready, waits for its day",
    "why customer": "waits for the customer",
    "why cart": "order prepared",
    "why sent": "order sent, not yet answered",
    "why ordered": "ordered, seats not yet delivered",
    "why provisioned": "seats delivered, not yet verified",
    "why verified": "seats verified, licences not yet moved over",
    "state planned": "planned",
    "state cart": "order prepared",
    "state sent": "order sent",
    "state ordered": "ordered",
    "state provisioned": "seats delivered",
    "state verified": "seats verified",
    "state reassigned": "users have the new licence",
    "state closed": "originals ended",
    "state human": "for a person to settle",
    "state refused": "order refused",
    "state undone": "order undone",
    "cycle monthly": "monthly",
    "cycle annual": "annual",
    "cycle triennial": "triennial",
    "cycle one_time": "one-time",
    "route purchase": "purchase",
    "route buy_at_term_end": "purchase at the end of the term",
    "route partner_transfer": "transfer from the present partner",
    "route nce_migration": "migration to new commerce",
    "route channel_transfer": "channel transfer",
    "step invite": "invitation",
    "step access": "access",
    "step provision": "order",
    "step verify": "verification of the seats",
    "step reassign": "reassignment of licences",
    "who partner": "us",
    "who customer": "the customer",
    "who current_partner": "the present partner",
    "who microsoft": "Microsoft",
    "who distributor": "the distributor",
    "who renewal": "who can stop the renewal",
    "unit seat_days": "seat days, price not known",
    "step to_do": "to do",
    "step asked": "asked",
    "step done": "done",
    "faults none": "none",
    "faults light": "light",
    "faults heavy": "heavy",
    "shared customer": "customer",
    "shared person": "person",
    "before": "expired already",
    "later": "later",
    "change new": "new in the plan",
    "change gone": "no longer in the plan",
    "outcome done": "done",
    "outcome waiting": "waiting",
    "outcome skipped": "skipped",
    "outcome failed": "failed",
    "outcome human": "for a person to settle",
    "outcome dry": "shown only",
    "run done": "done",
    "run failed": "some failed",
    "run broken": "stopped by an error",
    "run running": "not finished",
}


class Words:
    """One language: its locale, its sentences, its numbers."""

    def __init__(self, lang: str) -> None:
        """Take a language; raises SettingsError for one that nobody has translated."""
        if lang not in LOCALES:
            known = ", ".join(LOCALES)
            raise SettingsError("report", "lang", f"expected one of {known}, found {lang!r}")
        self.lang = lang
        self.locale = LOCALES[lang]
        self.translations = _translations(lang)
        usual = Locale.parse(self.locale).currency_formats["standard"].pattern
        self._whole = usual.replace(".00", "")

    def of(self, code: Any, family: str = "") -> str:
        """Return the words for a code, such as `of("human", "why")`; a new code stands as it is."""
        words = WORDS.get(f"{family} {code}".strip())
        if words is None and family == "why" and code in blockers.table():
            words = blockers.table()[code].sentence
        return self.text(words or str(code or ""))

    def text(self, sentence: str | None) -> str:
        """Return a sentence of ours in this language; what nobody translated stands as it is."""
        return self.translations.gettext(sentence) if sentence else ""

    @property
    def tag(self) -> str:
        """The name of this language for browsers and charts: es-ES."""
        return self.locale.replace("_", "-")

    def joined(self, text: str) -> str:
        """Join words that this language joins: l'8 dicembre."""
        return elided(text, self.lang)

    def number(self, value: Any) -> str:
        """Write a whole or decimal number."""
        return UNKNOWN if value is None else str(format_decimal(value, locale=self.locale))

    def money(self, value: Decimal | None, unit: str | None) -> str:
        """Write an amount to the whole unit; a missing one is unknown, not nothing."""
        if value is None:
            return UNKNOWN
        if not unit or len(unit) != len("EUR"):
            return self.number(round(value))
        return str(
            format_currency(value, unit, self._whole, locale=self.locale, currency_digits=False)
        )

    def day(self, value: date | None, form: str = "d MMM yyyy") -> str:
        """Write a day; form is a pattern, `full`, or a skeleton such as `MMMEd` of what to say."""
        if value is None:
            return UNKNOWN
        if form.isalpha() and form != "full":
            return str(format_skeleton(form, value, locale=self.locale))
        return str(format_date(value, form, locale=self.locale))

    def instant(self, value: datetime | None) -> str:
        """Write an instant, in UTC and saying so."""
        if value is None:
            return UNKNOWN
        written = format_datetime(value, "d MMM yyyy, HH:mm", tzinfo=None, locale=self.locale)
        return f"{written} UTC"

    def counts(self, counts: Mapping[str, int] | None) -> str:
        """Write the counts of a run, such as `12 done, 1 waiting`."""
        found = [(self.of(word, "outcome"), n) for word, n in (counts or {}).items() if n]
        return ", ".join(f"{self.number(n)} {word}" for word, n in found)


@cache
def _translations(lang: str) -> gettext.NullTranslations:
    """Compile a catalogue when it is first needed, so that no build step can be forgotten."""
    if lang == "en":
        return gettext.NullTranslations()
    compiled = BytesIO()
    with (CATALOGUES / f"{lang}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=lang))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
