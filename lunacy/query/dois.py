"""Find papers by their DOIs, which publishers give: for a text that is no arXiv id."""

from __future__ import annotations

from collections.abc import Iterable

from lunacy.doi import doi_of
from lunacy.errors import LunacyError, NotAnId, UnknownPaper
from lunacy.query.titles import Named, several
from lunacy.search import Searcher


def find_dois(view: Searcher, texts: Iterable[str]) -> dict[str, Named | LunacyError]:
    """The paper with each of `texts` that is a DOI, by itself or in a link, or the error that says why there is none.

    What is no DOI is passed over. `texts` are no arXiv ids: arXiv's own DOIs are.
    """
    return {text: _found(view, doi) for text in dict.fromkeys(texts) if (doi := doi_of(text)) is not None}


def _found(view: Searcher, doi: str) -> Named | LunacyError:
    rows = view.with_doi(doi)
    if not rows:
        return UnknownPaper(f"no paper in the index has the DOI {doi}", where=view.name)
    if len(rows) == 1:
        return Named(rows[0])
    return NotAnId(f"{doi} is the DOI of {several(view, rows)}")
