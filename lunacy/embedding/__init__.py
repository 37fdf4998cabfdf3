"""Texts -> unit vectors. The only door to torch, sentence-transformers and tokenizers; importing this costs nothing."""

from __future__ import annotations

from lunacy.embedding.given import GivenVectors
from lunacy.embedding.models import DEFAULT_MODEL, canonical_name
from lunacy.embedding.types import Embedded, Embedder

__all__ = ["DEFAULT_MODEL", "Embedded", "Embedder", "GivenVectors", "canonical_name", "load"]


def load(model: str = DEFAULT_MODEL, *, device: str = "auto", batch_size: int | None = None) -> Embedder:
    """The embedder for a sentence-transformers model: a name on the hub, or a folder.

    Raises ModelError when the model or the device cannot be had.
    """
    from lunacy.embedding.sentence import SentenceEmbedder  # torch: seconds

    return SentenceEmbedder(model, device=device, batch_size=batch_size)
