"""How good the rankings are, beside TF-IDF and BM25, on papers that are known to belong together."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lunacy.bench.baselines import DEPTH, Lists, baselines
from lunacy.bench.judgements import Qrels, check_ids, is_paper, read_beir, read_qrels
from lunacy.embedding import Embedder
from lunacy.errors import UsageError
from lunacy.paper import Paper
from lunacy.pipeline import build_index, build_lexical
from lunacy.query import Index, open_index
from lunacy.question import RANKS
from lunacy.store import Store

METRICS = {"nDCG@10": "ndcg_cut_10", "MRR": "recip_rank", "Recall@100": "recall_100"}
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Measured:
    """A ranking's mean over the queries, and where that lies with 95 % (bootstrap over queries), by metric."""

    name: str
    mean: dict[str, float]
    interval: dict[str, tuple[float, float]]
    against_dense: dict[str, tuple[float, float]]  # the interval of the difference


@dataclass(frozen=True, slots=True)
class QualityReport:
    """All rankings on the same queries."""

    n_queries: int
    n_papers: int
    same_category: dict[str, float]  # by ranking: the share of ten neighbours in the query's own primary category
    rankings: list[Measured]


def bench_quality(
    data: str | Path,
    *,
    index: str | Path | None,
    model: str | None = None,
    device: str = "auto",
    embedder: Embedder | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> QualityReport:
    """Measure every ranking on `data`: a folder in BEIR's layout, or a file of pairs over the papers of `index`.

    A corpus in BEIR's layout is embedded with `model` on `device`, or by `embedder` if one is given.
    Raises UsageError where the data do not fit together, or pytrec_eval is lacking.
    """
    evaluator = _evaluator()
    data = Path(data)
    with tempfile.TemporaryDirectory(prefix="lunacy-quality-") as name:
        texts: dict[str, str] = {}
        if data.is_dir():
            snapshot, folder = Path(name) / "corpus.jsonl", Path(name) / "index"
            qrels, texts = read_beir(data, snapshot)
            say("embedding the corpus")
            build_index(snapshot, into=folder, model=model, device=device, embedder=embedder)
            build_lexical(folder)
        elif index is not None:
            qrels, folder = read_qrels(data), Path(index)
        else:
            hint = "a file of pairs needs the index of their papers: --index DIR"
            raise UsageError(f"{data} is no folder in BEIR's layout", hint=hint)
        with Store(folder) as store, store.view() as view:
            corpus = {paper.id: paper for paper in view.papers(view.live_rows())}
        check_ids(qrels, corpus, texts, data)
        lists: dict[str, Lists] = {}
        with open_index(folder, embedder=embedder) as ix:
            for rank in RANKS:
                say(rank)
                lists[rank] = _lists(ix, qrels, corpus, texts, rank)
        say("TF-IDF and BM25")
        lists |= baselines(qrels, corpus, texts)
    return _report(evaluator, qrels, corpus, lists)


def _report(evaluator: Any, qrels: Qrels, corpus: Mapping[str, Paper], lists: Mapping[str, Lists]) -> QualityReport:
    scores = {name: _scores(evaluator, qrels, found) for name, found in lists.items()}
    return QualityReport(
        n_queries=len(qrels),
        n_papers=len(corpus),
        same_category=_same_category(corpus, lists),
        rankings=[_measured(name, found, scores["dense"]) for name, found in scores.items()],
    )


def _lists(ix: Index, qrels: Qrels, corpus: Mapping[str, Paper], texts: Mapping[str, str], rank: str) -> Lists:
    by_id = [query for query in qrels if is_paper(query, corpus, texts)]
    found = dict(zip(by_id, ix.similar_many(by_id, top=DEPTH, rank=rank), strict=True))
    found |= {query: ix.similar_to_text(texts[query], top=DEPTH, rank=rank) for query in qrels if query not in found}
    return {query: [hit.id for hit in hits] for query, hits in found.items()}


def _same_category(corpus: Mapping[str, Paper], lists: Mapping[str, Lists]) -> dict[str, float]:
    """The share of the ten best that have the query's own primary category."""
    primary = {paper.id: paper.categories[0] for paper in corpus.values() if paper.categories}
    shares = {
        name: [
            np.mean([primary.get(one) == primary[query] for one in ids[:10]])
            for query, ids in found.items()
            if primary.get(query) and ids
        ]
        for name, found in lists.items()
    }
    return {name: float(np.mean(found)) if found else float("nan") for name, found in shares.items()}


def _evaluator() -> Any:
    try:
        return import_module("pytrec_eval")
    except ImportError:
        raise UsageError("measuring quality needs pytrec_eval: pip install 'lunacy[bench]'") from None


def _scores(pytrec_eval: Any, qrels: Qrels, found: Lists) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """By metric: (n_queries,)."""
    runs = {query: {one: float(DEPTH - place) for place, one in enumerate(ids)} for query, ids in found.items()}
    evaluated = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recip_rank", "recall.100"}).evaluate(runs)
    return {
        metric: np.array([evaluated.get(query, {}).get(name, 0.0) for query in sorted(qrels)])
        for metric, name in METRICS.items()
    }


def _measured(name: str, scores: Mapping[str, Any], dense: Mapping[str, Any]) -> Measured:
    return Measured(
        name,
        {metric: float(values.mean()) for metric, values in scores.items()},
        {metric: _interval(values) for metric, values in scores.items()},
        {metric: _interval(values - dense[metric]) for metric, values in scores.items()},
    )


def _interval(values: Any) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (_RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
