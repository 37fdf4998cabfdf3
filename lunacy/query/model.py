"""The index's own model, for texts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from lunacy.arrays import Vectors
from lunacy.embedding import Embedder, load_again
from lunacy.errors import ModelError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import squeeze_spaces
from lunacy.progress import Progress, Report, no_report

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextVector:
    """The vector of a text, and what the asker should know of it."""

    vector: Vectors  # (1, dim) float32; not a number where only words are asked for
    note: str = ""


class TextModel:
    """Embeds texts for the index called `name`. Its model is loaded when first needed, unless `embedder` is given.

    `is_used`: whether there was a text so far.
    """

    def __init__(self, name: str, embedder: Embedder | None = None, progress: Report = no_report) -> None:
        self._name = name
        self._embedder = embedder
        self._progress = progress
        self.is_used = False

    def embed(
        self, texts: Sequence[str], ours: Fingerprint, *, model: str | None = None, device: str = "auto"
    ) -> list[TextVector]:
        """The vectors of `texts`, by the model that `ours` names, or by the same one from `model`.

        Raises ModelError when it cannot be had, FingerprintMismatch when it is another one.
        """
        self.is_used = True

        def work() -> list[TextVector]:
            embedder = self._loaded(ours, model, device)
            if len(texts) > 1:
                self._progress(Progress("embedding texts"))
            squeezed = list(map(squeeze_spaces, texts))
            embedded = embedder.embed_queries(squeezed)
            notes = _cut(embedder, squeezed) if embedded.n_cut else [""] * len(texts)
            return list(map(TextVector, embedded.vectors[:, None], notes))

        return in_model_thread(work)

    def _loaded(self, ours: Fingerprint, model: str | None, device: str) -> Embedder:
        """Loaded once. A folder is taken at its word when the index knows no hash of weights."""
        embedder = self._embedder
        if embedder is None or model is not None:
            embedder = load_model_of(ours, self._name, model=model, device=device, progress=self._progress)
        theirs = replace(embedder.fingerprint, text=ours.text)
        if ours.weights is None and model is not None and os.path.isdir(os.path.expanduser(model)):
            theirs = replace(theirs, model=ours.model)
        ours.require_same(theirs, where=self._name)
        self._embedder = embedder
        return embedder


def load_model_of(
    ours: Fingerprint, name: str, *, model: str | None = None, device: str = "auto", progress: Report = no_report
) -> Embedder:
    """The model that `ours` names, of the index called `name`, or the same one from `model`. Raises as `load`."""
    try:
        return load_again(ours, model=model, device=device, n_texts=1, progress=progress)
    except ModelError as error:
        if model is not None or not os.path.isabs(ours.model):
            raise
        raise ModelError(  # whoever asks did not name that folder
            "the model that made the index cannot be loaded here; give the model's folder",
            where=name,
            hint=f"give it with --model; {error.full_message}",
        ) from None


def in_model_thread(work: Callable[[], T]) -> T:
    """Do the work in the one thread that runs models."""
    return _model_thread(os.getpid()).submit(work).result()


def _cut(embedder: Embedder, texts: Sequence[str]) -> list[str]:
    """For each text that is longer than the model reads, how much of it counts."""
    longest, reads_all = embedder.fingerprint.max_tokens or 0, embedder.fingerprint.long_texts == "chunk"
    return [
        f"the text has {n:,} tokens; the model reads the first {longest:,}" if n > longest and not reads_all else ""
        for n in embedder.count_tokens(texts)
    ]


@lru_cache(maxsize=1)
def _model_thread(_process: int) -> ThreadPoolExecutor:
    """The one thread that runs models: an embedder is for one thread at a time.

    And what a model starts of OpenMP belongs to it: a forked child would wait for ever for its parent's.
    """
    return ThreadPoolExecutor(1, "lunacy-model")
