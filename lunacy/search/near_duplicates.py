"""Merge near-duplicates: work that arXiv has twice, such as a conference paper and its extended version.

Two papers are near-duplicates when they share an author, and either have one title, or have a cosine of 0.95 or more
and titles with the same numbers, which keeps parts I and II of a series apart. docs/benchmarks.md has the precision and
recall of this rule on judged pairs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from lunacy.arrays import Rows, Vectors
from lunacy.letters import plain
from lunacy.names import authors_of, folded
from lunacy.paper import Paper

COPY = 0.95  # cosine from which on papers with an author in common are near-duplicates
_ONE_TITLE = 0.7  # the same, if they have one title
_BLOCK = 16  # candidates at a time: for short lists their products are too small for BLAS to start threads
_FURTHER = 4  # times as many candidates as fill a list are looked at, for further copies of its papers
_LEAST_SEEN = 1000  # candidates
_NUMBER = re.compile(r"\d+|\b[ivx]+\b")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Work:
    """What tells whether two papers are one work: (family name, initial) of each author, and the words of the title."""

    authors: frozenset[tuple[str, str]]
    title: tuple[str, ...]
    numbers: tuple[str, ...]  # in the title, ascending; Roman ones too

    @classmethod
    def of(cls, paper: Paper) -> Work:
        """Of a paper."""
        names = [words for name in authors_of(paper.authors) if (words := folded(name).split(","))[0]]
        authors = {(family, words[0].strip()[:1]) for words in names for family in words[-1].split()}
        numbers = _NUMBER.findall(plain(paper.title))
        return cls(frozenset(authors), title_words(paper.title), tuple(sorted(numbers)))

    def is_same(self, other: Work, cosine: float) -> bool:
        """Whether papers of these works, with this cosine, are near-duplicates."""
        if cosine < _ONE_TITLE or not self.authors & other.authors:
            return False
        return self.title == other.title or (cosine >= COPY and self.numbers == other.numbers)


def authors_among(paper: Paper, authors: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """The names of those authors of `paper` who are among `authors`, as `Work` has them."""
    names = authors_of(paper.authors)
    return tuple(one for one in names if not Work.of(replace(paper, authors=one)).authors.isdisjoint(authors))


def title_words(title: str) -> tuple[str, ...]:
    """The words of a title, in plain letters: papers with the same ones have one title."""
    return tuple(_WORD.findall(plain(title)))


def merged(
    order: Rows, vectors: Vectors, k: int, papers: Callable[[Rows], Sequence[Paper]]
) -> tuple[Rows, dict[int, list[int]]]:
    """The first `k` of `order` that are no near-duplicate of an earlier one, and the near-duplicates of each.

    `order` has indexes of `vectors`, and `papers` gives what is at some of them. Copies are not sought in all of a long
    `order`: those of a paper that is high in it are high themselves.
    """
    kept: list[int] = []
    kept_vectors = np.empty((min(k, len(order)), vectors.shape[1]), vectors.dtype)
    copies: dict[int, list[int]] = {}
    work = cache(lambda index: Work.of(papers(np.array([index]))[0]))  # few are near enough to be looked at
    end = len(order)
    for start in range(0, len(order), _BLOCK):
        if start >= end:
            break
        block = order[start : start + _BLOCK]
        here, new = vectors[block], list[int]()  # (b, dim); the places in this block of those that it adds
        with_kept, within = here @ kept_vectors[: len(kept)].T, here @ here.T  # (b, kept), (b, b)
        for place, index in enumerate(block.tolist()):
            cosines = np.concatenate([with_kept[place], within[place, new]])  # (kept,)
            near = np.flatnonzero(cosines >= _ONE_TITLE)
            nearest_first = near[np.argsort(-cosines[near], kind="stable")].tolist() if len(near) else []
            same = (one for one in nearest_first if work(kept[one]).is_same(work(index), float(cosines[one])))
            if (first := next(same, None)) is not None:
                copies.setdefault(kept[first], []).append(index)
            elif len(kept) < k:
                kept_vectors[len(kept)] = here[place]
                kept.append(index)
                new.append(place)
                if len(kept) == k:
                    end = max(_LEAST_SEEN, _FURTHER * (start + place))
    return np.array(kept, np.int64), copies
