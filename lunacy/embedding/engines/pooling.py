"""Pooling and dense layers after the transformer: token vectors -> one vector per text, in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lunacy.embedding.model_errors import VECTOR_KEY


class Head(nn.Module):
    """Pooling over texts packed end to end, then the modules after it (Dense, LayerNorm, Normalize)."""

    def __init__(self, modes: Sequence[str], steps: Sequence[nn.Module]) -> None:
        """`modes`: keys of POOLINGS; the vectors of several are concatenated."""
        super().__init__()
        self.modes = tuple(modes)
        self.steps = nn.ModuleList(steps)

    def forward(self, hidden: Tensor, bounds: Tensor) -> Tensor:
        """(n, dim) float32, from `hidden` (t, width) and `bounds` (n + 1,) int64.

        Text i is hidden[bounds[i] : bounds[i + 1]].
        """
        hidden = hidden.float()
        lengths = bounds.diff()  # (n,)
        owners = torch.repeat_interleave(lengths, output_size=len(hidden))  # (t,): the text of each token
        pooled = [POOLINGS[mode](hidden, bounds, lengths, owners) for mode in self.modes]
        features = {VECTOR_KEY: torch.cat(pooled, dim=1)}  # (n, width * modes)
        for step in self.steps:
            features = step(features)
        vectors: Tensor = features[VECTOR_KEY]
        return vectors


def pool(head: Head, hidden: Tensor, mask: Tensor) -> Tensor:
    """(b, dim) float32 from `hidden` (b, width, d): without the padding, the texts lie end to end."""
    lengths = mask.sum(1)
    vectors: Tensor = head(hidden[mask.bool()], torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]))
    return vectors


def _cls(hidden: Tensor, bounds: Tensor, _lengths: Tensor, _owners: Tensor) -> Tensor:
    return hidden[bounds[:-1]]


def _last(hidden: Tensor, bounds: Tensor, _lengths: Tensor, _owners: Tensor) -> Tensor:
    return hidden[bounds[1:] - 1]


def _max(hidden: Tensor, _bounds: Tensor, lengths: Tensor, owners: Tensor) -> Tensor:
    lowest = hidden.new_full((len(lengths), hidden.shape[1]), float("-inf"))
    return lowest.scatter_reduce(0, owners.unsqueeze(1).expand_as(hidden), hidden, "amax")


def _sum(hidden: Tensor, lengths: Tensor, owners: Tensor) -> Tensor:
    return hidden.new_zeros(len(lengths), hidden.shape[1]).index_add_(0, owners, hidden)


def _mean(hidden: Tensor, _bounds: Tensor, lengths: Tensor, owners: Tensor) -> Tensor:
    return _sum(hidden, lengths, owners) / lengths.clamp(min=1).unsqueeze(1)


def _mean_sqrt(hidden: Tensor, _bounds: Tensor, lengths: Tensor, owners: Tensor) -> Tensor:
    return _sum(hidden, lengths, owners) / lengths.clamp(min=1).unsqueeze(1).sqrt()


def _weighted_mean(hidden: Tensor, bounds: Tensor, lengths: Tensor, owners: Tensor) -> Tensor:
    """The k-th token of a text, counted from 1, weighs k (SGPT, arXiv:2202.08904)."""
    weights = torch.arange(1, len(hidden) + 1, device=hidden.device) - bounds[owners]  # (t,)
    total = (lengths * (lengths + 1) // 2).clamp(min=1)  # (n,)
    return _sum(hidden * weights.unsqueeze(1), lengths, owners) / total.unsqueeze(1)


POOLINGS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "cls": _cls,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
