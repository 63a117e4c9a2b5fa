"""Texts to customers in their language, and the outbox they wait in."""

from cspkit.letters.bouncing import Bounce, bounce
from cspkit.letters.carrying import PASSWORD, Carried, Fate, carry
from cspkit.letters.outbox import FIRST, draft, file_name, keep, message_id, outgoing, put
from cspkit.letters.wording import Licences, Price
from cspkit.letters.writing import LANGUAGES, LETTERS, Field, Text, language_for, write

__all__ = [
    "FIRST",
    "LANGUAGES",
    "LETTERS",
    "PASSWORD",
    "Bounce",
    "Carried",
    "Fate",
    "Field",
    "Licences",
    "Price",
    "Text",
    "bounce",
    "carry",
    "draft",
    "file_name",
    "keep",
    "language_for",
    "message_id",
    "outgoing",
    "put",
    "write",
]
