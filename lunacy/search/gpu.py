"""Candidates of many queries by a GPU: blocks of rows are copied to it, the best of their products come back.

What is fetched is scored again and proved like the rest (search/exact.py), so a GPU's rounding changes no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from lunacy.arrays import Rows, Vectors
from lunacy.embedding.device import pick_device as torch_device
from lunacy.search.candidates import Candidates
from lunacy.search.scan import Fetched, joined

_BLOCK_ROWS = 2**15  # 50 MB at 384 dimensions
_SCORES = 2**28  # at a time: 1 GB


def pick_device(wanted: str) -> str | None:
    """As `embedding.device.pick_device`; None: the CPU, and FAISS."""
    device = torch_device(wanted)
    return None if device == "cpu" else device


@torch.inference_mode()
def fetch_on(device: str, by_segment: Sequence[Candidates], queries: Vectors, n: int) -> Fetched:
    """As `scan.fetch`, by products in float32 on `device`."""
    asked = torch.from_numpy(np.ascontiguousarray(queries)).to(device)  # (q, dim)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")  # TF32 would be off by 1e-3
    try:
        return joined([_best(candidates, asked, n) for candidates in by_segment], len(queries))
    finally:
        torch.set_float32_matmul_precision(before)


def _best(candidates: Candidates, asked: torch.Tensor, n: int) -> Fetched:
    """The best `n` of a segment, block by block."""
    best, best_positions = asked.new_empty((len(asked), 0)), asked.new_empty((len(asked), 0), dtype=torch.int64)
    for positions, block in _blocks(candidates):
        rows = torch.from_numpy(block).to(asked.device)  # (b, dim)
        where = torch.from_numpy(positions).to(asked.device)  # (b,)
        step = max(1, _SCORES // len(rows))
        found = [_top(asked[at : at + step] @ rows.T, where, n) for at in range(0, len(asked), step)]
        best = torch.cat([best, torch.cat([scores for scores, _places in found])], dim=1)
        best_positions = torch.cat([best_positions, torch.cat([here for _scores, here in found])], dim=1)
        best, order = best.topk(min(n, best.shape[1]), dim=1)
        best_positions = best_positions.gather(1, order)
    uppers = best.cpu().numpy()
    is_all = uppers.shape[1] == candidates.n
    limits = np.full(len(uppers), -np.inf) if is_all else uppers[:, -1].astype(np.float64)
    return Fetched(uppers, best_positions.cpu().numpy() + candidates.first_row, limits)


def _top(scores: torch.Tensor, where: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    best, order = scores.topk(min(n, scores.shape[1]), dim=1)
    return best, where[order]


def _blocks(candidates: Candidates) -> Iterator[tuple[Rows, Vectors]]:
    """The candidates of a segment: positions and vectors."""
    allowed = candidates.allowed
    if allowed is None:
        allowed = np.delete(np.arange(candidates.n_rows), candidates.hidden)
    for start in range(0, len(allowed), _BLOCK_ROWS):
        positions = allowed[start : start + _BLOCK_ROWS]
        yield positions, candidates.segment.vectors(positions)
