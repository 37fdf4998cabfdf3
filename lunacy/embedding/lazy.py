"""An embedder whose model is loaded with the first text: an update in which nothing changed needs none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lunacy.embedding.embedder import Embedded, Embedder, Prepared
from lunacy.fingerprint import Fingerprint

_WINDOW = 512  # texts at a time before the model is loaded


class LazyEmbedder:
    """The model that made `fingerprint`, as far as its files tell; loading it has the last word."""

    def __init__(self, fingerprint: Fingerprint, load: Callable[[], Embedder]) -> None:
        self.fingerprint = fingerprint
        self._load = load
        self._embedder: Embedder | None = None

    @property
    def arithmetic(self) -> str:
        """Device and number format, once it is loaded."""
        return self._embedder.arithmetic if self._embedder else ""

    @property
    def window(self) -> int:
        """How many texts it likes to be given at a time."""
        return self._embedder.window if self._embedder else _WINDOW

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know of how the model is run, once it is loaded."""
        return self._embedder.notes if self._embedder else ()

    def prepare(self, texts: Sequence[str], *, question: bool = False) -> Prepared:
        """The first half; before the model is loaded, it waits for the second."""
        return (
            self._embedder.prepare(texts, question=question) if self._embedder else Prepared(texts, question=question)
        )

    def run(self, prepared: Prepared) -> Embedded:
        """The second half. Raises FingerprintMismatch when the loaded model is another one after all."""
        return self._loaded().run(prepared)

    def embed(self, texts: Sequence[str], *, question: bool = False) -> Embedded:
        """Both halves."""
        return self._loaded().embed(texts, question=question)

    def _loaded(self) -> Embedder:
        if self._embedder is None:
            embedder = self._load()
            loaded = replace(embedder.fingerprint, text=self.fingerprint.text)
            self.fingerprint.require_same(loaded)
            self._embedder = embedder
        return self._embedder
