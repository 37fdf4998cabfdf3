"""The rows of each segment that may be hits: of a paper, not withdrawn, admitted by the filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.derived.codes import Codes, open_codes
from lunacy.derived.columns import admitted
from lunacy.filter import Filter
from lunacy.store import OpenSegment, View


@dataclass(frozen=True, slots=True)
class Candidates:
    """A segment, and which of its rows may be hits."""

    segment: OpenSegment
    codes: Codes | None
    hidden: Rows  # positions, ascending, that are no answers
    allowed: Rows | None  # positions, ascending, that are; None: all that are not hidden

    @property
    def n(self) -> int:
        """How many rows may be hits."""
        return self.n_rows - len(self.hidden) if self.allowed is None else len(self.allowed)

    def rows(self) -> Rows:
        """(n,): those that may be hits, ascending."""
        if self.allowed is not None:
            return self.first_row + self.allowed
        return self.first_row + np.setdiff1d(np.arange(self.n_rows), self.hidden, assume_unique=True)

    @property
    def n_rows(self) -> int:
        """How many rows the segment has."""
        return self.segment.segment.n_rows

    @property
    def first_row(self) -> int:
        """The row of the segment's first position."""
        return self.segment.segment.first_row


_last: WeakKeyDictionary[View, tuple[Filter, bool, list[Candidates]]] = WeakKeyDictionary()  # of each view


def candidates_of(view: View, wanted: Filter | None, include_withdrawn: bool) -> list[Candidates]:
    """The candidates of `view` by segment, without segments in which nothing qualifies."""
    wanted = wanted or Filter()
    last = _last.get(view)
    if last is None or last[:2] != (wanted, include_withdrawn):
        last = _last[view] = wanted, include_withdrawn, _candidates_of(view, wanted, include_withdrawn)
    return last[2]


def _candidates_of(view: View, wanted: Filter, include_withdrawn: bool) -> list[Candidates]:
    codes = open_codes(view)
    mask = None if wanted.admits_all else admitted(view, wanted)
    by_segment = []
    for segment in view.segments:
        hidden = segment.dead if include_withdrawn else segment.dead_or_withdrawn
        allowed = None
        if mask is not None:
            mine = mask[segment.segment.first_row : segment.segment.end_row].copy()  # (n_rows,)
            mine[hidden] = False
            allowed = np.flatnonzero(mine)
            if not len(allowed):
                continue
        by_segment.append(Candidates(segment, codes.get(segment.segment.number), hidden, allowed))
    return by_segment


def qualify(by_segment: Sequence[Candidates], rows: Rows) -> npt.NDArray[np.bool_]:
    """Which of `rows` are candidates in any of the segments; -1 is not."""
    order = np.argsort(rows, axis=None)
    ascending = rows.ravel()[order]
    firsts = np.searchsorted(ascending, [one.first_row for one in by_segment]).tolist()
    ends = np.searchsorted(ascending, [one.first_row + one.n_rows for one in by_segment]).tolist()
    among = np.zeros(len(ascending), np.bool_)
    for candidates, first, end in zip(by_segment, firsts, ends, strict=True):
        if first < end:
            positions = ascending[first:end] - candidates.first_row
            if candidates.allowed is not None:
                among[first:end] = _among(positions, candidates.allowed)
            else:
                among[first:end] = ~_among(positions, candidates.hidden)
    qualify = np.empty_like(among)
    qualify[order] = among
    return qualify.reshape(rows.shape)


def _among(values: Rows, ascending: Rows) -> npt.NDArray[np.bool_]:
    """Which of `values` are in `ascending`."""
    if not len(ascending):
        return np.zeros(len(values), np.bool_)
    indexes = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    found: npt.NDArray[np.bool_] = ascending[indexes] == values
    return found
