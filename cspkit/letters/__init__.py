"""Texts to customers in their language, and the outbox they wait in."""

from cspkit.letters.outbox import FIRST, draft, file_name, put
from cspkit.letters.wording import Licences
from cspkit.letters.writing import LANGUAGES, LETTERS, Field, Text, language_for, write

__all__ = [
    "FIRST",
    "LANGUAGES",
    "LETTERS",
    "Field",
    "Licences",
    "Text",
    "draft",
    "file_name",
    "language_for",
    "put",
    "write",
]
