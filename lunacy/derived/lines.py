"""Lines of snapshots that say just what an index holds, by their hashes: such a line need not be parsed.

The cache is one file: the hash of a line by row, and the date of the paper's last change. It is trusted only whole, as
a paper whose line is taken for another's would be missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.derived import is_in_place, whole_content
from lunacy.derived.columns import open_columns
from lunacy.derived.paper_columns import Dates
from lunacy.entry import HASH_BYTES
from lunacy.progress import Progress, Report
from lunacy.scope import Scope
from lunacy.snapshot import PARSER_VERSION
from lunacy.store import Cache, Changes, Segment, View, caches

KIND = "lines"
LEAST_ROWS = 5_000  # as many lines are parsed in 0.2 s
_LAYOUT = 1  # of the file
_BYTES = HASH_BYTES + 4  # a row
_LONG = 50_000  # papers: with fewer there is nothing to tell of

Hashes = npt.NDArray[np.uint64]  # (end_row, 2): `hash_line` by row, in the byte order of this machine; 0: not known


class Lines:
    """The lines that say just what the rows of one commit hold: see `snapshot.KnownLines`."""

    def __init__(self, hashes: Hashes, updated: Dates) -> None:
        known = np.flatnonzero(hashes[:, 0]).astype(np.uint32)
        self._rows = known[np.argsort(hashes[known, 0])]  # (n,)
        self._firsts = hashes[self._rows, 0]  # (n,), ascending: the first halves
        self._hashes = hashes
        self._updated = updated

    def rows(self, line_hashes: Sequence[bytes]) -> list[int]:
        """The row whose content each line says; -1 where none does."""
        wanted = np.frombuffer(b"".join(line_hashes), np.uint64).reshape(-1, 2)
        at = np.minimum(np.searchsorted(self._firsts, wanted[:, 0]), len(self._rows) - 1)
        rows = self._rows[at].astype(np.int64)
        rows[(self._hashes[rows] != wanted).any(axis=1)] = -1
        found: list[int] = rows.tolist()
        return found

    def last_date(self, rows: Sequence[int]) -> str:
        """ISO date of the last change of the papers at `rows`; "" if unknown."""
        number = int(self._updated[list(rows)].max(initial=0))
        return f"{number // 10000:04}-{number // 100 % 100:02}-{number % 100:02}" if number else ""


def open_lines(view: View, scope: Scope) -> Lines | None:
    """The known lines of the commit of `view`, for a run that takes in `scope`; None where there are none."""
    found = [one for one in view.caches if one.kind == KIND and is_current(one, view)]
    opened = _open(view.folder, found[0]) if found and scope == view.scope else None
    return None if opened is None else Lines(*opened)


def is_current(cache: Cache, view: View) -> bool:
    """Whether it is of just the commit of `view`."""
    return is_in_place(cache, view, partial(_is_of, view.scope))


def _is_of(scope: Scope, cache: Cache, segments: Sequence[Segment], generation: int) -> bool:
    """Whether the lines were read as they are now, by runs that took in `scope`, and say what the commit holds."""
    end_row = segments[-1].end_row if segments else 0
    return (
        cache.facts == _facts(scope, generation)
        and cache.size_bytes == _BYTES * end_row
        and cache.is_made_from(segments)
    )


def _facts(scope: Scope, generation: int) -> dict[str, Any]:
    return {
        "layout": _LAYOUT,
        "parser": PARSER_VERSION,
        "category": list(scope.category),
        "generation": generation,
    }


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:
    """The known lines of the commit of `view`: those of `before` whose rows did not change `since`, and those read."""
    current = [one for one in before if is_current(one, view)]
    if since is None or (current and not len(since.said)):
        return current
    old = current or [one for one in before if _is_of(view.scope, one, since.segments, since.generation)]
    opened = _open(view.folder, old[0]) if old else None
    hashes = np.zeros((view.end_row, 2), np.uint64)
    if opened:
        n = min(len(opened[0]), len(hashes))
        hashes[:n] = opened[0][:n]
        hashes[since.rows[since.rows < n]] = 0
    hashes[since.said] = since.line_hashes
    if current and opened and np.array_equal(hashes, opened[0]):
        return current
    columns = open_columns(view)  # made before
    if columns is None or not hashes.any():
        return []
    if view.n_papers >= _LONG:
        progress(Progress("noting which lines are known"))

    def write(path: Path) -> tuple[int, dict[str, Any]]:
        with path.open("xb") as file:
            file.write(hashes.data)
            file.write(columns.updated.data)
        return 0, _facts(view.scope, view.generation)

    size_bytes = _BYTES * view.end_row
    return [caches.add(view.folder, KIND, KIND, view.stored_segments, size_bytes=size_bytes, write=write)]


def _open(folder: Path, cache: Cache) -> tuple[Hashes, Dates] | None:
    content = whole_content(folder, cache)
    if content is None:
        return None
    n = len(content) // _BYTES
    return np.frombuffer(content, np.uint64, 2 * n).reshape(-1, 2), np.frombuffer(content, np.int32, n, HASH_BYTES * n)
