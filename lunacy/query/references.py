"""Which papers of an index references mean; where it is not certain, none, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from lunacy.arrays import Rows
from lunacy.letters import plain
from lunacy.names import authors_of, folded, readings
from lunacy.paper import Paper
from lunacy.query.titles import ALIKE, APART, N_CANDIDATES, share_in_common
from lunacy.references import Reference
from lunacy.search import Searcher
from lunacy.title_key import title_key

_TELLING = 20  # letters of a title that no two papers share by chance
_OF_TEXT = 20  # letters of a title that may be looked for inside a reference
_PART = re.compile(r"[.,?!:;\"“”]+")  # what parts a reference in words
_MOST_PARTS = 5  # that a title goes over
_GLUED = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])")  # words of a PDF that lost the space between them
_UNLIKE = 0.6  # below this share, an id is of another paper than the title says
_YEARS_BEFORE, _YEARS_AFTER = 2, 4  # of what is printed, against when arXiv took the paper


@dataclass(frozen=True, slots=True)
class Resolved:
    """A reference, and the paper that it means."""

    reference: Reference
    row: int | None = None
    paper: Paper | None = None  # None: not certain, or not in the index
    how: str = ""  # by "id", "DOI", "title" or "near title"
    why_not: str = ""
    lacking: str = ""  # the arXiv id, where the index has no such paper

    @property
    def told(self) -> str:
        """Which reference it is, and why it has no paper, in a line."""
        return f"{self.reference.where}: {self.reference.shown}: {self.why_not}"


def resolve(view: Searcher, references: Iterable[Reference]) -> list[Resolved]:
    """Each reference with its paper: by arXiv id, DOI, title, or a title that is nearly the same, in this order.

    An id or a DOI whose paper has quite another title and author is taken for a mistake.
    """
    references = list(references)
    rows = view.rows(list(dict.fromkeys(one for reference in references for one in reference.ids)))
    keys = [[title_key(one.title)] if one.title or not one.text else _keys_in(one.text) for one in references]
    titled = view.titled(sorted({key for some in keys for key in some if key}))
    return [
        _resolve(view, one, some[0] if one.title else "", rows, [row for key in some for row in titled.get(key, ())])
        for one, some in zip(references, keys, strict=True)
    ]


def _keys_in(text: str) -> list[str]:
    """The keys of what may be the title in a reference."""
    return list(dict.fromkeys(key for run in _runs(text) if len(key := title_key(run)) >= _OF_TEXT))


def _runs(text: str) -> Iterator[str]:
    """The parts of a reference, and those in a row."""
    ends = [(0, 0), *(one.span() for one in _PART.finditer(text)), (len(text), len(text))]
    for number, (_end, start) in enumerate(ends[:-1]):
        for end, _start in ends[number + 1 : number + 1 + _MOST_PARTS]:
            yield text[start:end]


def _resolve(view: Searcher, reference: Reference, key: str, by_id: dict[str, int], titled: Sequence[int]) -> Resolved:
    why_not = []
    for identifier in reference.ids:
        if identifier in by_id:
            if found := _unless_other(view, reference, key, by_id[identifier], "id"):
                return found
            why_not.append(f"{identifier} is a paper with another title and author")
    for doi in reference.dois:
        rows = view.with_doi(doi)
        if len(rows) == 1:
            if found := _unless_other(view, reference, key, rows[0], "DOI"):
                return found
            why_not.append(f"{doi} is the DOI of a paper with another title and author")
    if found := _by_title(view, reference, key, titled) if key else _in_text(view, reference, titled):
        return found
    if key and (found := _by_near_title(view, reference, key)):
        return found
    lacking = next((one for one in reference.ids if one not in by_id), "") if not why_not else ""
    if lacking:
        why_not.append(f"{lacking} is not in the index")
    if titled:
        ids = " and ".join(paper.id for paper in view.papers(np.array(titled[:3], np.int64)))
        why_not.append(f"{ids} has this title, but neither author nor year says that it is meant")
    if not key and not reference.text:
        why_not = why_not or ["it has no title, and no id or DOI that the index knows"]
    told = "; ".join(why_not) or "no paper in the index has this title"
    return Resolved(reference, why_not=told, lacking=lacking)


def _unless_other(view: Searcher, reference: Reference, key: str, row: int, how: str) -> Resolved | None:
    """The paper at `row`, unless its title and authors are quite others than those of the reference."""
    [paper] = view.papers(np.array([row], np.int64))
    is_other = (
        key
        and reference.surname
        and SequenceMatcher(None, key, title_key(paper.title), autojunk=False).ratio() < _UNLIKE
        and not _is_author(reference.surname, paper)
    )
    return None if is_other else Resolved(reference, row, paper, how)


def _by_title(view: Searcher, reference: Reference, key: str, rows: Sequence[int]) -> Resolved | None:
    """The only paper with this title that author and year do not speak against; of a short one, that they speak for."""
    found = []
    for row, paper in zip(rows, view.papers(np.array(rows, np.int64)), strict=True) if rows else ():
        author, year = _says_author(reference, paper), _says_year(reference, paper)
        is_said = author is True or (author is None and year is True)
        if is_said or (len(key) >= _TELLING and not (author is False and year is not True)):
            found.append((row, paper, author))
    if len(found) > 1:
        found = [one for one in found if one[2]]
    return _only(reference, [(row, paper) for row, paper, _author in found])


def _only(reference: Reference, found: Sequence[tuple[int, Paper]]) -> Resolved | None:
    """The only one of papers with one title; of several, that of the very year of the reference."""
    if len(found) > 1:
        found = [one for one in found if reference.year and one[1].posted.startswith(str(reference.year))]
    return Resolved(reference, *found[0], "title") if len(found) == 1 else None


def _in_text(view: Searcher, reference: Reference, titled: Sequence[int]) -> Resolved | None:
    """The paper with the longest title that is in the words of the reference, and whose author or year is."""
    if not reference.text:
        return None
    rows = np.union1d(np.array(titled, np.int64), view.worded_like(reference.text[:500], N_CANDIDATES))
    whole = title_key(reference.text)
    found: dict[str, list[tuple[int, Paper]]] = {}
    papers = view.papers(rows) if len(rows) else []
    for row, paper in zip(rows.tolist(), papers, strict=True):
        key = title_key(paper.title)
        if len(key) >= _OF_TEXT and key in whole and _speaks_for(reference, paper):
            found.setdefault(key, []).append((row, paper))
    return _only(reference, found[max(found, key=len)]) if found else _near_in_text(reference, rows, papers)


def _near_in_text(reference: Reference, rows: Rows, papers: Sequence[Paper]) -> Resolved | None:
    """The only one of some papers that the author and the year are of, and whose title is nearly in the words."""
    runs = [(run, title_key(run)) for run in _runs(reference.text)]
    likeness = []
    for row, paper in zip(rows.tolist(), papers, strict=True):
        if _says_author(reference, paper) and _says_year(reference, paper):
            size = len(title_key(paper.title))
            alike = ((run, key) for run, key in runs if ALIKE * size <= len(key) >= _TELLING)
            likeness.append((max((share_in_common(*one, paper.title) for one in alike), default=0.0), row, paper))
    return _most_alike(reference, likeness)


def _by_near_title(view: Searcher, reference: Reference, key: str) -> Resolved | None:
    """The only paper whose title is nearly that of the reference, and whose author or year is."""
    rows = view.worded_like(reference.title[:500], N_CANDIDATES)
    likeness: list[tuple[float, int, Paper]] = []
    for row, paper in zip(rows.tolist(), view.papers(rows) if len(rows) else (), strict=True):
        share = share_in_common(reference.title, key, paper.title)
        if len(key) >= _TELLING and share >= ALIKE and _speaks_for(reference, paper):
            likeness.append((share, row, paper))
    return _most_alike(reference, likeness)


def _most_alike(reference: Reference, likeness: list[tuple[float, int, Paper]]) -> Resolved | None:
    """That which is more alike than any other."""
    likeness.sort(key=lambda one: (-one[0], one[1]))
    if not likeness or likeness[0][0] < ALIKE or (len(likeness) > 1 and likeness[1][0] > likeness[0][0] - APART):
        return None
    return Resolved(reference, likeness[0][1], likeness[0][2], "near title")


def _speaks_for(reference: Reference, paper: Paper) -> bool:
    """Whether the author, or where none is known the year, is that of the paper; neither may be another."""
    author, year = _says_author(reference, paper), _says_year(reference, paper)
    return author is not False and year is not False and (author is True or year is True)


def _says_author(reference: Reference, paper: Paper) -> bool | None:
    """Whether the first author, or in a text any author, is one of the paper; None where that cannot be told."""
    if reference.surname:
        return _is_author(reference.surname, paper)
    if not reference.text:
        return None
    words = set(re.findall(r"[^\W\d_]+", plain(f"{reference.text} {_GLUED.sub(' ', reference.text)}")))
    return any(_surname(name) in words for name in authors_of(paper.authors, paper.names)[:20])


def _surname(name: str) -> str:
    family, comma, _given = name.partition(",")
    return plain(family if comma else (name.split() or [""])[-1]).rpartition("-")[2]


def _is_author(surname: str, paper: Paper) -> bool:
    names = [folded(name) for name in authors_of(paper.authors, paper.names)]
    return any(reading.finds(name) for reading in readings(surname) for name in names)


def _says_year(reference: Reference, paper: Paper) -> bool | None:
    """Whether the year may be that of the paper, which is printed up to some years after; None if unknown."""
    if reference.year is None or not paper.posted:
        return None
    return -_YEARS_BEFORE <= reference.year - int(paper.posted[:4]) <= _YEARS_AFTER
