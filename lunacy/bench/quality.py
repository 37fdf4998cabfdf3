"""How good the rankings are, beside TF-IDF and BM25, on papers that are known to belong together."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lunacy.bench.baselines import Lists, baselines
from lunacy.bench.judgements import Qrels, check_ids, read_beir, read_qrels
from lunacy.bench.metrics import evaluator, lists_of, means, scores
from lunacy.embedding import Embedder
from lunacy.errors import UsageError
from lunacy.paper import Paper
from lunacy.pipeline import build_index, build_lexical
from lunacy.query import Index, open_index
from lunacy.question import RANKS, RECOMMENDED_DIVERSITY, Keywords
from lunacy.store import Store

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
    device: str = "auto",
    embedder: Embedder | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> QualityReport:
    """Measure every ranking on `data`: a folder in BEIR's layout, or a file of pairs over the papers of `index`.

    A corpus in BEIR's layout is embedded by the default model on `device`, or by `embedder` if one is given.
    Raises UsageError where the data do not fit together, or pytrec_eval is lacking.
    """
    pytrec_eval = evaluator()
    data = Path(data)
    if data.is_dir() and index is not None:
        raise UsageError(f"{data} is a folder in BEIR's layout, with papers of its own; leave out the index")
    with tempfile.TemporaryDirectory(prefix="lunacy-quality-") as name:
        texts: dict[str, str] = {}
        if data.is_dir():
            snapshot, folder = Path(name) / "corpus.jsonl", Path(name) / "index"
            qrels, texts = read_beir(data, snapshot)
            say("embedding the corpus")
            build_index(snapshot, into=folder, device=device, embedder=embedder, lexical=False)
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
                lists[name] = lists_of(ix, qrels, corpus, texts, options)
                among_ten[name] = _among_ten(ix, folder, list(corpus), options)
        say("TF-IDF and BM25")
        lists |= baselines(qrels, corpus, texts)
    return _report(pytrec_eval, qrels, corpus, lists, among_ten)


def _report(
    pytrec_eval: Any, qrels: Qrels, corpus: Mapping[str, Paper], lists: Mapping[str, Lists], among_ten: dict[str, float]
) -> QualityReport:
    measured = {name: scores(pytrec_eval, qrels, found) for name, found in lists.items()}
    return QualityReport(
        n_queries=len(qrels),
        n_papers=len(corpus),
        same_category=_same_category(corpus, lists),
        among_ten=among_ten,
        rankings=[Measured(name, *means(found, measured["dense"])) for name, found in measured.items()],
    )


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
