"""Vectors as NumPy has them, with the ids in a text file beside them, a line a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lunacy.pipeline.exports.papers import blocks
from lunacy.progress import Report
from lunacy.store import View


def ids_beside(path: Path) -> Path:
    """The file of ids for the vectors in `path`."""
    return path.with_suffix(".ids.txt")


def write_npy(view: View, vectors: Path, ids: Path, progress: Report) -> None:
    """Write (n_papers, dim) float32, and the ids."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (view.n_papers, view.fingerprint.dim)}
    with vectors.open("xb") as file, ids.open("x", encoding="utf-8") as lines:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks(view, ("id",), progress):
            file.write(block.vectors.data)
            lines.writelines(f"{one}\n" for one in block.columns["id"])
