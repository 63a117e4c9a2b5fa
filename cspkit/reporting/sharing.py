"""A report that can leave the house: people, customers and ids under keyed pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cspkit import catalogue
from cspkit.errors import SettingsError
from cspkit.reporting.summary import Status
from cspkit.reporting.words import Words

KEY = ".share-key"
_NAMES = ("name",)
_IDS = ("customer_id", "subscription_ids", "move_id", "subscription_id", "reseller_id", "run_id")
_PEOPLE = ("by",)
_TEXTS = ("reason", "would_fit", "error")


def shared(status: Status, root: Path, words: Words) -> Status:
    """Return the same figures without names, ids, people or links to receipts.

    A pseudonym is HMAC-SHA-256 under a key of the workspace, so that the same customer has the
    same one in every report and nobody outside can find out whose it is. Free text, which may
    name somebody, is left out. Raises SettingsError when the key cannot be kept.
    """
    code = _coder(_key(root))
    changed: dict[str, Any] = {
        one.name: _masked(getattr(status, one.name), code, words)
        for one in fields(status)
        if isinstance(getattr(status, one.name), pd.DataFrame)
    }
    for name in ("made_by", "approved_by"):
        who = getattr(status, name)
        changed[name] = f"{words.of('person', 'shared')} {code(who)}" if who else ""
    changed["service"] = f"{status.service.partition(':')[0]}:{code(status.service)}"
    return replace(status, **changed)


def _masked(frame: pd.DataFrame, code: Callable[[Any], str], words: Words) -> pd.DataFrame:
    customer, person = words.of("customer", "shared"), words.of("person", "shared")
    frame = frame.copy()
    ids = frame.get("customer_id")
    for column in frame.columns:
        if column in _NAMES:
            source = ids if ids is not None else frame[column]
            frame[column] = [f"{customer} {code(value)}" for value in source]
        elif column in _IDS:
            frame[column] = [code(value) if value else value for value in frame[column]]
        elif column in _PEOPLE:
            frame[column] = [
                f"{person} {code(value)}" if value else value for value in frame[column]
            ]
        elif column == "product":
            # A product's name may be one that somebody gave it: a department, a customer.
            frame[column] = _products(frame)
        elif (column in _TEXTS and _of_people(frame)) or column == "receipt":
            frame[column] = None
    return frame


def _of_people(frame: pd.DataFrame) -> bool:
    """Say whether free text in a frame may name somebody: that of moves, and of mail servers."""
    return "move_id" in frame or "mail" in frame


def _products(frame: pd.DataFrame) -> list[str | None]:
    """Name products by the catalogue alone; others stay unnamed."""
    known = {row["sku_id"]: row["name"] for row in catalogue.table().to_pylist()}
    skus = frame["sku_id"] if "sku_id" in frame.columns else [None] * len(frame)
    return [known.get(sku) for sku in skus]


def _coder(key: bytes) -> Callable[[Any], str]:
    def code(value: Any) -> str:
        return hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()[:12]

    return code


def _key(root: Path) -> bytes:
    """Read the workspace's key, or make one that only its owner can read."""
    file = root / KEY
    try:
        if not file.exists():
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as opened:
                opened.write(secrets.token_hex(32).encode())
        key = file.read_bytes()
    except OSError as error:
        raise SettingsError(file, "key", f"cannot be kept: {error.strerror}") from error
    if len(key) < 32:
        raise SettingsError(file, "key", f"expected 64 characters, found {len(key)}; remove it")
    return key
