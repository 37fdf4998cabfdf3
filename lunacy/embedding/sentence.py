"""An embedder on sentence-transformers: any of its models, on any of its devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from lunacy.embedding.models import canonical_name, model_folder, pooling, tokenizer_hash, weights_hash
from lunacy.embedding.types import Embedded
from lunacy.errors import ModelError
from lunacy.fingerprint import Fingerprint

disable_progress_bar()  # type: ignore[no-untyped-call]  # a person who asks a question does not want to see it

_BATCH_SIZE = {"cpu": 8, "cuda": 1024, "mps": 64}  # texts; measured best on CPU and CUDA (MiniLM, abstracts)


class SentenceEmbedder:
    """A sentence-transformers model, in float32."""

    def __init__(self, model: str, *, device: str = "auto", batch_size: int | None = None) -> None:
        """Load; raises ModelError when the model or the device cannot be had."""
        self._device = _pick_device(device)
        self._batch_size = batch_size or _BATCH_SIZE[self._device]
        folder = model_folder(model)
        try:
            self._model = SentenceTransformer(str(folder), device=self._device, local_files_only=True)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, ImportError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"{model} cannot be loaded as a sentence-transformers model: {reason}") from error
        dim = self._model.get_embedding_dimension()
        assert dim is not None
        self.fingerprint = Fingerprint(
            model=canonical_name(model),
            text="",
            dim=dim,
            weights=weights_hash(folder),
            tokenizer=tokenizer_hash(folder),
            max_tokens=self._model.max_seq_length,
            pooling=pooling(folder),
            prompt="",
        )
        self.arithmetic = f"{self._device} float32"

    window = 512

    def prepare(self, texts: Sequence[str]) -> Sequence[str]:
        """Nothing: sentence-transformers tokenises by itself."""
        return texts

    def run(self, prepared: Sequence[str]) -> Embedded:
        """As `embed`."""
        return self.embed(prepared)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """One unit vector a text, in order; sentence-transformers sorts by length inside."""
        vectors = self._model.encode(
            list(texts),
            batch_size=self._batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return Embedded(np.ascontiguousarray(vectors, np.float32), self._n_cut(texts))

    def _n_cut(self, texts: Sequence[str]) -> int:
        limit: int | None = self._model.max_seq_length
        if limit is None:
            return 0
        tokenizer: Any = self._model.tokenizer
        encoded = tokenizer(list(texts), truncation=False, padding=False, return_attention_mask=False, verbose=False)
        return sum(len(ids) > limit for ids in encoded["input_ids"])


def _pick_device(device: str) -> str:
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, there in has.items() if there)
    if not has[device]:
        raise ModelError(f"this machine has no {device} device; use --device cpu, or leave it out")
    return device
