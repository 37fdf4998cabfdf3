"""Embed more texts than one call should take, and tell how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lunacy.arrays import Vectors
from lunacy.embedding import Embedded
from lunacy.progress import Report, reported

_AT_A_TIME = 64  # texts: seconds on a slow processor


def embed_all(
    embed: Callable[[Sequence[str]], Embedded], texts: Sequence[str], doing: str, progress: Report
) -> Vectors:
    """The vectors of one text or more, (n, dim) float32; `embed`: one of the methods of an embedder."""
    groups = [texts[start : start + _AT_A_TIME] for start in range(0, max(len(texts), 1), _AT_A_TIME)]
    found = [
        embed(group).vectors
        for group in reported(doing, groups, [len(group) for group in groups], progress, unit="texts")
    ]
    return np.concatenate(found)
