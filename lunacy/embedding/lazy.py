"""An embedder whose model is loaded with the first text: an update in which nothing changed needs none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lunacy.embedding.types import Embedded, Embedder
from lunacy.errors import FingerprintMismatch
from lunacy.fingerprint import Fingerprint


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

    def embed(self, texts: Sequence[str]) -> Embedded:
        """One unit vector a text. Raises FingerprintMismatch when the loaded model is another one after all."""
        if self._embedder is None:
            embedder = self._load()
            loaded = replace(embedder.fingerprint, text=self.fingerprint.text)
            if different := self.fingerprint.differences(loaded):
                values = [f"{name}: {getattr(self.fingerprint, name)}, {getattr(loaded, name)}" for name in different]
                raise FingerprintMismatch(f"the model is not the one of the index ({'; '.join(values)})")
            self._embedder = embedder
        return self._embedder.embed(texts)
