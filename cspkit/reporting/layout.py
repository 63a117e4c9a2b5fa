"""The one place that pages are made: templates, escaping, the style they carry inside."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """Return the templates of all pages; everything that is put into them is escaped."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
    )


@cache
def style() -> Markup:
    """Return the style sheet that all pages carry inside."""
    return Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
