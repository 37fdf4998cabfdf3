"""How good the rankings are, beside TF-IDF and BM25, on papers that are known to belong together."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lunacy.bench.baselines import DEPTH, Lists, baselines
from lunacy.bench.judgements import Qrels, check_ids, is_paper, read_beir, read_qrels
from lunacy.embedding import Embedder
from lunacy.errors import MissingExtra, UsageError
from lunacy.paper import Paper
from lunacy.pipeline import build_index, build_lexical
from lunacy.query import Index, open_index
from lunacy.question import RANKS, RECOMMENDED_DIVERSITY, Keywords
from lunacy.store import Store

METRICS = {"nDCG@10": "ndcg_cut_10", "MRR": "recip_rank", "Recall@100": "recall_100"}
_RESAMPLES = 1000
_N_DRAWN = 300  # papers, among whose hits cosines are taken
_RANKINGS: dict[str, Keywords] = {rank: {"rank": rank} for rank in RANKS}
_RANKINGS |= {
    f"{rank} --diverse {RECOMMENDED_DIVERSITY}": {"rank": rank, "diverse": RECOMMENDED_DIVERSITY} for rank in RANKS
}


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
    among_ten: dict[str, float]  # by ranking of lunacy: the mean cosine of two of ten neighbours, for papers drawn
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
    if data.is_dir() and index is not None:
        raise UsageError(f"{data} is a folder in BEIR's layout, with papers of its own; leave out the index")
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
        among_ten: dict[str, float] = {}
        with open_index(folder, embedder=embedder) as ix:
            for name, options in _RANKINGS.items():
                say(name)
                lists[name] = _lists(ix, qrels, corpus, texts, options)
                among_ten[name] = _among_ten(ix, folder, list(corpus), options)
        say("TF-IDF and BM25")
        lists |= baselines(qrels, corpus, texts)
    return _report(evaluator, qrels, corpus, lists, among_ten)


def _report(
    evaluator: Any, qrels: Qrels, corpus: Mapping[str, Paper], lists: Mapping[str, Lists], among_ten: dict[str, float]
) -> QualityReport:
    scores = {name: _scores(evaluator, qrels, found) for name, found in lists.items()}
    return QualityReport(
        n_queries=len(qrels),
        n_papers=len(corpus),
        same_category=_same_category(corpus, lists),
        among_ten=among_ten,
        rankings=[_measured(name, found, scores["dense"]) for name, found in scores.items()],
    )


def _lists(ix: Index, qrels: Qrels, corpus: Mapping[str, Paper], texts: Mapping[str, str], options: Keywords) -> Lists:
    asked: Keywords = {**options, "top": DEPTH}
    by_id = [query for query in qrels if is_paper(query, corpus, texts)]
    found = dict(zip(by_id, ix.similar_many(by_id, **asked), strict=True))
    found |= {query: ix.similar_to_text(texts[query], **asked) for query in qrels if query not in found}
    return {query: [hit.id for hit in hits] for query, hits in found.items()}


def _among_ten(ix: Index, folder: Path, ids: Sequence[str], options: Keywords) -> float:
    """The mean cosine of two of the ten hits of a paper, over papers drawn from `ids`."""
    drawn = np.random.default_rng(0).choice(len(ids), min(_N_DRAWN, len(ids)), replace=False)
    lists = [[hit.id for hit in hits] for hits in ix.similar_many([ids[place] for place in drawn], **options)]
    with Store(folder) as store, store.view() as view:
        rows = view.rows([one for hits in lists for one in hits])
        means = []
        for hits in lists:
            vectors = view.vectors(np.array([rows[one] for one in hits], np.int64))
            means.append((vectors @ vectors.T)[~np.eye(len(hits), dtype=np.bool_)])
    return float(np.concatenate(means).mean())


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
        raise MissingExtra("pytrec_eval, which measures quality,", "bench") from None


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
