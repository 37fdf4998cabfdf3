"""How alike texts are by their words: TF-IDF over words and pairs of words, whose terms are hashed.

For some thousand texts at a time; over a whole index the lexical index finds candidates.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Scores
from lunacy.derived.lexical import PAIRS, analysed

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
    theirs = set(analysed(other)["words"])
    found: dict[str, str] = {}
    for token in _TOKEN.findall(one):
        stems = analysed(token)["words"]
        if len(stems) == 1 and len(token) >= _SHORTEST and stems[0] in theirs:
            found.setdefault(stems[0], token.lower() if token[1:].islower() else token)
    rarities = {stem: float(rarity[crc32(stem.encode()) % _WORDS]) for stem in found}
    rare = sorted((stem for stem in found if rarities[stem] > least), key=lambda stem: (-rarities[stem], stem))
    return tuple(found[stem] for stem in rare[:n])


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
        terms, counts, sizes = list[int](), list[int](), list[int]()
        for text in texts:
            fields = analysed(text)
            found = Counter(crc32(word.encode()) % _WORDS for word in fields["words"])
            found.update(_WORDS + int(pair, 16) for pair in fields["pairs"])
            terms.extend(found)
            counts.extend(found.values())
            sizes.append(len(found))
        owners = np.repeat(np.arange(len(sizes)), sizes)
        return cls(np.array(terms, np.int64), 1 + np.log(np.array(counts, np.float64)), owners, len(texts))

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

    def likeness(self, others: Words, rarity: Scores) -> Scores:
        """(n,): for each text the mean cosine with `others`, of which there is at least one."""
        mean = np.bincount(others.terms, others.weights(rarity), minlength=_N_TERMS) / others.n
        shared = self.weights(rarity) * mean[self.terms]  # (t,)
        return np.bincount(self.owners, shared, minlength=self.n).astype(np.float64)
