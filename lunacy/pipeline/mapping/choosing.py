"""What a region is called: of the terms that fit it the best, or the best two, that no other region has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np

from lunacy.arrays import Rows
from lunacy.category_names import short_names
from lunacy.pipeline.mapping.labels import Weights
from lunacy.pipeline.mapping.meanings import Means
from lunacy.pipeline.mapping.title_words import singular

_LONGEST = 40  # characters of a label
_FURTHER = 5  # terms
_TRIED = 8  # terms, alone and with each other
_OF_BOTH = 0.85  # of what two terms are worth together, for their length
_POWER = 4  # of how well a term fits, beside how many papers have it
_LEAST = 0.05  # that any fits
_AND = " and "
_NO_WORD = re.compile(r"[\W_]+")
_PLAIN = re.compile(r"[a-zà-ÿ]{2,}\b")  # a word that may begin with a capital: no "p-adic", no "mRNA"
NONE = -1


@dataclass(frozen=True, slots=True)
class Label:
    """What a region is called."""

    text: str  # "": nothing can be said
    further: tuple[str, ...] = ()
    term: int = NONE  # that it is, or begins with


def worth(weights: Weights, fits: Weights) -> Weights:
    """Of terms by how much they say, and how well they fit."""
    return np.asarray(weights * np.maximum(fits, _LEAST) ** _POWER, np.float64)


class Names:
    """The names of categories, and of what these are part of, among the terms."""

    def __init__(self, categories: Sequence[str]) -> None:
        self._of_each = [short_names(one) for one in categories]
        self._all = {name for of_one in self._of_each for name in of_one}
        self._broad = {name for of_one in self._of_each for name in of_one[1:]}

    def join(self, one: str, other: str) -> str:
        """Both, a name first; "" where they do not go together, as "Mathematics" and what is part of it."""
        if _AND in one or _AND in other or _words(one) & _words(other):
            return ""
        both = {one, other}
        if both & self._broad and (not both <= self._all or any(both <= {*names} for names in self._of_each)):
            return ""
        first, second = sorted((one, other), key=lambda text: text not in self._all)
        return f"{first}{_AND}{second}"


@dataclass(frozen=True, slots=True)
class Options:
    """The terms that a region may be called by, the best first."""

    terms: Rows  # (k,)
    texts: Sequence[str]
    weights: Weights  # (k,)
    fits: Weights  # (k,)
    above: tuple[str, ...]  # the labels of the regions that it lies in

    def label(self, means: Means, names: Names, taken: set[str]) -> Label:
        """That of the region; `means`: of all terms; `taken`: what others are called, in small letters."""
        free = list(islice((at for at, text in enumerate(self.texts) if self._is_free(text, taken)), _TRIED))
        scores = self._scores(free, means)
        for at in np.argsort(-scores, axis=None, kind="stable").tolist():
            one, other = (free[part] for part in divmod(at, len(free)))
            text = self.texts[one]
            if one != other:
                text = names.join(text, self.texts[other]) if one < other else ""
            if text and (one == other or self._is_free(text, taken)):
                first = one if text.startswith(self.texts[one]) else other
                return Label(_begun(text), tuple(islice(self._beside(text), _FURTHER)), int(self.terms[first]))
        return Label("")

    def _scores(self, free: Sequence[int], means: Means) -> Weights:
        """Of each two of them, and on the diagonal of each alone: (k, k).

        Two fit as their means do together, and the lighter adds the less, the more the two are about the same.
        """
        vectors, weights, fits = means[self.terms[free]], self.weights[free], self.fits[free]
        alike = np.clip(vectors @ vectors.T, 0, 1)
        nowhere = np.flatnonzero(~vectors.any(axis=1))  # of these it is not known what they mean
        alike[nowhere], alike[:, nowhere] = 1, 1
        np.fill_diagonal(alike, 1)
        both = np.maximum.outer(weights, weights) + np.minimum.outer(weights, weights) * (1 - alike**2)
        scores = worth(both, np.add.outer(fits, fits) / np.sqrt(2 + 2 * alike)) * _OF_BOTH
        np.fill_diagonal(scores, worth(weights, fits))
        return scores

    def _is_free(self, text: str, taken: set[str]) -> bool:
        """Whether no other is called so, and it says more than what is around: "stars" do, in "galaxies and stars"."""
        if len(text) > _LONGEST or text.casefold() in taken:
            return False
        words = _words(text)
        return not any(
            words == _words(one) or any(words < _words(part) for part in one.split(_AND)) for one in self.above
        )

    def _beside(self, label: str) -> Iterator[str]:
        """Terms that have no word in common with the label, or with each other."""
        known = _words(label)
        for text in self.texts:
            if known.isdisjoint(_words(text)):
                yield text
                known |= _words(text)


def _begun(text: str) -> str:
    """With a capital, but "p-adic groups"."""
    return text[:1].upper() + text[1:] if _PLAIN.match(text) else text


@lru_cache(maxsize=2**16)
def _words(text: str) -> frozenset[str]:
    return frozenset(singular(word) for word in _NO_WORD.split(text) if word and word != "and")
