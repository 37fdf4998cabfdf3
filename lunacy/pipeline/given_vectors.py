"""Vectors that the user brings along, instead of a model."""

from __future__ import annotations

import os
import tokenize
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.format import open_memmap

from lunacy.arrays import Vectors
from lunacy.embedding.unit_vectors import faulty, lengths, unit
from lunacy.errors import VectorsError

_MAGIC = b"\x93NUMPY"
_NOT_NPY = (OSError, ValueError, EOFError, OverflowError, SyntaxError, tokenize.TokenError, Warning)
_BLOCK_ROWS = 2**13


class GivenVectors:
    """A `.npy` file of float16 or float32 vectors; rows are normalised on the way out.

    The file is mapped anew for each block, so that what was read does not stay in memory.
    """

    def __init__(self, path: str | Path) -> None:
        """Check the whole file; raises VectorsError, naming the first row that has no direction."""
        self.path = Path(os.path.expanduser(path))
        try:
            with self.path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise ValueError("it does not begin like one")
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of a shape that cannot be, or a header of Python 2
                array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except _NOT_NPY as error:
            reason = " ".join(str(error).split())
            raise VectorsError(f"{path} cannot be read as a .npy file of vectors: {reason}") from None
        if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype not in (np.float16, np.float32):
            shape = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "an archive"
            raise VectorsError(f"{path} holds {shape}; a (n_lines, dim) array of float16 or float32 is needed")
        if not array.flags.c_contiguous:
            raise VectorsError(f"{path} is in Fortran order; write it with numpy.ascontiguousarray")
        self.n_rows, self.dim = array.shape
        if self.n_rows and not self.dim:
            raise VectorsError(f"{path} has vectors of dimension 0")
        del array
        self._check()

    def _map(self) -> npt.NDArray[np.floating]:
        return open_memmap(self.path, mode="r")

    @np.errstate(all="ignore")  # what is wrong is looked for
    def _check(self) -> None:
        for start in range(0, self.n_rows, _BLOCK_ROWS):
            block = self._map()[start : start + _BLOCK_ROWS].astype(np.float32)
            if len(wrong := faulty(lengths(block))):
                row = start + int(wrong[0])
                what = "is all zeros" if not np.any(block[wrong[0]]) else "holds NaN, Inf or values too large or small"
                raise VectorsError(f"{self.path}: row {row} {what}; nothing was written")

    def unit_rows(self, places: Sequence[int]) -> Vectors:
        """The vectors at `places`, normalised: (n, dim) float32."""
        return unit(self._map()[np.asarray(places, np.int64)])
