"""Texts -> unit vectors. The only door to torch, sentence-transformers, tokenizers, OpenVINO; importing it is cheap."""

from __future__ import annotations

from lunacy.embedding.given import GivenVectors
from lunacy.embedding.models import DEFAULT_MODEL, canonical_name
from lunacy.embedding.types import Embedded, Embedder, Prepared
from lunacy.errors import UsageError

LONG_TEXTS = ("cut", "chunk")

__all__ = [
    "DEFAULT_MODEL",
    "LONG_TEXTS",
    "Embedded",
    "Embedder",
    "GivenVectors",
    "Prepared",
    "canonical_name",
    "load",
]


def load(
    model: str = DEFAULT_MODEL,
    *,
    device: str = "auto",
    batch_size: int | None = None,
    prompt: str | None = None,
    question_prompt: str | None = None,
    dims: int | None = None,
    long_texts: str = LONG_TEXTS[0],
    n_texts: int | None = None,
) -> Embedder:
    """The embedder for a sentence-transformers model: a name on the hub, or a folder.

    `prompt`: what stands before each paper's text, `question_prompt` before a query; None: as the model's authors
    have it. `dims`: keep so many leading dimensions (Matryoshka models). `long_texts`: "cut", or "chunk" to embed
    overlapping windows and average them. `n_texts`: how many texts will come, if known: the start of a fast way is
    not worth it for a few.

    Raises ModelError when the model or the device cannot be had, UsageError for unknown `long_texts`.
    """
    if long_texts not in LONG_TEXTS:
        raise UsageError(f"long_texts {long_texts!r} is unknown; choose one of {', '.join(LONG_TEXTS)}")
    from lunacy.embedding.fast import choose  # torch: seconds
    from lunacy.embedding.loaded import load_model

    loaded = load_model(
        model, device=device, prompt=prompt, question_prompt=question_prompt, dims=dims, long_texts=long_texts
    )
    return choose(loaded, batch_size=batch_size, n_texts=n_texts, chunk=long_texts == "chunk")
