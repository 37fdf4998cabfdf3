"""An embedder on one of `engines/`: tokenises by itself, ahead of the model and in another thread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lunacy.embedding.embedder import WINDOWS, Embedded, Prepared
from lunacy.embedding.engines.engine import Engine
from lunacy.embedding.model_errors import model_errors
from lunacy.embedding.tokenizer import TextReader
from lunacy.embedding.unit_vectors import unit
from lunacy.fingerprint import Fingerprint


class EngineEmbedder:
    """A tokenizer and an engine."""

    def __init__(
        self, fingerprint: Fingerprint, query_prompt: str, reader: TextReader, engine: Engine, notes: Sequence[str] = ()
    ) -> None:
        """`query_prompt`: what stands before a query, as the fingerprint's before a paper's text."""
        self.fingerprint = fingerprint
        self.arithmetic = engine.arithmetic
        self.notes = (*reader.notes, *notes)
        self.window = WINDOWS[engine.arithmetic.split()[0]]
        self._prompt, self._query_prompt = fingerprint.prompt or "", query_prompt
        self._reader = reader
        self._engine = engine

    def prepare(self, texts: Sequence[str]) -> Prepared:
        """Tokenise papers' texts."""
        return self._tokenise(texts, self._prompt)

    def run(self, prepared: Prepared) -> Embedded:
        """One unit vector a text, in order; a text that was read in windows gets the mean of theirs."""
        texts, tokens = prepared.texts, prepared.tokens
        if tokens is None:  # prepared before the model was loaded
            return self.embed(texts)
        if not len(tokens):
            return Embedded(np.empty((0, self.fingerprint.dim), np.float32), 0)
        with model_errors("the model cannot embed a text"):
            found = self._engine.run(tokens)[:, : self.fingerprint.dim]
        if tokens.owners is None:
            return Embedded(unit(found, texts), tokens.n_cut)
        windows = unit(found, [texts[owner] for owner in tokens.owners])
        firsts = np.searchsorted(tokens.owners, np.arange(tokens.n_texts))
        return Embedded(unit(np.add.reduceat(windows, firsts, axis=0), texts), tokens.n_cut)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Tokenise and embed papers' texts."""
        return self.run(self.prepare(texts))

    def embed_queries(self, texts: Sequence[str]) -> Embedded:
        """Tokenise and embed queries."""
        return self.run(self._tokenise(texts, self._query_prompt))

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each query has, with its prompt and what the tokenizer puts around it."""
        return self._reader.count([self._query_prompt + text for text in texts])

    def _tokenise(self, texts: Sequence[str], prompt: str) -> Prepared:
        with model_errors("the tokenizer cannot read a text"):
            return Prepared(texts, self._reader.read([prompt + text for text in texts] if prompt else texts))
