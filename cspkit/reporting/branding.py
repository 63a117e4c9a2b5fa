"""Whose report it is: a partner's name, logo and colour."""

from __future__ import annotations

import base64
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cspkit import validation
from cspkit.errors import SettingsError

KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml"}
LARGEST = 200_000


class Brand(BaseModel):
    """Name, logo (as a data address, so that the page loads nothing) and colour of a partner."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", max_length=80)
    logo: str = ""
    colour: str = Field("", pattern="^(#[0-9a-fA-F]{6})?$")


def read(file: Path) -> Brand:
    """Read a brand from TOML: name, logo (a picture beside the file), colour (#rrggbb).

    Raises SettingsError that names the file and the first wrong field.
    """
    try:
        brand = Brand(**tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(file, "file", f"cannot be read: {error}") from error
    except ValidationError as error:
        raise SettingsError(file, *validation.first(error)) from error
    return brand.model_copy(update={"logo": _picture(file, brand.logo)}) if brand.logo else brand


def _picture(file: Path, logo: str) -> str:
    picture = file.parent / logo
    kind = KINDS.get(picture.suffix.lower())
    if kind is None:
        raise SettingsError(file, "logo", f"expected .png, .jpg or .svg, found {logo!r}")
    try:
        data = picture.read_bytes()
    except OSError as error:
        raise SettingsError(file, "logo", f"{logo!r}: {error.strerror}") from error
    if len(data) > LARGEST:
        raise SettingsError(file, "logo", f"expected at most 200 kB, found {len(data):,} bytes")
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
