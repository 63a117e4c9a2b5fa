"""Texts to customers in their language, and the outbox they wait in."""

from cspkit.letters.outbox import draft, file_name, put
from cspkit.letters.writing import LANGUAGES, Text, language_for, write

__all__ = ["LANGUAGES", "Text", "draft", "file_name", "language_for", "put", "write"]
