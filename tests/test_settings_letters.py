"""[letters] of cspkit.toml: what cannot work is said when it is read, and no secret is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from cspkit.errors import SettingsError
from cspkit.runbooks import settling
from cspkit.settings import Settings


def read(folder: Path, *lines: str) -> Settings:
    """Read settings with these lines about letters."""
    text = "\n".join(["[letters]", *lines])
    (folder / "cspkit.toml").write_text(text, encoding="utf-8")
    return Settings.read(folder)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (['smtp_host = "smtp.example"'], "sender is needed where smtp_host is set"),
        (['sender = "Ana Ruiz"'], "expected Name <name@domain>, found 'Ana Ruiz'"),
        (['sender = "Ana\\nBcc: x@y.example <a@b.example>"'], "sender: expected"),
        (['smtp_security = "ssl"'], "letters.smtp_security: .*'starttls', 'tls' or 'none'"),
        (["smtp_port = 70000"], "letters.smtp_port: "),
        (["remind_after_days = [0]"], "letters.remind_after_days.0: "),
        (
            [
                *('smtp_host = "smtp.example"', 'sender = "a@b.example"'),
                *('smtp_user = "u"', 'smtp_security = "none"'),
            ],
            "would send the password of smtp_user in clear",
        ),
    ],
)
def test_what_cannot_send_is_refused_at_once(tmp_path: Path, lines: list[str], what: str) -> None:
    """One line names the field, before any letter waits for it."""
    with pytest.raises(SettingsError, match=what) as found:
        read(tmp_path, *lines)

    assert "\n" not in str(found.value)


@pytest.mark.parametrize("name", ["smtp_password", "password", "client_secret"])
def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path: Path, name: str) -> None:
    """The error says where it belongs; what stood there is in no message."""
    with pytest.raises(SettingsError, match=f"letters.{name}: secrets are not kept") as found:
        read(tmp_path, f'{name} = "hunter2"')

    assert "hunter2" not in str(found.value)
    assert "CSPKIT_SMTP_PASSWORD" in str(found.value)


def test_own_letters_are_found_from_the_folder_of_a_run(tmp_path: Path) -> None:
    """Settings that are kept beside a run lead to the same texts."""
    settings = read(tmp_path, 'own = "texts"', 'sender = "Ana Ruiz <ana@b.example>"')
    beside = tmp_path / "run"
    beside.mkdir()

    kept = Settings.read(settling.keep(settings, beside))

    assert kept.path(kept.letters.own) == tmp_path.resolve() / "texts"
    assert (kept.letters.sender_name, kept.letters.sender_address) == ("Ana Ruiz", "ana@b.example")
