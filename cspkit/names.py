"""Names of people, as far as two names have to be two people."""

from __future__ import annotations

import re
import unicodedata

# Letters of other alphabets that look like a Latin one: else a name could stand for two people.
_ALIKE = str.maketrans(
    "авекмнорстухіјѕԁһԛԝѵьӏαβεζηικμνορτυχϲ",
    "abekmhopctyxijsdhqwvblabezhikmnoptuxc",
)
_SAME = str.maketrans("l1|0", "iiio")
_UNSEEN = ("Mn", "Mc", "Me", "Cf")
_WORDS = re.compile(r"[\W_]+")


def person(name: str) -> str:
    """Give what two spellings of one person's name have in common; empty for no name at all.

    Case, accents, blanks, signs, the order of the words and letters that look alike make no
    second person.
    """
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    seen = "".join(sign for sign in apart if unicodedata.category(sign) not in _UNSEEN)
    words = _WORDS.split(seen.translate(_ALIKE).translate(_SAME))
    return " ".join(sorted(word for word in words if word))
