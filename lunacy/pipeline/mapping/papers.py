"""What the map tells of each paper: its key, its first category, its month."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.categories import split_categories
from lunacy.derived.map import Keys, Points, codes_of, id_keys
from lunacy.paper import month_of
from lunacy.store import View


@dataclass(frozen=True, slots=True)
class Papers:
    """The papers of one commit that belong on the map: all but withdrawn ones, in the order of rows."""

    rows: Rows  # (n,)
    keys: Keys  # (n,)
    category: npt.NDArray[np.uint16]  # (n,): positions in `categories`
    month: npt.NDArray[np.uint16]  # (n,): 12 * year + month - 1; 0: not known
    categories: tuple[str, ...]  # ascending; "" for a paper that has none

    def points(self, positions: npt.NDArray[np.float32]) -> Points:
        """They on the map, where `positions`, (n, 2), are."""
        x, y = np.ascontiguousarray(positions.T)
        return Points(self.keys, codes_of(x, y), self.rows.astype(np.uint32), x, y, self.category, self.month)


def read_papers(view: View) -> Papers:
    """Those of the commit of `view`."""
    rows, ids, numbers, months = [], [], [], []
    number_of: defaultdict[str, int] = defaultdict(count().__next__)
    for row, identifier, categories, withdrawn in view.stream("id, categories, withdrawn"):
        if not withdrawn:
            rows.append(row)
            ids.append(identifier)
            numbers.append(number_of[next(iter(split_categories(categories)), "")])
            months.append(_month(identifier))
    names = sorted(number_of)
    place_of = np.array([names.index(name) for name in number_of], np.uint16)  # of each number
    category = place_of[numbers] if numbers else np.empty(0, np.uint16)
    return Papers(np.array(rows, np.int64), id_keys(ids), category, np.array(months, np.uint16), tuple(names))


def _month(identifier: str) -> int:
    year, _dash, month = month_of(identifier).partition("-")
    return 12 * int(year) + int(month) - 1 if month else 0


def read_titles(view: View) -> list[str]:
    """The titles of the same papers, in the same order."""
    return [title for _row, title, withdrawn in view.stream("title, withdrawn") if not withdrawn]
