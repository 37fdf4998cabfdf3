"""An embedder whose model is loaded with the first text, as an update in which nothing changed needs no model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lunacy.embedding.embedder import WINDOWS, Embedded, Embedder, Prepared
from lunacy.fingerprint import Fingerprint


class LazyEmbedder:
    """The model that made `fingerprint`, as far as its files tell; checked again when it is loaded."""

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
        """Preferred number of texts per call."""
        return self._embedder.window if self._embedder else WINDOWS["cpu"]

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know about how the model is run, once it is loaded."""
        return self._embedder.notes if self._embedder else ()

    def prepare(self, texts: Sequence[str]) -> Prepared:
        """As the model's embedder prepares them; before it is loaded, `run` does all."""
        return self._embedder.prepare(texts) if self._embedder else Prepared(texts)

    def run(self, prepared: Prepared) -> Embedded:
        """The vectors of papers' texts. Raises FingerprintMismatch when the loaded model is another one after all."""
        return self._loaded().run(prepared)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of papers' texts; raises as `run` does."""
        return self._loaded().embed(texts)

    def embed_queries(self, texts: Sequence[str]) -> Embedded:
        """The vectors of queries; raises as `run` does."""
        return self._loaded().embed_queries(texts)

    def _loaded(self) -> Embedder:
        if self._embedder is None:
            embedder = self._load()
            loaded = replace(embedder.fingerprint, text=self.fingerprint.text)
            self.fingerprint.require_same(loaded)
            self._embedder = embedder
        return self._embedder
