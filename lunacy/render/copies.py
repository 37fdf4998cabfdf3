"""Near-copies for a person, and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lunacy.answer import SCORE_DIGITS
from lunacy.copies import Copies
from lunacy.display import harmless
from lunacy.render.records import csv_line
from lunacy.unicode import to_unicode


def copies_table(found: Iterable[Copies]) -> Iterator[str]:
    """Each group: how near the papers are, then a line a paper."""
    for place, one in enumerate(found):
        cosines = sorted({f"{pair.cosine:.3f}" for pair in one.pairs})
        span = cosines[0] if len(cosines) == 1 else f"{cosines[0]} to {cosines[-1]}"
        titled = ", one title" if all(pair.has_one_title for pair in one.pairs) else ""
        width = max(len(paper.id) for paper in one.papers)
        lines = [f"{len(one.papers)} papers, cosine {span}{titled}"]
        lines += [
            f"  {paper.id:{width}}  {paper.posted:10}  {harmless(to_unicode(paper.title))}" for paper in one.papers
        ]
        yield ("\n" if place else "") + "\n".join(lines) + "\n"


def copies_csv(found: Iterable[Copies]) -> Iterator[str]:
    """A line a pair; the groups are numbered from 1."""
    yield csv_line("group id other_id cosine one_title title other_title".split())
    for number, one in enumerate(found, 1):
        titles = {paper.id: paper.title for paper in one.papers}
        for pair in one.pairs:
            is_titled = "true" if pair.has_one_title else "false"
            cells = str(number), *pair.ids, f"{pair.cosine:.{SCORE_DIGITS}f}", is_titled
            yield csv_line([*cells, *(titles[identifier] for identifier in pair.ids)])
