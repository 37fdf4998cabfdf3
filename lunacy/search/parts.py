"""What a question may find, segment by segment: hidden rows, the rows that a filter admits, the codes."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from lunacy.filter import Filter
from lunacy.search.codes import Codes, open_codes
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
