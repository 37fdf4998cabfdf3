"""Texts in padded batches, sorted by length so that little is padded: for what cannot be packed, and for OpenVINO."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lunacy.embedding.engines.engine import Floats, no_memory
from lunacy.embedding.engines.pooling import Head
from lunacy.embedding.tokens import Places, Tokens
from lunacy.embedding.unpack import ModelParts

BATCH_SIZE = {"cpu": 8, "cuda": 1024, "mps": 64}  # texts; measured best on CPU and CUDA (MiniLM, abstracts)
_MAX_TOKENS = {"cpu": 2**12, "cuda": 2**18, "mps": 2**14}  # of a batch, padding included: long texts come in fewer


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of similar length, padded on the right with token `pad`."""

    rows: Places  # (b,): which rows of the tokens
    ids: npt.NDArray[np.int64]  # (b, width)
    mask: npt.NDArray[np.int64]  # (b, width): 1 where a token is


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


def batches(tokens: Tokens, batch_size: int, max_tokens: int, *, pad: int) -> Iterator[Batch]:
    """All rows, the longest first, as memory that holds the first batch holds the others."""
    lengths = tokens.lengths
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        width = int(lengths[order[start]])
        rows = order[start : start + max(min(batch_size, max_tokens // max(width, 1)), 1)]
        mask = np.arange(width) < lengths[rows, None]  # (b, width)
        ids = np.full(mask.shape, pad, np.int64)
        ids[mask] = np.concatenate([tokens.ids[tokens.bounds[row] : tokens.bounds[row + 1]] for row in rows])
        yield Batch(rows, ids, mask.astype(np.int64))
        start += len(rows)


def pool(head: Head, hidden: Tensor, mask: Tensor) -> Tensor:
    """(b, dim) float32 from `hidden` (b, width, d): without the padding, the texts lie end to end."""
    lengths = mask.sum(1)
    vectors: Tensor = head(hidden[mask.bool()], torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]))
    return vectors


def pad_id(tokenizer: Any) -> int:
    """What the tokenizer pads with; RoBERTa's family tells padding from text by it."""
    return int(tokenizer.pad_token_id or 0)
