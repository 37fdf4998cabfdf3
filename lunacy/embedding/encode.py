"""`SentenceTransformer.encode`, whose vectors are the reference for every engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sentence_transformers import SentenceTransformer

from lunacy.embedding.engines.engine import Floats
from lunacy.errors import ModelError


def encode(
    model: SentenceTransformer, texts: Sequence[str], *, prompt: str, batch_size: int, dim: int | None = None
) -> Floats:
    """One vector a text, in order: (n, dim), of any length; `dim`: the leading dimensions. Raises anything."""
    vectors = model.encode(
        list(texts),
        prompt=prompt,
        batch_size=batch_size,
        show_progress_bar=False,
        convert_to_numpy=True,
        truncate_dim=dim,
    )
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2:
        raise ModelError("the model gives no vector for a text; take a SentenceTransformer")
    return vectors
