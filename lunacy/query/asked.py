"""What a query asks for: its papers, by ids or titles, with their vectors and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lunacy.arrays import NONE, Rows, Vectors
from lunacy.errors import LunacyError
from lunacy.paper import Paper, embedded_text
from lunacy.query.ids import rows_of, why_lacking
from lunacy.query.titles import Named, find_titles
from lunacy.question import Options, Query
from lunacy.search import Searcher, Target


@dataclass(frozen=True, slots=True)
class Asked:
    """A query whose papers the index has."""

    papers: tuple[Paper, ...]
    text: str
    target: Target
    notes: tuple[str, ...]  # what the asker should know


def look_up(
    view: Searcher, batch: Sequence[Query], options: Options, texts: Mapping[str, Vectors]
) -> Iterator[Asked | LunacyError]:
    """The papers, vectors and words of each query, all read at once; for one that the index lacks, the error.

    `texts`: the vector of each text, (1, dim) float32.
    """
    found = find_papers(view, [paper for query in batch for paper in query.papers])
    rows = np.unique([one.row for one in found.values() if isinstance(one, Named)]).astype(np.int64)  # (p,)
    papers, vectors = view.papers(rows), view.vectors(rows)
    for query in batch:
        named = [found[paper] for paper in query.papers]
        if error := next((one for one in named if isinstance(one, LunacyError)), None):
            yield error
            continue
        mine = np.searchsorted(rows, [one.row for one in named if isinstance(one, Named)])
        target = target_of(
            [papers[place] for place in mine], vectors[mine], NONE if options.include_self else rows[mine]
        )
        if query.text:
            both = np.concatenate([target.vectors, texts[query.text]])
            target = replace(target, vectors=both, texts=[*target.texts, query.text])
        notes = tuple(one.note for one in named if isinstance(one, Named) and one.note)
        yield Asked(tuple(papers[place] for place in mine), query.text, target, notes)


def find_papers(view: Searcher, papers: Sequence[str]) -> dict[str, Named | LunacyError]:
    """Each paper, by its id in any form or its title, or the error that says why there is none."""
    found: dict[str, Named | LunacyError] = {
        paper: Named(row) for paper, row in zip(papers, rows_of(view, papers), strict=True) if row is not None
    }
    lacking = [paper for paper in papers if paper not in found]
    found |= find_titles(view, lacking)
    return found | {paper: why_lacking(view, paper) for paper in lacking if paper not in found}


def target_of(papers: Sequence[Paper], vectors: Vectors, left_out: Rows) -> Target:
    """The target for `papers` with their (n, dim) `vectors`."""
    return Target(vectors, [embedded_text(paper, "title+abstract") for paper in papers], left_out)
