"""What is meant by the names of batches that people type, and what to say to a slip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cspkit.errors import UnknownParameter

LISTED = 6


def named(known: Sequence[str], words: Iterable[str]) -> list[str]:
    """Name each batch that is meant, once: `B002-B004` are those from one to the other.

    An empty word names none and is kept. Raises UnknownParameter as `one` does, and for a range
    that runs backwards or has an end that is no batch.
    """
    return list(dict.fromkeys(batch for word in words for batch in _meant(known, word)))


def one(known: Sequence[str], word: str) -> str:
    """Return a batch that there is; raise UnknownParameter with those that there are otherwise."""
    if word in known:
        return word
    raise _slip("one of the plan's", word, _like(known, word), known)


def _meant(known: Sequence[str], word: str) -> Sequence[str]:
    if not word or word in known:
        return [word]
    ends = word.split("-")
    wanted = "one of the plan's"
    wanted += f", or a range such as {known[0]}-{known[-1]}" if len(known) > 1 else ""
    if len(ends) != 2:
        raise _slip(wanted, word, _like(known, word), known)
    for end in ends:
        if end not in known:
            raise _slip(wanted, word, f"no batch {end!r}{_like(known, end)}", known)
    first, last = (known.index(end) for end in ends)
    if last < first:
        raise _slip(wanted, word, f"it runs backwards{_meaning('-'.join(reversed(ends)))}", known)
    return known[first : last + 1]


def _slip(wanted: str, word: str, why: str, known: Sequence[str]) -> UnknownParameter:
    told = f" ({why.lstrip(', ')})" if why else ""
    return UnknownParameter(f"batch: expected {wanted}, found {word!r}{told}; {_has(known)}")


def _like(known: Sequence[str], word: str) -> str:
    """Point to the batch of the same number, where the name alone was written otherwise."""
    found = [name for name in known if _number(name) == _number(word)]
    return _meaning(found[0]) if found and _number(word) else ""


def _number(name: str) -> str:
    return "".join(filter(str.isdecimal, name)).lstrip("0") if name.isalnum() else ""


def _meaning(name: str) -> str:
    return f", did you mean {name}?"


def _has(known: Sequence[str]) -> str:
    if not known:
        return "the plan has no batch"
    if len(known) <= LISTED:
        return f"the plan has {', '.join(known)}"
    return f"the plan has {len(known):,} batches, {known[0]} to {known[-1]}"
