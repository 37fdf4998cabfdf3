"""What each term of a text adds to the score of a paper by words, from the word index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from lunacy.derived.lexical import Lexical

_TERM = re.compile(r'Term=Term\(field=(\d+), type=Str, "(.*)"\)')
_FIELDS = "row", "words", "pairs"  # in the order of the schema


@dataclass(frozen=True, slots=True)
class Share:
    """What a term that two texts have in common is worth."""

    weight: float  # what it adds to BM25
    rarity: float  # its inverse document frequency: a logarithm


@dataclass(frozen=True, slots=True)
class Shares:
    """The terms that a text and a paper have in common."""

    words: dict[str, Share]  # by stem
    pairs: dict[int, Share]  # of neighbouring stems, by `pair_hashes`


def shares_of(lexical: Lexical, text: str, row: int, *, title: str = "") -> Shares:
    """Of the paper at `row` for a text; none where the word index has no such row. The weights' sum is BM25."""
    found: dict[str, dict[str, Share]] = {"words": {}, "pairs": {}}
    explained = lexical.explained(text, row, title=title)
    for clause in _clauses(orjson.loads(explained)) if explained else ():
        field, term = _term(clause)
        found[field][term] = Share(float(clause["value"]), lexical.rarity(field, term))
    return Shares(found["words"], {int(term, 16): share for term, share in found["pairs"].items()})


def _clauses(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of the sum that are of one term each."""
    if node["description"].startswith("BooleanClause"):
        for part in node["details"]:
            yield from _clauses(part)
    else:
        yield node


def _term(node: dict[str, Any]) -> tuple[str, str]:
    """Field and text of the term of a clause."""
    while "context" not in node:
        [node] = node["details"]
    match = _TERM.fullmatch(node["context"][0])
    assert match is not None, node["context"]
    return _FIELDS[int(match[1])], match[2]
