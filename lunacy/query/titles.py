"""Find papers by their titles, for a text that is no id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from lunacy.advice import command
from lunacy.errors import NotAnId
from lunacy.paper import Paper, canonical_id, id_fault, squeeze_spaces
from lunacy.search import Searcher
from lunacy.title_key import title_key

# Of 400 titles with a wrong letter this finds 395, of 400 without one of their words 328, always the right paper; of
# 2,000 titles that were not in the index it took 6 for another that differs by a word (120,000 papers)
ALIKE = 0.9  # share of the letters that both titles have in common, in order
APART = 0.02  # by which the next best must be less like it
N_CANDIDATES = 10
_LONGEST, _SHOWN, _MOST_SHOWN = 500, 80, 5
_NUMERAL = re.compile(r"\b(?:\d+|[ivx]+)\b")


@dataclass(frozen=True, slots=True)
class Named:
    """The paper that a text names."""

    row: int
    note: str = ""  # what the asker should know


def find_titles(view: Searcher, texts: Iterable[str]) -> dict[str, Named | NotAnId]:
    """The paper that each of `texts` is the title of, or the error that says why there is none.

    Exactly, but for case, accents, TeX and punctuation; else by words, where there is a lexical index, when only one
    title is nearly the same. An id, and what looks like a mistyped one, is passed over.
    """
    keys = {text: title_key(text) for text in dict.fromkeys(texts) if canonical_id(text) is None and not id_fault(text)}
    exact = view.titled(sorted({key for key in keys.values() if key}))
    return {text: _found(view, text, key, exact.get(key, [])) for text, key in keys.items()}


def _found(view: Searcher, text: str, key: str, exact: Sequence[int]) -> Named | NotAnId:
    squeezed = squeeze_spaces(text)
    asked = squeezed if 0 < len(squeezed) <= _SHOWN else "-"
    shown = repr(squeezed if len(squeezed) <= _SHOWN else f"{squeezed[:_SHOWN]}...")
    if len(exact) == 1:
        [paper] = _papers(view, exact)
        return Named(exact[0], f"{shown} was taken as the title of {paper.id}")
    if exact:
        return NotAnId(f"{shown} is the title of {several(view, exact)}")
    if key and len(text) <= _LONGEST and (near := _near(view, text, key)):
        row, paper = near
        return Named(row, f"{shown} was taken for the title of {paper.id}, which is nearly the same")
    return NotAnId(
        f"{shown} is neither an arXiv id, such as 1802.05130 or hep-th/9711200, nor the title of a paper in the index",
        hint=f"for papers similar to a text: {command('query', '--text', asked, '--index', view.name)}",
    )


def _near(view: Searcher, text: str, key: str) -> tuple[int, Paper] | None:
    """The row and the paper of the only title that is nearly `text`; two parts of a series are not."""
    rows = view.worded_like(text, N_CANDIDATES).tolist()
    likeness = []
    for row, paper in zip(rows, _papers(view, rows), strict=True):
        if share := share_in_common(text, key, paper.title):
            likeness.append((share, row, paper))
    likeness.sort(key=lambda one: (-one[0], one[1]))
    if not likeness or likeness[0][0] < ALIKE or (len(likeness) > 1 and likeness[1][0] > likeness[0][0] - APART):
        return None
    return likeness[0][1:]


def share_in_common(title: str, key: str, other: str) -> float:
    """The share of letters that a title, with its `title_key`, has in common with another, in order.

    0 where it cannot be ALIKE, and where numbers tell them apart, as parts of a series.
    """
    matcher = SequenceMatcher(None, key, title_key(other), autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE or _numerals(title) != _numerals(other):
        return 0.0
    return matcher.ratio()


def several(view: Searcher, rows: Sequence[int]) -> str:
    """How many papers there are at `rows`, which, and what to do."""
    ids = ", ".join(paper.id for paper in _papers(view, rows[:_MOST_SHOWN]))
    more = f" and {len(rows) - _MOST_SHOWN:,} more" if len(rows) > _MOST_SHOWN else ""
    return f"{len(rows):,} papers: {ids}{more}; give one of these ids"


def _numerals(title: str) -> list[str]:
    return sorted(_NUMERAL.findall(title.lower()))


def _papers(view: Searcher, rows: Sequence[int]) -> list[Paper]:
    return view.papers(np.array(rows, np.int64))
