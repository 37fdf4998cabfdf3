"""What a query asks for: its papers, by ids or titles, with their vectors and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lunacy.arrays import NONE, Rows, Vectors
from lunacy.errors import FingerprintMismatch, LunacyError, ModelError
from lunacy.paper import Paper
from lunacy.query.dois import find_dois
from lunacy.query.ids import rows_of, why_lacking
from lunacy.query.model import TextVector
from lunacy.query.titles import Named, find_titles
from lunacy.question import Options, Query
from lunacy.same_authors import SameAuthors
from lunacy.search import Searcher, Target, Text
from lunacy.withdrawn import is_withdrawn, says_only_so

Embed = Callable[[Sequence[str]], Sequence[TextVector]]
_SHOWN = 100  # characters of a comment


@dataclass(frozen=True, slots=True)
class Asked:
    """A query whose papers the index has."""

    papers: tuple[Paper, ...]
    text: str
    target: Target
    notes: tuple[str, ...]  # what the asker should know


def look_up(
    view: Searcher, batch: Sequence[Query], options: Options, texts: Mapping[str, TextVector], embed: Embed
) -> Iterator[Asked | LunacyError]:
    """The papers, vectors and words of each query, all read at once; for one that the index lacks, the error.

    `texts`: the vector of each text. `embed`: gives those of titles; raises ModelError and
    FingerprintMismatch.
    """
    found = find_papers(view, [paper for query in batch for paper in query.papers])
    rows = np.array(sorted({one.row for one in found.values() if isinstance(one, Named)}), np.int64)  # (p,)
    papers = view.papers(rows)
    as_asked, vectors, told = _as_asked(papers, view.vectors(rows), None if options.rank == "lexical" else embed)
    admits_all = replace(options.filter, not_authors=()).admits_all  # whose authors are left out, itself is not
    for query in batch:
        named = [found[paper] for paper in query.papers]
        if error := next((one for one in named if isinstance(one, LunacyError)), None):
            yield error
            continue
        mine = np.searchsorted(rows, [one.row for one in named if isinstance(one, Named)])
        is_first = options.include_self and admits_all and len(mine) == 1 and not query.text
        left_out = rows[mine] if is_first or not options.include_self else NONE
        target = target_of([as_asked[place] for place in mine], vectors[mine], left_out)
        if is_first:
            target = replace(target, first=rows[mine])
        if options.same_authors == "raise":
            target = replace(target, authors=SameAuthors(papers[place] for place in mine))
        if query.text:
            both = np.concatenate([target.vectors, texts[query.text].vector])
            target = replace(target, vectors=both, texts=[*target.texts, Text(query.text)])
        notes = [one.note for one in named if isinstance(one, Named)] + [told[place] for place in mine]
        notes += [texts[query.text].note] if query.text else []
        yield Asked(tuple(papers[place] for place in mine), query.text, target, tuple(filter(None, notes)))


def _as_asked(papers: Sequence[Paper], vectors: Vectors, embed: Embed | None) -> tuple[list[Paper], Vectors, list[str]]:
    """The papers and (p, dim) vectors that are asked for, and what the asker should know of each.

    Of a paper whose abstract is nothing but a notice of withdrawal the title is asked for: the notice is like other
    notices. `embed`: None where no vectors are needed.
    """
    withdrawn = [place for place, paper in enumerate(papers) if is_withdrawn(paper)]
    told = [""] * len(papers)
    for place in withdrawn:
        said = papers[place].comments
        shown = f": {said if len(said) <= _SHOWN else f'{said[:_SHOWN]}...'}" if said else ""
        told[place] = f"{papers[place].id} was withdrawn{shown}"
    asked = list(papers)
    if by_title := [place for place in withdrawn if says_only_so(papers[place])]:
        how = "its title was asked for"
        try:
            if embed is None:
                vectors[by_title] = np.nan  # as that of a text whose words alone are asked for
            else:
                titles = embed([papers[place].title for place in by_title])
                vectors[by_title] = np.concatenate([one.vector for one in titles])
        except (ModelError, FingerprintMismatch) as error:
            how = f"the notice was asked for, as its title cannot be embedded: {error}"
        for place in by_title:
            asked[place] = replace(papers[place], abstract="")
            told[place] = f"{papers[place].id} was withdrawn, and its abstract says only so; {how}"
    return asked, vectors, told


def find_papers(view: Searcher, papers: Sequence[str]) -> dict[str, Named | LunacyError]:
    """Each paper, by its id in any form, its DOI or its title, or the error that says why there is none."""
    found: dict[str, Named | LunacyError] = {
        paper: Named(row) for paper, row in zip(papers, rows_of(view, papers), strict=True) if row is not None
    }
    lacking = [paper for paper in papers if paper not in found]
    found |= find_dois(view, lacking)
    found |= find_titles(view, [paper for paper in lacking if paper not in found])
    return found | {paper: why_lacking(view, paper) for paper in lacking if paper not in found}


def target_of(papers: Sequence[Paper], vectors: Vectors, left_out: Rows) -> Target:
    """The target for `papers` with their (n, dim) `vectors`."""
    return Target(vectors, [Text(paper.abstract, paper.title) for paper in papers], left_out)
