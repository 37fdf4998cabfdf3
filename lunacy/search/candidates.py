"""What a question may find, segment by segment: hidden rows, the rows that a filter admits, the codes."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.derived.codes import Codes, open_codes
from lunacy.filter import Filter
from lunacy.search.scan import Part
from lunacy.store import View

_codes: WeakKeyDictionary[View, dict[int, Codes]] = WeakKeyDictionary()
_last: WeakKeyDictionary[View, tuple[Filter, bool, list[Part]]] = WeakKeyDictionary()  # of each view


def parts_of(view: View, wanted: Filter | None, include_withdrawn: bool) -> list[Part]:
    """The parts of `view`, without those in which nothing qualifies."""
    wanted = wanted or Filter()
    last = _last.get(view)
    if last is None or last[:2] != (wanted, include_withdrawn):
        last = _last[view] = wanted, include_withdrawn, _parts_of(view, wanted, include_withdrawn)
    return last[2]


def _parts_of(view: View, wanted: Filter, include_withdrawn: bool) -> list[Part]:
    if view not in _codes:
        _codes[view] = open_codes(view)
    codes = _codes[view]
    mask = None if wanted.admits_all else view.admitted(wanted)
    parts = []
    for segment in view.segments:
        hidden = segment.dead if include_withdrawn else segment.dead_or_withdrawn
        allowed = None
        if mask is not None:
            mine = mask[segment.segment.first_row : segment.segment.end_row].copy()  # (n_rows,)
            mine[hidden] = False
            allowed = np.flatnonzero(mine)
            if not len(allowed):
                continue
        parts.append(Part(segment, codes.get(segment.segment.number), hidden, allowed))
    return parts


def qualify(parts: Sequence[Part], rows: Rows) -> npt.NDArray[np.bool_]:
    """Which of `rows` are answers in any of the parts, which are in row order; -1 is not."""
    firsts = np.array([part.segment.segment.first_row for part in parts])
    owners = np.searchsorted(firsts, rows, side="right") - 1
    qualify = np.zeros(rows.shape, np.bool_)
    for owner in np.unique(owners[owners >= 0]).tolist():
        part = parts[owner]
        mine = owners == owner
        positions = rows[mine] - part.segment.segment.first_row
        inside = positions < part.segment.segment.n_rows
        if part.allowed is not None:
            qualify[mine] = inside & _among(positions, part.allowed)
        else:
            qualify[mine] = inside & ~_among(positions, part.hidden)
    return qualify


def _among(values: Rows, ascending: Rows) -> npt.NDArray[np.bool_]:
    """Which of `values` are in `ascending`."""
    if not len(ascending):
        return np.zeros(len(values), np.bool_)
    places = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    found: npt.NDArray[np.bool_] = ascending[places] == values
    return found
