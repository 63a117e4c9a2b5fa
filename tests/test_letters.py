"""Letters: the customer's language, no missing field, nothing hostile in a header or a path."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from cspkit import letters
from cspkit.errors import SettingsError

CUSTOMER = "11111111-0000-4000-8000-000000000001"
LINK = (
    "https://admin.microsoft.com/Adminportal/Home?invType=ResellerRelationship"
    "&partnerId=00000000-0000-4000-8000-000000000001&msppId=0#/partners/invitation"
)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HELD = [
    letters.Licences(1, "Visio Plan 2", date(2026, 12, 11)),
    letters.Licences(1250, "Microsoft 365 Business Standard", date(2026, 12, 8)),
]
FIELDS: dict[str, letters.Field] = {
    "company": "Ferretería Núñez",
    "domain": "nunez.example",
    "contact": "Lucía Prado",
    "link": LINK,
    "signature": "Ana Ruiz",
    "days": "730",
    "by": date(2026, 12, 1),
    "on": date(2026, 11, 30),
    "asked_on": date(2026, 11, 2),
    "originals": HELD,
    "invoicer": "Sur Cloud S.L.",
    "support": "+34 600 000 000",
    "ended": date(2026, 12, 11),
    "until": date(2027, 12, 11),
    "cost": letters.Price(Decimal("15625.00"), "EUR"),
}
CHANNELS = {
    "renewal-off": ["direct_mosa", "direct_mca"],
    "end-at-term": ["direct_mca"],
    "renewed": ["direct_mosa", "direct_mca", "csp_other", "csp_nce"],
}
WITH_LINK = ("invitation", "reminder", "access")


def put(folder: Path, **changed: str) -> Path:
    """Put one invitation into an outbox."""
    text = letters.write("invitation", "es", FIELDS | changed)
    return letters.put(
        folder,
        text,
        customer_id=CUSTOMER,
        contact=(FIELDS | changed)["contact"],
        address=changed.get("address", "lucia@nunez.example"),
        at=NOON,
    )


def read(path: Path) -> email.message.EmailMessage:
    """Read a mail draft back as a mail program does."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message


@pytest.mark.parametrize(
    ("kind", "channel"),
    [(kind, channel) for kind in letters.LETTERS for channel in CHANNELS.get(kind, [""])],
)
@pytest.mark.parametrize("language", letters.LANGUAGES)
def test_every_letter_exists_in_every_language(kind: str, channel: str, language: str) -> None:
    """Company, link and signature are there, and no placeholder is left."""
    text = letters.write(kind, language, FIELDS, channel=channel)

    assert (LINK in text.body) == (kind in WITH_LINK)
    assert "Ferretería Núñez" in text.subject
    assert text.body.rstrip().endswith("Ana Ruiz")
    assert "$" not in text.subject + text.body


@pytest.mark.parametrize("kind", letters.LETTERS)
def test_the_languages_of_a_letter_use_the_same_fields(kind: str) -> None:
    """A translation asks for nothing that the others do not."""
    found = [
        set(re.findall(r"\$(\w+)", (files("cspkit.letters") / "texts" / name).read_text("utf-8")))
        for name in (f"{kind}.{language}.txt" for language in letters.LANGUAGES)
    ]

    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("language", "market", "expected"),
    [
        ("es", "US", "es"),
        ("it-IT", "ES", "it"),
        ("fr", "FR", "en"),
        ("", "ES", "es"),
        (None, "IT", "it"),
        (None, None, "en"),
    ],
)
def test_the_customers_language_goes_before_their_market(
    language: str | None, market: str | None, expected: str
) -> None:
    """Own language, then the market's, then English."""
    assert letters.language_for(language, market) == expected


