"""Readers for benchmarks: lists of papers, and what is to be found for them. `tests.bench.reading` says which."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from lunacy.arrays import Rows
from lunacy.bench.judgements import Qrels
from lunacy.paper import Paper, month_of
from lunacy.withdrawn import is_withdrawn

MONTHS = [(2009, 1), (2011, 7), (2013, 1), (2014, 7), (2016, 1), (2018, 7)]  # lists of authors end before
FIFTHS = 5


@dataclass(frozen=True)
class Case:
    """A list, and what is to be found for it among the candidates of its group."""

    liked: Rows  # oldest first
    wanted: Rows
    query: int = -1  # of a draft: its row


@dataclass(frozen=True)
class Group:
    """Cases with the same candidates."""

    candidates: Rows
    cases: Sequence[Case]
    since: str  # of the candidates, as filters have it
    until: str


def months_of(papers: Sequence[Paper]) -> np.ndarray:
    """(n,): months since the year 0."""
    dates = [month_of(one.id) for one in papers]
    return np.array([12 * int(one[:4]) + int(one[5:]) if one else -1 for one in dates])


def name_of(month: int) -> str:
    """The month, as filters have it."""
    return f"{(month - 1) // 12}-{(month - 1) % 12 + 1:02}"


def is_even(name: str) -> bool:
    """Whether a reader is of the half on which constants are chosen."""
    return crc32(name.encode()) % 2 == 0


def by_author(papers: Sequence[Paper], least: int, most: int, n: int, even: bool) -> Iterator[Group]:
    """Authors as readers: `n` of those that are `even`, or of those that are not."""
    rng = np.random.default_rng(0)
    months = months_of(papers)
    is_able = np.array([month > 0 and not is_withdrawn(one) for month, one in zip(months, papers, strict=True)])
    rows_of = collections.defaultdict[str, list[int]](list)
    for row in np.flatnonzero(is_able).tolist():
        for name in papers[row].authors.split(", "):
            words = name.split()
            if len(words) > 1 and len(words[0].strip(".")) > 1 and len(name) >= 10:
                rows_of[name].append(row)
    able = {
        name: rows
        for name, rows in sorted(rows_of.items())
        if is_even(name) == even and 4 <= len(rows) <= 60 and is_of_one(papers, rows)
    }
    for year, month in MONTHS:
        now = 12 * year + month
        candidates = np.flatnonzero(is_able & (months >= now) & (months < now + 12))
        cases = []
        for rows in able.values():
            before = [row for row in rows if months[row] < now]
            after = [row for row in rows if now <= months[row] < now + 12]
            if least <= len(before) <= most and after:
                cases.append(Case(np.array(sorted(before, key=lambda row: (months[row], row))), np.array(after)))
        chosen = rng.permutation(len(cases))[: n // len(MONTHS)]
        yield Group(candidates, [cases[place] for place in chosen], name_of(now), name_of(now + 11))


def is_of_one(papers: Sequence[Paper], rows: Sequence[int]) -> bool:
    """Whether one author may have written all of these papers: they are in three archives at most."""
    return len({one.partition(".")[0] for row in rows for one in papers[row].categories[:1]}) <= 3


def by_citation(papers: Sequence[Paper], cited: Qrels, least: int, most: int, n: int, even: bool) -> Iterator[Group]:
    """Citing papers as readers: `n` of those that are `even`, or of those that are not."""
    rng = np.random.default_rng(0)
    months = months_of(papers)
    cases = []
    for row, references in references_of(papers, cited):
        before, now = references[months[references] < months[row] - 3], months[row]
        new = references[(months[references] >= now - 3) & (months[references] < now)]
        if least <= len(before) <= most and len(new) and is_even(papers[row].id) == even:
            cases.append(Case(before[np.argsort(months[before], kind="stable")], new, row))
    for place in rng.permutation(len(cases))[:n]:
        now = months[cases[place].query]
        candidates = np.flatnonzero((months >= now - 3) & (months < now))
        yield Group(candidates, [cases[place]], name_of(now - 3), name_of(now - 1))


def by_draft(papers: Sequence[Paper], cited: Qrels, n: int, folds: int = 1) -> Iterator[Group]:
    """Drafts, each with a fifth of its references hidden, `folds` times another fifth: five hide each just once."""
    rng = np.random.default_rng(0)
    months = months_of(papers)
    for row, references in rng.permutation(np.array(list(references_of(papers, cited)), object))[:n]:
        older = np.flatnonzero((months > 0) & (months <= months[row]))
        for hidden in np.array_split(rng.permutation(references), FIFTHS)[:folds]:
            shown = np.setdiff1d(references, hidden)
            case = Case(shown[np.argsort(months[shown], kind="stable")], np.sort(hidden), row)
            yield Group(np.setdiff1d(older, [*shown, row]), [case], "1991", name_of(months[row]))


def references_of(papers: Sequence[Paper], cited: Qrels) -> Iterator[tuple[int, Rows]]:
    """The rows of what is cited by each paper that cites five or more."""
    row_of = {one.id: row for row, one in enumerate(papers)}
    for row, one in enumerate(papers):
        references = np.array(sorted(row_of[other] for other in cited.get(one.id, ()) if other in row_of), np.int64)
        if len(references) >= 5:
            yield row, references
