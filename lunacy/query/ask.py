"""Ask a searcher: queries in, answers out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby

import numpy as np

from lunacy.answer import Answer
from lunacy.arrays import Vectors
from lunacy.errors import LunacyError
from lunacy.filter import Filter
from lunacy.measured import QueryKind
from lunacy.query.asked import Asked, Embed, look_up, target_of
from lunacy.query.hits import hits_of
from lunacy.query.ids import required_rows
from lunacy.query.model import TextVector
from lunacy.query.near import near_hits
from lunacy.query.notes import notes_of
from lunacy.query.qualified import count_qualified, why_empty
from lunacy.query.relative import filters_beside
from lunacy.question import Options, Query, Question
from lunacy.search import Found, Ranked, Searcher, Target


def alike(questions: Iterable[Question]) -> Iterator[tuple[Options, Iterator[Query]]]:
    """The queries of all questions, in order, in runs that are answered together: of one kind, with equal options."""
    pairs = ((question, query) for question in questions for query in question.queries)
    for _key, run in groupby(pairs, lambda pair: likeness(*pair)):
        first = next(run)
        yield first[0], (query for _question, query in chain([first], run))


def likeness(question: Question, query: Query) -> Hashable:
    """What is equal of queries that are answered together: all options, papers or none, one vector or several."""
    return question.settings, bool(query.papers), len(query.papers) + bool(query.text) == 1


def answer_batch(
    view: Searcher,
    batch: Sequence[Query],
    options: Options,
    texts: Mapping[str, TextVector],
    embed: Embed,
    device: str | None,
) -> list[Answer | LunacyError]:
    """An answer for each query, in order; for one with a paper that the index lacks, the error.

    The queries are alike; where their filter depends on their papers, those that have one filter are answered together.
    `texts`: the vector of each text. `embed`: as `look_up`. For inside `Searcher.pinned`.
    """
    if not options.is_relative:
        return _answers(view, batch, options, texts, embed, device)
    answers: dict[int, Answer | LunacyError] = {}  # by the place of the query
    groups: dict[Filter, list[int]] = {}
    for place, wanted in enumerate(filters_beside(view, batch, options)):
        if isinstance(wanted, Filter):
            groups.setdefault(wanted, []).append(place)
        else:
            answers[place] = wanted
    for wanted, places in groups.items():
        some = [batch[place] for place in places]
        found = _answers(view, some, options.with_filter(wanted), texts, embed, None)
        answers |= dict(zip(places, found, strict=True))
    return [answers[place] for place in range(len(batch))]


def _answers(
    view: Searcher,
    batch: Sequence[Query],
    options: Options,
    texts: Mapping[str, TextVector],
    embed: Embed,
    device: str | None,
) -> list[Answer | LunacyError]:
    asked = list(look_up(view, batch, options, texts, embed))
    targets = [one.target for one in asked if isinstance(one, Asked)]
    unlike = _unlike(view, options)
    found = _search(view, targets, options, unlike, "paper" if batch[0].papers else "text", device)
    lists = zip(hits_of(view, found, options.min_score), found, strict=True)
    n_qualified, empty = count_qualified(view, options), ""
    answers: list[Answer | LunacyError] = []
    for one in asked:
        if isinstance(one, LunacyError):
            answers.append(one)
            continue
        hits, ranked = next(lists)
        if len(one.target.vectors) > 1:
            hits = near_hits(view, one, hits, ranked.rows)
        if options.explain:
            from lunacy.query.why import explained  # tantivy: only when asked for

            hits = explained(view, one, hits, ranked, options, unlike)
        notes = tuple(notes_of(view, one, options, ranked))
        if not hits:
            empty = empty or why_empty(view, options, has_papers=bool(one.papers))
            notes = (*notes, empty)
        answers.append(Answer(hits, one.papers, one.text, ranked.recall, options.rank, n_qualified, notes))
    return answers


def _unlike(view: Searcher, options: Options) -> Target | None:
    """The papers that hits are to be far from. Raises NotAnId, UnknownPaper."""
    if not options.unlike:
        return None
    rows = required_rows(view, options.unlike)
    return target_of(view.papers(rows), view.vectors(rows), rows)


def _search(
    view: Searcher,
    targets: Sequence[Target],
    options: Options,
    unlike: Target | None,
    query_kind: QueryKind,
    device: str | None,
) -> Sequence[Found | Ranked]:
    """The rows for each target: all at once, in one product, where the nearest vectors are all that is asked for."""
    if options.is_plain and all(len(target.vectors) == 1 for target in targets):
        none = np.empty((0, view.fingerprint.dim), np.float32)
        queries: Vectors = np.concatenate([none, *(target.vectors for target in targets)])  # (n, dim)
        without = [int(target.left_out[0]) if len(target.left_out) else -1 for target in targets]
        found = view.nearest(queries, options.top, options, query_kind=query_kind, without=without, device=device)
        return [_with_itself(view, one, target, options.top) for one, target in zip(found, targets, strict=True)]
    if unlike is not None:
        targets = [replace(one, left_out=np.append(one.left_out, unlike.left_out)) for one in targets]
    return view.rank(targets, options, unlike, query_kind=query_kind, device=device)


def _with_itself(view: Searcher, found: Found, target: Target, k: int) -> Found:
    """The first `k`: the rows of `found`, behind those that stand first."""
    if not len(target.first):
        return found
    scores = (view.vectors(target.first).astype(np.float64) * target.vectors).sum(axis=1)
    return Found(np.append(target.first, found.rows)[:k], np.append(scores, found.scores)[:k], found.recall)
