"""How dense the papers lie on the map, and the hills that this makes: each paper is on one, below its peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.derived.placing import Positions

_CELLS = 3.2  # of the grid, a paper: a map fills about half of them
_FEWEST, _MOST = 8, 4096  # cells on a side
_BLUR = 1.75  # cells: the standard deviation of what stands for a paper


@dataclass(frozen=True, slots=True)
class Density:
    """Papers on a grid of square cells."""

    grid: npt.NDArray[np.float32]  # (side, side): papers a cell, blurred; rows are y
    cells: Rows  # (n,): of each paper, as a position in the flat grid
    hills: npt.NDArray[np.int32]  # (side, side): the number of the hill that each cell is on, or nearest to
    n_hills: int

    @property
    def of_papers(self) -> Rows:
        """The hill of each paper: (n,)."""
        return self.hills.ravel()[self.cells].astype(np.int64)


def density_of(positions: Positions) -> Density:
    """Of papers at `positions`, (n, 2) float32 in the unit square."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    side = int(np.clip(np.sqrt(_CELLS * len(positions)), _FEWEST, _MOST))
    columns, rows = np.clip((positions * side).astype(np.int64), 0, side - 1).T
    cells = rows * side + columns
    counts = np.bincount(cells, minlength=side * side).reshape(side, side)
    grid = gaussian_filter(counts.astype(np.float32), _BLUR, mode="constant")
    peaks = _climbed(grid)
    taken = np.unique(peaks[cells])
    numbers = np.full(side * side, -1, np.int32)
    numbers[taken] = np.arange(len(taken))
    hills = numbers[peaks].reshape(side, side)
    nearest = distance_transform_edt(hills < 0, return_distances=False, return_indices=True)
    return Density(grid, cells, hills[tuple(nearest)], len(taken))


def _climbed(grid: npt.NDArray[np.float32]) -> Rows:
    """The cell at which one comes from each, who always goes on to the densest of the eight around it: (side^2,)."""
    side = len(grid)
    around = np.pad(grid, 1, constant_values=-1)
    best, to = grid.copy(), np.arange(side * side).reshape(side, side)
    here = to.copy()
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            there = around[1 + down : 1 + down + side, 1 + right : 1 + right + side]
            higher = there > best
            best[higher] = there[higher]
            to[higher] = here[higher] + down * side + right
    steps: Rows = to.ravel()
    while np.any(further := steps[steps] != steps):
        steps = np.where(further, steps[steps], steps)
    return steps
