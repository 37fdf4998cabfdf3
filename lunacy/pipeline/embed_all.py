"""Embed more texts than one call should take, and tell how far it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lunacy.arrays import Vectors
from lunacy.embedding import Embedder
from lunacy.progress import Report, reported

_AT_A_TIME = 64  # texts: seconds on a slow processor


def embed_all(embedder: Embedder, texts: Sequence[str], doing: str, progress: Report) -> Vectors:
    """The vectors of papers' texts, (n, dim) float32."""
    groups = [texts[start : start + _AT_A_TIME] for start in range(0, len(texts), _AT_A_TIME)]
    found = [
        embedder.embed(group).vectors
        for group in reported(doing, groups, [len(group) for group in groups], progress, unit="texts")
    ]
    return np.concatenate([np.empty((0, embedder.fingerprint.dim), np.float32), *found])
