"""Why a paper is a hit, as text: names and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lunacy.display import harmless
from lunacy.render.wrapping import joined, wrapped
from lunacy.unicode import to_unicode
from lunacy.why import SentencePair, Why

_INDENT = len("sentences  ")
_MOST_LINES = 2  # of a sentence
_LEAST = 20  # columns for it


def reasons(why: Why) -> Iterator[tuple[str, Sequence[str]]]:
    """What there is to say, by name: one thing or several, of which sentences are whole."""
    if places := places_of(why):
        yield "places", [places]
    if why.terms:
        yield "words", [f"{one.text} {one.weight:.0f}" for one in why.terms]
    if why.sentences:
        yield "sentences", sentences_of(why.sentences)
    if why.authors:
        yield "authors", [to_unicode(one) for one in why.authors]
    if why.unlike:
        yield "not", [f"{why.unlike.id} ({why.unlike.cosine:.2f})"]


def places_of(why: Why) -> str:
    """Where it stands by vectors and by words."""
    places = {"vectors": why.by_vectors, "words": why.by_words}
    return ", ".join(f"{place} by {name}" for name, place in places.items() if place is not None)


def sentences_of(pair: SentencePair) -> list[str]:
    """Both in quotation marks, the first behind their cosine; one where they are the same."""
    both = dict.fromkeys(f'"{to_unicode(one)}"' for one in (pair.asked, pair.hit))
    first, *other = both
    return [f"{pair.cosine:.2f} {first}", *other]


def why_lines(why: Why, width: int) -> Iterator[tuple[str, str]]:
    """Lines of at most `width` columns: the name, padded, or as many spaces, and the rest."""
    for name, said in reasons(why):
        room = max(width - _INDENT, _LEAST)
        lines = (
            [line for one in said for line in _sentence(harmless(one), room)]
            if name == "sentences"
            else joined([f"{harmless(one)}," for one in said[:-1]] + [harmless(said[-1])], room, " ")
        )
        yield from zip([f"{name:{_INDENT}}", *[" " * _INDENT] * (len(lines) - 1)], lines, strict=True)


def _sentence(text: str, width: int) -> list[str]:
    """The first lines of a sentence; what is left out is told by three points."""
    lines = wrapped(text, width)
    if len(lines) <= _MOST_LINES:
        return lines
    *whole, last = lines[:_MOST_LINES]
    return [*whole, f'{wrapped(last, width - 4)[0].rstrip(" ,;:")}..."']
