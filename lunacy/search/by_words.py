"""What the words of a text find, by the lexical index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from lunacy.arrays import Rows, Scores
from lunacy.derived.faiss_threads import in_threads
from lunacy.search.target import Sides, Target, Text

_N_TYPICAL = 200  # of the best: their mean and deviation are the measure of a text's scores
_BEYOND = 0.75  # of the last score that was found: taken for what papers have that come after it
_LEAST_SPREAD = 0.05  # of BM25, as a share of its mean: keeps the score finite when all candidates share a word equally


@dataclass(frozen=True, slots=True)
class ByWords:
    """The best by words that the filter admits; mean and deviation are of the best scores without the filter."""

    rows: Rows  # (m,), best first; the papers that the text is of are among them only where they stand first
    scores: Scores  # (m,): BM25
    mean: float
    deviation: float
    beyond: float = 0.0  # what counts as the score of a paper that is not among them

    def of(self, rows: Rows) -> Scores:
        """BM25 of (c,) ascending rows: 0 for those that are not among the best."""
        found = np.zeros(len(rows))
        if len(rows):
            indexes = np.minimum(np.searchsorted(rows, self.rows), len(rows) - 1)
            is_here = rows[indexes] == self.rows
            found[indexes[is_here]] = self.scores[is_here]
        return found

    def standardized(self, scores: Scores) -> Scores:
        """`scores`, as `of` gives them, as deviations from the mean."""
        spread = max(self.deviation, _LEAST_SPREAD * self.mean, 1e-9)
        standardized: Scores = (np.where(scores > 0, scores, self.beyond) - self.mean) / spread
        return standardized


def by_words(sides: Sides, targets: Sequence[Target], n: int) -> list[list[ByWords]]:
    """For each text of each target the best `n` that the filter admits, or fewer when fewer share a word with it."""
    assert sides.lexical is not None
    lexical = sides.lexical

    def best(asked: tuple[Target, Text]) -> ByWords:
        target, text = asked
        n_asked = 2 * n
        while True:
            rows, scores, is_all = lexical.best(text.text, n_asked, title=text.title)
            is_other = ~np.isin(rows, target.left_out)
            is_first = np.isin(rows, target.first)
            typical, wanted = scores[is_other][:_N_TYPICAL], is_first | (is_other & sides.qualify(rows))
            if wanted.sum() >= n or is_all:
                mean, deviation = (float(typical.mean()), float(typical.std())) if len(typical) else (0.0, 0.0)
                beyond = 0.0 if is_all or not len(scores) else _BEYOND * float(scores[-1])
                return ByWords(rows[wanted], scores[wanted], mean, deviation, beyond)
            n_asked *= 8

    found = iter(in_threads(best, [(target, text) for target in targets for text in target.texts]))
    return [list(islice(found, len(target.texts))) for target in targets]
