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
from lunacy.derived.lexical import stems
from lunacy.pipeline.mapping.labels import Weights
from lunacy.pipeline.mapping.meanings import Means

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

    def is_within(self, broad: str, labels: Sequence[str]) -> bool:
        """Whether what is `broad` would be a part of one of its own parts."""
        if broad not in self._broad:
            return False
        parts = {names[0] for names in self._of_each if broad in names[1:]}
        return any(not parts.isdisjoint(_parts(label)) for label in labels)

    def in_order(self, one: str, other: str) -> tuple[str, str]:
        """A name before another term."""
        return (other, one) if other in self._all and one not in self._all else (one, other)

    def joined(self, one: str, other: str) -> str:
        """Both in one label, or "" where one says what the other does, as "Mathematics" does of all that is part of it.

        "Lie algebras" and "cluster algebras" are "Lie and cluster algebras".
        """
        both = {one, other}
        if _AND in one or _AND in other or any(both <= {*names} for names in self._of_each):
            return ""
        if both & self._broad and not both <= self._all:
            return ""
        common = _words(one) & _words(other)
        if common:
            before, last = one.rpartition(" ")[::2]
            if not before or both & self._all - self._broad or common != _words(last) or not other.endswith(f" {last}"):
                return ""
            one = before
        return f"{one}{_AND}{other}"


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
        are_free = (at for at, text in enumerate(self.texts) if self._is_free(text, names, taken))
        free = list(islice(are_free, _TRIED))
        scores = self._scores(free, means)
        for at in np.argsort(-scores, axis=None, kind="stable").tolist():
            one, other = (free[part] for part in divmod(at, len(free)))
            text = self.texts[one] if one == other else self._both(one, other, names)
            if text and (one == other or self._is_free(text, names, taken)):
                return Label(_begun(text), tuple(islice(self._beside(text), _FURTHER)), int(self.terms[one]))
        return Label("")

    def _both(self, one: int, other: int, names: Names) -> str:
        """Two terms as a label; "" where they do not go together, or in the other order."""
        texts = self.texts[one], self.texts[other]
        is_first = names.in_order(*sorted(texts, key=self.texts.index)) == texts
        return names.joined(*texts) if is_first else ""

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

    def _is_free(self, text: str, names: Names, taken: set[str]) -> bool:
        """Whether no other is called so, and it says more than what is around: "stars" do, in "galaxies and stars"."""
        if len(text) > _LONGEST or text.casefold() in taken or names.is_within(text, self.above):
            return False
        words = _words(text)
        return not any(words == _words(one) or any(words < _words(part) for part in _parts(one)) for one in self.above)

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


def _parts(label: str) -> list[str]:
    return label.split(_AND)


@lru_cache(maxsize=2**16)
def _words(text: str) -> frozenset[str]:
    return frozenset("".join(stems(word)) or word for word in _NO_WORD.split(text) if word and word != "and")
