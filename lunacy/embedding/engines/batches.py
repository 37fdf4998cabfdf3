"""Batches of texts of similar length, padded: for engines that cannot keep packed texts apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.embedding.token_arrays import Places, Tokens


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of similar length, padded on the right with token `pad`."""

    rows: Places  # (b,): which rows of the tokens
    ids: npt.NDArray[np.int64]  # (b, width)
    mask: npt.NDArray[np.int64]  # (b, width): 1 where a token is


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


def pad_id(tokenizer: Any) -> int:
    """What the tokenizer pads with; RoBERTa's family tells padding from text by it."""
    return int(tokenizer.pad_token_id or 0)
