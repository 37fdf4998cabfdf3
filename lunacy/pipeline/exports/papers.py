"""The papers of an index with their vectors, block by block, in the order of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from lunacy.arrays import Rows, Vectors
from lunacy.entry import FIELDS
from lunacy.progress import Progress, Report
from lunacy.store import View

BLOCK = 10_000  # papers at a time: bounds memory


@dataclass(frozen=True, slots=True)
class Block:
    """Some papers."""

    rows: Rows
    columns: dict[str, tuple[Any, ...]]  # by name: a value a paper
    vectors: Vectors  # (n, dim)


def blocks(view: View, names: tuple[str, ...], progress: Report) -> Iterator[Block]:
    """All papers, with the columns `names` of the table `papers` (indexes/README.md)."""
    n_done = 0
    found = view.stream(", ".join(names))
    while some := list(islice(found, BLOCK)):
        progress(Progress("exporting", n_done, view.n_papers, "papers"))
        rows, *columns = zip(*some, strict=True)
        at = np.array(rows, np.int64)
        yield Block(at, dict(zip(names, columns, strict=True)), view.vectors(at))
        n_done += len(rows)


ALL = (*FIELDS, "withdrawn")
