"""What the words of a text say of papers that were found: their places by words, and the terms that they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lunacy.arrays import Rows
from lunacy.derived.shares import Shares, shares_of
from lunacy.search.by_words import by_words
from lunacy.search.fused import N_CANDIDATES
from lunacy.search.target import Sides, Target


@dataclass(frozen=True, slots=True)
class Worded:
    """Of a paper, for a text."""

    place: int | None  # among the best by words, 1 is first; None: not among them
    shares: Shares


def worded(sides: Sides, target: Target, rows: Rows) -> list[Worded]:
    """Of the papers at `rows`, for the only text of `target`."""
    assert sides.lexical is not None
    [text] = target.texts
    [[found]] = by_words(sides, [target], N_CANDIDATES)
    listed = found.rows[~np.isin(found.rows, target.first)][:N_CANDIDATES]
    places = {row: place for place, row in enumerate(listed.tolist(), 1)}
    return [
        Worded(places.get(row), shares_of(sides.lexical, text.text, row, title=text.title)) for row in rows.tolist()
    ]