@pytest.mark.parametrize("field", ["company", "domain", "link"])
@pytest.mark.parametrize("value", ["", "  ", None])
def test_a_missing_field_is_named(field: str, value: str | None) -> None:
    """No letter goes out with a hole in it."""
    fields = {name: text for name, text in FIELDS.items() if name != field}
    if value is not None:
        fields[field] = value

    with pytest.raises(SettingsError, match=rf"invitation\.en\.txt: {field}: needed"):
        letters.write("invitation", "en", fields)


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        (
            "en",
            "- 1,250 licences of Microsoft 365 Business Standard, until 8 December 2026\n",
            "- 1 licence of Visio Plan 2, until 11 December 2026\n",
        ),
        (
            "es",
            "- 1.250 licencias de Microsoft 365 Business Standard, hasta el 8 de diciembre\n"
            "  de 2026\n",
            "- 1 licencia de Visio Plan 2, hasta el 11 de diciembre de 2026\n",
        ),
        (
            "it",
            "- 1.250 licenze di Microsoft 365 Business Standard, fino all'8 dicembre 2026\n",
            "- 1 licenza di Visio Plan 2, fino all'11 dicembre 2026\n",
        ),
    ],
)
def test_licences_are_listed_by_their_last_day(language: str, first: str, second: str) -> None:
    """Numbers, plurals, days and elisions are those of the language; the first to end is first."""
    body = letters.write("done", language, FIELDS).body

    assert f"{first}{second}" in body


def test_the_first_of_a_month_is_an_ordinal_in_italian() -> None:
    """A day is written as a native writes it."""
    assert "entro il 1º dicembre 2026" in letters.write("invitation", "it", FIELDS).body
    assert "antes del 1 de diciembre de 2026" in letters.write("invitation", "es", FIELDS).body


def test_the_second_letter_to_a_direct_customer_says_more_than_the_first() -> None:
    """First nothing renews; later it ends with its term. Neither says to cancel now."""
    first = letters.write("renewal-off", "en", FIELDS, channel="direct_mca").body
    second = letters.write("end-at-term", "en", FIELDS, channel="direct_mca").body

    assert "3. Choose that it is not renewed for another year, and save. Do not cancel it." in first
    assert "3. Choose that it is cancelled at the end of the term, and save." in second


@pytest.mark.parametrize("channel", ["open", "ea", "csp_other", ""])
def test_nobody_is_asked_to_switch_off_what_does_not_renew(channel: str) -> None:
    """A channel without such a switch is an error that says which have one."""
    with pytest.raises(SettingsError, match="expected direct_mca, direct_mosa, found"):
        letters.write("renewal-off", "it", FIELDS, channel=channel)


@pytest.mark.parametrize(
    ("language", "known", "unknown"),
    [
        ("en", "€15,625.00, before tax, for the whole new term.", "The price of the whole new"),
        ("es", "15.625,00 €, impuestos no incluidos, por todo", "El precio de todo el plazo"),
        ("it", "15.625,00 €, imposte escluse, per l'intero", "Il prezzo dell'intero nuovo"),
    ],
)
def test_an_unknown_price_is_not_made_up(language: str, known: str, unknown: str) -> None:
    """What a renewal costs is said as the language writes money; else who says it."""
    said = letters.write("renewed", language, FIELDS, channel="direct_mca").body
    silent = FIELDS | {"cost": letters.Price()}

    assert known in said
    assert unknown in letters.write("renewed", language, silent, channel="direct_mca").body


@pytest.mark.parametrize("language", letters.LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS["renewed"])
def test_a_renewal_is_cancelled_only_after_a_word_from_us(language: str, channel: str) -> None:
    """The first step is to answer: a cancelled original without its replacement is a gap."""
    body = letters.write("renewed", language, FIELDS, channel=channel).body

    (first,) = re.findall(r"^1\. (\w+)", body, re.MULTILINE)
    assert first in ("Reply", "Responda", "Rispondete")


@pytest.mark.parametrize("kind", letters.LETTERS)
@pytest.mark.parametrize("language", letters.LANGUAGES)
def test_lines_are_short_enough_for_a_mail(kind: str, language: str) -> None:
    """What we wrote wraps before 79 signs, so that no mail program breaks it anew."""
    for channel in CHANNELS.get(kind, [""]):
        fields = FIELDS | {"company": "C", "domain": "d.example", "link": "https://x.example"}
        body = letters.write(kind, language, fields, channel=channel).body

        assert [line for line in body.splitlines() if len(line) > 78] == []


