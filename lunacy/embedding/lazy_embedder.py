"""An embedder whose model is loaded when it is needed: a wrong file, or an update without news, needs none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lunacy.embedding.embedder import Embedded, Embedder, Prepared
from lunacy.fingerprint import Fingerprint


class LazyEmbedder:
    """A model on disk; the first text loads it, or whoever asks for a fingerprint that nobody recorded."""

    def __init__(self, recorded: Fingerprint | None, load: Callable[[], Embedder], *, window: int) -> None:
        """`recorded`: what made the vectors that its own are to join, if there are any. `window`: till it is loaded."""
        self._recorded = recorded
        self._load = load
        self._window = window
        self._embedder: Embedder | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """What was recorded, else that of the model."""
        return self._recorded or self.load().fingerprint

    @property
    def arithmetic(self) -> str:
        """Device and number format, once it is loaded."""
        return self._embedder.arithmetic if self._embedder else ""

    @property
    def window(self) -> int:
        """Preferred number of texts per call."""
        return self._embedder.window if self._embedder else self._window

    @property
    def notes(self) -> Sequence[str]:
        """What the user should know about how the model is run, once it is loaded."""
        return self._embedder.notes if self._embedder else ()

    def prepare(self, texts: Sequence[str]) -> Prepared:
        """As the model's embedder prepares them; before it is loaded, `run` does all."""
        return self._embedder.prepare(texts) if self._embedder else Prepared(texts)

    def run(self, prepared: Prepared) -> Embedded:
        """The vectors of papers' texts. Raises FingerprintMismatch when the loaded model is another one after all."""
        return self.load().run(prepared)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of papers' texts; raises as `run` does."""
        return self.load().embed(texts)

    def embed_queries(self, texts: Sequence[str]) -> Embedded:
        """The vectors of queries; raises as `run` does."""
        return self.load().embed_queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each query has; raises as `run` does."""
        return self.load().count_tokens(texts)

    def load(self) -> Embedder:
        """Load the model, unless it is loaded. Raises FingerprintMismatch when it is another than what was recorded."""
        if self._embedder is None:
            embedder = self._load()
            if self._recorded is not None:
                self._recorded.require_same(replace(embedder.fingerprint, text=self._recorded.text))
            self._embedder = embedder
        return self._embedder
