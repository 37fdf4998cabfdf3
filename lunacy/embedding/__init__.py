"""Texts -> unit vectors. The only door to torch, sentence-transformers and tokenizers; importing this costs nothing."""

from __future__ import annotations

from lunacy.embedding.given import GivenVectors
from lunacy.embedding.lazy import LazyEmbedder
from lunacy.embedding.models import DEFAULT_MODEL, canonical_name, model_folder, tokenizer_hash, weights_hash
from lunacy.embedding.types import Embedded, Embedder
from lunacy.fingerprint import Fingerprint

__all__ = ["DEFAULT_MODEL", "Embedded", "Embedder", "GivenVectors", "canonical_name", "load", "load_when_needed"]


def load(model: str = DEFAULT_MODEL, *, device: str = "auto", batch_size: int | None = None) -> Embedder:
    """The embedder for a sentence-transformers model: a name on the hub, or a folder.

    Raises ModelError when the model or the device cannot be had.
    """
    from lunacy.embedding.sentence import SentenceEmbedder  # torch: seconds

    return SentenceEmbedder(model, device=device, batch_size=batch_size)


def load_when_needed(
    model: str, recorded: Fingerprint | None, *, device: str = "auto", batch_size: int | None = None
) -> Embedder:
    """As `load`, but when the model's files are those of `recorded`, it is loaded only with the first text."""
    if recorded is not None and recorded.weights is not None:
        folder = model_folder(model)
        if (weights_hash(folder), tokenizer_hash(folder)) == (recorded.weights, recorded.tokenizer):
            return LazyEmbedder(recorded, lambda: load(model, device=device, batch_size=batch_size))
    return load(model, device=device, batch_size=batch_size)