def test_a_partner_writes_letters_of_their_own(tmp_path: Path) -> None:
    """A file of the same name in their folder goes before ours, with Windows' line ends too."""
    text = (
        "Subject: Hola, $company\r\nGreeting: Hola, $contact:\r\n\r\nCuesta 5 $$, $days días.\r\n"
    )
    (tmp_path / "done.es.txt").write_bytes(text.encode("utf-8-sig"))

    own = letters.write("done", "es", FIELDS, own=tmp_path)
    ours = letters.write("done", "it", FIELDS, own=tmp_path)

    assert (own.subject, own.body) == (
        "Hola, Ferretería Núñez",
        "Hola, Lucía Prado:\n\nCuesta 5 $, 730 días.\n",
    )
    assert ours == letters.write("done", "it", FIELDS)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Greeting: a\n\nb", "Subject: needed in its first lines"),
        ("Subject: a\n\nb", "Greeting: needed in its first lines"),
        ("Subject: a\nGreeting: b\n\n5 $ more", r"write \$\$ for a \$"),
        ("Subject: a\nGreeting: b\n\n$postcode", "postcode: needed, found nothing"),
    ],
)
def test_a_wrong_letter_of_their_own_is_one_line(tmp_path: Path, text: str, what: str) -> None:
    """What a partner's own text lacks is named; no letter is written."""
    (tmp_path / "done.es.txt").write_text(text)

    with pytest.raises(SettingsError, match=f"letter done.es.txt: .*{what}|{what}"):
        letters.write("done", "es", FIELDS, own=tmp_path)


def test_a_letter_without_a_contact_greets_all_the_same() -> None:
    """Nobody is called by an empty name."""
    text = letters.write("invitation", "it", FIELDS | {"contact": ""})

    assert text.body.startswith("Gentili Signori,\n\n")


def test_a_draft_opens_in_a_mail_program(tmp_path: Path) -> None:
    """Recipient, subject, text and language survive the way through a file."""
    path = put(tmp_path / "outbox")

    message = read(path)

    assert message["To"] == '"Lucía Prado" <lucia@nunez.example>' or "Lucía" in message["To"]
    assert message["Subject"] == "Ferretería Núñez: acéptenos como su revendedor de Microsoft"
    assert (message["X-Unsent"], message["Content-Language"]) == ("1", "es")
    assert LINK in message.get_content()


def test_the_same_letter_is_written_to_the_same_files(tmp_path: Path) -> None:
    """Writing twice, after a crash, leaves one letter: two files, the same bytes."""
    first = put(tmp_path).read_bytes()
    second = put(tmp_path).read_bytes()

    names = sorted(path.name for path in tmp_path.iterdir())
    assert first == second
    assert names == [f"{CUSTOMER}-invitation.eml", f"{CUSTOMER}-invitation.txt"]


def test_a_letter_without_an_address_is_a_draft_to_nobody(tmp_path: Path) -> None:
    """A person fills in the recipient; nothing is guessed from the domain."""
    assert read(put(tmp_path, address=""))["To"] is None


@pytest.mark.parametrize(
    "hostile",
    [
        "Evil\r\nBcc: all@evil.example",
        "Evil\nContent-Type: text/html\n\n<script>",
        "Evil\u2028Bcc: x@evil.example",
        "Evil\x00\x1b[31m",
        "$link ${company}",
        "=?utf-8?q?=0d=0aBcc:_x@evil.example?=",
    ],
)
def test_customer_text_cannot_add_a_header(tmp_path: Path, hostile: str) -> None:
    """A name is text: never a header, a line of its own, or a placeholder."""
    message = read(put(tmp_path, company=hostile, contact=hostile))

    expected = {
        *("Subject", "To", "Date", "Message-ID", "Content-Language", "X-Unsent"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }
    assert set(message.keys()) == expected
    assert "Bcc" not in message
    assert [one.addr_spec for one in message["To"].addresses] == ["lucia@nunez.example"]
    assert message.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    "address", ["a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.example", "ana", "<a@b.c>"]
)
def test_a_letter_has_one_recipient_or_none(tmp_path: Path, address: str) -> None:
    """An address that is not one address is an error that names its column."""
    with pytest.raises(SettingsError, match="contact_email: expected one mail address"):
        put(tmp_path, address=address)


@pytest.mark.parametrize(
    "customer_id", ["../../etc/passwd", "", "CON", "a/b", CUSTOMER.upper() + "x"]
)
def test_a_file_is_named_by_ids_alone(customer_id: str) -> None:
    """No text from outside becomes a path."""
    with pytest.raises(SettingsError, match="expected a tenant id"):
        letters.file_name(customer_id, "invitation")


def test_an_outbox_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file in the place of the folder is said in words."""
    (tmp_path / "outbox").write_text("in the way")

    with pytest.raises(SettingsError, match="outbox: cannot be written"):
        put(tmp_path / "outbox")
