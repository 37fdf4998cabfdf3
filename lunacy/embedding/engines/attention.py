"""Attention over texts packed end to end: the tokens of a text attend to that text only.

Registered with transformers as `lunacy_packed`. On CUDA it is torch's own variable-length flash attention; elsewhere
a twin that computes the same text by text, so that packing is tested without a GPU.
https://huggingface.co/docs/transformers/attention_interface
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME = "lunacy_packed"


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,  # (1, heads, t, d)
    key: Tensor,  # (1, key heads, t, d)
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,  # a token sees those less than so many places away; None: all
    is_causal: bool | None = None,
    cu_seqlens: Tensor | None = None,  # (n + 1,) int32, on the device
    max_len: int = 0,
    bounds: Sequence[int] = (),  # cu_seqlens on the host, for the twin
    **others: Any,
) -> tuple[Tensor, None]:
    """(1, t, heads, d), as transformers wants it. Raises ValueError for what would be left out of account."""
    ignored = [name for name in ("softcap", "s_aux", "position_bias") if others.get(name) is not None]
    if attention_mask is not None or ignored:
        raise ValueError(f"packed attention knows no {', '.join(ignored) or 'mask'}")
    causal = bool(getattr(module, "is_causal", False) if is_causal is None else is_causal)
    reach = -1 if sliding_window is None else sliding_window - 1
    if query.is_cuda:
        q, k, v = (one.squeeze(0).transpose(0, 1) for one in (query, key, value))  # (t, heads, d)
        window = (reach, 0 if causal else reach)
        return _FLASH(q, k, v, cu_seqlens, max_len, scaling, window).unsqueeze(0), None
    out = [
        scaled_dot_product_attention(
            query[:, :, start:stop],
            key[:, :, start:stop],
            value[:, :, start:stop],
            attn_mask=_near(stop - start, reach, causal=causal) if reach >= 0 else None,
            is_causal=causal and reach < 0,
            scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        for start, stop in pairwise(bounds)
    ]
    return torch.cat(out, dim=2).transpose(1, 2), None


def _near(length: int, reach: int, *, causal: bool) -> Tensor:
    """(length, length) bool: which tokens see which."""
    places = torch.arange(length)
    apart = places.unsqueeze(1) - places
    return (apart <= reach) & (apart >= (0 if causal else -reach))


def _find_flash() -> Callable[..., Tensor]:
    """The flash attention that this torch has: the public function from 2.11 or so on, the operator below it before."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return _flash_operator
    if not {"scale", "window_size", "enable_gqa"} <= set(inspect.signature(varlen_attn).parameters):
        return _flash_operator

    def public(
        q: Tensor, k: Tensor, v: Tensor, cu_seqlens: Tensor, max_len: int, scale: float | None, window: tuple[int, int]
    ) -> Tensor:
        out = varlen_attn(
            q,
            k,
            v,
            cu_seqlens,
            cu_seqlens,
            max_len,
            max_len,
            scale=scale,
            window_size=window,
            enable_gqa=q.shape[1] != k.shape[1],
        )
        assert isinstance(out, Tensor)  # without return_aux
        return out

    return public


def _flash_operator(
    q: Tensor, k: Tensor, v: Tensor, cu_seqlens: Tensor, max_len: int, scale: float | None, window: tuple[int, int]
) -> Tensor:
    out: Tensor = torch.ops.aten._flash_attention_forward(
        q,
        k,
        v,
        cu_seqlens,
        cu_seqlens,
        max_len,
        max_len,
        0.0,
        window == (-1, 0),
        return_debug_mask=False,
        scale=scale,
        window_size_left=window[0],
        window_size_right=window[1],
    )[0]
    return out


def no_mask(*_: object, **__: object) -> None:
    """The mask of packed attention: none is needed."""


_FLASH = _find_flash()  # once: torch.compile cannot look into signatures
AttentionInterface.register(NAME, packed_attention)
AttentionMaskInterface.register(NAME, no_mask)
