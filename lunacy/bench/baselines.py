"""TF-IDF and BM25 over titles and abstracts, which the rankings are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from lunacy.bench.judgements import Qrels, is_paper
from lunacy.paper import Paper, embedded_text

DEPTH = 100  # hits a list
_MANY = 1000  # papers: from there on, TF-IDF leaves out what occurs in one alone

Lists = dict[str, list[str]]  # query id -> ids, best first
Scorer = Callable[[str], Any]  # a query's text -> (n_papers,) scores


def baselines(qrels: Qrels, corpus: Mapping[str, Paper], texts: Mapping[str, str]) -> dict[str, Lists]:
    """The lists of TF-IDF and, where bm25s is installed, of BM25, by name.

    `texts`: of the queries that are no papers, by id. A query that is a paper is left out of its own list.
    """
    ids = list(corpus)
    words = [embedded_text(paper, "title+abstract") for paper in corpus.values()]
    by_id = dict(zip(ids, words, strict=True))
    papers = {query for query in qrels if is_paper(query, corpus, texts)}
    queries = {query: by_id[query] if query in papers else texts[query] for query in qrels}
    found: dict[str, Lists] = {}
    for name, scorer in (("TF-IDF", _tfidf(words)), ("BM25", _bm25(words))):
        if scorer is not None:
            found[name] = {
                query: _best(ids, scorer(text), query if query in papers else None) for query, text in queries.items()
            }
    return found


def _tfidf(words: list[str]) -> Scorer:
    """scikit-learn's TF-IDF: one- and two-word terms, sublinear."""
    feature: Any = import_module("sklearn.feature_extraction.text")
    settings = {
        "ngram_range": (1, 2),
        "sublinear_tf": True,
        "min_df": 2 if len(words) > _MANY else 1,
        "dtype": np.float32,
    }
    vectoriser = feature.TfidfVectorizer(**settings)
    matrix = vectoriser.fit_transform(words)
    return lambda text: (matrix @ vectoriser.transform([text]).T).toarray()[:, 0]


def _bm25(words: list[str]) -> Scorer | None:
    """BM25 by bm25s; None where it is not installed."""
    try:
        bm25s: Any = import_module("bm25s")
    except ImportError:
        return None
    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(words, show_progress=False), show_progress=False)

    def score(text: str) -> Any:
        [tokens] = bm25s.tokenize([text], return_ids=False, show_progress=False)
        return retriever.get_scores(tokens)

    return score


def _best(ids: list[str], scores: Any, left_out: str | None) -> list[str]:
    """The ids with the highest of (n,) `scores`."""
    order = np.argsort(-scores, kind="stable")[: DEPTH + 1]
    return [ids[place] for place in order if ids[place] != left_out][:DEPTH]
