"""Texts packed end to end, without padding, on torch: the fastest engine on a GPU, and on a CPU without OpenVINO."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lunacy.embedding.engines.attention import NAME
from lunacy.embedding.engines.engine import Floats, no_memory
from lunacy.embedding.model_errors import Unsupported
from lunacy.embedding.model_parts import ModelParts
from lunacy.embedding.token_arrays import Tokens

_MAX_TOKENS = {"cuda": 2**18, "cpu": 2**12}  # a pack; more is not faster
_MEMORY_SHARE = 0.5  # of what is free on the GPU
# Compiling takes 12 to 25 s and saves some 4 microseconds a text (MiniLM on an H100). How many will come is not known;
# after as many as would have paid for it, it has at worst cost as much again (the ski rental problem).
_COMPILE_AFTER_TEXTS = 5_000_000


class Packed:
    """A transformer whose attention keeps the texts of a pack apart."""

    def __init__(
        self,
        parts: ModelParts,
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        max_texts: int | None = None,
    ) -> None:
        """`max_texts`: in a pack. Raises Unsupported."""
        self.arithmetic = f"{device.partition(':')[0]} {str(dtype).removeprefix('torch.')} packed"
        self._device = torch.device(device)
        self._dim, self._first_position = parts.dim, parts.first_position
        self._head = copy.deepcopy(parts.head).to(self._device).eval()
        # on a CPU only the matrix products are in bfloat16: all of it is no faster, and loses too much (cosine 0.99988)
        self._mixed = self._device.type == "cpu" and dtype is torch.bfloat16
        transformer = _with_packed_attention(parts.transformer)
        self._transformer = transformer.to(self._device, torch.float32 if self._mixed else dtype).eval()
        self._call: Any = self._transformer
        self._n_texts = 0  # that came so far
        self._max_texts = max_texts
        self.max_tokens = self._budget(dtype)

    @torch.inference_mode()
    def run(self, tokens: Tokens) -> Floats:
        """(n, dim) float32, in order. Raises ModelError when a single text does not fit into the memory."""
        on_gpu = self._device.type == "cuda"
        self._n_texts += len(tokens)
        if on_gpu and self._n_texts >= _COMPILE_AFTER_TEXTS and self._call is self._transformer:
            self._call = torch.compile(self._transformer, dynamic=True)
        out = torch.empty((len(tokens), self._dim), pin_memory=on_gpu)
        ids = torch.from_numpy(tokens.ids)
        ids = ids.pin_memory() if on_gpu else ids
        start = 0
        while start < len(tokens):
            stop = self._end_of_pack(tokens, start)
            try:
                vectors = self._forward(ids, tokens.bounds[start : stop + 1])
            except torch.OutOfMemoryError as error:
                self._shrink(tokens, start, stop, error)
                continue
            out[start:stop].copy_(vectors, non_blocking=True)  # the next pack is launched meanwhile
            start = stop
        if on_gpu:
            torch.cuda.synchronize(self._device)
        return out.numpy()

    def _forward(self, ids: Tensor, places: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
        """(n, dim) for one pack; nothing here waits for the GPU."""
        bounds = torch.from_numpy(places - places[0])  # (n + 1,) int64
        if self._device.type == "cuda":
            bounds = bounds.pin_memory()
        n_tokens, max_len = int(places[-1] - places[0]), int(np.diff(places).max())
        here = bounds.to(self._device, non_blocking=True)
        pack = ids[places[0] : places[-1]].to(self._device, non_blocking=True).long()  # (t,)
        starts = torch.repeat_interleave(here[:-1], here.diff(), output_size=n_tokens)
        positions = torch.arange(n_tokens, device=self._device) - starts + self._first_position
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._mixed):
            hidden = self._call(
                input_ids=pack.unsqueeze(0),
                position_ids=positions.unsqueeze(0),
                cu_seqlens=here.int(),
                max_len=max_len,
                bounds=() if self._device.type == "cuda" else bounds.tolist(),
            ).last_hidden_state[0]  # (t, width)
        vectors: Tensor = self._head(hidden, here)
        return vectors

    def _end_of_pack(self, tokens: Tokens, start: int) -> int:
        """As many texts as the budget holds, and at least one."""
        last = int(np.searchsorted(tokens.bounds, tokens.bounds[start] + self.max_tokens, side="right")) - 1
        if self._max_texts is not None:
            last = min(last, start + self._max_texts)
        return min(max(last, start + 1), len(tokens))

    def _shrink(self, tokens: Tokens, start: int, stop: int, error: Exception) -> None:
        if stop == start + 1:
            raise no_memory(self._device, int(tokens.lengths[start])) from error
        self.max_tokens = int(tokens.bounds[stop] - tokens.bounds[start]) // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _budget(self, dtype: torch.dtype) -> int:
        most = _MAX_TOKENS[self._device.type]
        if self._device.type != "cuda":
            return most
        config = self._transformer.config
        width = int(config.hidden_size)
        # alive at once, a token: residual, query, key, value, attention, two of the wider layer, and float32 to pool
        numbers = 6 * width + 2 * int(getattr(config, "intermediate_size", 4 * width))
        a_token_bytes = numbers * dtype.itemsize + 8 * width
        free_bytes, _ = torch.cuda.mem_get_info(self._device)
        return max(min(int(free_bytes * _MEMORY_SHARE) // a_token_bytes, most), 1)


def _with_packed_attention(transformer: Any) -> Any:
    """A copy of the transformer that calls our attention."""
    can_be_set = getattr(transformer, "_can_set_attn_implementation", lambda: False)()
    if not (can_be_set and getattr(transformer, "_supports_attention_backend", False)):
        raise Unsupported(f"{type(transformer).__name__} has no exchangeable attention")
    mine = copy.deepcopy(transformer)
    try:
        mine.set_attn_implementation(NAME)
    except ValueError as error:
        raise Unsupported(str(error)) from error
    return mine
