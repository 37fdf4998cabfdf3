"""The set of a server's records that holds all papers of some categories."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lunacy.categories import CATEGORIES

_GROUPS = ("cs", "econ", "eess", "math", "q-bio", "q-fin", "stat")  # sets of one archive, before 2025 and since
_ARCHIVES = {category.partition(".")[0] for category in CATEGORIES}
_RETIRED = set(
    "acc-phys adap-org alg-geom ao-sci atom-ph bayes-an chao-dyn chem-ph cmp-lg comp-gas dg-ga funct-an mtrl-th "
    "patt-sol plasm-ph q-alg solv-int supr-con".split()
)


def set_of(patterns: Iterable[str]) -> str:
    """The set for the archive that all `patterns` name; "" where there is none, or no pattern: the whole list.

    A set is wider than a category, and the scope takes in its part. It holds cross-lists too, and papers that are in it
    under another name of a category alone (cs.IT is math.IT).
    """
    names = [name for pattern in patterns for name in re.split(r"[,;\s]+", pattern) if name]
    archives = {name.lower().partition(".")[0] for name in names}
    if len(archives) != 1:
        return ""
    [archive] = archives
    if archive in _GROUPS:
        return archive
    return f"physics:{archive}" if archive in _ARCHIVES - _RETIRED else ""
