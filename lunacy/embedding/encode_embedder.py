"""An embedder on `SentenceTransformer.encode`: for a few texts, and for models that no engine suits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lunacy.embedding.embedder import WINDOWS, Embedded, Prepared
from lunacy.embedding.encode import encode
from lunacy.embedding.engines.padded import BATCH_SIZE
from lunacy.embedding.loaded_model import Loaded
from lunacy.embedding.model_errors import model_errors
from lunacy.embedding.unit_vectors import unit


class EncodeEmbedder:
    """A sentence-transformers model, in float32."""

    window = WINDOWS["cpu"]  # on any device: it runs them in batches of its own

    def __init__(self, loaded: Loaded, *, batch_size: int | None = None, notes: Sequence[str] = ()) -> None:
        self.fingerprint = loaded.fingerprint
        self.arithmetic = f"{loaded.device} float32"
        self.notes = tuple(notes)
        self._model = loaded.model
        self._prompt, self._query_prompt = loaded.prompt, loaded.query_prompt
        self._batch_size = batch_size or BATCH_SIZE[loaded.device]

    def prepare(self, texts: Sequence[str]) -> Prepared:
        """The texts as they are: sentence-transformers tokenises in `run`."""
        return Prepared(texts)

    def run(self, prepared: Prepared) -> Embedded:
        """One unit vector a text, in order; sentence-transformers sorts by length inside."""
        return self._encode(prepared.texts, self._prompt)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of papers' texts."""
        return self._encode(texts, self._prompt)

    def embed_queries(self, texts: Sequence[str]) -> Embedded:
        """The vectors of queries."""
        return self._encode(texts, self._query_prompt)

    def _encode(self, texts: Sequence[str], prompt: str) -> Embedded:
        dim = self.fingerprint.dim
        if not texts:
            return Embedded(np.empty((0, dim), np.float32), 0)
        with model_errors("the model cannot embed a text"):
            vectors = encode(self._model, texts, prompt=prompt, batch_size=self._batch_size, dim=dim)
            n_cut = self._n_cut([prompt + text for text in texts])
        return Embedded(unit(vectors, texts), n_cut)

    def _n_cut(self, texts: Sequence[str]) -> int:
        limit: int | None = self._model.max_seq_length
        # a token is a byte or more, so that short texts need not be looked at
        long = [text for text in texts if limit is not None and len(text.encode()) > limit - _FRAME]
        return sum(length > (limit or 0) for length in self._lengths(long))

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each query has, with its prompt and what the tokenizer puts around it."""
        return self._lengths([self._query_prompt + text for text in texts])

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        tokenizer: Any = self._model.tokenizer
        if not texts or not callable(tokenizer):
            return [0] * len(texts)
        encoded = tokenizer(texts, truncation=False, padding=False, return_attention_mask=False, verbose=False)
        return list(map(len, encoded["input_ids"]))


_FRAME = 8  # more special tokens than any model puts around a text
