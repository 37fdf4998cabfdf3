"""Turn ids in any form into rows, and say why where there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lunacy.advice import command
from lunacy.arrays import Rows
from lunacy.categories import matching_categories
from lunacy.errors import NotAnId, UnknownPaper, UsageError
from lunacy.keywords import canonical
from lunacy.paper import canonical_id, id_fault, month_of, parse_id
from lunacy.question import Options
from lunacy.search import Searcher


def rows_of(view: Searcher, papers: Sequence[str]) -> list[int | None]:
    """The row of each paper, by its id in any form; None for one that the index lacks."""
    for paper in papers:
        if not isinstance(paper, str):
            raise UsageError(f"{str(paper)[:40]!r} is a {type(paper).__name__}; give ids as text, such as '1802.05130'")
    ids = list(map(canonical, papers))
    rows = view.rows(list(dict.fromkeys(ids)))
    return [rows.get(one) for one in ids]


def required_rows(view: Searcher, papers: Sequence[str]) -> Rows:
    """As `rows_of`. Raises NotAnId, UnknownPaper for the first that the index lacks."""
    rows = rows_of(view, papers)
    for paper, row in zip(papers, rows, strict=True):
        if row is None:
            raise why_lacking(view, paper)
    return np.array(rows, np.int64)


def require_known(view: Searcher, options: Options) -> None:
    """Raises UnknownPaper, UnknownCategory or NotAnId where the filter names what the index lacks."""
    no_ids = sorted(one for one in options.not_ids if canonical_id(one) is None)
    held = view.rows(no_ids)
    for one in no_ids:
        if one not in held:
            parse_id(one)  # a list that takes nothing away must not pass for one that does
    if options.only_ids:
        lacking = sorted(options.only_ids - view.rows(list(options.only_ids)).keys())
        if lacking:
            raise UnknownPaper(
                f"{len(lacking):,} of the {len(options.only_ids):,} ids to choose from are not in the index "
                f"({', '.join(lacking[:3])}{', ...' if len(lacking) > 3 else ''}); take them out",
                where=view.name,
            )
    if options.category:
        matching_categories(options.category, view.summary().by_category)


def why_lacking(view: Searcher, paper: str) -> UnknownPaper | NotAnId:
    """The error that says why there is no answer for `paper`."""
    try:
        identifier = parse_id(paper)
    except NotAnId as error:
        return error
    if fault := id_fault(identifier):
        return UnknownPaper(f"{identifier} is not in the index: {fault}", where=view.name)
    summary = view.summary()
    newest = summary.last_posted[:7]
    if newest and month_of(identifier) > newest:
        return UnknownPaper(
            f"{identifier} is newer than the index, whose newest paper is of {newest}",
            where=view.name,
            hint="ask arXiv for the paper with --fetch, or give its abstract: "
            + command("query", "--text", "-", "--index", view.name),
        )
    categories = [name for name, _n in summary.largest]
    shown = ", ".join(categories[:6]) + (f" and {len(categories) - 6} more" if len(categories) > 6 else "")
    until = f" up to {newest}" if newest else ""
    return UnknownPaper(
        f"{identifier} is not in the index, which holds {summary.n_papers:,} papers ({shown}){until}", where=view.name
    )
