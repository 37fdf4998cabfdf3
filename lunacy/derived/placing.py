"""Papers that came after the layout are put among their neighbours, so that no other one moves.

Each goes where most of its ten nearest neighbours are close together, and not to the mean of all ten, which is often a
void between them. So placed it has as many of its neighbours around it as where t-SNE puts it (docs/map.md).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows

NEAREST = 10  # neighbours that decide
_BLOCK = 2**12  # papers at a time: bounds memory
_CLOSE = 50  # papers lie in a circle with the radius within which neighbours are close together, on average
_APART = 0.25  # of the mean distance of papers: the farthest that a paper is put aside

Positions = npt.NDArray[np.float32]  # (n, 2), from 0 to 1; NaN where there is none yet


def place(positions: Positions, papers: Rows, neighbours: npt.NDArray[np.integer], keys: npt.NDArray[np.uint64]) -> int:
    """Give the `papers` (n,), positions of `positions` without a place, one among their `neighbours`; how many got it.

    `neighbours`: (n, k), the nearest first, -1 behind the last; those that have no place themselves do not count, so
    that those that have none but such are placed in further rounds. `keys`: (n,), by which papers at one neighbour
    are told apart.
    """
    n_placed, left = 0, np.arange(len(papers))
    while len(left):
        found = np.concatenate([midst(positions, neighbours[some], len(positions)) for some in _blocks(left)])
        is_found = ~np.isnan(found[:, 0])
        if not is_found.any():
            break
        now = left[is_found]
        positions[papers[now]] = _apart(found[is_found], keys[now], len(positions))
        n_placed += len(now)
        left = left[~is_found]
    return n_placed


def _blocks(which: Rows) -> list[Rows]:
    return [which[start : start + _BLOCK] for start in range(0, len(which), _BLOCK)]


def midst(positions: Positions, neighbours: npt.NDArray[np.integer], n_papers: int) -> Positions:
    """(n, 2): where most of the `neighbours` of each are close together; NaN where none has a place.

    That neighbour which is near to most others is found first, by the kernel of t-SNE, 1 / (1 + distance^2); then the
    mean of all, weighted by the square of this kernel around it. `n_papers`: on the map; what is close depends on it.
    """
    near = np.where((neighbours >= 0)[..., None], positions[neighbours], np.nan)  # (n, k, 2)
    is_there = ~np.isnan(near[..., 0])
    is_there &= np.cumsum(is_there, axis=1) <= NEAREST
    near[~is_there] = 0
    distances = np.linalg.norm(near[:, :, None] - near[:, None], axis=-1)  # (n, k, k)
    kernel = is_there[:, None] / (1 + distances**2 * (np.pi * n_papers / _CLOSE))
    sums = np.where(is_there, kernel.sum(axis=2), -1)
    weights = kernel[np.arange(len(near)), sums.argmax(axis=1)] ** 2  # (n, k); of the nearest, of those equally so
    chosen = (near * weights[..., None]).sum(axis=1) / np.maximum(weights.sum(axis=1), np.finfo(float).tiny)[:, None]
    chosen[~is_there.any(axis=1)] = np.nan
    return np.asarray(chosen, np.float32)


def _apart(places: Positions, keys: npt.NDArray[np.uint64], n_papers: int) -> Positions:
    """`places`, each a little aside, in a direction of its own: two dots that cover each other look like one."""
    turn = (keys & np.uint64(0xFFFF)).astype(np.float64) * (2 * np.pi / 2**16)
    far = np.sqrt((keys >> np.uint64(16) & np.uint64(0xFFFF)).astype(np.float64) / 2**16) * _APART / np.sqrt(n_papers)
    aside = np.column_stack([np.cos(turn), np.sin(turn)]) * far[:, None]
    return np.asarray(np.clip(places + aside, 0, np.nextafter(np.float32(1), np.float32(0))), np.float32)
