"""Papers that came after the layout are put among their neighbours, so that no other one moves.

Each goes to that of its ten nearest neighbours that is in the midst of them: t-SNE itself would keep no more of its
neighbours together (docs/map.md), and a mean of all ten would often lie in a void between them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows

NEAREST = 10  # neighbours that decide
_BLOCK = 2**12  # papers at a time: bounds memory
_APART = 0.25  # of the mean distance of papers: the farthest from the neighbour where it is put

Positions = npt.NDArray[np.float32]  # (n, 2), from 0 to 1; NaN where there is none yet


def place(positions: Positions, papers: Rows, neighbours: npt.NDArray[np.integer], keys: npt.NDArray[np.uint64]) -> int:
    """Give the `papers` (n,), positions of `positions` without a place, one among their `neighbours`; how many got it.

    `neighbours`: (n, k), the nearest first, -1 behind the last; those that have no place themselves do not count, so
    that those that have none but such are placed in further rounds. `keys`: (n,), by which papers at one neighbour
    are told apart.
    """
    n_placed, left = 0, np.arange(len(papers))
    while len(left):
        found = np.concatenate([midst(positions, neighbours[some]) for some in _blocks(left)])
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


def midst(positions: Positions, neighbours: npt.NDArray[np.integer]) -> Positions:
    """(n, 2): the place of that neighbour whose distances to the others are the least; NaN where none has one."""
    near = np.where((neighbours >= 0)[..., None], positions[neighbours], np.nan)  # (n, k, 2)
    is_there = ~np.isnan(near[..., 0])
    is_there &= np.cumsum(is_there, axis=1) <= NEAREST
    distances = np.linalg.norm(near[:, :, None] - near[:, None], axis=-1)  # (n, k, k)
    sums = np.where(is_there[:, None], np.nan_to_num(distances), 0).sum(axis=2)
    best = np.where(is_there, sums, np.inf).argmin(axis=1)  # the nearest, of those that are equally so
    chosen: Positions = near[np.arange(len(near)), best]
    chosen[~is_there.any(axis=1)] = np.nan
    return chosen


def _apart(places: Positions, keys: npt.NDArray[np.uint64], n_papers: int) -> Positions:
    """`places`, each a little aside, in a direction of its own: two dots that cover each other look like one."""
    turn = (keys & np.uint64(0xFFFF)).astype(np.float64) * (2 * np.pi / 2**16)
    far = np.sqrt((keys >> np.uint64(16) & np.uint64(0xFFFF)).astype(np.float64) / 2**16) * _APART / np.sqrt(n_papers)
    aside = np.column_stack([np.cos(turn), np.sin(turn)]) * far[:, None]
    return np.asarray(np.clip(places + aside, 0, np.nextafter(np.float32(1), np.float32(0))), np.float32)
