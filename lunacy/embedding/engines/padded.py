"""Texts in padded batches, on torch: for models whose attention cannot be exchanged, and for mps."""

from __future__ import annotations

import copy

import numpy as np
import torch

from lunacy.embedding.engines.batches import Batch, batches, pad_id
from lunacy.embedding.engines.engine import Floats, no_memory
from lunacy.embedding.engines.pooling import pool
from lunacy.embedding.model_parts import ModelParts
from lunacy.embedding.token_arrays import Tokens

BATCH_SIZE = {"cpu": 8, "cuda": 1024, "mps": 64}  # texts; measured best on CPU and CUDA (MiniLM, abstracts)
_MAX_TOKENS = {"cpu": 2**12, "cuda": 2**18, "mps": 2**14}  # of a batch, padding included: long texts come in fewer


class Padded:
    """A transformer of torch with its own attention."""

    def __init__(
        self,
        parts: ModelParts,
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        batch_size: int | None = None,
    ) -> None:
        self.arithmetic = f"{device} {str(dtype).removeprefix('torch.')} padded"
        self._device = torch.device(device)
        self._dim, self._pad = parts.dim, pad_id(parts.tokenizer)
        self._head = copy.deepcopy(parts.head).to(self._device).eval()
        self._transformer = copy.deepcopy(parts.transformer).to(self._device, dtype).eval()
        self._batch_size = batch_size or BATCH_SIZE[self._device.type]
        self.max_tokens = _MAX_TOKENS[self._device.type]

    @torch.inference_mode()
    def run(self, tokens: Tokens) -> Floats:
        """(n, dim) float32, in order. Raises ModelError when a single text does not fit into the memory."""
        out = np.empty((len(tokens), self._dim), np.float32)
        for batch in batches(tokens, self._batch_size, self.max_tokens, pad=self._pad):
            try:
                out[batch.rows] = self._forward(batch)
            except torch.OutOfMemoryError as error:
                n_texts, width = batch.ids.shape
                if n_texts == 1:
                    raise no_memory(self._device, width) from error
                self.max_tokens = n_texts * width // 2
                break
        else:
            return out
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return self.run(tokens)  # from the start: the longest came first

    def _forward(self, batch: Batch) -> Floats:
        ids = torch.from_numpy(batch.ids).to(self._device)
        mask = torch.from_numpy(batch.mask).to(self._device)
        hidden = self._transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        vectors: Floats = pool(self._head, hidden, mask).cpu().numpy()
        return vectors
