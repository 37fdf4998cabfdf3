"""Filters that depend on the papers that are asked for: what was posted before them, or after; by others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lunacy.dates import date_number
from lunacy.errors import LunacyError, UsageError
from lunacy.filter import Filter
from lunacy.paper import Paper
from lunacy.query.asked import find_papers
from lunacy.query.titles import Named
from lunacy.question import Options, Query
from lunacy.same_authors import author_names
from lunacy.search import Searcher


def filters_beside(view: Searcher, batch: Sequence[Query], options: Options) -> Iterator[Filter | LunacyError]:
    """The filter for each query; where there is none, the error that says so."""
    found = find_papers(view, [paper for query in batch for paper in query.papers])
    rows = np.unique([one.row for one in found.values() if isinstance(one, Named)]).astype(np.int64)
    papers = dict(zip(rows.tolist(), view.papers(rows), strict=True))
    for query in batch:
        named = [found[paper] for paper in query.papers]
        if error := next((one for one in named if isinstance(one, LunacyError)), None):
            yield error
            continue
        try:
            yield filter_beside(options, [papers[one.row] for one in named if isinstance(one, Named)])
        except UsageError as error:
            yield error


def filter_beside(options: Options, papers: Sequence[Paper]) -> Filter:
    """The filter of `options`, and what they say of others than `papers`, which are asked for together.

    Raises UsageError where it is not known when one of them was posted.
    """
    wanted = options.filter
    if options.same_authors == "drop":
        wanted = replace(wanted, not_authors=author_names(papers))
    if not (options.older or options.newer):
        return wanted
    for paper in papers:
        if not paper.posted:
            name = "older" if options.older else "newer"
            raise UsageError(f"it is not known when {paper.id} was posted; leave {name} out, or give since or until")
    posted = [paper.posted for paper in papers]
    if options.older:
        return replace(wanted, not_after=min(posted, key=lambda one: Filter(until=one).last_date))
    return replace(wanted, not_before=max(posted, key=date_number))
