"""How surely references find their papers: python -m tests.bench.references INDEX [N]

Entries of BibTeX are made of N papers, with first author and year, and without id or DOI; their titles are changed as
people change them. In the last line each paper is hidden from the index when its own entry is asked for, so that
whatever is found is wrong. INDEX needs a lexical index.
"""

from __future__ import annotations

import random
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from lunacy.arrays import Rows
from lunacy.authors import authors
from lunacy.paper import Paper
from lunacy.query.references import resolve
from lunacy.references.bibtex import references_of_bibtex
from lunacy.search import Searcher, open_searcher

Change = Callable[[str, random.Random], str]


def styled(title: str, chance: random.Random) -> str:
    """With braces, in another case, or with its accents written otherwise."""
    way = chance.randrange(3)
    if way == 0:
        return " ".join(f"{{{word}}}" if word.isalpha() and chance.random() < 0.5 else word for word in title.split())
    if way == 1:
        change = chance.choice([str.upper, str.lower, str.title])
        parts = re.split(r"(\$[^$]*\$|\\[a-zA-Z]+)", title)
        return "".join(part if place % 2 else change(part) for place, part in enumerate(parts))
    return unicodedata.normalize(chance.choice(["NFD", "NFC"]), title)


def without_letter(title: str, chance: random.Random) -> str:
    """A letter is lost."""
    place = chance.randrange(len(title))
    return title[:place] + title[place + 1 :]


def without_word(title: str, chance: random.Random) -> str:
    """A word is lost, of four or more."""
    words = title.split()
    if len(words) > 3:
        del words[chance.randrange(len(words))]
    return " ".join(words)


def entry(paper: Paper, title: str, *, years_later: int = 0) -> str:
    """An entry for the paper with that title, printed so much later."""
    people = " and ".join(f"{one.family}, {one.given}" if one.given else f"{{{one.family}}}" for one in authors(paper))
    year = int(paper.posted[:4] or 2000) + years_later
    return f"@article{{{paper.id},\n  title = {{{title}}},\n  author = {{{people}}},\n  year = {year}\n}}\n"


class Without:
    """A searcher that does not find one row."""

    def __init__(self, view: Searcher, row: int) -> None:
        self._view, self._row = view, row

    def __getattr__(self, name: str) -> object:
        return getattr(self._view, name)

    def titled(self, keys: Sequence[str]) -> dict[str, list[int]]:
        """As of the searcher, without that row."""
        return {key: [row for row in rows if row != self._row] for key, rows in self._view.titled(keys).items()}

    def worded_like(self, text: str, n: int) -> Rows:
        """The same."""
        rows = self._view.worded_like(text, n)
        return rows[rows != self._row]


def main() -> None:
    """Print a line a change."""
    where, n = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    chance = random.Random(0)
    with open_searcher(where).pinned() as view:
        rows = np.array(sorted(chance.sample(range(view.n_papers), n)), np.int64)
        papers = view.papers(rows)
        for change in (styled, without_letter, without_word):
            text = "\n".join(entry(one, change(one.title, chance), years_later=chance.randrange(3)) for one in papers)
            started = time.process_time()
            found = resolve(view, references_of_bibtex(text))
            spent = time.process_time() - started
            named = [one.paper.id if one.paper else "" for one in found]
            right = sum(one == paper.id for one, paper in zip(named, papers, strict=True))
            wrong = sum(bool(one) for one in named) - right
            print(f"{change.__name__:16} {right:,} right, {wrong:,} wrong of {n:,}; {1000 * spent / n:.2f} ms each")
        wrong = 0
        for paper, row in zip(papers, rows.tolist(), strict=True):
            [reference] = references_of_bibtex(
                entry(paper, styled(paper.title, chance), years_later=chance.randrange(3))
            )
            [one] = resolve(Without(view, row), [reference])  # type: ignore[arg-type]
            wrong += one.paper is not None
        print(f"{'not in the index':16} {wrong:,} of {n:,} are taken for another paper")


if __name__ == "__main__":
    main()
