"""How good the lists are: rankings side by side, and TF-IDF and BM25, on papers that are known to belong together.

The data are a folder in BEIR's layout (corpus.jsonl, queries.jsonl, qrels.tsv or qrels/test.tsv), or a file of pairs
(query-id, corpus-id, score) over the papers of an index. A query whose id is a paper's asks by it, and is left out.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from lunacy.embedding import Embedder
from lunacy.errors import SnapshotError, UsageError
from lunacy.paper import Paper, canonical_id, embedded_text, squeeze_spaces
from lunacy.pipeline import build_index, build_lexical
from lunacy.query import Index, open_index
from lunacy.question import RANKS
from lunacy.store import Store

METRICS = {"nDCG@10": "ndcg_cut_10", "MRR": "recip_rank", "Recall@100": "recall_100"}
_DEPTH = 100  # hits a list
_RESAMPLES = 1000
_HIGHEST = 2**31 - 1  # score of a pair
_MANY = 1000  # papers: from there on, TF-IDF leaves out what occurs in one alone
_FILES = ("qrels.tsv", "qrels/test.tsv")

Qrels = dict[str, dict[str, int]]  # query id -> paper id -> how relevant
Lists = dict[str, list[str]]  # query id -> ids, best first


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
            qrels = read_qrels(next((data / one for one in _FILES if (data / one).exists()), data / _FILES[0]))
            queries = _records(data / "queries.jsonl")
            texts = {one["_id"]: squeeze_spaces(f"{one.get('title') or ''} {one['text']}") for one in queries}
            say("embedding the corpus")
            _write_snapshot(_records(data / "corpus.jsonl"), snapshot)
            build_index(snapshot, into=folder, model=model, device=device, embedder=embedder)
            build_lexical(folder)
        elif index is not None:
            qrels, folder = read_qrels(data), Path(index)
        else:
            hint = "a file of pairs needs the index of their papers: --index DIR"
            raise UsageError(f"{data} is no folder in BEIR's layout", hint=hint)
        with Store(folder) as store, store.view() as view:
            corpus = {paper.id: paper for paper in view.papers(view.live_rows())}
        _check(qrels, corpus, texts, data)
        lists: dict[str, Lists] = {}
        with open_index(folder, embedder=embedder) as ix:
            for how in RANKS:
                say(how)
                lists[how] = _lists(ix, qrels, corpus, texts, how)
        say("TF-IDF and BM25")
        lists |= _baselines(qrels, corpus, texts)
    scores = {name: _scores(evaluator, qrels, found) for name, found in lists.items()}
    return QualityReport(
        n_queries=len(qrels),
        n_papers=len(corpus),
        same_category=_same_category(corpus, lists),
        rankings=[_measured(name, found, scores["dense"]) for name, found in scores.items()],
    )


def read_qrels(path: Path) -> Qrels:
    """Pairs from a .tsv with a heading. Raises UsageError for what is none."""
    qrels: Qrels = {}
    number = 1
    try:
        with path.open(newline="") as file:
            rows = csv.reader(file, delimiter="\t")
            for number, row in enumerate(rows, 1):
                if number == 1 and row and not row[-1].strip().isdigit():
                    continue
                if not row:
                    continue
                query, paper, score = row
                if abs(int(score)) > _HIGHEST:
                    raise ValueError(f"the score {score[:20]} is too large")
                qrels.setdefault(canonical_id(query) or query, {})[canonical_id(paper) or paper] = int(score)
    except (ValueError, IndexError, csv.Error) as error:
        raise UsageError(
            f"{path}, line {number}: {error}; each line is: query-id, corpus-id, score, with tabs"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give a file of pairs, or a folder with one") from None
    if not qrels:
        raise UsageError(f"{path} holds no pair")
    return qrels


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                record = orjson.loads(line)
                if not (isinstance(record, dict) and {str} == {type(record.get(name)) for name in ("_id", "text")}):
                    raise SnapshotError(f"{path}, line {number}: has no _id or no text")
                yield record
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; BEIR's layout is corpus.jsonl, queries.jsonl, qrels.tsv") from None
    except orjson.JSONDecodeError as error:
        raise SnapshotError(f"{path}, line {number}: not JSON: {error}") from None


def _write_snapshot(records: Iterable[Mapping[str, Any]], into: Path) -> None:
    """In the schema of the Kaggle dataset; a paper without a title has its id for one."""
    with into.open("wb") as file:
        for one in records:
            title, text = squeeze_spaces(str(one.get("title") or "")), squeeze_spaces(str(one["text"]))
            record = {"id": one["_id"], "title": title or one["_id"], "abstract": text or title or one["_id"]}
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def _check(qrels: Qrels, corpus: Mapping[str, Paper], texts: Mapping[str, str], data: Path) -> None:
    """Every id is a paper's, or a query's that has a text."""
    lacking = [one for one in qrels if one not in corpus and one not in texts]
    lacking += [paper for wanted in qrels.values() for paper in wanted if paper not in corpus]
    if lacking:
        raise UsageError(
            f"{data}: {len(lacking):,} ids are not in the corpus ({', '.join(lacking[:3])}); take them out"
        )


def _lists(ix: Index, qrels: Qrels, corpus: Mapping[str, Paper], texts: Mapping[str, str], how: str) -> Lists:
    by_id = [query for query in qrels if _is_paper(query, corpus, texts)]
    found = dict(zip(by_id, ix.similar_many(by_id, top=_DEPTH, rank=how), strict=True))
    found |= {query: ix.similar_to_text(texts[query], top=_DEPTH, rank=how) for query in qrels if query not in found}
    return {query: [hit.id for hit in hits] for query, hits in found.items()}


def _baselines(qrels: Qrels, corpus: Mapping[str, Paper], texts: Mapping[str, str]) -> dict[str, Lists]:
    """scikit-learn's TF-IDF (one- and two-word terms, sublinear) and BM25 (bm25s) over title and abstract."""
    ids = list(corpus)
    words = [embedded_text(paper, "title+abstract") for paper in corpus.values()]
    by_id = dict(zip(ids, words, strict=True))
    papers = {query for query in qrels if _is_paper(query, corpus, texts)}
    asked = {query: by_id[query] if query in papers else texts[query] for query in qrels}
    feature: Any = import_module("sklearn.feature_extraction.text")
    settings = {
        "ngram_range": (1, 2),
        "sublinear_tf": True,
        "min_df": 2 if len(ids) > _MANY else 1,
        "dtype": np.float32,
    }
    vectoriser = feature.TfidfVectorizer(**settings)
    matrix = vectoriser.fit_transform(words)
    lists: dict[str, Lists] = {"TF-IDF": {}}
    for query, text in asked.items():
        scores = (matrix @ vectoriser.transform([text]).T).toarray()[:, 0]
        lists["TF-IDF"][query] = _best(ids, scores, query if query in papers else None)
    try:
        bm25s: Any = import_module("bm25s")
    except ImportError:
        return lists
    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(words, show_progress=False), show_progress=False)
    lists["BM25"] = {}
    for query, text in asked.items():
        [tokens] = bm25s.tokenize([text], return_ids=False, show_progress=False)
        lists["BM25"][query] = _best(ids, retriever.get_scores(tokens), query if query in papers else None)
    return lists


def _is_paper(query: str, corpus: Mapping[str, Paper], texts: Mapping[str, str]) -> bool:
    """Whether a query is a paper of the corpus, and not a text that happens to have the number of one."""
    if query not in corpus:
        return False
    return query not in texts or embedded_text(corpus[query], "title+abstract").startswith(texts[query])


def _best(ids: list[str], scores: Any, left_out: str | None) -> list[str]:
    order = np.argsort(-scores, kind="stable")[: _DEPTH + 1]
    return [ids[place] for place in order if ids[place] != left_out][:_DEPTH]


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
    runs = {query: {one: float(_DEPTH - place) for place, one in enumerate(ids)} for query, ids in found.items()}
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
