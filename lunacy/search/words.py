"""How alike texts are by their words: TF-IDF over words and pairs of words, whose terms are hashed.

For some thousand texts at a time; over a whole index the lexical index finds candidates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Scores
from lunacy.derived.lexical import PAIRS, pair_hashes, stems
from lunacy.derived.shares import Share, Shares

_WORDS = 2**20  # values of a word's hash
_N_TERMS = _WORDS + PAIRS


_TOKEN = re.compile(r"[^\W\d_][\w-]*[^\W_]")
_SHORTEST = 4  # letters of a word that says something
_COMMON = 0.02  # share of papers that have a word which says nothing


def shared_words(one: str, other: str, rarity: Scores, n: int) -> tuple[str, ...]:
    """The `n` rarest words that two texts have in common, whatever their endings, as the first has them.

    `rarity`: in papers in general, of which few have such a word.
    """
    least = 1 - np.log(_COMMON)
    theirs = set(stems(other))
    found: dict[str, str] = {}
    for token in _TOKEN.findall(one):
        if len(token) >= _SHORTEST and (stem := _stem(token)) in theirs:
            found.setdefault(stem, token.lower() if token[1:].islower() else token)
    rarities = {stem: float(rarity[crc32(stem.encode()) % _WORDS]) for stem in found}
    rare = sorted((stem for stem in found if rarities[stem] > least), key=lambda stem: (-rarities[stem], stem))
    return tuple(found[stem] for stem in rare[:n])


def shares_without_index(one: str, other: str, rarity: Scores) -> Shares:
    """The terms that two texts have in common, each as weighty as it is rare in papers in general."""

    def share(place: int) -> Share:
        logarithm = float(rarity[place]) - 1
        return Share(logarithm, logarithm)

    words, others = stems(one), stems(other)
    pairs = set(pair_hashes(words)).intersection(pair_hashes(others))
    return Shares(
        {word: share(crc32(word.encode()) % _WORDS) for word in set(words).intersection(others)},
        {pair: share(_WORDS + pair) for pair in pairs},
    )


@lru_cache(maxsize=2**14)
def _stem(token: str) -> str:
    """That of a single word; "" for one that does not count."""
    return "".join(stems(token))


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The terms of some texts."""

    terms: npt.NDArray[np.int64]  # (t,): those of the first text, then those of the next, none twice in a text
    counts: Scores  # (t,): 1 + ln(how often it occurs in its text)
    owners: npt.NDArray[np.int64]  # (t,): the number of its text, ascending
    n: int  # texts

    @classmethod
    def of(cls, texts: Sequence[str]) -> Words:
        """The terms of `texts`."""
        hashes, sizes = list[int](), list[int]()
        for text in texts:
            words = stems(text)
            hashes.extend(crc32(word.encode()) % _WORDS for word in words)
            hashes.extend(_WORDS + pair for pair in pair_hashes(words))
            sizes.append(2 * len(words) - bool(words))
        places = np.repeat(np.arange(len(sizes)) * _N_TERMS, sizes) + np.array(hashes, np.int64)
        found, counts = np.unique(places, return_counts=True)
        return cls(found % _N_TERMS, 1 + np.log(counts), found // _N_TERMS, len(texts))

    def rarity(self) -> Scores:
        """(terms,): the inverse document frequency of each term among these texts, as scikit-learn smooths it."""
        frequency = np.bincount(self.terms, minlength=_N_TERMS)
        found: Scores = 1 + np.log((1 + self.n) / (1 + frequency))
        return found

    def weights(self, rarity: Scores) -> Scores:
        """(t,): the weight of each term in its text; the weights of a text have length 1."""
        weights = self.counts * rarity[self.terms]
        length = np.sqrt(np.bincount(self.owners, weights**2, minlength=self.n))
        found: Scores = weights / length[self.owners]
        return found

    def centre(self, rarity: Scores) -> Scores:
        """(terms,): the mean weight of each term in these texts, of which there is at least one."""
        found: Scores = np.bincount(self.terms, self.weights(rarity), minlength=_N_TERMS) / self.n
        return found

    def likeness(self, weights: Scores, centre: Scores) -> Scores:
        """(n,): for each text the mean cosine with the texts of a `centre`. `weights`: of the terms here."""
        return np.bincount(self.owners, weights * centre[self.terms], minlength=self.n).astype(np.float64)
