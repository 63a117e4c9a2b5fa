"""What the README shows of files of one's own is what the command really does."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from cspkit import listing
from cspkit.exports import explain, load
from cspkit.exports.formats import packaged
from cspkit.exports.merging import CHANGING
from cspkit.tables import FRESH_DAYS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DATA = Path(__file__).parent / "data"


def section() -> str:
    return README.split("## Bring your own files")[1].split("\n## ")[0]


def test_the_explanation_in_the_readme_is_the_real_one(tmp_path):
    """Each line of the excerpt is printed by the command for that file, in that order."""
    shutil.copy(DATA / "distributor-es-totals-row.csv", tmp_path / "suscripciones.csv")
    printed = list(listing.explained(explain(tmp_path / "suscripciones.csv")))
    block = re.findall(r"```\n(\$ cspkit load --explain .*?)```", section(), re.DOTALL)[0]
    shown = block.strip().splitlines()[1:]

    assert len(shown) >= 6
    assert shown == [line for line in printed if line in shown]


def test_the_map_in_the_readme_maps(tmp_path):
    """Copied into a file, it reads a list with those headers."""
    (text,) = re.findall(r"```toml\n(.*?)```", section(), re.DOTALL)
    (tmp_path / "ours.toml").write_text(text, encoding="utf-8")
    tenant = "00000001-0000-4000-8000-000000000001"
    row = f"V-12,VISIOCLIENT,{tenant},5,30/06/2027"
    (tmp_path / "list.csv").write_text(f"Contract,Part number,Tenant,Qty,Ends\n{row}\n", "utf-8")
    (found,) = load(tmp_path / "list.csv", maps=[tmp_path / "ours.toml"]).subscriptions.to_dict(
        "records"
    )

    assert (*(found[name] for name in ("subscription_id", "channel", "seats")),) == (
        "v-12-visioclient",
        "open",
        5,
    )
    assert str(found["expires_on"]) == "2027-06-30"


def test_the_precedence_in_the_readme_is_that_of_the_formats():
    """Columns that change, the days that count, and who leads where are not told from memory."""
    led = {name: p.id for p in packaged().profiles for name in p.leads}

    assert f"over {FRESH_DAYS} days older" in section()
    assert len(CHANGING) == 10
    assert led.keys() == {
        *("unit_price", "currency", "sku_id", "is_trial", "assigned_seats"),
        *("expires_on", "auto_renew", "base_subscription_id"),
    }
    assert {p.id for p in packaged().profiles if p.yields} == {
        "reconciliation-legacy",
        "reconciliation-nce",
    }
