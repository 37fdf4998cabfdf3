"""Subjects, as Dublin Core names them, -> arXiv's categories (https://arxiv.org/category_taxonomy)."""

from __future__ import annotations

from collections.abc import Iterable

from lunacy.categories import CATEGORIES
from lunacy.category_names import ARCHIVE_NAMES, CATEGORY_NAMES

_FORMERLY = {  # as older replies have them
    "Computer Science - Learning": "cs.LG",
    "Astrophysics - Cosmology and Extragalactic Astrophysics": "astro-ph.CO",
    "Astrophysics - Galaxy Astrophysics": "astro-ph.GA",
}


def _by_name() -> dict[str, str]:
    named = dict(_FORMERLY)
    for category, name in CATEGORY_NAMES.items():
        archive, dot, _end = category.partition(".")
        named[f"{ARCHIVE_NAMES[archive]} - {name}" if dot else name] = category
    return named


_CATEGORY_OF = _by_name()


def categories_of(subjects: Iterable[str], sets: Iterable[str]) -> list[str]:
    """The categories of a record: by its sets where they name them (math:math:MP), else by its subjects.

    Until 2025 a set was an archive, or a group of them: physics:hep-th, cs.
    """
    parts = [one.split(":") for one in sets]
    by_set = [".".join(one[1:]) for one in parts]
    if not any(len(one) > 2 for one in parts):
        found = [_CATEGORY_OF[one] for one in subjects if one in _CATEGORY_OF]
        if found:
            return list(dict.fromkeys(found))
    return [one for one in dict.fromkeys(by_set) if one in CATEGORIES]
