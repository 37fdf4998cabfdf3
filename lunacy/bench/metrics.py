"""Lists that are judged: how high what is relevant stands in them, and how sure a mean over queries is."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.bench.baselines import DEPTH, Lists
from lunacy.bench.judgements import Qrels, is_paper
from lunacy.errors import MissingExtra
from lunacy.paper import Paper
from lunacy.query import Index
from lunacy.question import Keywords

METRICS = {"nDCG@10": "ndcg_cut_10", "MRR": "recip_rank", "Recall@100": "recall_100"}
_RESAMPLES = 1000

ByQuery = npt.NDArray[np.float64]  # (n_queries,)


def evaluator() -> Any:
    """pytrec_eval, which measures the lists. Raises MissingExtra without it."""
    try:
        return import_module("pytrec_eval")
    except ImportError:
        raise MissingExtra("pytrec_eval, which measures quality,", "bench") from None


def lists_of(
    ix: Index, qrels: Qrels, corpus: Mapping[str, Paper], texts: Mapping[str, str], options: Keywords
) -> Lists:
    """What `ix` answers to the queries of `qrels`: papers of `corpus`, or the `texts` of others."""
    asked: Keywords = {**options, "top": DEPTH}
    by_id = [query for query in qrels if is_paper(query, corpus, texts)]
    found = dict(zip(by_id, ix.similar_many(by_id, **asked), strict=True))
    found |= {query: ix.similar_to_text(texts[query], **asked) for query in qrels if query not in found}
    return {query: [hit.id for hit in hits] for query, hits in found.items()}


def scores(pytrec_eval: Any, qrels: Qrels, found: Lists) -> dict[str, ByQuery]:
    """By metric, for each query, in the order of their ids."""
    runs = {query: {one: float(DEPTH - place) for place, one in enumerate(ids)} for query, ids in found.items()}
    evaluated = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recip_rank", "recall.100"}).evaluate(runs)
    return {
        metric: np.array([evaluated.get(query, {}).get(name, 0.0) for query in sorted(qrels)])
        for metric, name in METRICS.items()
    }


def interval(values: ByQuery) -> tuple[float, float]:
    """Where the mean lies with 95 % (bootstrap over queries); of differences of two lists each: paired."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (_RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def means(
    found: Mapping[str, ByQuery], control: Mapping[str, ByQuery]
) -> tuple[dict[str, float], dict[str, tuple[float, float]], dict[str, tuple[float, float]]]:
    """By metric: the mean over queries, its interval, and that of the difference from `control`, query by query."""
    return (
        {metric: float(values.mean()) for metric, values in found.items()},
        {metric: interval(values) for metric, values in found.items()},
        {metric: interval(values - control[metric]) for metric, values in found.items()},
    )
