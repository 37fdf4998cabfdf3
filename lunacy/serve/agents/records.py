"""What tools answer to an agent: short records, as every character of them is read and paid for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NotRequired

from typing_extensions import TypedDict  # of pydantic, which reads no nested one of Python 3.11's own

from lunacy.answer import Answer, Hit, Info
from lunacy.authors import authors
from lunacy.display import harmless
from lunacy.paper import Paper
from lunacy.unicode import to_unicode
from lunacy.withdrawn import is_withdrawn

_MOST_AUTHORS, _MOST_ALL_AUTHORS = (
    80,
    1_000,
)  # characters: in a list, and of a paper by itself (some have 3,000 authors)
_ROOM_FOR_MORE = len(" and 9,999 more")
_MOST_CATEGORIES = 12  # of an index
_MOST_ASKED = 100  # papers: as many as can be given by their ids
_SCORE_DIGITS = 3
# Letters that no person sees and a language model reads: tags, variation selectors, soft hyphens.
_HIDDEN = re.compile("[\u00ad\u180e\ufe00-\ufe0f\U000e0000-\U000e0fff]")


class ListedPaper(TypedDict):
    """A hit."""

    id: str
    title: str
    authors: str
    posted: str
    categories: list[str]
    score: float
    url: str
    abstract: NotRequired[str]


class PaperList(TypedDict):
    """A list of hits, best first."""

    asked: list[str]  # each paper that was understood: its id and title
    hits: list[ListedPaper]
    ranking: str
    notes: list[str]


class WholePaper(TypedDict):
    """A paper with all that an agent needs to judge it and to cite it; what is not known is left out."""

    id: str
    title: str
    authors: str
    posted: str
    categories: list[str]
    url: str
    abstract: str
    withdrawn: NotRequired[bool]
    updated: NotRequired[str]
    doi: NotRequired[str]
    journal_ref: NotRequired[str]
    comments: NotRequired[str]


class Papers(TypedDict):
    """Papers, and why there are not more."""

    papers: list[WholePaper]
    notes: list[str]


class IndexFacts(TypedDict):
    """What an index holds."""

    name: str
    papers: int
    first_posted: str
    last_posted: str
    complete_up_to: str  # "" where it is not known
    categories: dict[str, int]  # the largest
    ranking: str
    texts: str  # the state of the model that reads texts


class Indexes(TypedDict):
    """All that can be asked."""

    indexes: Sequence[Mapping[str, object]]  # `IndexFacts`; a schema of what explains itself costs room
    lists: NotRequired[dict[str, int]]  # the user's reading lists, and how many papers each has


class Change(TypedDict):
    """What became of papers for a list."""

    added: list[str]  # ids
    notes: list[str]


def list_record(answer: Answer, notes: Iterable[str] = (), *, has_abstracts: bool = False) -> PaperList:
    """The answer, with `notes` before its own."""
    return {
        "asked": [f"{paper.id} {_text(paper.title)}" for paper in answer.papers[:_MOST_ASKED]],
        "hits": [_listed(hit, has_abstract=has_abstracts) for hit in answer.hits],
        "ranking": answer.ranking,
        "notes": [*notes, *map(visible, answer.notes), *_limits(answer)],
    }


def whole_record(paper: Paper) -> WholePaper:
    """All of a paper."""
    record: WholePaper = {
        "id": paper.id,
        "title": _text(paper.title),
        "authors": short_authors(paper, _MOST_ALL_AUTHORS),
        "posted": paper.posted,
        "categories": list(paper.categories),
        "url": paper.url,
        "abstract": _text(paper.abstract),
    }
    if is_withdrawn(paper):
        record["withdrawn"] = True
    if paper.updated:
        record["updated"] = paper.updated
    if paper.doi:
        record["doi"] = visible(paper.doi)
    if paper.journal_ref:
        record["journal_ref"] = _text(paper.journal_ref)
    if paper.comments:
        record["comments"] = _text(paper.comments)
    return record


def index_record(name: str, info: Info, *, ranking: str, texts: str) -> IndexFacts:
    """What an index holds, by its public name."""
    summary = info.summary
    return {
        "name": name,
        "papers": summary.n_papers,
        "first_posted": summary.first_posted,
        "last_posted": summary.last_posted,
        "complete_up_to": info.source[1],
        "categories": dict(summary.largest[:_MOST_CATEGORIES]),
        "ranking": ranking,
        "texts": texts,
    }


def short_authors(paper: Paper, most: int) -> str:
    """The authors in `most` characters: as many of the first as fit, and how many more there are."""
    names = [visible(one.name) for one in authors(paper)]
    shown = names[0] if names else ""
    for n in range(2, len(names) + 1):
        more = f", {names[n - 1]}"
        if len(shown) + len(more) > most - _ROOM_FOR_MORE * (n < len(names)):
            return f"{shown} and {len(names) - n + 1:,} more"
        shown += more
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."


def _listed(hit: Hit, *, has_abstract: bool) -> ListedPaper:
    record: ListedPaper = {
        "id": hit.id,
        "title": _text(hit.title),
        "authors": short_authors(hit.paper, _MOST_AUTHORS),
        "posted": hit.posted,
        "categories": list(hit.categories),
        "score": round(hit.score if hit.cosine is None else hit.cosine, _SCORE_DIGITS),
        "url": hit.url,
    }
    if has_abstract:
        record["abstract"] = _text(hit.paper.abstract)
    return record


def _limits(answer: Answer) -> Iterable[str]:
    """Why a list is short, or not all of it is told."""
    if len(answer.papers) > _MOST_ASKED:
        yield f"of the {len(answer.papers):,} papers asked for, the first {_MOST_ASKED} are named"
    if answer.n_qualified is not None and answer.n_qualified <= len(answer.hits):
        yield f"only {answer.n_qualified:,} papers pass the filters; widen them for more"


def visible(text: str) -> str:
    """`text` without what nobody sees in it."""
    return harmless(_HIDDEN.sub("", text))


def _text(text: str) -> str:
    return visible(to_unicode(text))
