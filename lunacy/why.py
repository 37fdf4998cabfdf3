"""Why a paper is a hit: what it has in common with what was asked."""

from __future__ import annotations

from dataclasses import dataclass

_DIGITS = 6  # that are shown of a cosine
_WEIGHT_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Near:
    """A paper that was asked for, and its cosine with a hit."""

    id: str
    cosine: float

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        return {"id": self.id, "cosine": round(self.cosine, _DIGITS)}


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or some words in a row, that both texts have, as the hit writes them."""

    text: str
    weight: float  # what it adds to BM25; without a word index, how rare its words are: a logarithm


@dataclass(frozen=True, slots=True)
class SentencePair:
    """The sentence of what was asked and that of the hit, titles among them, which are closest to each other."""

    asked: str
    hit: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Why:
    """What a hit has in common with what was asked; of several papers, with the one that it is nearest to."""

    asked: str  # the id of the paper that it is compared with; "" for the text
    terms: tuple[Term, ...] = ()  # the weightiest first
    sentences: SentencePair | None = None  # None where there is no model, or no sentence
    by_vectors: int | None = None  # its place among the best by vectors, 1 is first; None: not among them
    by_words: int | None = None  # the same by words; None also where there is no word index
    authors: tuple[str, ...] = ()  # of both
    unlike: Near | None = None  # of the papers that were asked to be far, the one that it is nearest to

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        pair = self.sentences
        return {
            "asked": self.asked or None,
            "terms": [{"text": one.text, "weight": round(one.weight, _WEIGHT_DIGITS)} for one in self.terms],
            "sentences": pair and {"asked": pair.asked, "hit": pair.hit, "cosine": round(pair.cosine, _DIGITS)},
            "by_vectors": self.by_vectors,
            "by_words": self.by_words,
            "authors": list(self.authors),
            **({"unlike": self.unlike.as_record()} if self.unlike else {}),
        }
